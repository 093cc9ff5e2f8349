"""`drdeck plan pitr`: one instant for all sessions of a run, and the way out of them."""

from __future__ import annotations

import sys
from datetime import datetime

import click
import msgspec

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.acting.request_options import timeout_option
from drdeck.cli.acting.submitting import refuse_read_only
from drdeck.cli.acting.typed_instants import typed_instant
from drdeck.cli.completion import candidates
from drdeck.cli.completion.candidates import domains_between_commas
from drdeck.cli.completion.plan_candidates import domains_in_run, instants_of_run, run_ids
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.cli.prompts import ask, may_ask
from drdeck.cli.reading.dry_run import NOTHING_STARTED
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.ipc.plan_messages import CommonInstantAnswer, OperationsAnswer, RunExitsAnswer
from drdeck.model.plans.common_instant import BEFORE_ABNORMAL, GOOD
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest
from drdeck.model.text import some
from drdeck.model.times import show_duration

from . import plan_shapes, plan_waiting

TO_HELP = "2026-11-22T10:42:00Z, 10:42 (UTC), -15m, last-good or before-abnormal."
NAMED = {"last-good": GOOD, candidates.BEFORE_ABNORMAL: BEFORE_ABNORMAL}


@click.group("pitr")
def plan_pitr() -> None:
    """One instant for all sessions of a run."""


@plan_pitr.command("points")
@click.argument("run", shell_complete=run_ids)
@json_option
@runs
async def run_points(context: Context, run: str, as_json: bool) -> None:
    """List instants for the sessions of RUN, newest first, with the spread of the points behind them."""
    async with context.client() as client:
        points = await client.plans.points(run)
    if as_json:
        output.emit(plan_shapes.points(points))
        return
    rows = [
        (
            json_shapes.time(i.to),
            i.kind.replace("_", " ") or "-",
            f"{len(i.reaching)}/{len(i.domains)}",
            "-" if i.spread_s is None else show_duration(i.spread_s),
            f"cannot: {some([d.name for d in i.cannot], 5)}" if i.cannot else "",
        )
        for i in points.instants
    ]
    output.table(("TIME (UTC)", "KIND", "DOMAINS", "SPREAD", ""), rows, f"{run} has no point to pick")
    for name, why in points.without.items():
        output.note(f"no session: {name}: {why}")


def _domains(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (text or "").split(",")))


@plan_pitr.command("run")
@click.argument("run", shell_complete=run_ids)
@click.option("--to", "to", required=True, metavar="TIME", shell_complete=instants_of_run, help=TO_HELP)
@click.option(
    "--domains",
    metavar="A,B",
    shell_complete=domains_between_commas,
    help="Only these domains of the run.",
)
@click.option("--confirm", metavar="'PLAN NUMBER'", help="Consent where some domains stay as they are.")
@click.option("--dry-run", is_flag=True, help="Show where each domain would go back to; begin nothing.")
@click.option("--wait", is_flag=True, help="Return when all are rolled back, or need the operator.")
@timeout_option
@json_option
@runs
async def run_roll_back(
    context: Context,
    run: str,
    to: str,
    domains: str | None,
    confirm: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Roll the sessions of RUN back to one instant; nothing starts before all are reverted."""
    refuse_read_only(context)
    async with context.client() as client:
        instant = await _instant_of(client, run, to)
        request = RunPitrRequest(run=run, to=instant, domains=_domains(domains), confirm=confirm)
        look = await client.plans.instant(request)
        for sentence in look.says:
            output.note(sentence)
        if dry_run:
            _show_instant(run, look, as_json)
            return
        answer = await _confirmed(client, request, look.confirm)
        names = tuple(d.name for d in look.instant.reaching)
        view = await client.plans.status(run)
        if as_json:
            output.emit({"run": view.run, **plan_shapes.instant(look.instant), "stays": answer.refused})
        else:
            output.say(f"{view.run}: {len(names)} domains go back to {json_shapes.time(instant)}")
        if wait:
            sys.stdout.flush()
            over = plan_waiting.batch_over("pitr_run")
            view = await plan_waiting.until(client, view.run, timeout, over)
            plan_waiting.batch_end(view, "pitr_run")


async def _instant_of(client: Client, run: str, to: str) -> datetime:
    """The instant that `--to` means for the sessions of a run. Raises Exit."""
    if to in NAMED:
        last = (await client.plans.points(run)).last(NAMED[to])
        if last is None:
            why = {
                GOOD: "its sessions were not rolled back together to an instant at which no check failed",
                BEFORE_ABNORMAL: "no abnormal writing is seen in its domains, or nothing before it",
            }[NAMED[to]]
            raise Exit(exit_codes.REFUSED, f"{run} has no {to} instant: {why}")
        output.note(f"{to} is {json_shapes.time(last.to)}")
        return last.to
    return await typed_instant(client, to)


def _show_instant(run: str, look: CommonInstantAnswer, as_json: bool) -> None:
    """Show the point that each domain would go back to."""
    if as_json:
        shape = plan_shapes.instant(look.instant)
        output.emit({"dry_run": True, "run": run, **shape, "confirm": look.confirm or None})
        return
    rows = [
        (domain.name, domain.cannot or json_shapes.time(domain.point) or "-")
        for domain in look.instant.domains
    ]
    output.table(("DOMAIN", "GOES BACK TO (UTC)"), rows, "no domain would go back")
    if look.confirm:
        output.note(f"needs --confirm '{look.confirm}'")
    output.note(NOTHING_STARTED)


async def _confirmed(client: Client, request: RunPitrRequest, confirm: str) -> OperationsAnswer:
    try:
        return await client.plans.roll_back(request)
    except ControllerError as error:
        unasked = request.confirm is None and bool(confirm) and may_ask()
        if error.code != "unconfirmed" or not unasked:
            raise
    typed = ask(f'Type "{confirm}" to continue')
    return await client.plans.roll_back(msgspec.structs.replace(request, confirm=typed))


@plan_pitr.command("release")
@click.argument("run", shell_complete=run_ids)
@click.argument("domain", shell_complete=domains_in_run)
@runs
async def run_release(context: Context, run: str, domain: str) -> None:
    """Let the others start without DOMAIN, which cannot be reverted."""
    refuse_read_only(context)
    async with context.client() as client:
        view = await client.plans.change(run, "release", domain)
    output.note(plan_waiting.progress(view))


@plan_pitr.command("exit")
@click.argument("run", shell_complete=run_ids)
@click.option(
    "--domains",
    metavar="A,B",
    shell_complete=domains_between_commas,
    help="Only these domains of the run.",
)
@click.option("--confirm", metavar="'RESET NUMBER'", help="Leave those not rolled back: all is reset.")
@click.option("--dry-run", is_flag=True, help="Show which sessions would be left; begin nothing.")
@click.option("--wait", is_flag=True, help="Return when all are left, or need the operator.")
@timeout_option
@json_option
@runs
async def run_exit(
    context: Context,
    run: str,
    domains: str | None,
    confirm: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Leave the sessions of RUN that were rolled back; with --confirm 'RESET NUMBER' those that were not."""
    refuse_read_only(context)
    request = RunExitRequest(run=run, reset=confirm is not None, domains=_domains(domains), confirm=confirm)
    async with context.client() as client:
        if dry_run:
            _show_exits(run, await client.plans.exits(request), as_json)
            return
        answer = await client.plans.leave_sessions(request)
        view = await client.plans.status(run)
        leaving = view.batches[-1].domains
        if as_json:
            output.emit({"run": view.run, "leaving": list(leaving), "stays": list(answer.refused)})
        else:
            output.say(f"{view.run}: {len(leaving)} sessions are left")
        if answer.refused:
            output.note(f"these stay in their sessions: {some(list(answer.refused), 10)}")
        if wait:
            sys.stdout.flush()
            over = plan_waiting.batch_over("pitr_exit")
            view = await plan_waiting.until(client, view.run, timeout, over)
            plan_waiting.batch_end(view, "pitr_exit")


def _show_exits(run: str, look: RunExitsAnswer, as_json: bool) -> None:
    """The sessions of a run that would be left, and those that would stay."""
    if as_json:
        shape = {"leaving": list(look.leaving), "stays": list(look.stays)}
        output.emit({"dry_run": True, "run": run, **shape})
        return
    rows = [*((name, "left") for name in look.leaving), *((name, "stays") for name in look.stays)]
    output.table(("DOMAIN", "SESSION"), rows, "no session would be left")
    output.note(NOTHING_STARTED)
