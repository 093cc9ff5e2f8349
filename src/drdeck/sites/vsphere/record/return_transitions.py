"""Transitions of a domain's record on its return: restore, release. Pure and ordered, as in `transitions`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.model.commands import CancelRelease, ReleaseDomain, RestoreDomain

from .attribute_changes import Changes, NotNow
from .attribute_names import FAILOVER, PITR, RELEASE, RESTORED, SKIPPED
from .attributes import write, write_many
from .domain_record import Record
from .record_values import ReleaseRecord, RestoredRecord
from .standing_failover import imported_again, standing_failover

STEPS = ("release_clean", "released")
"""Steps that `step` takes."""


def restore(record: Record, c: RestoreDomain, now: datetime) -> Changes:
    """Make this site the primary site of a domain whose failover was committed."""
    if record.restored is not None and record.restored.by == c.operation:
        return {}
    _at_rest(record)
    if record.committed is None:
        raise NotNow("its failover is not committed")
    if record.restored is not None:
        raise NotNow("this site is its primary site already")
    return {RESTORED: write(RestoredRecord(by=c.operation, at=now))}


def release(record: Record, c: ReleaseDomain, since: datetime, newest: int) -> Changes:
    """Let the other side own the domain; `since`, `newest`: see ReleaseRecord."""
    if record.release is not None and record.release.by == c.operation:
        return {}
    if record.failover is None and record.mode is not None and record.mode.by == c.operation:
        return {}  # it was released
    _at_rest(record)
    begun = ReleaseRecord(by=c.operation, phase="wait", at=since, newest=newest)
    return {**write_many(SKIPPED, ()), RELEASE: write(begun)}


def cancel_release(record: Record, c: CancelRelease) -> Changes:
    """Own the domain as before; open until its replicas are there."""
    if record.release is None:
        return {}
    if record.release.phase != "wait":
        raise NotNow("its replicas are there, and what drdeck kept is being removed")
    return {RELEASE: ""}


def _at_rest(record: Record) -> None:
    """Raises NotNow where no failover runs here, or anything goes on."""
    standing_failover(record)
    if record.committed is not None and not record.committed.over:
        raise NotNow("its failover is being committed")
    if record.release is not None:
        raise NotNow("it was released by somebody else")


def step(record: Record, operation: str, to: str, now: datetime) -> Changes:
    """A step of the plan; one that was taken already is an empty change."""
    r = record.release
    if r is None or r.by != operation:
        return {}
    if to == "release_clean":
        return {RELEASE: write(msgspec.structs.replace(r, phase="clean"))} if r.phase == "wait" else {}
    return _released(record, r, now) if r.phase == "clean" else {}


def _released(record: Record, r: ReleaseRecord, now: datetime) -> Changes:
    """The domain is imported again, and its PITR window begins anew. The release goes last: until then this
    is repeated after a crash."""
    return {
        PITR: write(msgspec.structs.replace(record.pitr, reset=r.at)),
        **imported_again(r.by, now),
        RESTORED: "",
        FAILOVER: "",
        RELEASE: "",
    }
