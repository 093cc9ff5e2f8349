"""A failover that stands, in a domain's record: the conditions to leave it, and the record without it."""

from __future__ import annotations

from datetime import datetime

from .attribute_changes import Changes, NotNow
from .attribute_names import (
    ABSENT,
    COMMITTED,
    ENTERING,
    LEFT_OUT,
    MODE,
    NETWORKS,
    POWER_OFF,
    REMAP,
    ROLLBACK,
    ROLLBACK_VMS,
    SHUTDOWN,
    SKIPPED,
    SYNCED,
    TOOL,
    WITHOUT,
)
from .attributes import write, write_many
from .domain_record import Record
from .record_values import FailoverRecord, ModeRecord


def standing_failover(record: Record) -> FailoverRecord:
    """The failover that runs here, with nothing under way in it. Raises NotNow."""
    f = record.failover
    if f is None or f.phase != "finished":
        raise NotNow("no failover runs here")
    if record.session is not None:
        raise NotNow("it has a PITR session")
    if record.undo is not None:
        raise NotNow("its failover is being undone")
    return f


def nothing_begun() -> Changes:
    """All that is written beside a failover that was begun, as if none had been: its word about the tool,
    whom it left out, and whom it may power off."""
    return {
        TOOL: "",
        SHUTDOWN: "",
        **write_many(LEFT_OUT, ()),
        **write_many(WITHOUT, ()),
        **write_many(ABSENT, {}),
        **write_many(POWER_OFF, ()),
    }


def nothing_started() -> Changes:
    """The same of a continuous failover, but for its mode."""
    return {**nothing_begun(), SYNCED: "", REMAP: "", **write_many(NETWORKS, {})}


def imported_again(by: str, now: datetime) -> Changes:
    """The domain as imported, by an operation; all that a failover wrote is gone, but the failover itself.

    That one goes after this, and last what is under way: until then both are repeated after a crash.
    """
    return {
        MODE: write(ModeRecord(mode="imported", by=by, since=now)),
        **nothing_started(),
        ROLLBACK: "",
        **write_many(ROLLBACK_VMS, ()),
        ENTERING: "",
        COMMITTED: "",
        **write_many(SKIPPED, ()),
    }
