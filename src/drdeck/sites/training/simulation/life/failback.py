"""Failback: what was written here flows back to the protected site, which owns the domain then.

And Resume Continuous Rehydration, by which what was left here is brought up to date again: only what was
written there since then is brought.
"""

from __future__ import annotations

from drdeck.sites.training.simulation import task_steps
from drdeck.sites.training.simulation.data_flow import CUT, STORE, DataFlow, Transfer
from drdeck.sites.training.simulation.domain_machine import (
    DomainMachine,
    ReturnPhase,
    SimulatedFailback,
    Stage,
)
from drdeck.sites.training.units import NEVER, SECOND

CHECKS, OWNERSHIP = 3 * SECOND, 3 * SECOND


def begin(machine: DomainMachine, operation: str, at: int) -> None:
    """Begin with the checks; the VMs run on."""
    machine.failback = SimulatedFailback(operation, at, due=at + CHECKS)
    machine.stage = Stage.RETURNING
    machine.changed = True


def give_up(machine: DomainMachine, at: int) -> None:
    """The protected site is lost: the domain stays here, and VMs that were shut down start again."""
    if machine.failback is None:
        return
    machine.failback, machine.transfer, machine.stage = None, None, Stage.RUNNING
    for vm in machine.vms:
        if vm.boot is None:
            machine.power_on(vm.number, at)
    machine.changed = True


def due_at(machine: DomainMachine) -> int:
    """The instant at which it goes on by itself; NEVER while it waits for data."""
    state = machine.failback
    if state is None:
        return NEVER
    if state.phase in (ReturnPhase.BULK, ReturnPhase.REST):
        return NEVER if machine.transfer is None else machine.transfer.next_at()
    return state.due


def step(machine: DomainMachine, at: int) -> bool:
    """Do one thing that is due at `at`; False when nothing is."""
    state = machine.failback
    if state is None or due_at(machine) > at:
        return False
    assert machine.failover is not None
    match state.phase:
        case ReturnPhase.CHECKS:
            state.phase, state.copied_to = ReturnPhase.BULK, at
            _send(machine, machine.failover.started_at, at)
        case ReturnPhase.BULK:
            machine.transfer, state.phase = None, ReturnPhase.OFF
            length = max((machine.slowed(vm, at, vm.boot_time // 2) for vm in machine.vms), default=0)
            state.due = at + max(2 * SECOND, length)
        case ReturnPhase.OFF:
            for vm in machine.vms:
                vm.boot = None
                machine.rerate(vm, at)
            state.phase = ReturnPhase.REST
            _send(machine, state.copied_to, at)
        case ReturnPhase.REST:
            machine.transfer, state.phase, state.due = None, ReturnPhase.OWNERSHIP, at + OWNERSHIP
        case ReturnPhase.OWNERSHIP:
            _returned(machine, at)
    machine.changed = True
    return True


def _send(machine: DomainMachine, start: int, end: int) -> None:
    """Begin to bring back what was written after `start` and up to `end`, no more of a VM than its disk."""
    parts = [
        (number, min(machine.vms[number].disk, machine.vms[number].writes.between(start, end)))
        for number in machine.order
    ]
    machine.transfer = Transfer(end, parts)
    machine.transfer.blocked = machine.store_lost_at is not None


def _returned(machine: DomainMachine, at: int) -> None:
    """Imported again. Colleagues at the protected site, which owns it, start the VMs there."""
    machine.stage, machine.step, machine.due = Stage.IMPORTED, 0, NEVER
    machine.local, machine.returned_at, machine.source_end = False, at, None
    machine.flow = machine.transfer = machine.startup = None
    machine.failover = machine.failback = machine.committed_at = None
    machine.mapping = {}
    for vm in machine.vms:
        vm.returned()
        vm.at_source = True
        machine.rerate(vm, at)


def resume(machine: DomainMachine, at: int) -> None:
    """Bring what was written at the protected site since the failback."""
    assert machine.returned_at is not None
    many = len(machine.vms)
    machine.stage, machine.step, machine.step_at, machine.due = Stage.REHYDRATING, task_steps.DATA, at, NEVER
    origin = min(machine.returned_at, at if machine.source_end is None else machine.source_end)
    vms = [machine.vms[number] for number in machine.order]
    machine.flow = DataFlow(at, [vm.writes for vm in vms], [0] * many, origin, many)
    machine.flow.lack_since_origin()
    if machine.source_end is not None:
        machine.flow.freeze(CUT, at, machine.source_end)
    if machine.store_lost_at is not None:
        machine.flow.freeze(STORE, at, origin)
    machine.returned_at = None
    machine.changed = True
