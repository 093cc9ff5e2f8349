"""One domain from event to event. Completion and sessions have files of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, auto
from itertools import pairwise

from drdeck.model.domains import FailoverType
from drdeck.model.times import parse_duration
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioDomain
from drdeck.sites.training.units import NEVER, SECOND, seconds, ticks

from . import domain_faults, task_steps
from .data_flow import CUT, LAG, STORE, DataFlow, Transfer
from .runbook import FAILS_AFTER, Boot, BootGroup, RunbookRun, boot_groups
from .vm_state import VmState, incident


class Stage(StrEnum):
    """Stages of a domain; a session is kept beside it."""

    IMPORTED = auto()
    PROTECTED = auto()
    PREPARING = auto()
    REHYDRATING = auto()
    CATCHING_UP = auto()
    SHUTTING_DOWN = auto()
    DRAINING = auto()
    TAKING_OVER = auto()
    RUNBOOK = auto()
    RECOVERED = auto()
    RUNNING = auto()
    RETURNING = auto()


class ReturnPhase(StrEnum):
    """Phases of a failback."""

    CHECKS = auto()
    BULK = auto()
    """the VMs run here"""
    OFF = auto()
    """they are shut down here"""
    REST = auto()
    OWNERSHIP = auto()


AT_SOURCE = frozenset(
    {
        Stage.IMPORTED,
        Stage.PREPARING,
        Stage.REHYDRATING,
        Stage.CATCHING_UP,
        Stage.SHUTTING_DOWN,
        Stage.DRAINING,
    }
)
"""the VMs' data still comes from the protected site"""


class SessionStage(StrEnum):
    WAITING = auto()
    ACTIVE = auto()
    READING = auto()
    REVERTED = auto()
    """rolled back and off, until StartReverted"""
    BOOTING = auto()
    EXITING = auto()


PERIODS = 100
"""Periods of sessions that are told apart."""


@dataclass(slots=True)
class SimulatedFailover:
    operation: str
    type: FailoverType
    run_pitr: bool
    began_at: int
    cut_at: int = NEVER
    started_at: int = NEVER
    """when the first VM was started here: an undo goes back to then"""
    recovered_at: int | None = None


@dataclass(slots=True)
class SimulatedUndo:
    operation: str
    began_at: int
    due: int


@dataclass(slots=True)
class SimulatedFailback:
    operation: str
    began_at: int
    due: int
    phase: ReturnPhase = ReturnPhase.CHECKS
    copied_to: int = NEVER
    """up to when what was written here is brought back first"""


@dataclass(slots=True)
class SimulatedSession:
    id: str
    asked_at: int
    vms: tuple[int, ...]
    named: tuple[str, ...]
    after_failover: str | None
    stage: SessionStage = SessionStage.WAITING
    started_at: int | None = None
    rolled_back_to: int | None = None
    target: int | None = None
    rollbacks: int = 0
    last_operation: str | None = None
    hold: bool = False
    """of the rollback under way: reverted VMs stay off until they are told to start"""
    reverted: frozenset[int] = frozenset()
    """numbers of the VMs that the last rollback has reverted"""
    due: int = NEVER
    foreign: list[tuple[int, int, domain_faults.Fault]] = field(default_factory=list)
    """(when, VM, fault): snapshots that somebody else makes in it"""


@dataclass(slots=True)
class SessionSpan:
    """After `start`, up to and including `end`; `end` None: not over."""

    start: int
    end: int | None = None

    @property
    def until(self) -> int:
        return NEVER if self.end is None else self.end


class DomainMachine:
    """A domain's state since its last event. `at` is that event's instant."""

    def __init__(self, scenario: Scenario, spec: ScenarioDomain, number: int) -> None:
        self.spec = spec
        self.number = number
        self.start = self.at = ticks(scenario.start)
        self.seed = scenario.seed
        self.faults = domain_faults.of_domain(scenario, spec)
        self.outages = domain_faults.outages(self.faults)
        self.incidents = [incident(one) for one in spec.incidents]
        self.vms = [VmState(n, vm, self.start, self.incidents) for n, vm in enumerate(spec.vms)]
        self.groups = boot_groups(spec)
        self.order = [vm for group in self.groups for vm in group.vms]
        self.disks = sum(vm.disk for vm in self.vms)
        self.window = seconds(parse_duration(spec.pitr.window))
        self.interval = seconds(parse_duration(spec.pitr.interval))

        self.stage = Stage.IMPORTED
        self.step = 0
        self.step_at = self.start
        self.due = NEVER
        self.local = False
        self.flow: DataFlow | None = None
        self.transfer: Transfer | None = None
        self.startup: RunbookRun | None = None
        self.failover: SimulatedFailover | None = None
        self.undo: SimulatedUndo | None = None
        self.committed_at: int | None = None
        self.restored: tuple[str, int] | None = None
        """(operation, when) by which this site was made the primary site"""
        self.failback: SimulatedFailback | None = None
        self.returned_at: int | None = None
        """since when what a failback left here was not brought up to date"""
        self.trials: object | None = None
        """tests of the domain; life/trial.py keeps them"""
        self.session: SimulatedSession | None = None
        self.excluded: list[SessionSpan] = []
        self.gaps: list[SessionSpan] = []
        """when no points were made for other reasons"""
        self.dropped: dict[int, list[SessionSpan]] = {}
        """VM -> points of branches that were left"""
        self.reset_at: int | None = None
        self.mapping: dict[str, str] = {}
        self.store_lost_at: int | None = None
        self.site_lost_at: int | None = None
        self.source_end: int | None = None
        """up to where the storage site has the data of a protected site that is lost"""
        self.changed = True
        """the link has to be shared anew"""
        self.timeline = domain_faults.timeline(spec, self.incidents, self.outages, self.start)
        self.next_event = 0
        self._begin()

    def _begin(self) -> None:
        at, many = self.start, len(self.vms)
        if self.spec.state == "protected":
            self.stage, self.local = Stage.PROTECTED, True
            for vm in self.vms:
                vm.boot = Boot(at, at, 0)
            self.flow = DataFlow(at, [vm.writes for vm in self.vms], [0] * many, at - LAG, many)
            return
        for vm in self.vms:
            vm.at_source = self.spec.protected_vms == "on"
            vm.run(at, vm.at_source)
        if self.spec.state == "synchronised":
            self.stage, self.step = Stage.REHYDRATING, task_steps.DATA
            self.rehydrate(at, many)

    # -- flows

    def rehydrate(self, at: int, seeded: int = 0) -> None:
        """Begin to bring the VMs' data here, in the order of the runbook; some faults count from here."""
        self.faults = [fault.begun(at) for fault in self.faults]
        self.lay_outages(at)
        horizon = at - LAG if self.source_end is None else self.source_end
        if self.store_lost_at is not None:
            horizon = min(horizon, self.store_lost_at - LAG)
        vms = [self.vms[number] for number in self.order]
        self.flow = DataFlow(at, [vm.writes for vm in vms], [vm.disk for vm in vms], horizon, seeded)
        if self.source_end is not None:
            self.flow.freeze(CUT, at, horizon)
        if self.store_lost_at is not None:
            self.flow.freeze(STORE, at, horizon)
        self.changed = True

    def protect(self, at: int) -> None:
        """From `at` on what is written here goes to the storage site."""
        carried = 0 if self.flow is None else self.flow.processed(at)
        self._forget(at)
        many = len(self.vms)
        self.flow = DataFlow(at, [vm.writes for vm in self.vms], [0] * many, at, many, carried)
        if self.store_lost_at is not None:
            self.flow.freeze(STORE, at, at)
        self.changed = True

    def _forget(self, at: int) -> None:
        """Let go of what no point tells of any more. Only where a new flow begins: the one before it
        may have asked for older writes."""
        before = at - self.window - 2 * self.interval
        for vm in self.vms:
            vm.forget(before)
        self.gaps = [gap for gap in self.gaps if gap.until > before]
        left = {vm: [span for span in spans if span.until > before] for vm, spans in self.dropped.items()}
        self.dropped = {vm: spans for vm, spans in left.items() if spans}

    def exclude(self, end: int) -> None:
        """The session is over. Of many periods the two closest together become
        one, first those of before the window, so that nothing excluded is ever forgotten."""
        self.excluded[-1].end = end
        if len(self.excluded) > PERIODS:
            low = end - self.window
            pairs = list(pairwise(self.excluded))
            apart = [0 if b.start < low else b.start - a.until for a, b in pairs]
            n = apart.index(min(apart))
            self.excluded[n : n + 2] = [SessionSpan(pairs[n][0].start, pairs[n][1].end)]

    def demand(self) -> int:
        """Bytes per second that this domain asks of the link, for `bandwidth.share`."""
        if self.transfer is not None:
            return self.transfer.demand()
        return 0 if self.flow is None else self.flow.demand(self.at)

    def give(self, bandwidth: int) -> None:
        if self.transfer is not None:
            self.transfer.bandwidth = bandwidth
            bandwidth = 0
        if self.flow is not None:
            self.flow.give(bandwidth, self.at)

    def lay_outages(self, at: int) -> None:
        """Lay what is still to come of the object store's outages anew, after `faults` has changed."""
        self.outages = domain_faults.outages(self.faults)
        coming = [one for one in self.timeline[self.next_event :] if not one[1].startswith("store_")]
        for number, (start, end) in enumerate(self.outages):
            if end <= at:
                continue
            if self.store_lost_at is None or start > at:
                coming.append((max(start, at), "store_lost", number))
            if end < NEVER:
                coming.append((end, "store_back", number))
        self.timeline[self.next_event :] = sorted(coming)

    # -- VMs

    def source_counts(self) -> bool:
        """True while VMs at the protected site still write data that is brought here."""
        return not self.local and self.site_lost_at is None

    def running(self, vm: VmState, at: int) -> bool:
        return (vm.at_source and self.source_counts()) or vm.runs_here(at)

    def rerate(self, vm: VmState, at: int) -> None:
        """Something about the VM changed at `at` that its write rate follows from."""
        vm.run(at, self.running(vm, at))
        if self.flow is not None:
            self.flow.touched()
        self.changed = True

    def power_on(self, number: int, at: int) -> Boot:
        """One try to power a VM on here, which a fault may spoil."""
        vm = self.vms[number]
        vm.tries += 1
        fault = self.fault("power_on_fails", vm, at)
        if fault is not None:
            vm.failures[fault.number] = vm.failures.get(fault.number, 0) + 1
            vm.boot = Boot(at, NEVER, vm.tries, at + FAILS_AFTER)
            return vm.boot
        length = {"power": SECOND, "tools": vm.boot_time, "ip": vm.boot_time + 5 * SECOND}[self.spec.ready]
        vm.boot = Boot(at, at + self.slowed(vm, at, length), vm.tries)
        self.rerate(vm, at)
        return vm.boot

    def fault(self, kind: str, vm: VmState, at: int) -> domain_faults.Fault | None:
        """The fault of a kind that strikes a VM now, if it has not struck often enough."""
        for fault in self.faults:
            hits = fault.kind == kind and vm.number in fault.vms and fault.on(at)
            if hits and vm.failures.get(fault.number, 0) < fault.times:
                return fault
        return None

    def slowed(self, vm: VmState, at: int, length: int) -> int:
        """A duration of a VM, longer where it is a slow one."""
        fault = self.fault("slow_vm", vm, at)
        return length if fault is None else round(length * fault.factor)

    @property
    def offered(self) -> tuple[str, ...]:
        """The networks of this site."""
        return self.spec.recovery_networks or ("DRSeg",)

    def network_here(self, name: str) -> str:
        """The network here for a protected one: as chosen, else the same name, else the first."""
        return self.mapping.get(name, name if name in self.offered else self.offered[0])

    def groups_of(self, numbers: frozenset[int]) -> list[BootGroup]:
        """The runbook for some VMs only."""
        return [
            BootGroup(group.name, tuple(vm for vm in group.vms if vm in numbers), group.delay_after)
            for group in self.groups
        ]

    # -- points

    def open_gap(self, start: int) -> None:
        self.gaps.append(SessionSpan(start))

    def close_gap(self, start: int, end: int) -> None:
        """End the open gap that began at `start`, if there is one."""
        for gap in self.gaps:
            if gap.end is None and gap.start == start:
                gap.end = end
                return
