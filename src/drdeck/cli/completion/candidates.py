"""Domain names and restore points to complete with, from the controller where it runs."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable

import click

from drdeck.cli.context import context_of
from drdeck.controller.ipc.client import Client
from drdeck.controller.process.launch import attach
from drdeck.model.text import hides
from drdeck.model.times import show

TIMEOUT_S = 1.0
"""A person waits with a finger on the tab key."""


def domain_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the site's domains; those that nobody can type are left out."""

    async def names(client: Client) -> list[str]:
        return [domain.name for domain in (await client.get_listing()).domains]

    return [name for name in _ask(context, names) if name.startswith(incomplete) and not hides(name)]


def restore_points(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Times of the restore points of the domain that was typed before, newest first."""

    # click gives up at an option without its value, and leaves what it has not sorted in `args`
    domain = context.params.get("domain") or next(iter(context.args), None)
    if domain is None:
        return []

    async def times(client: Client) -> list[str]:
        points = await client.points(domain)
        return [show(point.time) for point in points.points]

    return [time for time in _ask(context, times) if time.startswith(incomplete)]


def _ask(context: click.Context, question: Callable[[Client], Awaitable[list[str]]]) -> list[str]:
    """The controller's answer; empty where it does not run, does not answer soon, or refuses."""

    async def ask() -> list[str]:
        async with asyncio.timeout(TIMEOUT_S):
            client = await attach(context_of(context.find_root().params).paths, [], start=False)
            try:
                return await question(client)
            finally:
                await client.close()

    silence = io.StringIO()  # the terminal shows the line that is being typed
    with (
        contextlib.redirect_stderr(silence),
        contextlib.redirect_stdout(silence),
        contextlib.suppress(Exception),  # whatever it is, the command itself will say it
    ):
        return asyncio.run(ask())
    return []
