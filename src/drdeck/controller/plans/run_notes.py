"""A run as its site keeps it, made of what was journaled; and made into a run again, by another controller.

What was begun, what is recovered and where a rollback stands is read from the domains themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from drdeck.controller.journal.operations import OperationState
from drdeck.controller.journal.runs import Batch, OperationEnd, RunLeave, RunRecord, RunStop
from drdeck.model.domains import Domain, Mode, SessionState
from drdeck.model.plans.run_note import BatchNote, KeptRun, RunMark, RunNote, RunStopNote
from drdeck.model.plans.run_views import RUN_ENDED, RunState
from drdeck.model.text import brief

_FAILURES = (OperationState.FAILED, OperationState.ABORTED)
LONGEST = 120
"""Characters of a reason that a site keeps."""


def kept(run: RunRecord) -> KeptRun:
    """A run for its site."""
    batch = run.batches[-1] if run.batches else None
    note = RunNote(
        id=run.id,
        frozen=msgspec.structs.replace(run.frozen, domains=(), facts={}),
        actor=run.actor,
        since=run.since,
        g=run.g,
        gates=tuple(sorted(run.gates)),
        paused=run.paused or "",
        ended=str(run.end_state) if run.end_state is not None else "",
        ended_at=run.ended_at,
        answers_again=run.answers_again,
        batch=None if batch is None else _batch_note(batch),
    )
    marks = {d.name: _mark(run, place, batch) for place, d in enumerate(run.frozen.domains)}
    return KeptRun(note=note, marks=marks)


def _batch_note(batch: Batch) -> BatchNote:
    return BatchNote(
        id=batch.id,
        action=batch.action,
        actor=batch.actor,
        asked_at=batch.asked_at,
        to=batch.to,
        oldest=batch.oldest,
        newest=batch.newest,
        barrier=batch.barrier,
        lifted=bool(batch.lifted),
        over=batch_over(batch),
    )


def batch_over(batch: Batch) -> bool:
    """Tell whether every domain of a batch has an end."""
    return all(n in batch.stopped or batch.operations.get(n, "") in batch.ends for n in batch.domains)


def _mark(run: RunRecord, place: int, batch: Batch | None) -> RunMark:
    domain = run.frozen.domains[place]
    leave, end = run.left_out.get(domain.name), run.ends.get(run.begun.get(domain.name, ""))
    failed = end is not None and end.state is not OperationState.DONE
    stays = batch is not None and domain.name in batch.cannot
    inside = batch is not None and domain.name in batch.domains
    mark = RunMark(
        run=run.id,
        place=place,
        domain=domain,
        left_out=None if leave is None else RunStopNote(why=leave.by, code="left_out", at=leave.at),
        stopped=_stop_note(run.stopped.get(domain.name)),
        failed=RunStopNote(why=brief(end.error, LONGEST), code=str(end.state), at=end.at)
        if end is not None and failed
        else None,
        consented=domain.name in run.consented,
    )
    if batch is None or not (inside or stays):
        return mark
    stop = batch.stopped.get(domain.name)
    return msgspec.structs.replace(
        mark,
        batch=batch.id,
        point=batch.points.get(domain.name),
        cannot=brief(batch.cannot.get(domain.name, ""), LONGEST),
        unbegun="" if stop is None else brief(stop.why, LONGEST),
        released=domain.name in batch.released,
    )


def _stop_note(stop: RunStop | None) -> RunStopNote | None:
    return None if stop is None else RunStopNote(why=brief(stop.why, LONGEST), code=stop.code, at=stop.at)


def makes_sense(run: KeptRun) -> bool:
    """Tell whether a run may be gone by: whoever may write attributes may have written it."""
    note, waves = run.note, len(run.note.frozen.waves)
    failures = [mark.failed.code for mark in run.marks.values() if mark.failed is not None]
    return (
        all(0 <= mark.domain.wave < waves for mark in run.marks.values())
        and (not note.ended or note.ended in RUN_ENDED)
        and (note.ended_at is None) == (not note.ended)
        and all(code in _FAILURES for code in failures)
        and (note.batch is None or note.batch.action in ("pitr_run", "pitr_exit"))
    )


class _Part(NamedTuple):
    """A domain of a run as its site shows it; `operation`: that of its failover, where the run began it."""

    mark: RunMark
    domain: Domain | None
    operation: str | None


def taken(run: KeptRun, domains: Mapping[str, Domain], now: datetime) -> RunRecord:
    """The run as a controller goes on with it that did not begin it."""
    note = run.note
    marks = sorted(run.marks.values(), key=lambda mark: mark.place)
    parts = {m.domain.name: _part(note, m, domains.get(m.domain.name)) for m in marks}
    ends = {p.operation: end for p in parts.values() if p.operation and (end := _end(p, now)) is not None}
    return RunRecord(
        id=note.id,
        frozen=msgspec.structs.replace(note.frozen, domains=tuple(m.domain for m in marks)),
        actor=note.actor,
        since=note.since,
        begun={name: p.operation for name, p in parts.items() if p.operation},
        ends=ends,
        left_out={n: RunLeave(by=m.why, at=m.at) for n, m in _notes(parts, "left_out")},
        stopped={n: RunStop(why=m.why, code=m.code, at=m.at) for n, m in _notes(parts, "stopped")},
        consented=frozenset(name for name, p in parts.items() if p.mark.consented),
        gates=frozenset(note.gates),
        paused=note.paused or None,
        answers_again=note.answers_again,
        ended_at=note.ended_at,
        end_state=RunState(note.ended) if note.ended else None,
        batches=() if note.batch is None else (_batch(note.batch, parts),),
        g=note.g,
        handed_to=note.driven_by,
    )


def _notes(parts: Mapping[str, _Part], field: str) -> Iterable[tuple[str, RunStopNote]]:
    notes = ((name, getattr(part.mark, field)) for name, part in parts.items())
    return ((name, note) for name, note in notes if note is not None)


def _part(note: RunNote, mark: RunMark, domain: Domain | None) -> _Part:
    """A failover that began after the decision is the run's, whatever became of its controller."""
    failover = domain.failover if domain is not None else None
    begun = mark.domain.begins and failover is not None
    if begun and failover is not None and failover.began_at is not None and failover.began_at >= note.since:
        return _Part(mark, domain, failover.id)
    return _Part(mark, domain, f"{note.id}:{mark.place}" if mark.failed is not None else None)


def _end(part: _Part, now: datetime) -> OperationEnd | None:
    failed, domain = part.mark.failed, part.domain
    if failed is not None:
        return OperationEnd(state=OperationState(failed.code), at=failed.at, error=failed.why)
    if domain is None or domain.mode is not Mode.RUNNING_IN_FAILOVER or domain.session is not None:
        return None
    at = domain.failover.recovered_at if domain.failover is not None else None
    return OperationEnd(state=OperationState.DONE, at=at or now)


def _batch(note: BatchNote, parts: Mapping[str, _Part]) -> Batch:
    """The batch that was decided last, as far as the domains show it; what they do not show is begun anew."""
    inside = {name: p for name, p in parts.items() if p.mark.batch == note.id and not p.mark.cannot}
    operations = {name: ident for name, p in inside.items() if (ident := _operation(note, p)) is not None}
    ended = {ident for name, ident in operations.items() if _batch_ended(note, inside[name])}
    end = OperationEnd(state=OperationState.DONE, at=note.asked_at)
    waits = {
        ident
        for name, ident in operations.items()
        if (domain := inside[name].domain) is not None and at_barrier(domain)
    }
    return Batch(
        id=note.id,
        action=note.action,
        actor=note.actor,
        asked_at=note.asked_at,
        domains=tuple(inside),
        to=note.to,
        points={name: p.mark.point for name, p in inside.items() if p.mark.point is not None},
        cannot={n: p.mark.cannot for n, p in parts.items() if p.mark.batch == note.id and p.mark.cannot},
        oldest=note.oldest,
        newest=note.newest,
        operations=operations,
        stopped={
            name: RunStop(why=p.mark.unbegun, code="rule", at=note.asked_at)
            for name, p in inside.items()
            if p.mark.unbegun
        },
        ends=dict.fromkeys(ended, end),
        barrier=note.barrier,
        lifted=frozenset({*operations.values()} - ended - waits) if note.lifted else frozenset(),
        released=frozenset(name for name, p in inside.items() if p.mark.released),
    )


def at_barrier(domain: Domain) -> bool:
    """Tell whether a rollback of a domain has reverted all, and started none of its VMs."""
    session, phase = domain.session, domain.phase
    return session is not None and (session.reverted or (phase is not None and phase.barrier))


def _operation(note: BatchNote, part: _Part) -> str | None:
    """The id of the batch's operation in a domain; None: the domain shows none."""
    session = part.domain.session if part.domain is not None else None
    if note.over or session is None:
        return f"{note.id}:{part.mark.place}"
    if note.action == "pitr_run":
        here = session.target == note.to and session.last_operation is not None
        return session.last_operation if here else None
    return session.last_operation if session.state is SessionState.EXITING else None


def _batch_ended(note: BatchNote, part: _Part) -> bool:
    session = part.domain.session if part.domain is not None else None
    return note.over or session is None or session.state is SessionState.ACTIVE
