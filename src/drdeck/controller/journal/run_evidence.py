"""The report of a run, from the journal alone: the controller need not run, nor the site answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from drdeck.model.plans.frozen_plan import FrozenDomain
from drdeck.model.plans.run_report import (
    DomainReport,
    ExitReport,
    RollbackReport,
    RunReport,
    WaveReport,
    Word,
    last_rto_s,
)
from drdeck.model.times import show_spaced

from . import projection as facts
from . import runs as run_facts
from .event_store import Event, Journal
from .operations import OperationState
from .question_trail import QuestionTrail, event_at
from .runs import Batch, RunRecord

_WORDS = (
    run_facts.PAUSED,
    run_facts.TAKEN,
    run_facts.HANDED,
    run_facts.RESUMED,
    run_facts.GATE,
    run_facts.LEFT_OUT,
    run_facts.ANEW,
    run_facts.RELEASED,
    run_facts.ANSWERS,
)
_KINDS = (*_WORDS, facts.ACCEPTED, facts.QUESTION, facts.ANSWER, facts.SETTLED, facts.ENDED)


def run_report(file: Path, ident: str) -> RunReport | None:
    """The report of a run by its id ("41" will do for "run-41"); None where the journal has no such run.

    Raises JournalError without a readable journal.
    """
    with contextlib.closing(Journal(file, read_only=True)) as journal:
        names = [event.data["run"] for event in journal.events(run_facts.BEGUN, run_facts.TAKEN)]
        name = next((name for name in (ident, f"run-{ident}") if name in names), None)
        if name is None:
            return None
        run = run_facts.read(journal, only=name)[name]
        report = made_of(run, journal.events(*_KINDS))
        return msgspec.structs.replace(report, events=journal.count(), problems=tuple(journal.verify()))


def made_of(run: RunRecord, events: Iterable[Event]) -> RunReport:
    """The report of a run, with the events of its journal; those of other runs do not matter."""
    own = run.operations
    accepted: dict[str, dict[str, Any]] = {}
    ends: dict[str, dict[str, Any]] = {}
    questions, words = QuestionTrail(), list[Word]()
    for event in events:
        data = event.data
        ident = data.get("operation", "")
        if event.kind in _WORDS:
            if data.get("run") == run.id:
                words.append(_word(event))
        elif ident not in own:
            continue
        elif event.kind == facts.ACCEPTED:
            accepted[ident] = data
        elif event.kind == facts.ENDED:
            ends[ident] = data
            questions.ended(data)
        else:
            domain = accepted.get(ident, {}).get("request", {}).get("domain", "")
            questions.follow(event, domain)
    domains = tuple(_domain(run, d, accepted, ends) for d in run.frozen.domains)
    return RunReport(
        run=run.id,
        plan=run.frozen.plan,
        title=run.frozen.title,
        type=run.frozen.type,
        run_pitr=run.frozen.run_pitr,
        decided_at=run.since,
        by=run.actor,
        state=str(run.end_state) if run.end_state is not None else "under way",
        ended_at=run.ended_at,
        facts=run.frozen.facts,
        number=run.frozen.number,
        waves=tuple(_wave(wave.name, domains) for wave in run.frozen.waves),
        domains=domains,
        questions=tuple(questions.rows),
        words=tuple(words),
        rollbacks=tuple(_rollback(b) for b in run.batches if b.action == "pitr_run"),
        exits=tuple(_exit(b) for b in run.batches if b.action == "pitr_exit"),
    )


def _word(event: Event) -> Word:
    data = event.data
    says = {
        run_facts.PAUSED: "Pause Plan" + (f": {data.get('why')}" if event.actor == "drdeck" else ""),
        run_facts.RESUMED: "Resume Plan",
        run_facts.TAKEN: f"took the run over from {data.get('from') or 'nobody'}",
        run_facts.HANDED: f"the run was taken over by {data.get('to')}",
        run_facts.GATE: f"Resume Plan: wave {int(data.get('wave', 0)) + 1} may begin",
        run_facts.LEFT_OUT: f"left out {data.get('domain')}",
        run_facts.ANEW: f"begin anew {data.get('domain')}"
        + (", although its protected site answers again" if data.get("consent") else ""),
        run_facts.ANSWERS: "the protected site answers again",
        run_facts.RELEASED: f"released the barrier from {data.get('domain')}",
    }[event.kind]
    return Word(at=event_at(event), by=event.actor, says=says)


def _domain(
    run: RunRecord, d: FrozenDomain, accepted: dict[str, dict[str, Any]], ends: dict[str, dict[str, Any]]
) -> DomainReport:
    operation = run.begun.get(d.name, "")
    recovery = run.recovered.get(d.name)
    if recovery is not None and recovery.operation != operation:
        recovery = None
    end = ends.get(operation, {})
    result: dict[str, str] = end.get("result") or {}
    became, reason = _became(run, d, recovery is not None, end)
    at = accepted.get(operation, {}).get("asked_at")
    length = result.get("unprotected_s", "")
    left_out = ", ".join(filter(None, (result.get("left_out"), result.get("skipped"))))
    back = next((b for b in reversed(run.batches) if d.name in b.points), None)
    return DomainReport(
        name=d.name,
        wave=run.frozen.waves[d.wave].name,
        became=became,
        reason=reason,
        operation=operation,
        begun_at=None if at is None else datetime.fromisoformat(at),
        recovered_at=None if recovery is None else recovery.at,
        rto_s=None if recovery is None else (recovery.at - run.since).total_seconds(),
        vms=d.vms if recovery is None else recovery.of,
        vms_recovered=0 if recovery is None else recovery.vms,
        vms_left_out=left_out,
        session_since=run.sessions.get(d.name),
        unprotected_s=float(length) if length else None,
        point=None if back is None else back.points[d.name],
    )


def _became(run: RunRecord, d: FrozenDomain, recovered: bool, end: dict[str, Any]) -> tuple[str, str]:
    """The state a domain came to, and why."""
    leave, stop = run.left_out.get(d.name), run.stopped.get(d.name)
    if d.impossible:
        return "not possible", d.impossible
    if d.skipped:
        return "skipped", d.skipped
    if d.left_out:
        return "left out", d.left_out
    if recovered:
        return "recovered", ""
    if leave is not None:
        return "left out", f"by {leave.by}, {show_spaced(leave.at)}"
    if end:
        failed = end["state"] != OperationState.DONE
        return ("failed", end.get("error") or str(end["state"])) if failed else ("recovered", "")
    if d.name in run.begun:
        return "under way", ""
    if stop is not None:
        return "not begun", stop.why
    return ("skipped", "it came here otherwise") if run.ended else ("not begun", "")


def _wave(name: str, domains: Iterable[DomainReport]) -> WaveReport:
    rows = [d for d in domains if d.wave == name]
    return WaveReport(
        name=name,
        domains=len(rows),
        recovered=sum(d.became == "recovered" for d in rows),
        vms=sum(d.vms for d in rows),
        vms_recovered=sum(d.vms_recovered for d in rows),
        rto_s=last_rto_s(rows),
    )


def _done(batch: Batch) -> int:
    return sum(end.state is OperationState.DONE for end in batch.ends.values())


def _rollback(batch: Batch) -> RollbackReport:
    assert batch.to is not None
    refused = {name: stop.why for name, stop in batch.stopped.items()}
    times = batch.points.values()
    return RollbackReport(
        at=batch.asked_at,
        by=batch.actor,
        to=batch.to,
        domains=len(batch.domains),
        done=_done(batch),
        points=batch.points,
        spread_s=(max(times) - min(times)).total_seconds() if times else None,
        cannot={**batch.cannot, **refused},
        released=tuple(sorted(batch.released)),
    )


def _exit(batch: Batch) -> ExitReport:
    return ExitReport(at=batch.asked_at, by=batch.actor, domains=batch.domains, done=_done(batch))
