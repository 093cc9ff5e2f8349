"""Facts of a Test Failover, a "trial": of one that goes on, of the last, and of the next."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from drdeck.model.frozen import Frozen

NOT_SAID = "not said"
RESULTS = ("passed", "failed", NOT_SAID)
"""Results of a test, as the JSON interface has them."""


class TrialState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    OVERDUE = "overdue"
    ENDING = "ending"
    LEFT_OVER = "left over"


class TrialVm(Frozen, frozen=True, kw_only=True):
    """A test VM, the clone of a VM of the domain. `left`: why it is left over, and what to do by hand;
    `foreign`: files of the disks of others that are attached to it."""

    id: str
    name: str
    of: str
    power: str = "unknown"
    ready: bool = False
    left: str = ""
    foreign: tuple[str, ...] = ()


class StrayTrialVm(Frozen, frozen=True, kw_only=True):
    """A VM in the test folder with the mark of a test of the domain, that no list of test VMs has.

    `of`: the VM that its mark names; `operation`: the test that its mark names, which anybody can write."""

    id: str
    name: str
    of: str
    power: str = "unknown"
    operation: str = ""


class Trial(Frozen, frozen=True, kw_only=True):
    """A test that goes on, or of which VMs are left over. `operation`: what starts it, or ends it."""

    operation: str
    state: TrialState
    since: datetime
    ends_at: datetime | None = None
    point: datetime | None = None
    """the instant that was asked for; None: the newest on each VM"""
    vms: tuple[TrialVm, ...] = ()
    networks: Mapping[str, str] = {}
    waits_for: str = ""
    grown_bytes: int | None = None
    """what the test VMs have written so far; None: not known"""

    @property
    def left(self) -> tuple[TrialVm, ...]:
        return tuple(vm for vm in self.vms if vm.left)

    @property
    def foreign(self) -> tuple[tuple[str, str], ...]:
        """Disks of others at what is left over: file and test VM."""
        return tuple((file, vm.name) for vm in self.left for file in vm.foreign)

    def lasts_s(self, now: datetime) -> float:
        return max(0.0, (now - self.since).total_seconds())


class LastTrial(Frozen, frozen=True, kw_only=True):
    """The last test that was ended. `result`: one of RESULTS."""

    at: datetime
    result: str = NOT_SAID
    note: str = ""
    vms: int = 0
    point: datetime | None = None


class TrialRoom(Frozen, frozen=True, kw_only=True):
    """Room on a datastore that a test asks for, in bytes: a share (0 to 1) of its VMs' disks."""

    datastore: str
    needed: int
    free: int
    share: float


class TrialOffer(Frozen, frozen=True, kw_only=True):
    """A site's readiness for a test of the domain. `closed`: why it cannot have one now; `networks`: isolated
    ones, by name; `mapping`: protected network -> isolated one where nothing else is chosen."""

    closed: str = ""
    networks: tuple[str, ...] = ()
    mapping: Mapping[str, str] = {}
    ends_after_s: float = 4 * 3600.0
    connected: str = ""
    """networks of the settings that are not isolated, which the settings allow; empty: none"""
