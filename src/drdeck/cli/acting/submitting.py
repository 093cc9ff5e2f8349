"""A request from the command line: explained, consented to, submitted, and waited for."""

from __future__ import annotations

import sys
from typing import Unpack

import click
import msgspec

from drdeck.cli import exit_codes, output, watching
from drdeck.cli.completion.candidates import domain_names
from drdeck.cli.context import Context, runs
from drdeck.cli.exit_codes import Exit
from drdeck.cli.prompts import Asker, ask, may_ask
from drdeck.cli.reading.dry_run import dry_run
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.model.actions.action_table import READ_ONLY
from drdeck.model.actions.request import Request
from drdeck.model.passwords import PROTECTED
from drdeck.model.text import clean

from .request_options import (
    RequestOptions,
    confirm_option,
    even_though_option,
    facts_named,
    request_options,
)


def refuse_read_only(context: Context) -> None:
    """Raises Exit(3) with --read-only, also where the controller that runs already may write."""
    if context.settings.read_only:
        raise Exit(exit_codes.REFUSED, READ_ONLY)


async def submit(
    context: Context, request: Request, healthy: bool = False, **options: Unpack[RequestOptions]
) -> None:
    """Submit a request, ask for consent where it is needed, print the operation, and perhaps wait."""
    refuse_read_only(context)
    async with context.client() as client:
        await submit_with(client, request, healthy, **options)


EXPLAINED = ("pitr_start", "pitr_run", "pitr_exit")
"""What is accepted without a question, but not without a word on what it means."""


def plain_command(
    name: str, action: str, text: str, consent: bool = True, against: bool = False
) -> click.Command:
    """The command of an action that takes a domain and nothing else; `consent`: it may want its name;
    `against`: facts may speak against it."""

    async def ask_for(
        context: Context,
        domain: str,
        confirm: str | None = None,
        even_though: tuple[str, ...] = (),
        **options: Unpack[RequestOptions],
    ) -> None:
        facts = facts_named(even_though)
        request = Request(action=action, domain=domain, confirm=confirm, even_though=facts)
        await submit(context, request, **options)

    command = request_options(runs(ask_for))
    if consent:
        command = confirm_option(command)
    if against:
        command = even_though_option(command)
    argument = click.argument("domain", shell_complete=domain_names)
    return click.command(name, help=text)(argument(command))


async def submit_with(
    client: Client, request: Request, healthy: bool = False, **options: Unpack[RequestOptions]
) -> None:
    if options["dry_run"]:
        await dry_run(client, request, options["as_json"])
        return
    says = await explain(client, request)
    asker = Asker(client)
    while True:
        try:
            ident = await _submit(client, request)
        except ControllerError as error:
            if error.code != "rule" or request.action != "cfo_complete":
                raise
            # refused, perhaps, for nothing but that nobody could log in at the protected site
            need = asker.next_login(await client.get_listing(), PROTECTED)
            if need is None:
                raise
            await asker.ask(need, "the protected site")
        else:
            break
    if options["as_json"]:
        output.emit({"operation": ident})
    else:
        output.say(ident)
    for sentence in says:
        output.note(sentence)
    if options["wait"]:
        sys.stdout.flush()
        await watching.until_done(client, ident, options["timeout"])
    await watching.say_end(client, request, options["wait"], healthy)


async def _submit(client: Client, request: Request) -> str:
    try:
        return await client.submit(request)
    except ControllerError as error:
        if error.code != "unconfirmed" or request.confirm is not None or not may_ask():
            raise
        return await client.submit(await consent(client, request))


async def explain(client: Client, request: Request) -> tuple[str, ...]:
    """Say what speaks against a request, and what may disturb the PITR session that it leads to; returns
    what to say once it is accepted."""
    if request.action not in (*EXPLAINED, "cfo_complete", "pitr_exit", "failover_undo"):
        return ()
    preview = await client.preview(request)
    for sentence in preview.obstacles:
        output.note(f"against: {sentence}")
    for out in preview.left_out:
        output.note(f"left out: {out}")
    if preview.refusal is None:
        for sentence in (*preview.dangers, *preview.against):
            output.note(f"warning: {sentence}")
    for sentence in preview.warns:
        output.note(f"warning: {sentence}")
    if request.action not in EXPLAINED or (preview.tier == 3 and request.confirm is None):
        return ()  # of tier 3 it is said when consent is asked for
    return preview.says


async def consent(client: Client, request: Request) -> Request:
    """Show on the terminal what a tier-3 request does, and take the typed name."""
    preview = await client.preview(request)
    for sentence in preview.says:
        output.note(sentence)
    for what in preview.not_checked:
        output.note(f"Not checked: {what}")
    typed = ask(f'Type the name of the domain ("{request.domain}") to continue')
    if typed == clean(request.domain):  # a name that cannot be typed is typed as it is shown
        typed = request.domain
    return msgspec.structs.replace(
        request, confirm=typed, preview=preview.facts, even_though=preview.against_names
    )
