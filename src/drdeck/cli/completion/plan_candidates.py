"""Plans, their runs and the domains of a run, to complete with."""

from __future__ import annotations

import click

from drdeck.controller.ipc.client import Client
from drdeck.model.times import show

from .candidates import BEFORE_ABNORMAL, ask_controller, begun
from .candidates import run_ids as run_ids


def plan_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The plans of the settings and of the site."""

    async def names(client: Client) -> list[str]:
        return [summary.plan.name for summary in await client.plans.plans()]

    return begun(ask_controller(context, names), incomplete)


def domains_in_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The domains of the run that was typed before."""
    typed = context.params.get("run") or next(iter(context.args), None)

    async def names(client: Client) -> list[str]:
        runs = (await client.get_listing()).runs
        return [domain.name for run in runs if run.run == typed for domain in run.domains]

    return begun(ask_controller(context, names), incomplete)


def instants_of_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Instants to which the sessions of the typed run can be rolled back, newest first."""
    typed = context.params.get("run") or next(iter(context.args), None)
    if typed is None:
        return []

    async def times(client: Client) -> list[str]:
        points = await client.plans.points(typed)
        return ["last-good", BEFORE_ABNORMAL, *(show(instant.to) for instant in points.instants)]

    return begun(ask_controller(context, times), incomplete)
