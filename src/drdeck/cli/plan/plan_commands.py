"""`drdeck plan`: plans are listed and looked at, runs begun and steered."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from shlex import quote

import click
import msgspec

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.acting.request_options import (
    SECONDS,
    except_option,
    mapping_of,
    network_option,
    only_option,
    timeout_option,
)
from drdeck.cli.acting.submitting import refuse_read_only
from drdeck.cli.completion.candidates import domains_between_commas
from drdeck.cli.completion.plan_candidates import domains_in_run, plan_names, run_ids
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.cli.prompts import ask, may_ask
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.ipc.plan_client import Change
from drdeck.controller.ipc.protocol import Listing
from drdeck.model.domains import FailoverType
from drdeck.model.life.trial_words import tested_word
from drdeck.model.plans.plan_check import DomainCheck, PlanCheck, Possible
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.plans.run_views import RunView
from drdeck.model.text import some
from drdeck.model.times import show_duration

from . import plan_shapes, plan_waiting

TYPES = click.Choice([str(t) for t in FailoverType])


@click.group()
def plan() -> None:
    """Failover plans: many domains as one run."""


@plan.command("list")
@json_option
@runs
async def plan_list(context: Context, as_json: bool) -> None:
    """List the plans: those of the settings and of the site, and "all"."""
    async with context.client() as client:
        plans = await client.plans.plans()
    if as_json:
        output.emit({"plans": [plan_shapes.summary(p) for p in plans]})
        return
    rows = [
        (p.plan.name, len(p.plan.waves), p.domains, p.plan.type or "-", p.rehearsed or "never", p.plan.title)
        for p in plans
    ]
    output.table(("PLAN", "WAVES", "DOMAINS", "TYPE", "RUN LAST", "TITLE"), rows, "there is no plan")
    for summary in plans:
        for problem in summary.problems:
            output.note(f"warning: {problem}")


@plan.command("show")
@click.argument("plan", shell_complete=plan_names)
@json_option
@runs
async def plan_show(context: Context, plan: str, as_json: bool) -> None:
    """Show the waves of PLAN with their domains."""
    async with context.client() as client:
        check = await client.plans.check(RunRequest(plan=plan))
        summary = next(p for p in await client.plans.plans() if p.plan.name == plan)
    if as_json:
        members = [
            {"name": wave, "domains": [d.name for d in check.domains if d.wave == number]}
            for number, wave in enumerate(check.waves)
        ]
        output.emit({**plan_shapes.summary(summary), "members": members})
        return
    own = summary.plan
    output.say(f"{own.name}: {own.title or 'no title'}")
    output.say(f"{own.domains_at_once} domains at once, patience {show_duration(own.patience_s)}")
    output.say(f"after a failure: {own.on_failure}; run last: {summary.rehearsed or 'never'}")
    for number, wave in enumerate(check.waves):
        names = [d.name for d in check.domains if d.wave == number]
        gate = f" ({own.waves[number].gate})" if number < len(own.waves) else ""
        named = f"{number + 1} {wave}" if wave != str(number + 1) else wave
        output.say(f"wave {named}{gate}: {', '.join(names) or 'no domain'}")
    for problem in check.problems:
        output.note(f"warning: {problem}")


@plan.command("check")
@click.argument("plan", shell_complete=plan_names)
@click.option("--type", "kind", type=TYPES, help="As if this type were asked for.")
@click.option("--run-pitr/--no-run-pitr", "run_pitr", default=None, help="As the plan has it, else.")
@json_option
@runs
async def plan_check(
    context: Context, plan: str, kind: str | None, run_pitr: bool | None, as_json: bool
) -> None:
    """Look at all domains of PLAN now; nothing is changed. Exit 0: all are possible, 1: some are not."""
    request = RunRequest(plan=plan, type=FailoverType(kind) if kind else None, run_pitr=run_pitr)
    async with context.client() as client:
        check = await client.plans.check(request)
    _print_check(check, as_json)
    if check.refusal:
        raise Exit(exit_codes.FAILED, check.refusal)
    impossible = check.of(Possible.NO)
    if impossible:
        raise Exit(exit_codes.FAILED, f"{len(impossible)} of {len(check.domains)} domains cannot begin")


def _print_check(check: PlanCheck, as_json: bool) -> None:
    if as_json:
        output.emit(plan_shapes.check(check))
        return
    first: dict[str, str] = {}
    rows = [
        (
            d.name,
            check.waves[d.wave],
            "left out" if d.left_out else d.possible.replace("_", " "),
            d.vms,
            d.protected,
            "-" if d.running is None else d.running,
            tested_word(d.tested, check.at, d.testable),
            _reason_once(d, first),
        )
        for d in check.domains
    ]
    head = ("DOMAIN", "WAVE", "POSSIBLE", "VMS", "PROTECTED SITE", "RUNNING", "TESTED", "REASON")
    output.table(head, rows, f"{check.plan.name} has no domain")
    where = f", {check.direction}" if check.direction else ""
    output.say(f"{check.type}: {check.number} domains with {check.vms} VMs would begin{where}")
    if check.estimate_s is not None:
        lasts = show_duration(check.estimate_s)
        output.say(f"about {lasts} until all are recovered, by {check.estimate_from}")
    for sentence in (*check.problems, *check.says, *_typed(check)):
        output.note(sentence)
    for what in check.not_checked:
        output.note(f"Not checked: {what}")


LONG_REASON = 40


def _reason_once(domain: DomainCheck, first: dict[str, str]) -> str:
    """A reason, but where a domain before has the same long one its name; `first`: reason -> that name."""
    alike, name = domain.reason_of_any, domain.name
    if len(domain.reason) <= LONG_REASON or first.setdefault(alike, name) == name:
        return domain.reason
    return f"as {first[alike]}"


def _typed(check: PlanCheck) -> Iterator[str]:
    """The consents that a run wants, as options."""
    if check.type_confirm:
        yield f"A run needs --confirm {quote(check.type_confirm)}."
    if check.running_confirm:
        consent = f"--confirm-running {quote(check.running_confirm)}"
        yield (
            f"Protected VMs run of {some(check.running, 10)}: {consent} takes these over as well,"
            " --except-running leaves them out."
        )


@plan.command("run")
@click.argument("plan", required=False, shell_complete=plan_names)
@click.option(
    "--domains",
    metavar="A,B",
    shell_complete=domains_between_commas,
    help="These domains, in one wave, instead of a plan.",
)
@click.option("--type", "kind", type=TYPES, required=True, help="Failover type, of all domains.")
@click.option("--run-pitr/--no-run-pitr", "run_pitr", default=False, help="PITR sessions after recovery.")
@only_option
@except_option
@click.option("--except-running", is_flag=True, help="All but those whose protected VMs run.")
@network_option
@click.option("--confirm", metavar="'PLAN NUMBER'", help="Consent to a Force: plan and number of domains.")
@click.option("--confirm-running", metavar="'RUNNING NUMBER'", help="The same where protected VMs run.")
@click.option("--dry-run", is_flag=True, help="Only the look: what would begin, in order.")
@click.option("--wait", is_flag=True, help="Return when every domain is settled, or a person is needed.")
@timeout_option
@json_option
@runs
async def plan_run(
    context: Context,
    plan: str | None,
    domains: str | None,
    kind: str,
    run_pitr: bool,
    only: tuple[str, ...],
    without: tuple[str, ...],
    except_running: bool,
    networks: tuple[str, ...],
    confirm: str | None,
    confirm_running: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Begin a run of PLAN: its domains fail over by waves."""
    if (plan is None) == (domains is None):
        raise Exit(exit_codes.USAGE, "name a PLAN, or domains with --domains A,B: one of both")
    request = RunRequest(
        plan=plan or "",
        domains=tuple(filter(None, (domains or "").split(","))),
        type=FailoverType(kind),
        run_pitr=run_pitr,
        networks=mapping_of(networks),
        only=only,
        without=without,
        except_running=except_running,
        confirm=confirm,
        confirm_running=confirm_running,
    )
    if not dry_run:
        refuse_read_only(context)
    async with context.client() as client:
        if dry_run:
            check = await client.plans.check(request)
            _print_check(check, as_json)
            if check.refusal:
                raise Exit(exit_codes.FAILED, check.refusal)
            return
        ident = await _begin(client, request)
        if as_json:
            output.emit({"run": ident})
        else:
            output.say(ident)
        if wait:
            sys.stdout.flush()
            plan_waiting.end(await plan_waiting.until(client, ident, timeout, plan_waiting.settled))


async def _begin(client: Client, request: RunRequest) -> str:
    """Begin, with the consent that is asked for on a terminal where there is one."""
    try:
        return await client.plans.begin(request)
    except ControllerError as error:
        if error.code != "unconfirmed" or request.confirm is not None or not may_ask():
            raise
    check = await client.plans.check(request)
    where = f", {check.direction}" if check.direction else ""
    output.note(f"{check.number} domains with {check.vms} VMs{where}")
    for sentence in (*check.problems, *check.says):
        output.note(sentence)
    for what in check.not_checked:
        output.note(f"Not checked: {what}")
    typed = ask(f'Type "{check.type_confirm}" to continue') if check.type_confirm else None
    running = None
    if check.running_confirm:
        output.note(f"Protected VMs run, and would run twice: {', '.join(check.running)}")
        running = ask(f'Type "{check.running_confirm}" to continue with these, too')
    consented = msgspec.structs.replace(request, confirm=typed, confirm_running=running, preview=check.facts)
    return await client.plans.begin(consented)


@plan.command("status")
@click.argument("run", shell_complete=run_ids)
@json_option
@runs
async def plan_status(context: Context, run: str, as_json: bool) -> None:
    """Show RUN: waves, domains, and who needs a person."""
    async with context.client(stale=True) as client:
        _print_run(await client.plans.status(run), await client.get_listing(), as_json)


def _print_run(run: RunView, listing: Listing, as_json: bool) -> None:
    now = json_shapes.site_now(listing)
    if as_json:
        output.emit(plan_shapes.run(run, now))
        return
    output.say(f"{run.run} of plan {run.plan}: {run.state.words}{', ' + run.why if run.why else ''}")
    pitr = ", Run PITR" if run.run_pitr else ""
    since = show_duration((now - run.since).total_seconds())
    output.say(f"{run.type}{pitr}; decided {since} ago by {run.by}")
    if run.answering_since is not None:
        again = json_shapes.time(run.answering_since)
        output.say(f"the protected site answers again, since {again}; what was started continues")
    for wave in run.waves:
        begins = f" ({wave.begins})" if wave.begins else ""
        output.say(f"wave {wave.name}: {wave.state}, {wave.settled} of {wave.of} settled{begins}")
    if run.finishes_at is not None:
        output.say(f"ends about {json_shapes.time(run.finishes_at)}, by {run.finishes_from}")
    if run.pitr is not None:
        back = "rolled" if run.going_back is None else "rolling"
        output.say(f"{back} back to {json_shapes.time(run.pitr.to)}, spread {run.pitr.spread_s or 0:g} s")
        for text in run.pitr.cannot:
            output.say(f"cannot reach it: {text}")
        if run.pitr.holds:
            output.say(f"nothing starts yet: the barrier is held by {', '.join(run.pitr.barrier)}")
    rows = [
        (
            d.name,
            run.waves[d.wave].name,
            d.words,
            d.step or "-",
            f"{d.recovered}/{d.vms}",
            d.operation or "-",
            d.needs or "",
            d.reason,
        )
        for d in sorted(run.domains, key=lambda d: (not d.needs, d.wave))
    ]
    head = ("DOMAIN", "WAVE", "STATE", "STEP", "VMS", "OPERATION", "NEEDS", "REASON")
    output.table(head, rows, "the run has no domain")


@plan.command("watch")
@click.argument("run", shell_complete=run_ids)
@click.option("--timeout", type=SECONDS, metavar="S", help="Give up after so many seconds (exit code 7).")
@runs
async def plan_watch(context: Context, run: str, timeout: float | None) -> None:
    """Follow RUN until every domain is settled, or a person is needed."""
    async with context.client() as client:
        ident = (await client.plans.status(run)).run
        plan_waiting.end(await plan_waiting.until(client, ident, timeout, plan_waiting.settled))


@plan.command("pause")
@click.argument("run", shell_complete=run_ids)
@json_option
@runs
async def plan_pause(context: Context, run: str, as_json: bool) -> None:
    """Begin nothing new in RUN; what was started continues."""
    await _change(context, run, "pause", None, None, as_json)


@plan.command("resume")
@click.argument("run", shell_complete=run_ids)
@json_option
@runs
async def plan_resume(context: Context, run: str, as_json: bool) -> None:
    """Go on with RUN after a pause, or let the wave begin that waits for a word."""
    await _change(context, run, "resume", None, None, as_json)


@plan.command("leave-out")
@click.argument("run", shell_complete=run_ids)
@click.argument("domain", shell_complete=domains_in_run)
@json_option
@runs
async def plan_leave_out(context: Context, run: str, domain: str, as_json: bool) -> None:
    """Leave DOMAIN out of RUN, which continues without it."""
    await _change(context, run, "leave_out", domain, None, as_json)


@plan.command("begin")
@click.argument("run", shell_complete=run_ids)
@click.argument("domain", shell_complete=domains_in_run)
@click.option("--confirm", metavar="DOMAIN", help="Its name, where its protected site answers again.")
@json_option
@runs
async def plan_begin(context: Context, run: str, domain: str, confirm: str | None, as_json: bool) -> None:
    """Try DOMAIN of RUN again, which was refused, failed, or whose protected site answers again."""
    await _change(context, run, "begin", domain, confirm, as_json)


@plan.command("takeover")
@click.argument("run", shell_complete=run_ids)
@click.option("--confirm", metavar="RUN", help="Its id, where another controller is at work on it.")
@json_option
@runs
async def plan_takeover(context: Context, run: str, confirm: str | None, as_json: bool) -> None:
    """Drive RUN from here, which another jump host began, and continue it."""
    await _change(context, run, "take_over", None, confirm, as_json)


async def _change(
    context: Context, run: str, change: Change, domain: str | None, confirm: str | None, as_json: bool
) -> None:
    refuse_read_only(context)
    async with context.client() as client:
        view = await client.plans.change(run, change, domain, confirm)
    if as_json:
        output.emit({"run": view.run, "state": str(view.state)})
    else:
        output.note(plan_waiting.progress(view))
