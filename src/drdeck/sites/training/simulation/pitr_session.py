"""PITR sessions: waiting for consistency, rolling back, leaving in either way."""

from __future__ import annotations

from drdeck.model.commands import RollBack, StartSession
from drdeck.sites.training.units import NEVER, SECOND, ticks

from . import restore_points
from .data_flow import SESSION, Transfer
from .domain_machine import DomainMachine, SessionSpan, SessionStage, SimulatedSession, Stage
from .runbook import RunbookRun


def start(machine: DomainMachine, command: StartSession, at: int) -> None:
    """Ask for a session; it becomes active when everything written so far is safe."""
    numbers = {vm.name: vm.number for vm in machine.vms}
    named = command.vms
    vms = tuple(sorted(numbers[name] for name in named)) if named else tuple(range(len(machine.vms)))
    failover = machine.failover
    machine.session = SimulatedSession(
        id=command.session,
        asked_at=at,
        vms=vms,
        named=named,
        after_failover=failover.operation if command.after_failover and failover is not None else None,
    )


def roll_back(machine: DomainMachine, command: RollBack, at: int) -> None:
    """Take each VM to its newest point at or before the instant; those that have none stay as they are."""
    session = machine.session
    assert session is not None
    to = ticks(command.to)
    members, names = frozenset(session.vms), frozenset(command.vms)
    session.target, session.last_operation, session.hold = to, command.operation, command.hold
    session.stage = SessionStage.READING
    parts = []
    for number in (n for n in machine.order if n in members):
        vm = machine.vms[number]
        if names and vm.name not in names:
            continue
        point = restore_points.newest_at(machine, number, to, at)
        if point is None:
            continue
        parts.append((number, vm.reading(point, at)))
        vm.target, vm.boot = point, None
        machine.rerate(vm, at)
    machine.transfer = Transfer(at, parts)
    machine.transfer.blocked = machine.store_lost_at is not None
    machine.changed = True


def leave(machine: DomainMachine, operation: str, at: int) -> None:
    """Begin to exit the session."""
    session = machine.session
    assert session is not None
    session.stage, session.last_operation = SessionStage.EXITING, operation
    session.due = at + 2 * SECOND + len(session.vms) * SECOND // 4


def due_at(machine: DomainMachine) -> int:
    """The instant at which the session goes on by itself."""
    session = machine.session
    if session is None or machine.flow is None:
        return NEVER
    if session.stage is SessionStage.WAITING:
        return machine.flow.reaches_at(session.asked_at)
    if session.stage is SessionStage.READING:
        return NEVER if machine.transfer is None else machine.transfer.next_at()
    if session.stage is SessionStage.BOOTING and machine.startup is not None:
        return machine.startup.next_at()
    return session.due


def step(machine: DomainMachine, at: int) -> bool:
    """Do one thing that is due at `at`; False when nothing is."""
    session, flow = machine.session, machine.flow
    if session is None or flow is None:
        return False
    match session.stage:
        case SessionStage.WAITING if flow.reached(session.asked_at, at):
            _activate(machine, session, at)
            return True
        case SessionStage.READING:
            transfer = machine.transfer
            assert transfer is not None
            if transfer.done(at) < transfer.total:
                return False
            _revert(machine, session, at)
            return True
        case SessionStage.BOOTING:
            assert machine.startup is not None
            machine.startup.step(at)
            if not machine.startup.done:
                return False
            session.stage = SessionStage.ACTIVE
            session.rolled_back_to, session.target = session.target, None
            session.rollbacks += 1
            return True
        case SessionStage.EXITING if session.due <= at:
            _end(machine, session, at)
            return True
    return False


def _activate(machine: DomainMachine, session: SimulatedSession, at: int) -> None:
    assert machine.flow is not None
    session.stage, session.started_at = SessionStage.ACTIVE, at
    machine.excluded.append(SessionSpan(at))
    machine.flow.freeze(SESSION, at, at)
    machine.changed = True
    for vm in machine.vms:
        vm.rolled_to = None
    for fault in machine.faults:
        if fault.kind != "foreign_snapshot" or fault.end <= at:
            continue
        for number in sorted(fault.vms.intersection(session.vms)):
            if machine.vms[number].failures.get(fault.number, 0) < fault.times:
                session.foreign.append((max(at, fault.start), number, fault))


def start_reverted(machine: DomainMachine, at: int) -> None:
    """Start the VMs that a rollback has left off."""
    session = machine.session
    assert session is not None and session.stage is SessionStage.REVERTED
    numbers = frozenset(vm.number for vm in machine.vms if vm.number in session.reverted)
    session.stage = SessionStage.BOOTING
    machine.startup = RunbookRun(at, machine.groups_of(numbers), machine.power_on)
    machine.changed = True


def _revert(machine: DomainMachine, session: SimulatedSession, at: int) -> None:
    assert machine.transfer is not None
    numbers = frozenset(number for number, _ in machine.transfer.parts)
    machine.transfer = None
    machine.changed = True
    for number in numbers:
        vm = machine.vms[number]
        assert vm.target is not None
        vm.rolled(vm.target, at)
    session.reverted, session.stage = numbers, SessionStage.REVERTED
    if not session.hold:
        start_reverted(machine, at)


def _end(machine: DomainMachine, session: SimulatedSession, at: int) -> None:
    flow, started = machine.flow, session.started_at
    assert flow is not None and started is not None
    machine.exclude(at)
    machine.session = None
    if machine.stage is Stage.RECOVERED:
        machine.stage = Stage.RUNNING
    for when, number, fault in session.foreign:
        if when <= at:
            failures = machine.vms[number].failures
            failures[fault.number] = failures.get(fault.number, 0) + 1
    if session.rollbacks:
        for number in session.vms:
            vm = machine.vms[number]
            if vm.rolled_to is not None and vm.rolled_to < started:
                machine.dropped.setdefault(number, []).append(SessionSpan(vm.rolled_to, started))
            vm.settle()
        machine.protect(at)
    elif session.after_failover is not None:
        machine.reset_at = at
        machine.dropped.clear()
        machine.protect(at)
    else:
        flow.thaw(SESSION, at)
        machine.changed = True
