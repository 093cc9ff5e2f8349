"""Memory of a domain in its folder's custom attributes, read with suspicion: anybody may edit them.

Every value is small JSON of at most 255 characters; longer lists go on in "NAME.2", "NAME.3", ...
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from drdeck.model.domains import FailoverType, Mode, Period, SessionState
from drdeck.model.text import brief, clean

from .packed_ids import MARK, TEXT_MARK, pack, pack_text, unpack, unpack_text
from .packed_periods import NEWEST, OLDEST, unpack_periods
from .phases import (
    FAILOVER_PHASES,
    FailoverPhase,
    ReleasePhase,
    RollbackPhase,
    TrialPhase,
    UndoPhase,
)

MAX_VALUE = 255
"""Characters that a custom attribute holds."""
MAX_PARTS = 128
"""Attributes of one list or mapping at most; as many as it needs are written."""
_PLAIN_PARTS = 8
"""Lists of ids that are longer in JSON are packed."""
PREFIX = "drdeck."
MODE, FAILOVER, SESSION = PREFIX + "mode", PREFIX + "failover", PREFIX + "session"
ROLLBACK, PITR, EXCLUDED = PREFIX + "rollback", PREFIX + "pitr", PREFIX + "excluded"
NETWORKS, SESSION_VMS = PREFIX + "networks", PREFIX + "session.vms"
ROLLBACK_VMS, SKIPPED = PREFIX + "rollback.vms", PREFIX + "skipped"
POWER_OFF = PREFIX + "power_off"
LEFT_OUT, WITHOUT, ABSENT = PREFIX + "left_out", PREFIX + "without", PREFIX + "absent"
ASKED = PREFIX + "asked"
REMAP = PREFIX + "remap"
SYNCED = PREFIX + "synced"
SHUTDOWN = PREFIX + "shutdown"
ENTERING = PREFIX + "entering"
TOOL = PREFIX + "tool"
UNDO, COMMITTED = PREFIX + "undo", PREFIX + "committed"
RESTORED, RELEASE = PREFIX + "restored", PREFIX + "release"
TRIAL, TESTED = PREFIX + "test", PREFIX + "tested"
TRIAL_VMS, TRIAL_LEFT = PREFIX + "test.vms", PREFIX + "test.left"
TRIAL_NETWORKS = PREFIX + "test.networks"
LEASE = PREFIX + "lease"
SINGLE = (
    MODE,
    FAILOVER,
    SESSION,
    ROLLBACK,
    PITR,
    EXCLUDED,
    ASKED,
    SYNCED,
    SHUTDOWN,
    ENTERING,
    TOOL,
    REMAP,
    UNDO,
    COMMITTED,
    RESTORED,
    RELEASE,
    TRIAL,
    TESTED,
    LEASE,
)
CHUNKED = (
    NETWORKS,
    SESSION_VMS,
    ROLLBACK_VMS,
    SKIPPED,
    LEFT_OUT,
    WITHOUT,
    ABSENT,
    POWER_OFF,
    TRIAL_VMS,
    TRIAL_LEFT,
    TRIAL_NETWORKS,
)

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
    """`mode`: imported, or cfo once continuous failover was started by operation `by`."""

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
    """The word of a person, given to failover `by`, that the replication tool's jobs are stopped; an
    obligation until the domain is given back."""

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
    asked for; `ends`: when it is to be over."""

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
    """`reset`: points at or before it are gone. `last`: the session that ended last."""

    reset: Instant | None = None
    last: str | None = None


class BrokenRecord(ValueError):
    """An attribute that makes no sense; the text says which, what it reads, and what to do."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """All that a folder remembers. `networks`: network id -> network id; VM lists are ids."""

    mode: ModeRecord | None = None
    synced: SyncedRecord | None = None
    shutdown: ShutdownRecord | None = None
    entering: EnteringRecord | None = None
    tool: ToolRecord | None = None
    remap: RemapRecord | None = None
    undo: UndoRecord | None = None
    committed: CommittedRecord | None = None
    restored: RestoredRecord | None = None
    release: ReleaseRecord | None = None
    trial: TrialRecord | None = None
    tested: TestedRecord | None = None
    trial_networks: dict[str, str] = {}
    """of the test: protected network -> isolated one, ids; and "vm:ID" of each VM, if it is not of all"""
    clones: dict[str, CloneRecord] = {}
    """id of a test VM -> what is known of it; those of earlier tests that are left over too"""
    left: dict[str, str] = {}
    """id of a test VM that is left over -> why; "replica:ID" -> what a test's end changed of a replica"""
    failover: FailoverRecord | None = None
    session: SessionRecord | None = None
    rollback: RollbackRecord | None = None
    pitr: PitrRecord = PitrRecord()
    excluded: tuple[Period, ...] = ()
    networks: dict[str, str] = {}
    session_vms: tuple[str, ...] = ()
    rollback_vms: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """replicas that could not be used when the failover began, and join it when they can"""
    without: tuple[str, ...] = ()
    """replicas that the failover leaves out on an operator's word"""
    absent: dict[str, bool] = {}
    """name of a protected VM that had no replica when the failover began -> whether one joins later"""
    power_off: tuple[str, ...] = ()
    """protected VMs that are powered off on an operator's word, since they do not shut down"""
    askers: dict[str, str] = {}
    """operation id -> user@host who asked for it; for people only"""

    @property
    def completing(self) -> bool:
        return self.failover is not None and self.failover.phase != "finished"

    @property
    def under_way(self) -> bool:
        """Something was begun that only a driver of the domain brings to its end."""
        going = self.session, self.undo, self.release
        committing = self.committed is not None and not self.committed.over
        return self.completing or committing or any(going)

    @property
    def was_synchronised(self) -> bool:
        """Once since its continuous failover was started, as far as that was noted."""
        if self.mode is None or self.mode.mode != "cfo" or self.synced is None:
            return False
        return self.synced.by == self.mode.by

    @property
    def owned(self) -> bool:
        """This site took the domain over, and has not released it."""
        if self.release is not None:
            return False
        return self.failover is not None and FAILOVER_PHASES[self.failover.phase].owned

    @property
    def mode_without_vms(self) -> Mode:
        """The mode as far as the record alone tells; whether VMs are recoverable is for the inventory."""
        if self.session is not None and self.session.state is not SessionState.WAITING:
            return Mode.PITR_SESSION
        if self.completing:
            return Mode.COMPLETING
        if self.release is not None:
            return Mode.RELEASING
        if self.failover is not None:
            return Mode.RUNNING_IN_FAILOVER
        if self.mode is not None and self.mode.mode == "cfo":
            return Mode.SYNCHRONISED
        return Mode.IMPORTED

    @property
    def periods(self) -> tuple[Period, ...]:
        """The excluded ones, the running session's included."""
        if self.session is None or self.session.started is None:
            return self.excluded
        over = tuple(p for p in self.excluded if p.start != self.session.started)
        return (*over, Period(start=self.session.started))


def read(attributes: Mapping[str, str]) -> Record:
    """The record in a folder's attributes. Raises BrokenRecord."""
    record = Record(
        mode=_one(attributes, MODE, ModeRecord),
        synced=_one(attributes, SYNCED, SyncedRecord),
        shutdown=_one(attributes, SHUTDOWN, ShutdownRecord),
        entering=_one(attributes, ENTERING, EnteringRecord),
        tool=_one(attributes, TOOL, ToolRecord),
        remap=_one(attributes, REMAP, RemapRecord),
        undo=_one(attributes, UNDO, UndoRecord),
        committed=_one(attributes, COMMITTED, CommittedRecord),
        restored=_one(attributes, RESTORED, RestoredRecord),
        release=_one(attributes, RELEASE, ReleaseRecord),
        trial=_one(attributes, TRIAL, TrialRecord),
        tested=_one(attributes, TESTED, TestedRecord),
        clones=_many(attributes, TRIAL_VMS, dict[str, CloneRecord], {}),
        trial_networks=_many(attributes, TRIAL_NETWORKS, dict[str, str], {}),
        left=_many(attributes, TRIAL_LEFT, dict[str, str], {}),
        failover=_one(attributes, FAILOVER, FailoverRecord),
        session=_one(attributes, SESSION, SessionRecord),
        rollback=_one(attributes, ROLLBACK, RollbackRecord),
        pitr=_one(attributes, PITR, PitrRecord) or PitrRecord(),
        excluded=_excluded(attributes.get(EXCLUDED, "")),
        networks=_many(attributes, NETWORKS, dict[str, str], {}),
        session_vms=_many(attributes, SESSION_VMS, tuple[str, ...], ()),
        rollback_vms=_many(attributes, ROLLBACK_VMS, tuple[str, ...], ()),
        skipped=_many(attributes, SKIPPED, tuple[str, ...], ()),
        left_out=_many(attributes, LEFT_OUT, tuple[str, ...], ()),
        without=_many(attributes, WITHOUT, tuple[str, ...], ()),
        power_off=_many(attributes, POWER_OFF, tuple[str, ...], ()),
        absent=_many(attributes, ABSENT, dict[str, bool], {}),
        askers=_decoded(ASKED, attributes.get(ASKED) or "{}", Askers),
    )
    session = record.session
    if session is not None and session.state is not SessionState.WAITING and session.started is None:
        raise _broken(SESSION, attributes[SESSION], "an active session needs the time it started at")
    if session is not None and session.state is SessionState.ROLLING_BACK and record.rollback is None:
        raise _broken(ROLLBACK, "", "a rollback is under way, but there is no record of it")
    if session is not None and not record.owned:
        raise _broken(FAILOVER, attributes.get(FAILOVER, ""), "a PITR session needs a failover before it")
    return record


def write(value: msgspec.Struct) -> str:
    """The text of an attribute for one of the records above."""
    text = msgspec.json.encode(value).decode()
    if len(text) > MAX_VALUE:
        raise ValueError(f"the record {text[:40]}... has {len(text)} characters; {MAX_VALUE} fit")
    return text


def write_many(name: str, value: object) -> dict[str, str]:
    """Attributes that hold a list or mapping, cut to fit; parts not used are emptied."""
    text = msgspec.json.encode(value).decode() if value else ""
    if isinstance(value, tuple) and len(text) > MAX_VALUE * _PLAIN_PARTS:
        text = pack(value) or text
    elif len(text) > MAX_VALUE * _PLAIN_PARTS:
        text = pack_text(text)
    parts = [text[i : i + MAX_VALUE] for i in range(0, len(text), MAX_VALUE)]
    if len(parts) > MAX_PARTS:
        raise ValueError(f"{name} would need {len(text)} characters; {MAX_VALUE * MAX_PARTS} fit")
    return {part_name(name, i): parts[i] if i < len(parts) else "" for i in range(MAX_PARTS)}


def write_askers(askers: Mapping[str, str]) -> str:
    """Askers of operations, the newest last; of more than fit the oldest are left out."""
    kept = [(ident, brief(clean(who), MAX_ASKER)) for ident, who in askers.items()]
    while True:
        text = msgspec.json.encode(dict(kept)).decode()
        if len(text) <= MAX_VALUE:
            return text
        del kept[0]


def part_name(name: str, index: int) -> str:
    return name if index == 0 else f"{name}.{index + 1}"


def _one(attributes: Mapping[str, str], name: str, kind: Any) -> Any:
    text = attributes.get(name, "")
    if not text:
        return None
    value = _decoded(name, text, kind)
    for field in value.__struct_fields__:
        instant = getattr(value, field)
        if isinstance(instant, datetime) and not OLDEST <= instant <= NEWEST:
            raise _broken(name, text, f"{instant.year} is no year of ours")
    return value


def _many(attributes: Mapping[str, str], name: str, kind: Any, empty: Any) -> Any:
    text = "".join(attributes.get(part_name(name, i), "") for i in range(MAX_PARTS))
    if text.startswith(MARK) and kind == tuple[str, ...]:
        try:
            return unpack(text)
        except ValueError as error:
            raise _broken(name, text, str(error)) from None
    if text.startswith(TEXT_MARK):
        try:
            text = unpack_text(text)
        except ValueError as error:
            raise _broken(name, text, str(error)) from None
    return _decoded(name, text, kind) if text else empty


def _decoded(name: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _broken(name, text, str(error)) from None


def _excluded(text: str) -> tuple[Period, ...]:
    try:
        return unpack_periods(text)
    except ValueError as error:
        raise _broken(EXCLUDED, text, str(error)) from None


def _broken(name: str, text: str, why: str) -> BrokenRecord:
    return BrokenRecord(
        f'the custom attribute {name} of its folder reads "{text[:60]}", which makes no sense ({why});'
        " put its value right in vCenter, or clear it"
    )
