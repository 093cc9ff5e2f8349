"""`drdeck plan report`: the evidence of a run, as Markdown or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.completion.plan_candidates import run_ids
from drdeck.cli.context import Context, json_option
from drdeck.cli.exit_codes import Exit
from drdeck.cli.json_shapes import Json, seconds
from drdeck.cli.reading.document import table_lines
from drdeck.cli.reading.evidence import (
    answer_text,
    instant_text,
    journal_shape,
    journal_text,
    question_shape,
    warn_unsound,
)
from drdeck.controller.journal.run_evidence import run_report
from drdeck.model.plans.run_report import DomainReport, RollbackReport, RunReport
from drdeck.model.text import clean, some
from drdeck.model.times import show_clock, show_seconds


@click.command("report")
@click.argument("run", shell_complete=run_ids)
@click.option("--format", "form", type=click.Choice(["md", "json"]), default="md", help="md unless given.")
@json_option
@click.pass_obj
def plan_report(context: Context, run: str, form: str, as_json: bool) -> None:
    """Report on RUN: RTO of each wave, what became of each domain, who answered what, the spread.

    It is made from the journal alone; every figure can be recomputed from `drdeck audit export`.
    """
    report = run_report(context.paths.journal, run)
    if report is None:
        raise Exit(exit_codes.USAGE, f'the journal has no run "{run}"; `drdeck audit export` shows all')
    if as_json or form == "json":
        output.emit(shape(report))
    else:
        for line in markdown(report):
            output.say(line)
    warn_unsound(report.problems)


def shape(r: RunReport) -> Json:
    """The JSON of a report."""
    time = json_shapes.time
    return {
        "run": r.run,
        "plan": r.plan,
        "title": r.title or None,
        "type": str(r.type),
        "run_pitr": r.run_pitr,
        "decided_at": time(r.decided_at),
        "by": r.by,
        "state": r.state.replace(" ", "_"),
        "ended_at": time(r.ended_at),
        "facts": r.facts,
        "number": r.number,
        "rto_s": seconds(r.rto_s),
        "vms_recovered": r.vms_recovered,
        "unprotected_s": seconds(r.unprotected_s),
        "unprotected_longest_s": seconds(r.unprotected_longest_s),
        "still_unprotected": list(r.still_unprotected),
        "waves": [
            {
                "name": w.name,
                "domains": w.domains,
                "recovered": w.recovered,
                "vms": w.vms,
                "vms_recovered": w.vms_recovered,
                "rto_s": seconds(w.rto_s),
            }
            for w in r.waves
        ],
        "domains": [_domain(d) for d in r.domains],
        "questions": [{"domain": q.domain, **question_shape(q)} for q in r.questions],
        "words": [{"at": time(w.at), "by": w.by, "says": w.says} for w in r.words],
        "rollbacks": [_rollback(b) for b in r.rollbacks],
        "exits": [
            {"at": time(e.at), "by": e.by, "domains": list(e.domains), "done": e.done} for e in r.exits
        ],
        "journal": journal_shape(r.events, r.problems),
    }


def _domain(d: DomainReport) -> Json:
    return {
        "name": d.name,
        "wave": d.wave,
        "became": d.became.replace(" ", "_"),
        "reason": d.reason or None,
        "operation": d.operation or None,
        "begun_at": json_shapes.time(d.begun_at),
        "recovered_at": json_shapes.time(d.recovered_at),
        "rto_s": seconds(d.rto_s),
        "vms": d.vms,
        "vms_recovered": d.vms_recovered,
        "vms_left_out": d.vms_left_out or None,
        "session_since": json_shapes.time(d.session_since),
        "unprotected_s": seconds(d.unprotected_s),
        "point": json_shapes.time(d.point),
    }


def _rollback(b: RollbackReport) -> Json:
    return {
        "at": json_shapes.time(b.at),
        "by": b.by,
        "to": json_shapes.time(b.to),
        "domains": b.domains,
        "done": b.done,
        "points": {name: json_shapes.time(point) for name, point in b.points.items()},
        "spread_s": seconds(b.spread_s),
        "cannot": b.cannot,
        "released": list(b.released),
    }


def markdown(r: RunReport) -> Iterator[str]:
    """The report as lines of Markdown, which a person can read as they are."""
    yield f"# {r.run}: Failover Plan {clean(r.plan)}"
    yield ""
    yield f"{r.type}{', Run PITR' if r.run_pitr else ''}, decided {show_seconds(r.decided_at)} by {r.by}"
    ended = "" if r.ended_at is None else f" at {show_seconds(r.ended_at)}"
    yield f"State: {r.state.replace('_', ' ')}{ended}."
    yield f"Domains begun by the decision: {r.number}. VMs recovered: {r.vms_recovered}."
    yield f"RTO of all: {_clock(r.rto_s)}."
    for what in ("left out", "not possible", "skipped", "failed", "not begun", "under way"):
        names = r.became(what)
        if names:
            yield f"{what.capitalize()}: {len(names)} ({some(names, 10)})."
    if any(d.unprotected_s is not None for d in r.domains):
        longest = _clock(r.unprotected_longest_s)
        yield f"Unprotected: {_clock(r.unprotected_s)} over all, {longest} the longest."
    if r.still_unprotected:
        yield f"Unprotected still: {some(r.still_unprotected, 10)}."
    rows: Iterable[tuple[object, ...]]
    rows = (
        (w.name, f"{w.recovered}/{w.domains}", f"{w.vms_recovered}/{w.vms}", _clock(w.rto_s)) for w in r.waves
    )
    yield from table_lines("Waves", ("Wave", "Domains", "VMs", "RTO"), rows)
    rows = (
        (d.name, d.wave, d.became, f"{d.vms_recovered}/{d.vms}", _clock(d.rto_s), _clock(d.unprotected_s),
         instant_text(d.point),
         "; ".join(filter(None, (d.reason, d.vms_left_out and f"without {d.vms_left_out}"))))
        for d in r.domains
    )  # fmt: skip
    head = ("Domain", "Wave", "Became", "VMs", "RTO", "Unprotected", "Rolled back to", "Remark")
    yield from table_lines("Domains", head, rows)
    for b in r.rollbacks:
        spread = "-" if b.spread_s is None else _clock(b.spread_s)
        yield from ("", f"## Rollback to {show_seconds(b.to)}", "")
        done = f"{b.done} of {b.domains} domains done, spread {spread}"
        yield f"Requested {show_seconds(b.at)} by {b.by}: {done}."
        yield from (f"- {name} could not: {why}" for name, why in b.cannot.items())
        yield from (f"- the barrier was released from {name}" for name in b.released)
    for e in r.exits:
        yield from ("", "## Exit of sessions", "")
        yield f"Requested {show_seconds(e.at)} by {e.by}: {e.done} of {len(e.domains)} sessions left."
    rows = ((instant_text(q.at), q.domain, q.text, answer_text(q)) for q in r.questions)
    yield from table_lines("Questions", ("Since", "Domain", "Question", "Answer"), rows)
    yield from table_lines(
        "Decisions", ("Time", "By", "What"), ((instant_text(w.at), w.by, w.says) for w in r.words)
    )
    yield ""
    yield journal_text(r.events, r.problems)


def _clock(length_s: float | None) -> str:
    return "-" if length_s is None else show_clock(length_s)
