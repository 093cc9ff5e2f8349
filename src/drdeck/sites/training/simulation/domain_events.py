"""Events of a domain, one after the other: those that come by themselves, and those of commands."""

from __future__ import annotations

from drdeck.model.commands import (
    AbortCompletion,
    AdoptTrialVms,
    BeginCompletion,
    CancelContinuousFailover,
    CommitFailover,
    EndTrial,
    ExitSession,
    FailBack,
    FinishFailover,
    Resolve,
    RestoreDomain,
    ResumeRehydration,
    RollBack,
    StartContinuousFailover,
    StartReverted,
    StartSession,
    StartTrial,
    UndoFailover,
)
from drdeck.sites.training.units import NEVER

from . import failover, fault_injection, operator_questions, pitr_session
from .data_flow import LAG, STORE
from .domain_machine import DomainMachine, Stage
from .fault_injection import InjectFault, SiteCommand
from .life import failback, trial, trial_questions, trial_state


def next_at(machine: DomainMachine) -> int:
    """The instant at which something happens by itself; NEVER when nothing will."""
    due = min(failover.due_at(machine), pitr_session.due_at(machine), failback.due_at(machine))
    due = min(due, trial_state.due_at(machine))
    if machine.next_event < len(machine.timeline):
        due = min(due, machine.timeline[machine.next_event][0])
    if machine.flow is not None:
        due = min(due, machine.flow.next_at())
    return max(due, machine.at) if due < NEVER else NEVER


def process(machine: DomainMachine, at: int) -> None:
    """Do everything that is due at `at`, which is no later than `next_at`."""
    come_to(machine, at)
    while machine.next_event < len(machine.timeline) and machine.timeline[machine.next_event][0] <= at:
        _befall(machine, *machine.timeline[machine.next_event][1:], at)
        machine.next_event += 1
    while failover.step(machine, at) or pitr_session.step(machine, at) or failback.step(machine, at):
        pass
    machine.changed = True


def come_to(machine: DomainMachine, at: int) -> None:
    """Bring the amounts to `at`, no later than `next_at`."""
    machine.at = at
    if machine.flow is not None:
        machine.flow.advance(at)
    if machine.transfer is not None:
        machine.transfer.advance(at)


def apply(machine: DomainMachine, command: SiteCommand, at: int) -> None:
    """Carry out a command that the rules allow at `at`."""
    match command:
        case StartContinuousFailover():
            failover.start(machine, command.networks, at)
        case BeginCompletion():
            trial.end_for_failover(machine, at)
            failover.begin(machine, command, at)
        case AbortCompletion():
            failover.abort(machine, at)
        case CancelContinuousFailover():
            failover.cancel(machine, at)
        case UndoFailover():
            failover.undo(machine, command.operation, at)
        case CommitFailover():
            machine.committed_at = at
        case RestoreDomain():
            machine.restored, machine.stage = (command.operation, at), Stage.PROTECTED
        case FailBack():
            failback.begin(machine, command.operation, at)
        case ResumeRehydration():
            failback.resume(machine, at)
        case FinishFailover():
            machine.stage = Stage.RUNNING
        case StartTrial():
            trial.start(machine, command, at)
        case EndTrial():
            trial.end_as_asked(machine, command, at)
        case AdoptTrialVms():
            trial.adopt(machine, command.vms, at)
        case StartSession():
            pitr_session.start(machine, command, at)
        case RollBack():
            pitr_session.roll_back(machine, command, at)
        case StartReverted():
            pitr_session.start_reverted(machine, at)
        case ExitSession():
            pitr_session.leave(machine, command.operation, at)
        case Resolve() if command.question.startswith(("tool:test:", "tool_on:test:")):
            trial_questions.resolve(machine, command, at)
        case Resolve():
            operator_questions.resolve(machine, command, at)
        case InjectFault():
            fault_injection.apply(machine, command, at)
        case _:
            pass


def _befall(machine: DomainMachine, what: str, number: int, at: int) -> None:
    match what:
        case "strike" | "calm":
            incident = machine.incidents[number]
            for vm in machine.vms:
                if not incident.hits(vm.name):
                    continue
                if what == "strike" and machine.running(vm, at):
                    vm.strike(number, at)
                machine.rerate(vm, at)
        case "store_lost":
            machine.store_lost_at = at
            machine.open_gap(machine.outages[number][0] - LAG)
            if machine.flow is not None:
                machine.flow.freeze(STORE, at)
            if machine.transfer is not None:
                machine.transfer.blocked = True
        case "store_back":
            machine.store_lost_at = None
            machine.close_gap(machine.outages[number][0] - LAG, at - 1)
            if machine.flow is not None:
                machine.flow.thaw(STORE, at)
            if machine.transfer is not None:
                machine.transfer.blocked = False
        case "site_lost":
            failback.give_up(machine, at)
            failover.lose_site(machine, at)
