"""A Test Failover in the simulation: every instant of it follows from when it was begun and ended.

Clones are made a few at a time, started by the runbook, and write as their VMs do, into their own disks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drdeck.model.commands import EndTrial, StartTrial
from drdeck.model.facts.trial_facts import NOT_SAID
from drdeck.model.text import brief, clean
from drdeck.sites.training.simulation.domain_machine import DomainMachine
from drdeck.sites.training.units import NEVER, SECOND, ticks

AT_ONCE = 4
"""Clones that are made at a time."""
CLONE_TIME, READ_BACK, REMOVAL = 4 * SECOND, SECOND, 3 * SECOND
ENDS_AFTER_S = 4 * 3600.0
MAX_NOTE = 120
BUBBLE = "DR-Bubble"
"""The isolated network of every training site."""
RETENTION_WAITS = 3600 * SECOND
"""So long a test may last before the tool's retention has something to remove."""
FOREIGN_DISK = "foreign_disk"
"""The fault: somebody attaches a disk of another VM to a test VM."""


@dataclass(slots=True)
class SimulatedTrial:
    """A Test Failover at a training site.

    `ready`: number of a VM -> when its clone serves, `started`: when it was powered on; `left`: numbers of
    those that stay, once it was ended."""

    operation: str
    of: str
    began_at: int
    ends_at: int
    to: int | None
    numbers: tuple[int, ...]
    networks: dict[str, str]
    cloned: dict[int, int]
    started: dict[int, int]
    ready: dict[int, int]
    running_at: int
    off_at: int = NEVER
    removed_at: int = NEVER
    left: tuple[int, ...] = ()


@dataclass(slots=True)
class EndedTrial:
    at: int
    result: str
    note: str
    vms: int
    to: int | None


@dataclass(slots=True)
class Trials:
    """A domain's tests: the one that goes on or has left something, and the last that was ended."""

    now: SimulatedTrial | None = None
    last: EndedTrial | None = None
    milestones: list[int] = field(default_factory=list)


def of(machine: DomainMachine) -> Trials:
    if machine.trials is None:
        machine.trials = Trials()
    assert isinstance(machine.trials, Trials)
    return machine.trials


def going(machine: DomainMachine, at: int) -> SimulatedTrial | None:
    """The test that goes on at an instant, or of which VMs are left over."""
    trial = of(machine).now
    if trial is None or (at >= trial.removed_at and not trial.left):
        return None
    return trial


def due_at(machine: DomainMachine) -> int:
    """The next instant at which what is shown of a test changes by itself."""
    trials = machine.trials
    if not isinstance(trials, Trials) or trials.now is None:
        return NEVER
    return min((at for at in trials.milestones if at > machine.at), default=NEVER)


def start(machine: DomainMachine, command: StartTrial, at: int) -> None:
    chosen_vms = [vm for vm in machine.vms if not command.vms or vm.name in command.vms]
    numbers = tuple(vm.number for vm in chosen_vms)
    cloned = {number: at + CLONE_TIME * (1 + place // AT_ONCE) for place, number in enumerate(numbers)}
    started, ready = dict[int, int](), dict[int, int]()
    begins = max(cloned.values(), default=at) + READ_BACK
    for group in machine.groups_of(frozenset(numbers)):
        for number in group.vms:
            vm = machine.vms[number]
            started[number] = begins
            ready[number] = begins + machine.slowed(vm, begins, vm.boot_time)
        begins = max((ready[number] for number in group.vms), default=begins) + group.delay_after
    running_at = max(ready.values(), default=begins)
    lasts_s = command.ends_after_s or ENDS_AFTER_S
    trials = of(machine)
    trials.now = SimulatedTrial(
        operation=command.operation,
        of=command.operation,
        began_at=at,
        ends_at=at + round(lasts_s * SECOND),
        to=None if command.to is None else ticks(command.to),
        numbers=numbers,
        networks=dict(command.networks),
        cloned=cloned,
        started=started,
        ready=ready,
        running_at=running_at,
    )
    later = {*cloned.values(), *started.values(), *ready.values(), trials.now.ends_at, at + RETENTION_WAITS}
    trials.milestones = sorted(later)


def end(
    machine: DomainMachine, operation: str, result: str, note: str, at: int, detaches: bool = False
) -> None:
    """End what goes on; what is left of an earlier end is tried again. `detaches`: disks of others first."""
    trials = of(machine)
    trial = going(machine, at)
    if trial is None:
        return
    if trial.off_at == NEVER:
        trials.last = EndedTrial(
            at, result or NOT_SAID, brief(clean(note), MAX_NOTE), len(trial.numbers), trial.to
        )
    left = []
    for number in trial.left or trial.numbers:
        vm = machine.vms[number]
        fault = machine.fault(FOREIGN_DISK, vm, at)
        if fault is not None and not detaches:
            vm.failures[fault.number] = vm.failures.get(fault.number, 0) + 1
            left.append(number)
    trial.operation, trial.off_at, trial.left = operation, at, tuple(left)
    trial.removed_at = at + REMOVAL
    trials.milestones = [trial.removed_at]


def end_as_asked(machine: DomainMachine, command: EndTrial, at: int) -> None:
    end(machine, command.operation, command.result, command.note, at, bool(command.detach))


def end_for_failover(machine: DomainMachine, operation: str, at: int) -> None:
    """A real failover begins: the test VMs are off at once."""
    trial = going(machine, at)
    if trial is not None and trial.off_at == NEVER:
        end(machine, operation, "", "ended by a failover", at)


def written(machine: DomainMachine, trial: SimulatedTrial, at: int) -> int:
    """Bytes that the test VMs have written so far."""
    until = min(at, trial.off_at)
    return sum(
        machine.vms[number].rate * max(0, until - began) // SECOND for number, began in trial.started.items()
    )
