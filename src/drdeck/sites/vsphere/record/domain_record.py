"""Memory of a domain: all that its folder's custom attributes say, and what follows from that alone."""

from __future__ import annotations

import msgspec

from drdeck.model.domains import Mode, Period, SessionState

from .phases import FAILOVER_PHASES
from .record_values import (
    CloneRecord,
    CommittedRecord,
    EnteringRecord,
    FailoverRecord,
    ModeRecord,
    PitrRecord,
    ReleaseRecord,
    RemapRecord,
    RestoredRecord,
    RollbackRecord,
    SessionRecord,
    ShutdownRecord,
    SyncedRecord,
    TestedRecord,
    ToolRecord,
    TrialRecord,
    UndoRecord,
)


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
    trial_tool: ToolRecord | None = None
    """the word that the tool's retention is paused for a test; an obligation until somebody let it go on"""
    trial_networks: dict[str, str] = {}
    """of the test: protected network -> isolated one, ids; and "vm:ID" of each VM, if it is not of all"""
    clones: dict[str, CloneRecord] = {}
    """id of a test VM -> what is known of it; those of earlier tests that are left over too"""
    left: dict[str, str] = {}
    """id of a test VM that is left over -> why; "replica:ID" -> what a test's end changed of a replica"""
    detach: tuple[str, ...] = ()
    """of a test that ends: digests of the disks of others that are detached from its VMs, by consent"""
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
        """Something was begun that only a holder of the domain brings to its end."""
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
