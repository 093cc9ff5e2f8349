"""Continuous failover: preparing it, completing it in its three types, giving it up."""

from __future__ import annotations

from drdeck.model.commands import BeginCompletion
from drdeck.model.domains import FailoverType
from drdeck.sites.training.units import NEVER, SECOND

from . import task_steps
from .data_flow import CUT, LAG, STORE
from .domain_machine import AT_SOURCE, DomainMachine, SessionSpan, SimulatedFailover, SimulatedUndo, Stage
from .life import trial_state
from .runbook import RunbookRun
from .vm_state import VmState

SHUTDOWN_GIVEN_UP = 60 * SECOND
"""how long a protected VM is waited for to shut down"""


def start(machine: DomainMachine, networks: dict[str, str], at: int) -> None:
    """Begin a continuous failover with its preparing steps."""
    machine.mapping = dict(networks)
    machine.returned_at = None
    machine.stage = Stage.PREPARING
    _enter(machine, 1, at)


def begin(machine: DomainMachine, command: BeginCompletion, at: int) -> None:
    """Begin to complete it."""
    failover = SimulatedFailover(command.operation, command.type, command.run_pitr, at)
    machine.failover = failover
    machine.mapping.update(command.networks)
    for vm in machine.vms:
        vm.off_at = vm.stuck_at = NEVER
    if command.type is FailoverType.PLANNED:
        machine.stage = Stage.CATCHING_UP
    elif command.type is FailoverType.FORCE:
        _cut(machine, at)
        machine.local = True
        for vm in machine.vms:
            machine.rerate(vm, at)
        _drain(machine, at)
    else:
        _drain(machine, at)


def abort(machine: DomainMachine, at: int) -> None:
    """Back to continuous rehydration; what was shut down stays off: nobody here can start it there."""
    if machine.failover is None:
        return
    if machine.source_end is None:
        machine.close_gap(machine.failover.cut_at, at)
    machine.failover = None
    machine.stage, machine.step, machine.step_at, machine.due = Stage.REHYDRATING, task_steps.DATA, at, NEVER
    for vm in machine.vms:
        vm.off_at = vm.stuck_at = NEVER


def cancel(machine: DomainMachine, at: int) -> None:
    """Back to imported: what was brought here is dropped."""
    abort(machine, at)
    machine.stage, machine.step, machine.due, machine.flow = Stage.IMPORTED, 0, NEVER, None
    machine.mapping = {}
    machine.changed = True


def undo(machine: DomainMachine, operation: str, at: int) -> None:
    """Power the VMs off, and take back what they wrote: some seconds for each."""
    machine.undo = SimulatedUndo(operation, at, at + 5 * SECOND + len(machine.vms) * SECOND)
    for vm in machine.vms:
        vm.boot = None
        machine.rerate(vm, at)


def _undone(machine: DomainMachine, at: int) -> None:
    """Imported again. Colleagues at the protected site, where it is not lost, start the VMs there."""
    assert machine.failover is not None
    entry = machine.failover.started_at
    machine.excluded = [span for span in machine.excluded if span.start < entry]
    machine.excluded.append(SessionSpan(entry))
    machine.exclude(at)
    reachable = machine.site_lost_at is None
    if reachable:
        machine.source_end = None
    machine.stage, machine.step, machine.due = Stage.IMPORTED, 0, NEVER
    machine.local = False
    machine.flow = machine.transfer = machine.startup = None
    machine.failover = machine.undo = machine.committed_at = None
    machine.mapping = {}
    for vm in machine.vms:
        vm.undone(entry, at)
        vm.at_source = reachable
        machine.rerate(vm, at)
    machine.changed = True


def lose_site(machine: DomainMachine, at: int) -> None:
    """The protected site is gone: what had not left it is lost."""
    machine.site_lost_at = at
    if machine.stage not in AT_SOURCE or machine.local:
        return
    if machine.flow is None:
        _end_source(machine, at, (at if machine.store_lost_at is None else machine.store_lost_at) - LAG)
    else:
        _cut(machine, at)
    for vm in machine.vms:
        machine.rerate(vm, at)
    if machine.stage in (Stage.CATCHING_UP, Stage.SHUTTING_DOWN):
        _drain(machine, at)


def retry_shutdown(machine: DomainMachine, vm: VmState, at: int) -> None:
    _shut_down(machine, vm, at)


def due_at(machine: DomainMachine) -> int:
    """The instant at which the stage goes on by itself; NEVER while it waits for data or a word."""
    if machine.undo is not None:
        return machine.undo.due
    if machine.stage is Stage.SHUTTING_DOWN:
        return min((vm.off_at for vm in machine.vms), default=NEVER)
    if machine.stage is Stage.DRAINING:
        assert machine.flow is not None and machine.failover is not None
        if machine.flow.frozen(CUT) or not machine.flow.caught_up:
            return NEVER
        return machine.flow.reaches_at(machine.failover.cut_at)
    if machine.stage is Stage.RUNBOOK:
        assert machine.startup is not None
        return machine.startup.next_at()
    return machine.due


def step(machine: DomainMachine, at: int) -> bool:
    """Do one thing that is due at `at`; False when nothing is."""
    if machine.undo is not None:
        if machine.undo.due <= at:
            _undone(machine, at)
            return True
        return False
    match machine.stage:
        case Stage.PREPARING | Stage.TAKING_OVER if machine.due <= at:
            _next_step(machine, at)
            return True
        case Stage.CATCHING_UP:
            return _caught_up(machine, at)
        case Stage.SHUTTING_DOWN:
            return _shutting_down(machine, at)
        case Stage.DRAINING:
            return _drained(machine, at)
        case Stage.RUNBOOK:
            assert machine.startup is not None
            machine.startup.step(at)
            if not machine.startup.done:
                return False
            assert machine.failover is not None
            machine.stage = Stage.RECOVERED
            machine.failover.recovered_at = at
            return True
    return False


def _enter(machine: DomainMachine, number: int, at: int) -> None:
    machine.step, machine.step_at = number, at
    lease = number == task_steps.OWNERSHIP and machine.site_lost_at is not None and not machine.local
    machine.due = at + task_steps.duration(number, len(machine.vms), machine.disks, lease)


def _next_step(machine: DomainMachine, at: int) -> None:
    if machine.step == task_steps.OWNERSHIP:
        machine.local = True
        trial_state.own(machine)
        for vm in machine.vms:
            machine.rerate(vm, at)
    if machine.step == task_steps.RESUME:
        assert machine.failover is not None
        since = machine.failover.cut_at if machine.source_end is None else machine.source_end
        machine.close_gap(since, at)
        machine.protect(at)
    if machine.step + 1 == task_steps.DATA:
        machine.stage, machine.step, machine.step_at, machine.due = (
            Stage.REHYDRATING,
            task_steps.DATA,
            at,
            NEVER,
        )
        machine.rehydrate(at)
    elif machine.step + 1 == task_steps.RUNBOOK:
        machine.stage, machine.step, machine.step_at, machine.due = (
            Stage.RUNBOOK,
            task_steps.RUNBOOK,
            at,
            NEVER,
        )
        assert machine.failover is not None
        machine.failover.started_at = at
        machine.startup = RunbookRun(at, machine.groups, machine.power_on)
    else:
        _enter(machine, machine.step + 1, at)


def _caught_up(machine: DomainMachine, at: int) -> bool:
    """Planned: the bulk is brought while the VMs run; then they are shut down."""
    assert machine.flow is not None
    if not machine.flow.caught_up or machine.flow.frozen(STORE):
        return False
    machine.stage, machine.step_at = Stage.SHUTTING_DOWN, at
    for vm in machine.vms:
        if vm.at_source:
            _shut_down(machine, vm, at)
    return True


def _shut_down(machine: DomainMachine, vm: VmState, at: int) -> None:
    vm.off_tries += 1
    fault = machine.fault("shutdown_fails", vm, at)
    if fault is not None:
        vm.failures[fault.number] = vm.failures.get(fault.number, 0) + 1
        vm.off_at, vm.stuck_at = NEVER, at + SHUTDOWN_GIVEN_UP
    else:
        length = max(2 * SECOND, vm.boot_time // 2)
        vm.off_at, vm.stuck_at = at + machine.slowed(vm, at, length), NEVER


def _shutting_down(machine: DomainMachine, at: int) -> bool:
    for vm in machine.vms:
        if vm.off_at <= at:
            vm.at_source, vm.off_at = False, NEVER
            machine.rerate(vm, at)
    if any(vm.at_source for vm in machine.vms):
        return False
    _drain(machine, at)
    return True


def _cut(machine: DomainMachine, at: int) -> None:
    """Abruptly: nothing newer than what the storage site has will ever come."""
    assert machine.flow is not None
    machine.flow.advance(at)
    _end_source(machine, at, machine.flow.horizon(at))
    machine.flow.freeze(CUT, at)
    machine.changed = True


def _end_source(machine: DomainMachine, at: int, horizon: int) -> None:
    machine.source_end = horizon
    machine.open_gap(horizon)
    for vm in machine.vms:
        vm.lose_after(horizon, at)


def _drain(machine: DomainMachine, at: int) -> None:
    """The protected VMs write no more: bring what is left."""
    assert machine.failover is not None
    machine.stage, machine.failover.cut_at = Stage.DRAINING, at
    if machine.source_end is None:
        machine.open_gap(at)


def _drained(machine: DomainMachine, at: int) -> bool:
    flow, failover = machine.flow, machine.failover
    assert flow is not None and failover is not None
    if not flow.caught_up or not (flow.frozen(CUT) or flow.reached(failover.cut_at, at)):
        return False
    machine.stage = Stage.TAKING_OVER
    _enter(machine, task_steps.OWNERSHIP, at)
    return True
