"""Records that the custom attributes hold, one in each; small JSON that an operator can read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from drdeck.model.domains import FailoverType, SessionState

from .phases import FailoverPhase, ReleasePhase, RollbackPhase, TrialPhase, UndoPhase

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
MAX_ASKER = 64
"""Characters of who asked for an operation that are kept."""
Askers = dict[
    Annotated[str, msgspec.Meta(max_length=MAX_ASKER)], Annotated[str, msgspec.Meta(max_length=MAX_ASKER)]
]


class RecordStruct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of what an attribute holds."""


class ModeRecord(RecordStruct, frozen=True, kw_only=True):
    """A domain's mode in its record.

    `mode`: imported, or cfo once continuous failover was started by operation `by`.
    """

    mode: Literal["imported", "cfo"]
    by: str = ""
    since: Instant | None = None


class SyncedRecord(RecordStruct, frozen=True, kw_only=True):
    """The continuous failover that operation `by` started was synchronised once, and noted at `since`.

    An attribute of its own: a drdeck that is older leaves it alone.
    """

    by: str = ""
    since: Instant


class ShutdownRecord(RecordStruct, frozen=True, kw_only=True):
    """A note of a Planned Failover, operation `by`, made when the protected VMs were off: `newest`, the
    highest number of a snapshot's id. Data that came later is in a snapshot with a higher one."""

    by: str
    newest: Annotated[int, msgspec.Meta(ge=0)]


class EnteringRecord(RecordStruct, frozen=True, kw_only=True):
    """Entry points that operation `by` makes of VMs which have none in the session; an attribute of its own,
    which an older drdeck leaves alone."""

    by: str


class ToolRecord(RecordStruct, frozen=True, kw_only=True):
    """The word of a person, given to failover `by`, that the replication tool's jobs are stopped, or to test
    `by`, that its retention is paused; an obligation until the domain is given back, or the test over."""

    by: str
    stopped_by: Annotated[str, msgspec.Meta(max_length=MAX_ASKER)] = ""
    at: Instant


class RemapRecord(RecordStruct, frozen=True, kw_only=True):
    """Networks mapped anew by operation `by`; `over`: the cards of all VMs are on them; `was`: ids of targets
    of before, the latest last, which are no protected networks though they are mapped."""

    by: str
    over: bool = False
    was: tuple[str, ...] = ()


class UndoRecord(RecordStruct, frozen=True, kw_only=True):
    """The undoing of a failover by operation `by`, its `phase` since `since`. `of`: the failover's id;
    `start`: the state that is gone back to is of then, and no later instant can ever be returned to."""

    by: str
    of: str
    phase: UndoPhase
    since: Instant
    began: Instant
    start: Instant


class CommittedRecord(RecordStruct, frozen=True, kw_only=True):
    """Failover `of` was committed at `at` by operation `by`; `over`: nothing of the way back is left."""

    by: str
    of: str
    at: Instant
    over: bool = False


class RestoredRecord(RecordStruct, frozen=True, kw_only=True):
    """This site was made the domain's primary site at `at` by operation `by`."""

    by: str
    at: Instant


class ReleaseRecord(RecordStruct, frozen=True, kw_only=True):
    """The other side owns the domain since `at`, says operation `by`. `newest`: the highest number of a
    snapshot's id then; a VM with a higher one has a point that was not there."""

    by: str
    phase: ReleasePhase
    at: Instant
    newest: int


class TrialRecord(RecordStruct, frozen=True, kw_only=True):
    """A test that operation `id` starts, or ends, its `phase` since `since`, runbook group `g`, try `n`.

    `of`: the operation that started it; `key`: the secret that marks its VMs; `to`: the instant that was
    asked for; `ends`: when it is to be over; `bubble`: the plan whose domains are tested together."""

    id: str
    of: str
    key: Annotated[str, msgspec.Meta(max_length=40)]
    phase: TrialPhase
    since: Instant
    began: Instant
    ends: Instant
    to: Instant | None = None
    g: Count = 0
    n: Count = 1
    bubble: Annotated[str, msgspec.Meta(max_length=80)] = ""

    @property
    def marker(self) -> str:
        """The value of the key in a test VM's configuration that tells it from all others."""
        return f"{self.of}:{self.key}"


class TestedRecord(RecordStruct, frozen=True, kw_only=True):
    """The test that operation `of` started and `by` ended last."""

    by: str = ""
    of: str = ""
    at: Instant
    result: Annotated[str, msgspec.Meta(max_length=16)] = ""
    note: Annotated[str, msgspec.Meta(max_length=160)] = ""
    vms: Count = 0
    to: Instant | None = None


class CloneRecord(RecordStruct, frozen=True, kw_only=True, array_like=True):
    """A test VM: the VM `of` which it is the clone, from which snapshot; `uuid`: its config.instanceUuid when
    it was cloned; `marker`: as then; `bases`: digests of the files that its disks stand on."""

    of: str
    snapshot: str
    uuid: str
    marker: str
    bases: tuple[str, ...]


class FailoverRecord(RecordStruct, frozen=True, kw_only=True):
    """A completion: operation `id`, its `phase` since `since`, runbook group `g`, try `n`."""

    id: str
    type: FailoverType
    pitr: bool = False
    began: Instant
    phase: FailoverPhase
    since: Instant
    g: Count = 0
    n: Count = 1
    recovered: Instant | None = None


class SessionRecord(RecordStruct, frozen=True, kw_only=True):
    """A PITR session. `last`: the rollback or exit asked last; `back`, `n`: where to, how often."""

    id: str
    state: SessionState
    started: Instant | None = None
    entry: Instant | None = None
    after: str | None = None
    last: str | None = None
    back: Instant | None = None
    n: Count = 0


class RollbackRecord(RecordStruct, frozen=True, kw_only=True):
    """The last rollback: operation `id` to the instant `to`, its `phase` since `since`."""

    id: str
    to: Instant
    phase: RollbackPhase
    since: Instant
    began: Instant | None = None
    g: Count = 0
    n: Count = 1


class PitrRecord(RecordStruct, frozen=True, kw_only=True):
    """A domain's restore points in its record.

    `reset`: points at or before it are gone. `last`: the session that ended last.
    """

    reset: Instant | None = None
    last: str | None = None
