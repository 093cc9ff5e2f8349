"""`drdeck answer`: to an operation, to the one of a domain that asks, or to all of a run that ask alike."""

from __future__ import annotations

import click

from drdeck.cli import exit_codes, output
from drdeck.cli.acting.submitting import refuse_read_only
from drdeck.cli.completion.candidates import answers, asked_vms, asking, run_ids
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc.client import Client
from drdeck.controller.ipc.protocol import Listing
from drdeck.controller.journal.operations import OperationView
from drdeck.model.text import some, spelled_as

ANSWERS = ("retry", "skip", "wait", "abort", "confirm", "power-off")
RUN_ANSWERS = ("retry", "skip", "wait", "abort", "confirm")
LEFT_OUT_NAMED = 10
KINDS = ("not_ready", "failed", "unknown", "slow", "site")
"""What many domains of a run may ask alike."""


def _kinds(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [kind for kind in KINDS if kind.startswith(incomplete)]


@click.command("answer")
@click.argument("operation", metavar="OPERATION|DOMAIN", shell_complete=asking)
@click.argument("choice", shell_complete=answers, required=False)
@click.option(
    "--vm",
    metavar="NAME",
    shell_complete=asked_vms,
    help="Answer what vCenter asks of this VM; CHOICE is a label.",
)
@click.option("--confirm", metavar="DOMAIN", help="With power-off: the domain's name.")
@click.option(
    "--run",
    metavar="RUN",
    shell_complete=run_ids,
    help="Answer the same of all domains of a run: --kind KIND CHOICE.",
)
@click.option(
    "--kind",
    metavar="KIND",
    shell_complete=_kinds,
    help="With --run: not_ready, failed, unknown, slow or site.",
)
@json_option
@runs
async def answer(
    context: Context,
    operation: str,
    choice: str | None,
    vm: str | None,
    confirm: str | None,
    run: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Answer a question: retry, skip, wait, abort, confirm or power-off.

    With a DOMAIN: the question of its operation, where only one of them asks.
    """
    if run is not None or kind is not None:
        if run is None or kind is None or choice is not None or vm is not None:
            raise Exit(exit_codes.USAGE, "write: drdeck answer --run RUN --kind KIND CHOICE")
        refuse_read_only(context)
        await _answer_run(context, run, kind, operation, as_json)
        return
    if choice is None:
        raise click.MissingParameter(param_hint="'CHOICE'", param_type="argument")
    if vm is None and choice not in ANSWERS:
        offered = ", ".join(map(repr, ANSWERS))
        raise click.BadParameter(f"{choice!r} is not one of {offered}.", param_hint="'CHOICE'")
    refuse_read_only(context)
    async with context.client(sighted=False) as client:
        ident = await _operation(client, operation, vm is not None)
        skipped = await _skipped_names(client, ident) if choice == "skip" and vm is None else []
        await client.answer(ident, choice, vm, confirm)
    if skipped:
        output.note(f"Left out: {some(skipped, LEFT_OUT_NAMED)}.")
    if as_json:
        about = {"vms": skipped} if skipped else {"vm": vm} if vm else {}
        output.emit({"operation": ident, "answer": choice, **about})
    else:
        of = f"the question of {vm}" if vm else "the question of operation"
        output.remark(f"answered {of} {ident if not vm else f'(operation {ident})'}: {choice}")


async def _skipped_names(client: Client, operation: str) -> list[str]:
    """Names of the VMs in what an operation asks now."""
    listing = await client.get_listing()
    asks = next((op for op in listing.operations if op.id == operation), None)
    return sorted(asks.question.vms.values()) if asks and asks.question else []


async def _operation(client: Client, word: str, of_vm: bool) -> str:
    """The id that is meant by an operation's id or a domain's name. Raises Exit."""
    listing = await client.get_listing()
    if any(op.id == word for op in listing.operations):
        return word
    name = spelled_as(word, [domain.name for domain in listing.domains])
    here = [op for op in listing.operations if op.domain == name and op.ended_at is None]
    if not here and all(domain.name != name for domain in listing.domains):
        return word  # the controller knows what to say of it
    open_ones = here if of_vm else [op for op in here if op.question is not None]
    if len(open_ones) == 1:
        return open_ones[0].id
    if open_ones:
        ids = ", ".join(op.id for op in open_ones)
        raise Exit(exit_codes.USAGE, f"several operations of {name} ask: {ids}; answer one by its id")
    raise Exit(exit_codes.REFUSED, f"no question on {name}{_others(listing)}")


def _others(listing: Listing) -> str:
    """Words about the questions that there are elsewhere."""
    asking: list[OperationView] = [op for op in listing.operations if op.question is not None]
    if not asking:
        return ""
    return f"; questions are open on {', '.join(dict.fromkeys(op.domain for op in asking))}"


async def _answer_run(context: Context, run: str, kind: str, choice: str, as_json: bool) -> None:
    """Answer every question of a kind in a run; the domains are listed."""
    if choice not in RUN_ANSWERS:
        offered = ", ".join(map(repr, RUN_ANSWERS))
        raise click.BadParameter(f"{choice!r} is not one of {offered}.", param_hint="'CHOICE'")
    async with context.client() as client:
        answered = await client.plans.answer_all(run, kind, choice)
    if as_json:
        output.emit({"run": run, "answer": choice, "operations": answered.operations})
    else:
        for domain, operation in answered.operations.items():
            output.say(f"{domain}: {operation}: {choice}")
    for domain, why in answered.refused.items():
        output.note(f"{domain}: not answered: {why}")
