"""Transitions of a PITR session in the record: begun, rolled back in, left; as `transitions` says of all."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.commands import ExitSession, MakeEntryPoints, RollBack, StartSession
from drdeck.model.domains import Period, SessionState
from drdeck.model.times import to_millisecond

from .attribute_changes import Changes, NotNow, askers_with, replaced
from .attribute_names import (
    ENTERING,
    EXCLUDED,
    FAILOVER,
    MAX_VALUE,
    PITR,
    ROLLBACK,
    ROLLBACK_VMS,
    SESSION,
    SESSION_VMS,
    SKIPPED,
)
from .attributes import write, write_many
from .domain_record import Record
from .packed_periods import pack_periods
from .record_values import EnteringRecord, RollbackRecord, SessionRecord


def start_session(record: Record, c: StartSession, vms: tuple[str, ...]) -> Changes:
    if record.session is not None:
        if record.session.id == c.session:
            return {}
        raise NotNow("another PITR session was started meanwhile")
    if record.pitr.last == c.session:
        return {}  # it was, and is over
    if record.undo is not None:
        raise NotNow("its failover is being undone")
    if record.release is not None:
        raise NotNow("it was released")
    after = c.operation if c.after_failover else None
    session = SessionRecord(id=c.session, state=SessionState.WAITING, after=after)
    # whom a failover had to leave out stays out of its session; earlier operations do not count
    left_out = {} if c.after_failover else write_many(SKIPPED, ())
    return {
        **write_many(SESSION_VMS, vms),
        **left_out,
        **askers_with(record, c),
        ROLLBACK: "",
        ENTERING: "",
        SESSION: write(session),
    }


def _session(record: Record) -> SessionRecord:
    if record.session is None:
        raise NotNow("it has no PITR session")
    return record.session


def roll_back(record: Record, c: RollBack, vms: tuple[str, ...], now: datetime) -> Changes:
    session = _session(record)
    if session.last == c.operation:
        return {}
    if session.state is not SessionState.ACTIVE:
        raise NotNow(f"its PITR session is {session.state.words}")
    rollback = RollbackRecord(id=c.operation, to=c.to, phase="off", since=now, began=now)
    return {
        **write_many(ROLLBACK_VMS, vms),
        **write_many(SKIPPED, ()),
        **askers_with(record, c),
        ROLLBACK: write(rollback),
        SESSION: replaced(session, state=SessionState.ROLLING_BACK, last=c.operation),
    }


def make_entry_points(record: Record, c: MakeEntryPoints) -> Changes:
    """VMs that were given up are tried again."""
    session = _session(record)
    if record.entering is not None and record.entering.by == c.operation:
        return {}
    if session.state is not SessionState.ACTIVE:
        raise NotNow(f"its PITR session is {session.state.words}")
    return {
        **write_many(SKIPPED, ()),
        **askers_with(record, c),
        ENTERING: write(EnteringRecord(by=c.operation)),
    }


def exit_session(record: Record, c: ExitSession, now: datetime) -> Changes:
    """Leaving without a rollback after a failover resets: said first, so that no point is offered again."""
    session = _session(record)
    if session.last == c.operation:
        return {}
    if session.state is not SessionState.ACTIVE:
        raise NotNow(f"its PITR session is {session.state.words}")
    # whom a rollback had to leave out is cleaned up like the others
    changes: Changes = {**write_many(SKIPPED, ()), **askers_with(record, c)}
    if session.after is not None and session.n == 0:
        changes[PITR] = replaced(record.pitr, reset=now)
    changes[SESSION] = replaced(session, state=SessionState.EXITING, last=c.operation)
    return changes


def close_session(record: Record, operation: str, now: datetime) -> Changes:
    """The session's time becomes an excluded period, the failover that it followed ends, and it is gone."""
    session = record.session
    if session is None:
        return {}
    if session.last != operation or session.state is not SessionState.EXITING:
        raise NotNow(f"its PITR session is {session.state.words}")
    assert session.started is not None
    periods = [p for p in record.excluded if p.start != to_millisecond(session.started)]
    changes: Changes = {EXCLUDED: pack_periods([*periods, Period(start=session.started, end=now)], MAX_VALUE)}
    f = record.failover
    if f is not None and f.phase != "finished":
        changes[FAILOVER] = replaced(f, phase="finished")
    changes[PITR] = replaced(record.pitr, last=session.id)
    return {**changes, **write_many(SESSION_VMS, ()), ENTERING: "", SESSION: ""}
