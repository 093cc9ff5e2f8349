"""A failover that stands, in a domain's record: the conditions to leave it, and the record without it."""

from __future__ import annotations

from datetime import datetime

from .attribute_changes import Changes, NotNow
from .attribute_names import (
    COMMITTED,
    ENTERING,
    MODE,
    NETWORKS,
    REMAP,
    ROLLBACK,
    SHUTDOWN,
    SKIPPED,
    SYNCED,
    TOOL,
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


def imported_again(by: str, now: datetime) -> Changes:
    """The domain as imported, by an operation; all that a failover wrote is gone, but the failover itself.

    That one goes after this, and last what is under way: until then both are repeated after a crash.
    """
    return {
        MODE: write(ModeRecord(mode="imported", by=by, since=now)),
        SYNCED: "",
        SHUTDOWN: "",
        TOOL: "",
        ROLLBACK: "",
        ENTERING: "",
        COMMITTED: "",
        REMAP: "",
        **write_many(SKIPPED, ()),
        **write_many(NETWORKS, {}),
    }
