"""Transitions of a domain's record on its way back: undo, commit. Pure and ordered, as in `transitions`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.model.commands import CommitFailover, UndoFailover
from drdeck.model.domains import Period

from .attribute_changes import Changes, NotNow
from .attribute_names import COMMITTED, EXCLUDED, FAILOVER, MAX_VALUE, SKIPPED, UNDO
from .attributes import write, write_many
from .domain_record import Record
from .packed_periods import pack_periods
from .record_values import CommittedRecord, FailoverRecord, UndoRecord
from .standing_failover import imported_again, standing_failover

STEPS = ("undo_revert", "undo_clean", "undone", "committed")
"""Steps that `step` takes."""


def undo(record: Record, c: UndoFailover, start: datetime | None, now: datetime) -> Changes:
    """Begin to undo the failover; `start`: see UndoRecord."""
    if record.undo is not None:
        if record.undo.by == c.operation:
            return {}
        raise NotNow("its failover is being undone by somebody else")
    f = record.failover
    if f is None and record.mode is not None and record.mode.by == c.operation:
        return {}  # it was undone
    f = _standing(record)
    if start is None:
        raise NotNow("no entry point of the failover is left on its VMs")
    begun = UndoRecord(by=c.operation, of=f.id, phase="off", since=now, began=now, start=start)
    # whom the failover left out goes back like the others
    return {**write_many(SKIPPED, ()), UNDO: write(begun)}


def commit(record: Record, c: CommitFailover, now: datetime) -> Changes:
    """Let the failover stand."""
    if record.committed is not None and record.committed.by == c.operation:
        return {}
    f = _standing(record)
    return {
        **write_many(SKIPPED, ()),
        COMMITTED: write(CommittedRecord(by=c.operation, of=f.id, at=now)),
    }


def _standing(record: Record) -> FailoverRecord:
    """The failover that runs here and was not committed."""
    f = standing_failover(record)
    if record.release is not None:
        raise NotNow("it was released")
    if record.committed is not None:
        raise NotNow("its failover was committed")
    return f


def step(record: Record, operation: str, to: str, now: datetime) -> Changes:
    """A step of the plan; one that was taken already is an empty change."""
    if to == "committed":
        c = record.committed
        if c is None or c.by != operation or c.over:
            return {}
        return {COMMITTED: write(msgspec.structs.replace(c, over=True))}
    u = record.undo
    if u is None or u.by != operation:
        return {}
    if to == "undone":
        return _undone(record, u, now) if u.phase == "clean" else {}
    phase = {"undo_revert": ("off", "revert"), "undo_clean": ("revert", "clean")}[to]
    return {UNDO: write(msgspec.structs.replace(u, phase=phase[1], since=now))} if u.phase == phase[0] else {}


def _undone(record: Record, u: UndoRecord, now: datetime) -> Changes:
    """The domain is imported again. The undo goes last: until then this is repeated after a crash."""
    before = [p for p in record.excluded if p.start < u.start]
    return {
        EXCLUDED: pack_periods([*before, Period(start=u.start, end=now)], MAX_VALUE),
        **imported_again(u.by, now),
        FAILOVER: "",
        UNDO: "",
    }
