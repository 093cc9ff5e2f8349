"""Commands that read: domains, one domain, following, tasks, the journal."""

from __future__ import annotations

import re
from datetime import datetime

import click

from drdeck.config.settings import TrainingSettings
from drdeck.controller.ipc.protocol import Listing
from drdeck.controller.journal.operations import OperationView
from drdeck.model.actions.action_rules import driven_says
from drdeck.model.alarms import Severity
from drdeck.model.domains import VM_STATUS_LABELS, Domain, Mode
from drdeck.model.life.trial_words import tested_word
from drdeck.model.times import show_age, show_clock, show_duration, show_seconds, show_span

from . import exit_codes, json_shapes, output
from .acting.request_options import SECONDS
from .completion.candidates import domain_names
from .context import Context, end_stale, runs
from .exit_codes import Exit
from .reading import where_filter

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("domains")
@click.option(
    "--where",
    "where",
    multiple=True,
    metavar="EXPR",
    help=where_filter.HELP,
    shell_complete=where_filter.complete,
)
@json_option
@runs
async def domains(context: Context, where: tuple[str, ...], as_json: bool) -> None:
    """List every Protected Domain, or those for which an expression holds."""
    async with context.client(stale=True) as client:
        assert client.listing is not None  # it came when the site was seen
        listing = where_filter.matching(client.listing, where)
    if as_json:
        output.emit(json_shapes.domains(listing))
    else:
        _print_domains(listing)
    end_stale(listing)


def _print_domains(listing: Listing) -> None:
    now = json_shapes.site_now(listing)
    rows = []
    for d in listing.domains:
        rpo, session = d.rpo_s(now), d.unprotected_s(now)
        rows.append(
            (
                d.name,
                d.mode_label,
                str(d.owner).upper(),
                f"{d.vms_recoverable} / {d.vms_total}",
                health_word(d),
                "-" if rpo is None else show_duration(rpo),
                _pitr_window(d),
                tested_word(d.tested, now, d.trial_offer is not None),
                "-" if session is None else show_age(session),
                "-" if d.last_good is None else show_seconds(d.last_good),
                sign_of(d, json_shapes.open_operation(d.name, listing.operations)),
            )
        )
    head = (
        "DOMAIN",
        "MODE",
        "OWNER",
        "RECOV/TOTAL",
        "HEALTH",
        "RPO",
        "PITR",
        "TESTED",
        "SESSION",
        "LAST GOOD",
        "!",
    )
    output.table(head, rows, "the site has no Protected Domain")


def _pitr_window(d: Domain) -> str:
    """The PITR window; "on" at an appliance, which does not tell how far back it goes."""
    if not d.pitr.enabled:
        return "off"
    return "on" if d.observed_only else show_span(d.pitr.window_s)


def health_word(d: Domain) -> str:
    """The check of a domain's VMs in a word, the failing ones first."""
    if d.checked.failed:
        return f"{d.checked.failed} FAILED"
    return f"{d.checked.ok} ok" if d.checked.ok else "-"


def sign_of(d: Domain, operation: OperationView | None) -> str:
    """The list's sign: "?" where somebody is asked, "!" where an alarm is more than a remark."""
    asks = operation is not None and operation.question is not None
    alarmed = any(a.severity is not Severity.INFO for a in d.alarms)
    return "?" if asks else "!" if alarmed else ""


@click.command("show")
@click.argument("domain", shell_complete=domain_names)
@json_option
@runs
async def show(context: Context, domain: str, as_json: bool) -> None:
    """Show DOMAIN: VMs, session, excluded periods, operation, steps."""
    async with context.client(stale=True) as client:
        answer = await client.show(domain)
    shaped = json_shapes.show_domain(answer.detail, answer.listing)
    if as_json:
        output.emit(shaped)
    else:
        assert answer.detail.domain is not None
        _print_domain(answer.detail.domain, shaped, json_shapes.site_now(answer.listing))
    end_stale(answer.listing)


def _print_domain(d: Domain, shaped: json_shapes.Json, now: datetime) -> None:
    output.say(f"{d.name}: {d.mode_label}, owner {str(d.owner).upper()}")
    if d.again:
        output.say(f"Rehydrating again: {d.again}")
    output.say(f"Recoverable / Total VMs: {d.vms_recoverable} / {d.vms_total}, recovered: {d.vms_recovered}")
    driven = driven_says(d)
    if driven is not None:
        command = f" (drdeck takeover {d.name})" if d.left_by is not None else ""
        output.say(f"{driven[0].upper()}{driven[1:]}{command}")
    rpo = d.rpo_s(now)
    output.say(f"Current RPO: {'unknown' if rpo is None else show_duration(rpo)}")
    if d.checked.says:
        output.say(f"Health: {d.checked.says}")
    if d.abnormal_since is not None:
        last = "none" if d.last_good is None else show_seconds(d.last_good)
        output.say(f"Abnormal writing since {show_seconds(d.abnormal_since)}; last point before it: {last}")
    if d.session is not None:
        waits = f" ({d.session.waits_for})" if d.session.waits_for else ""
        unprotected = d.unprotected_s(now)
        since = "" if unprotected is None else f", unprotected for {show_clock(unprotected)}"
        part = f" of {len(d.session.vms)} of {d.vms_total} VMs" if d.session.vms else ""
        output.say(f"PITR session {d.session.id}{part}: {d.session.state.words}{waits}{since}")
        if part:
            output.say("No restore point is made of the other VMs either, until it is exited")
        if shaped["session"]["rolled_back_to"]:
            output.say(f"Rolled back to {shaped['session']['rolled_back_to']}")
    for fact in d.site_facts:
        output.say(f"{fact.label}: {fact.text}")
    for period in shaped["excluded"]:
        output.say(f"Cannot be reached: {period['from']} to {period['to'] or 'now'}")
    for step in d.steps or ((d.step,) if d.step else ()):
        detail = f": {step.detail}" if step.detail else ""
        took = "" if step.took_s is None else f", {show_clock(step.took_s)}"
        output.say(f"{step.number:>3}/{step.of} [{step.state}{took}] {step.label}{detail}")
    if d.estimate is not None:
        output.say(f"{d.estimate.says(now).capitalize()}")
    if shaped["question"]:
        choices = "|".join(shaped["question"]["choices"])
        output.say(f"Needs you: {shaped['question']['text']} (drdeck answer {shaped['operation']} {choices})")
    for alarm in d.alarms:
        how = alarm.answering(d.name, bool(shaped["operation"]))
        output.say(f"Alarm ({alarm.severity}, {json_shapes.time(alarm.time)}): {alarm.sentence}{how}")
    rows = [
        (
            v.name,
            VM_STATUS_LABELS.get(v.status, v.status),
            v.power,
            {True: "yes", False: "no", None: "-"}[v.ready],
            v.health,
            v.restore_points,
            json_shapes.time(v.rolled_back_to),
            v.error or v.detail,
        )
        for v in d.vms
    ]
    head = ("VM NAME", "STATUS", "POWER", "READY", "HEALTH", "POINTS", "ROLLED BACK TO", "DETAILS")
    output.table(head, rows, f"{d.name} has no VM")


UNTIL = [*(str(mode) for mode in Mode), "session", "healthy", "question", "idle"]


@click.command("watch")
@click.argument("domain", shell_complete=domain_names, required=False)
@click.option(
    "--until",
    type=click.Choice(UNTIL),
    metavar="STATE",
    help=f"Return when this is reached: {', '.join(UNTIL)}.",
)
@click.option("--timeout", type=SECONDS, metavar="S", help="Give up after so many seconds (exit code 7).")
@click.option(
    "--milestones",
    is_flag=True,
    help="Fewer lines, as sentences: states, steps, questions, alarms; progress in quarters.",
)
@json_option
@runs
async def watch(
    context: Context,
    domain: str | None,
    until: str | None,
    timeout: float | None,
    milestones: bool,
    as_json: bool,
) -> None:
    """Follow DOMAIN, or all of them: all of it once, then a line of what differs.

    Questions, alarms and failing checks stand in the line. With --json: a whole object each time.
    """
    if until not in (None, "idle") and domain is None:
        raise Exit(exit_codes.USAGE, f"--until {until} needs a DOMAIN")
    from . import watching  # what a command does not need is not imported

    async with context.client() as client:
        await watching.watch(client, domain, until, timeout, as_json, milestones)


@click.command("tasks")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N operations.")
@click.option("--domain", metavar="NAME", shell_complete=domain_names, help="Only operations of this domain.")
@json_option
@runs
async def tasks(context: Context, last: int | None, domain: str | None, as_json: bool) -> None:
    """List operations and their steps, newest first.

    Operations bear the site's time, their steps this machine's; a training site has a clock of its own.
    """
    from drdeck.controller.journal.audit import operations as journaled
    from drdeck.controller.journal.audit import steps_by_operation

    async with context.client(sighted=False) as client:
        recent = await client.tasks()
    # the controller keeps the recent ones, and knows what the open ones wait for
    by_id = {op.id: op for op in (*journaled(context.paths.journal), *recent)}
    operations = sorted(by_id.values(), key=lambda op: op.asked_at, reverse=True)
    operations = [op for op in operations if domain in (None, op.domain)][:last]
    steps = steps_by_operation(context.paths.journal)
    if as_json:
        output.emit({"operations": [json_shapes.operation(op, steps.get(op.id, [])) for op in operations]})
        return
    if not operations:
        output.note("no operation yet")
    elif isinstance(context.settings.site(context.site), TrainingSettings):
        output.remark("operations bear the site's time, their steps this machine's")
    for op in operations:
        request = f"requested {_second(op.asked_at)} by {op.asked_by}"
        end = f", ended {_second(op.ended_at)}" if op.ended_at else ""
        output.say(f"{op.id}  {op.action} {op.domain}: {op.state}, {request}{end}")
        for step in steps.get(op.id, []):
            text = f": {step['text']}" if step["text"] else ""
            output.say(f"    {_FRACTION.sub('', step['time'])}  {step['says']}: {step['result']}{text}")
        for remark in (op.error, op.question.text if op.question else op.waits_for):
            if remark:
                output.say(f"    {remark}")


_FRACTION = re.compile(r"\.\d+(?=Z$)")


def _second(instant: datetime) -> str | None:
    """An instant for people; --json has the fractions."""
    return json_shapes.time(instant.replace(microsecond=0))


@click.group()
def audit() -> None:
    """The journal: export it, check its chain."""


@audit.command("export")
@click.option("--json", "as_json", is_flag=True, help="The journal is always JSON lines.")
@click.pass_obj
def audit_export(context: Context, as_json: bool) -> None:
    """Print the journal as JSON lines, oldest first."""
    from drdeck.controller.journal.audit import export

    for line in export(context.paths.journal):
        output.say_json(line)


@audit.command("verify")
@json_option
@click.pass_obj
def audit_verify(context: Context, as_json: bool) -> None:
    """Check that no event of the journal was changed or removed."""
    from drdeck.controller.journal.audit import verify

    count, wrong = verify(context.paths.journal)
    if as_json:
        output.emit({"events": count, "sound": not wrong, "problems": wrong})
    elif not wrong:
        output.say(f"{count} events, the chain is sound")
    if wrong:
        raise Exit(exit_codes.FAILED, "; ".join(wrong[:5]))
