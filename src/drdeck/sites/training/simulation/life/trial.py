"""A Test Failover in the simulation: every instant of it follows from when it was begun and ended.

Clones are made a few at a time, started by the runbook, and write as their VMs do, into their own disks.
"""

from __future__ import annotations

from collections.abc import Collection

from drdeck.model.commands import EndTrial, StartTrial
from drdeck.model.facts.trial_facts import NOT_SAID
from drdeck.model.text import brief, clean
from drdeck.sites.training.simulation.domain_machine import DomainMachine
from drdeck.sites.training.units import NEVER, SECOND, ticks

from . import trial_state
from .trial_state import EndedTrial, KeptClone, PausedTool, SimulatedTrial, going, of

AT_ONCE = 4
"""Clones that are made at a time."""
CLONE_TIME, READ_BACK, REMOVAL = 4 * SECOND, SECOND, 3 * SECOND
LATE_BY = 30 * SECOND
"""So long after its test a clone comes that was not done before."""
ENDS_AFTER_S = 4 * 3600.0
MAX_NOTE = 120
MAX_NAME = 80
"""Characters of the name of somebody whose word counts."""
BUBBLE = "DR-Bubble"
"""The isolated network of every training site."""
RETENTION_WAITS = 3600 * SECOND
"""So long a test may last before the tool's retention has something to remove."""
FOREIGN_DISK = "foreign_disk"
"""The fault: somebody attaches a disk of another VM to a test VM."""
LATE_CLONE = "late_clone"
"""The fault: the clone of a VM is not done before its test is ended, and comes after it."""


def start(machine: DomainMachine, command: StartTrial, at: int) -> None:
    """Begin a test; what an earlier one left over stays in the list."""
    trials = of(machine)
    _keep_left(machine, at)
    chosen_vms = [vm for vm in machine.vms if not command.vms or vm.name in command.vms]
    taken, names = {clone.name for clone in trials.kept}, dict[int, str]()
    for vm in chosen_vms:
        name, count = f"drdeck-test-{machine.spec.name}-{vm.name}", 2
        names[vm.number] = name
        while names[vm.number] in taken:
            names[vm.number] = f"{name}-{count}"
            count += 1
    lasts_s = command.ends_after_s or ENDS_AFTER_S
    trials.now = SimulatedTrial(
        operation=command.operation,
        of=command.operation,
        began_at=at,
        ends_at=at + round(lasts_s * SECOND),
        to=None if command.to is None else ticks(command.to),
        numbers=tuple(vm.number for vm in chosen_vms),
        networks=dict(command.networks),
        names=names,
    )
    if trial_state.unasked(machine):
        trials.milestones = []
    else:
        _clone(machine, trials.now, at)


def _keep_left(machine: DomainMachine, at: int) -> None:
    """Keep what the test before this one left over in the list."""
    trials = of(machine)
    trials.kept = [clone for clone in trials.kept if at < clone.gone_at]
    earlier = trials.now
    if earlier is None:
        return
    for number in earlier.left:
        ident, name = ident_of(machine, earlier, number), earlier.names[number]
        trials.kept.append(KeptClone(ident, name, number, earlier.of, at, listed=True, foreign=True))


def ident_of(machine: DomainMachine, trial: SimulatedTrial, number: int) -> str:
    return f"test-{trial.of}-{machine.vms[number].name}"


def _clone(machine: DomainMachine, trial: SimulatedTrial, at: int) -> None:
    """Lay out when each clone is made, is started by the runbook, and serves."""
    late = list[int]()
    for place, number in enumerate(trial.numbers):
        trial.cloned[number] = at + CLONE_TIME * (1 + place // AT_ONCE)
        vm = machine.vms[number]
        fault = machine.fault(LATE_CLONE, vm, at)
        if fault is not None:
            vm.failures[fault.number] = vm.failures.get(fault.number, 0) + 1
            trial.cloned[number] = max(trial.cloned[number], fault.end)
            late.append(number)
    trial.late = tuple(late)
    begins = min(NEVER, max(trial.cloned.values(), default=at) + READ_BACK)
    for group in machine.groups_of(frozenset(trial.numbers)):
        for number in group.vms:
            vm = machine.vms[number]
            trial.started[number] = begins
            trial.ready[number] = min(NEVER, begins + machine.slowed(vm, begins, vm.boot_time))
        last = max((trial.ready[number] for number in group.vms), default=begins)
        begins = min(NEVER, last + group.delay_after)
    trial.running_at = max(trial.ready.values(), default=begins)
    later = {*trial.cloned.values(), *trial.started.values(), *trial.ready.values()}
    later |= {trial.ends_at, trial.began_at + RETENTION_WAITS}
    _next(machine, later)


def _next(machine: DomainMachine, later: Collection[int]) -> None:
    """The instants at which what is shown of a test changes by itself."""
    trials = of(machine)
    coming = {clone.comes_at for clone in trials.kept} | {clone.gone_at for clone in trials.kept}
    trials.milestones = sorted(at for at in {*later, *coming} if at < NEVER)


def end(
    machine: DomainMachine, operation: str, result: str, note: str, at: int, detaches: bool = False
) -> None:
    """End what goes on; what is left of earlier tests is tried again. `detaches`: disks of others first."""
    trials = of(machine)
    trial = going(machine, at)
    if trial is None:
        return
    first = trial.off_at == NEVER
    there = tuple(number for number, done in trial.cloned.items() if done <= at) if first else trial.left
    trial.operation, trial.removed_at, trial.there = operation, at + REMOVAL, there
    if first:
        trial.off_at = at
        trials.last = EndedTrial(at, result or NOT_SAID, brief(clean(note), MAX_NOTE), len(there), trial.to)
        _leave_late_ones(machine, trial, at)
    trial.left = tuple(number for number in there if not detaches and _has_foreign_disk(machine, number, at))
    for clone in trial_state.listed(machine, at):
        clone.foreign = not detaches and _has_foreign_disk(machine, clone.number, at)
        clone.gone_at = NEVER if clone.foreign else trial.removed_at
    _next(machine, (trial.removed_at,))


def _has_foreign_disk(machine: DomainMachine, number: int, at: int) -> bool:
    vm = machine.vms[number]
    fault = machine.fault(FOREIGN_DISK, vm, at)
    if fault is None:
        return False
    vm.failures[fault.number] = vm.failures.get(fault.number, 0) + 1
    return True


def _leave_late_ones(machine: DomainMachine, trial: SimulatedTrial, at: int) -> None:
    """Clones that are being made still come after the test, and nobody notes them."""
    for number in trial.late:
        done = trial.cloned[number]
        if done > at:
            comes_at = max(done, trial.removed_at + SECOND) if done < NEVER else at + LATE_BY
            ident = ident_of(machine, trial, number)
            late = KeptClone(ident, trial.names[number], number, trial.of, comes_at, listed=False)
            of(machine).kept.append(late)


def adopt(machine: DomainMachine, idents: Collection[str], at: int) -> None:
    """Take test VMs that no list has into the list."""
    for clone in trial_state.strays(machine, at):
        clone.listed = clone.ident in idents


def end_as_asked(machine: DomainMachine, command: EndTrial, at: int) -> None:
    end(machine, command.operation, command.result, command.note, at, bool(command.detach))


def end_for_failover(machine: DomainMachine, at: int) -> None:
    """A real failover begins: the test VMs are off at once."""
    trial = going(machine, at)
    if trial is not None and trial.off_at == NEVER:
        end(machine, "", "", "ended by a failover", at)


def pause_tool(machine: DomainMachine, by: str, at: int) -> None:
    """Somebody's word that the tool's retention is paused: the clones are made."""
    trials = of(machine)
    if trials.now is not None and trial_state.unasked(machine):
        trials.tool = PausedTool(brief(clean(by), MAX_NAME), at)
        _clone(machine, trials.now, at)


def resume_tool(machine: DomainMachine) -> None:
    of(machine).tool = None


def written(machine: DomainMachine, trial: SimulatedTrial, at: int) -> int:
    """Bytes that the test VMs have written so far."""
    until = min(at, trial.off_at)
    return sum(
        machine.vms[number].rate * max(0, until - began) // SECOND for number, began in trial.started.items()
    )
