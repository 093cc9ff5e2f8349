"""Protected Domains as a site shows them at one instant.

Times are aware UTC datetimes, durations seconds, sizes bytes, progress percent (0 to 100).
"""

import itertools
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from .alarms import Alarm, HealthCounts, counted
from .alarms import Health as Health
from .facts.life_facts import Estimate, Undo, WayBack
from .facts.trial_facts import LastTrial, StrayTrialVm, Trial, TrialOffer
from .frozen import Frozen
from .planned import Phase, SiteQuestion


class Mode(StrEnum):
    """The place of a domain in the workflow; the values are those of the JSON interface."""

    PROTECTED = "protected"
    IMPORTED = "imported"
    REHYDRATING = "rehydrating"
    SYNCHRONISED = "synchronised"
    COMPLETING = "completing"
    PITR_SESSION = "pitr_session"
    RUNNING_IN_FAILOVER = "running_in_failover"
    RELEASING = "releasing"
    """the other side owns it, and what is here is not its replica yet"""
    UNKNOWN = "unknown"
    """at a site that does not tell it"""


MODE_LABELS = {
    Mode.PROTECTED: "Protected",
    Mode.IMPORTED: "Imported",
    Mode.REHYDRATING: "Continuous Rehydration starting",
    Mode.SYNCHRONISED: "Continuous Rehydration in Progress",
    Mode.COMPLETING: "Completing Continuous Failover",
    Mode.PITR_SESSION: "PITR session active",
    Mode.RUNNING_IN_FAILOVER: "Running in Failover",
    Mode.RELEASING: "Waits for replicas",
    Mode.UNKNOWN: "not told",
}
"""What the screens show for a mode; the vendor's words where the vendor has some."""


class Owner(StrEnum):
    """The site that may write the domain, seen from the site that is looked at."""

    LOCAL = "local"
    REMOTE = "remote"
    UNKNOWN = "unknown"


class SessionState(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    ROLLING_BACK = "rolling_back"
    EXITING = "exiting"

    @property
    def words(self) -> str:
        """For people; the value is for the JSON interface."""
        return self.replace("_", " ")


class StepState(StrEnum):
    DONE = "done"
    CURRENT = "current"
    PENDING = "pending"
    FAILED = "failed"


class FailoverType(StrEnum):
    REGULAR = "regular"
    PLANNED = "planned"
    FORCE = "force"


class Period(Frozen, frozen=True, kw_only=True):
    """A stretch of time that cannot be reached any more, because a PITR session was active in it.

    `end` is None while that session is still active. Both ends belong to it, except that the
    instant `start` itself still precedes the session and may be reached.
    """

    start: datetime = msgspec.field(name="from")
    end: datetime | None = msgspec.field(name="to", default=None)

    def covers(self, instant: datetime) -> bool:
        return self.start < instant and (self.end is None or instant <= self.end)


class PitrPolicy(Frozen, frozen=True, kw_only=True):
    """Rules by which restore points of a domain are made and kept.

    `window_s`: how far back one can go; `interval_s`: how often a point is made where we make them.
    """

    enabled: bool = False
    window_s: float = 0
    interval_s: float = 0

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.window_s)


class RunbookGroup(Frozen, frozen=True, kw_only=True):
    """VMs (names) that start together; `delay_after_s` is waited before the next group starts."""

    group: str
    vms: tuple[str, ...] = ()
    delay_after_s: float = 0


class VmQuestion(Frozen, frozen=True, kw_only=True):
    """A question of the site's that blocks a VM until somebody answers; `choices`: label -> key."""

    id: str
    text: str
    message: str = ""
    """the id of its text, "msg.uuid.altered": the same in every language"""
    choices: dict[str, str] = {}


class Vm(Frozen, frozen=True, kw_only=True):
    """One VM of a domain. `id` is the site's own and stable, `name` is for people."""

    id: str
    name: str
    status: str = "unknown"
    """protected, not_recoverable, rehydrating, recoverable, recovering, recovered, rolling_back, left_out"""
    power: str = "unknown"
    """on, off, suspended, unknown"""
    ready: bool | None = None
    health: Health = Health.UNKNOWN
    restore_points: int = 0
    newest_point: datetime | None = None
    rolled_back_to: datetime | None = None
    error: str | None = None
    group: str | None = None
    networks: tuple[str, ...] = ()
    progress: float | None = None
    """percent of what is being done to it now"""
    detail: str = ""
    """one short line: what it does or waits for"""
    question: VmQuestion | None = None
    not_covered: tuple[str, ...] = ()
    """devices that a rollback leaves as they are, or that keep points from being made, in words"""
    lacks_entry: bool = False
    """no entry point of the PITR session is on it, so that no rollback touches it"""
    foreign_snapshots: tuple[str, ...] = ()
    """names of snapshots that others made since the PITR session began"""
    exit_removes: tuple[str, ...] = ()
    """names of snapshots of others that go with an exit, since the settings allow it"""
    unusable: str = ""
    """why nothing can be done with it at this site, "inaccessible"; empty: it can be used"""
    left_out: bool = False
    """the failover goes on, or went, without it"""
    joins: bool = False
    """left out, but started once it can be used again"""


VM_STATUS_LABELS = {
    "protected": "Protected",
    "not_recoverable": "Not Recoverable",
    "rehydrating": "Rehydrating",
    "recoverable": "Recoverable",
    "recovering": "Recovering",
    "recovered": "Recovered",
    "rolling_back": "Rolling back",
    "left_out": "Left out",
    "unknown": "Unknown",
}


class Step(Frozen, frozen=True, kw_only=True):
    """One of the task steps that the site really takes."""

    number: int
    of: int
    label: str
    state: StepState = StepState.PENDING
    progress: float | None = None
    detail: str = ""
    began_at: datetime | None = None
    """when it was seen to begin, by the site's clock; None where nobody looked then"""
    ended_at: datetime | None = None

    @property
    def took_s(self) -> float | None:
        """Seconds that it took; None while it is not done, or where nobody looked."""
        if self.began_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.began_at).total_seconds()


class Session(Frozen, frozen=True, kw_only=True):
    """A PITR session. `after_failover` is the operation that it is an integral step of, if any."""

    id: str
    state: SessionState
    started_at: datetime | None = None
    """None while it still waits"""
    entry_at: datetime | None = None
    """the instant of the point made on entry, so that the state before any rollback can be had back"""
    rolled_back_to: datetime | None = None
    rollbacks: int = 0
    after_failover: str | None = None
    vms: tuple[str, ...] = ()
    """names; empty: all VMs of the domain"""
    progress: float | None = None
    waits_for: str = ""
    last_operation: str | None = None
    """the last rollback or exit asked of it"""
    entering: str | None = None
    """the operation that makes entry points of VMs which have none"""
    target: datetime | None = None
    """the instant that it is rolling back to, or was last"""
    reverted: bool = False
    """its VMs are rolled back and off, and wait to be started (StartReverted)"""


class Failover(Frozen, frozen=True, kw_only=True):
    """The completion of a continuous failover, as it was requested and as the site remembers it."""

    id: str
    type: FailoverType
    run_pitr: bool = False
    began_at: datetime | None = None
    recovered_at: datetime | None = None
    """when every VM was recovered and ready"""


class Networks(Frozen, frozen=True, kw_only=True):
    """Networks of a domain and their mapping.

    `protected`: what the VMs are on; `recovery`: what the site offers; `mapping`: what was chosen;
    `defaults`: what the site's settings say, which the site may not offer; `places`: where those are that
    share a name, which ends with their ids."""

    protected: tuple[str, ...] = ()
    recovery: tuple[str, ...] = ()
    mapping: dict[str, str] = {}
    defaults: dict[str, str] = {}
    places: dict[str, str] = {}

    @property
    def proposed(self) -> dict[str, str]:
        """Choices that need no question."""
        return {source: target for source in self.protected for target, _ in self.proposal(source)}

    def proposal(self, source: str) -> tuple[tuple[str, str], ...]:
        """The recovery network that needs no question, and why it is that; empty where there is none.

        The mapping of before counts most, then the settings', the same name, the only one that is offered.
        """
        reasons = (
            (self.mapping.get(source), "chosen before"),
            (self.defaults.get(source), "settings"),
            (source if source in self.recovery else None, "the same name"),
            (self.recovery[0] if len(self.recovery) == 1 else None, "the only one"),
        )
        usable = ((to, why) for to, why in reasons if to and (to in self.recovery or not self.recovery))
        return tuple(itertools.islice(usable, 1))


class ProtectedSite(Frozen, frozen=True, kw_only=True):
    """Evidence at the protected site for or against a failover type."""

    state: str = "unknown"
    """reachable, lost, unknown (not configured)"""
    address: str = ""
    running: int | None = None
    total: int | None = None
    checked_at: datetime | None = None
    detail: str = ""
    owned: bool | None = None
    """whether its record says that it owns the domain; None: there is none"""
    changed_here: tuple[str, ...] = ()
    """VMs of this site whose configuration was changed since a failover that can be undone, and how an undo
    changes it back; looked at together with the protected site"""


class SiteFact(Frozen, frozen=True, kw_only=True):
    """Something that a site tells of a domain in its own words: text from outside, as it came."""

    label: str
    text: str


class Domain(Frozen, frozen=True, kw_only=True):
    """A Protected Domain at one instant."""

    id: str
    name: str
    mode: Mode
    owner: Owner
    owner_address: str = ""
    vms_total: int = 0
    vms_recoverable: int = 0
    vms_recovered: int = 0
    pitr: PitrPolicy = PitrPolicy()
    consistent_at: datetime | None = None
    """the newest instant at which every VM could be had; None: unknown"""
    remaining_bytes: int | None = None
    processed_bytes: int | None = None
    storage_site: str = ""
    replication: str = ""
    """the site's own word on how the domain is protected now; empty: unknown"""
    step: Step | None = None
    session: Session | None = None
    failover: Failover | None = None
    alarms: tuple[Alarm, ...] = ()
    excluded: tuple[Period, ...] = ()
    reset_at: datetime | None = None
    """points at or before this instant are gone for good"""
    points: int = 0
    oldest_point: datetime | None = None
    newest_point: datetime | None = None
    vms: tuple[Vm, ...] = ()
    steps: tuple[Step, ...] = ()
    networks: Networks = Networks()
    runbook: tuple[RunbookGroup, ...] = ()
    phase: Phase | None = None
    question: SiteQuestion | None = None
    broken: str | None = None
    """why nothing may be done to this domain: its record at the site makes no sense"""
    record_removed: bool = False
    """that is because somebody removed the record, which can be written back"""
    configuration_goes_back: bool = False
    """a rollback takes back not only disks, but the VMs' configuration, as a vCenter's revert does"""
    holder: str | None = msgspec.field(name="driver", default=None)
    """who else drives it, when it is not this controller"""
    left_by: str | None = None
    """who else drove it, fell silent, and left something under way"""
    remapping: str | None = None
    """the operation whose mapping of networks is being made true"""
    remapped: str | None = None
    """the one that changed the mapping last, and is through"""
    askers: dict[str, str] = {}
    """operation id -> user@host, of those under way that the site can tell of: text from outside"""
    was_synchronised: bool = False
    """once since its continuous failover was started, where the site remembers that"""
    health: HealthCounts = HealthCounts()
    """of a row of the list; `checked` has it for every domain"""
    abnormal_since: datetime | None = None
    """since when it wrote abnormally, as far as its restore points tell"""
    last_good: datetime | None = None
    """the last restore point before that"""
    observed_only: str = ""
    """why nothing can be asked of this domain at this site, ever; empty: all that the rules allow"""
    site_facts: tuple[SiteFact, ...] = ()
    mode_says: str = ""
    """the label of the mode, where the site's own word is another one"""
    committed_at: datetime | None = None
    """when the failover was committed, so that it cannot be undone any more"""
    undo: Undo | None = None
    """None: there is no failover that runs here"""
    undoing: str | None = None
    """the operation that undoes the failover"""
    committing: str | None = None
    """the operation that commits it, until nothing is left of the way back"""
    way_back: WayBack = WayBack()
    again: str = ""
    """what is missing, where it was synchronised and is rehydrating again"""
    trial: Trial | None = None
    """a test that goes on, or of which something is left"""
    tested: LastTrial | None = None
    strays: tuple[StrayTrialVm, ...] = ()
    """test VMs that no list has: what made them came to nobody's knowledge, or their record was lost"""
    trial_offer: TrialOffer | None = None
    """None: the site tests nothing"""
    estimate: Estimate | None = None
    """when what goes on here will be over; None: nothing does, or nothing tells"""
    unread: bool = False
    """its VMs were not read yet: it shows what its record tells, and nothing is decided by it"""

    @property
    def mode_label(self) -> str:
        """The label of the mode on the screens."""
        if self.again:
            return "Continuous Rehydration again"
        return self.mode_says or MODE_LABELS[self.mode]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of the VMs that the failover goes on without."""
        return tuple(vm.name for vm in self.vms if vm.left_out)

    @property
    def recovered(self) -> bool:
        """Every VM is recovered and ready, but for those left out: a ticked PITR session may start."""
        left_out = len(self.left_out)
        return self.vms_total > left_out and self.vms_recovered + left_out >= self.vms_total

    @property
    def checked(self) -> HealthCounts:
        """Numbers of VMs that pass their check, fail it, or have none."""
        return counted(vm.health for vm in self.vms) if self.vms else self.health

    def summary(self) -> "Domain":
        """The row of the list: everything but what only the domain's own screen shows."""
        return msgspec.structs.replace(
            self,
            vms=(),
            steps=(),
            networks=Networks(),
            runbook=(),
            phase=None,
            excluded=(),
            health=self.checked,
            site_facts=(),
        )

    def rpo_s(self, now: datetime) -> float | None:
        """Seconds of data that would be lost now; never negative; None when unknown."""
        if self.consistent_at is None:
            return None
        return max(0.0, (now - self.consistent_at).total_seconds())

    def unprotected_s(self, now: datetime) -> float | None:
        """Seconds since the session started, or None without an active one."""
        if self.session is None or self.session.started_at is None:
            return None
        return max(0.0, (now - self.session.started_at).total_seconds())
