"""Rules of the training site, each with the sentence that says why a command is refused."""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.model.actions.request import Request
from drdeck.model.commands import (
    AbortCompletion,
    AcceptRemoval,
    AdoptTrialVms,
    BeginCompletion,
    CancelContinuousFailover,
    CancelRelease,
    CommitFailover,
    EndTrial,
    ExitSession,
    FailBack,
    FinishFailover,
    MakeEntryPoints,
    MakePlannedCall,
    MapNetworks,
    ReleaseDomain,
    Resolve,
    RestoreDomain,
    ResumeRehydration,
    RollBack,
    Skip,
    StartContinuousFailover,
    StartReverted,
    StartSession,
    StartTrial,
    TakeOver,
    UndoFailover,
    WriteRecordBack,
)
from drdeck.model.domains import MODE_LABELS, FailoverType, Mode
from drdeck.model.life import life_rules, return_rules, trial_rules
from drdeck.model.pitr import why_unreachable
from drdeck.sites.training.simulation import fault_injection, operator_questions, restore_points, task_steps
from drdeck.sites.training.simulation.domain_machine import DomainMachine, SessionStage, Stage
from drdeck.sites.training.simulation.fault_injection import InjectFault, SiteCommand
from drdeck.sites.training.simulation.life import trial_questions
from drdeck.sites.training.units import instant, ticks

from . import domain_view


def refusal(machine: DomainMachine, command: SiteCommand, at: int) -> str | None:
    """The reason why a command cannot be carried out at `at`, or None."""
    name = machine.spec.name
    match command:
        case StartContinuousFailover():
            if machine.stage is not Stage.IMPORTED:
                return f'continuous failover needs an imported domain; "{name}" is {_mode(machine, at)}'
            if not machine.vms:
                return f'"{name}" has no VM'
            return _networks(machine, command.networks)
        case BeginCompletion():
            return _begin(machine, command, at)
        case FinishFailover():
            return _finish(machine, name)
        case AbortCompletion():
            return _abort(machine, name)
        case CancelContinuousFailover():
            return _cancel(machine, name)
        case UndoFailover():
            return life_rules.undo_closed(domain_view.domain(machine, at))
        case CommitFailover():
            return life_rules.commit_closed(domain_view.domain(machine, at))
        case RestoreDomain():
            return return_rules.restore_closed(domain_view.domain(machine, at))
        case ReleaseDomain():
            return return_rules.release_closed(domain_view.domain(machine, at))
        case CancelRelease():
            return return_rules.cancel_release_closed(domain_view.domain(machine, at))
        case FailBack():
            return _fail_back(machine, at)
        case ResumeRehydration():
            return return_rules.resume_closed(domain_view.domain(machine, at))
        case StartTrial():
            wish = Request(
                action="test_start",
                domain=name,
                to=command.to,
                vms=command.vms,
                networks=command.networks,
                ends_after_s=command.ends_after_s,
            )
            return trial_rules.start_closed(domain_view.domain(machine, at), wish, instant(at))
        case EndTrial():
            ending = Request(action="test_end", domain=name, result=command.result, note=command.note)
            return trial_rules.end_closed(domain_view.domain(machine, at), ending)
        case AdoptTrialVms():
            adopting = Request(action="test_adopt", domain=name, test_vms=command.vms)
            return trial_rules.adopt_closed(domain_view.domain(machine, at), adopting)
        case StartSession():
            return _start(machine, command, at)
        case RollBack():
            return _roll_back(machine, command, at)
        case StartReverted():
            session = machine.session
            if session is None or session.stage is not SessionStage.REVERTED:
                return f'no VM of "{name}" is rolled back and waits to be started'
            return None
        case ExitSession():
            return _active(machine, name)
        case Resolve():
            question = operator_questions.question(machine, at) or trial_questions.question(machine, at)
            if question is None or question.id != command.question:
                return f'"{name}" does not ask that any more'
            if command.choice not in question.choices:
                return f"{command.choice!r} is no answer to that; it is one of {', '.join(question.choices)}"
            return None
        case InjectFault():
            return fault_injection.refusal(machine, command)
        case MapNetworks():
            return "the training site maps networks with a start or a completion only"
        case MakeEntryPoints():
            return f'every VM in the PITR session of "{name}" has its entry point'
        case MakePlannedCall() | Skip() | TakeOver() | WriteRecordBack() | AcceptRemoval():
            return "the training site drives itself; it takes no single acts"
    raise TypeError(f"{type(command).__name__} is no command")


def _mode(machine: DomainMachine, at: int) -> Mode:
    return domain_view.mode(machine, at)


def _networks(machine: DomainMachine, networks: dict[str, str]) -> str | None:
    protected = {vm.network for vm in machine.vms}
    offered = machine.spec.recovery_networks
    for source, target in networks.items():
        if source not in protected:
            return f'no VM of "{machine.spec.name}" is on a network "{source}"'
        if offered and target not in offered:
            return f'there is no network "{target}" at this site; it has {", ".join(offered)}'
    return None


def _begin(machine: DomainMachine, command: BeginCompletion, at: int) -> str | None:
    name, mode = machine.spec.name, _mode(machine, at)
    if command.without or command.left_out:
        return f'this training site recovers "{name}" as a whole; VMs can be left out at a vCenter only'
    if mode is not Mode.SYNCHRONISED:
        reads = f'"{name}" is "{MODE_LABELS[mode]}"'
        return f"{reads}; a continuous failover can be completed only once it is synchronised"
    if command.run_pitr and not machine.spec.pitr.enabled:
        return f'"{name}" is not PITR-enabled, so no PITR session can be run after it'
    running = sum(vm.at_source for vm in machine.vms)
    if command.type is FailoverType.REGULAR and machine.site_lost_at is None and running:
        return (
            f'{running} of {len(machine.vms)} VMs of "{name}" still run at the protected site;'
            " a regular failover needs them off, a planned one shuts them down"
        )
    if command.type is FailoverType.PLANNED and machine.site_lost_at is not None:
        return (
            f'the protected site of "{name}" does not answer, so its VMs cannot be shut down;'
            " a planned failover is not possible"
        )
    return _networks(machine, command.networks)


def _finish(machine: DomainMachine, name: str) -> str | None:
    if machine.stage is not Stage.RECOVERED or machine.failover is None:
        return f'there is no failover of "{name}" that could be finished'
    if machine.failover.run_pitr:
        return f'the failover of "{name}" is finished by its PITR session'
    return None


def _cancel(machine: DomainMachine, name: str) -> str | None:
    if machine.stage in (Stage.IMPORTED, Stage.PREPARING, Stage.REHYDRATING):
        return None
    return _abort(machine, name)


def _abort(machine: DomainMachine, name: str) -> str | None:
    if machine.failover is None:
        return None  # it was given up already
    early = machine.stage in (Stage.CATCHING_UP, Stage.SHUTTING_DOWN, Stage.DRAINING)
    taking = machine.stage is Stage.TAKING_OVER and machine.step == task_steps.OWNERSHIP
    if (early or taking) and not machine.local:
        return None
    return f'this site owns "{name}" already; the failover cannot be given up any more'


def _fail_back(machine: DomainMachine, at: int) -> str | None:
    closed = return_rules.failback_closed(domain_view.domain(machine, at))
    if closed is None and machine.site_lost_at is not None:
        name = machine.spec.name
        return f'the protected site of "{name}" does not answer; there is nowhere to fail it back to'
    return closed


def _start(machine: DomainMachine, command: StartSession, at: int) -> str | None:
    name = machine.spec.name
    if not machine.spec.pitr.enabled:
        return f'"{name}" is not PITR-enabled'
    if machine.session is not None:
        return f'"{name}" already has a PITR session'
    if machine.undo is not None:
        return f'the failover of "{name}" is being undone'
    if command.after_failover:
        if machine.failover is None or not machine.failover.run_pitr:
            return f'no PITR session was asked for with the failover of "{name}"'
        if machine.stage is not Stage.RECOVERED:
            return f'the VMs of "{name}" are not recovered yet; the PITR session starts after that'
    elif machine.stage not in (Stage.RUNNING, Stage.PROTECTED):
        return f'a PITR session cannot be started while "{name}" is "{MODE_LABELS[_mode(machine, at)]}"'
    if not machine.vms:
        return f'"{name}" has no VM'
    return _unknown_names(machine, command.vms, [vm.name for vm in machine.vms], "is no VM of")


def _active(machine: DomainMachine, name: str) -> str | None:
    if machine.session is None:
        return f'"{name}" has no PITR session'
    if machine.session.stage is not SessionStage.ACTIVE:
        state = domain_view.SESSION_STATES[machine.session.stage].replace("_", " ")
        return f'the PITR session of "{name}" is {state}; wait until it is active'
    return None


def _roll_back(machine: DomainMachine, command: RollBack, at: int) -> str | None:
    name = machine.spec.name
    closed = _active(machine, name)
    if closed is not None:
        return closed
    assert machine.session is not None
    members = [machine.vms[number].name for number in machine.session.vms]
    unknown = _unknown_names(machine, command.vms, members, "is not in the PITR session of")
    if unknown is not None:
        return unknown
    if command.to.tzinfo is None:
        return "the instant to roll back to has no time zone"
    unreachable = why_unreachable(domain_view.domain(machine, at), command.to, instant(at))
    if unreachable is not None:
        return unreachable
    numbers = [vm.number for vm in machine.vms if vm.name in (command.vms or members)]
    if all(restore_points.newest_at(machine, number, ticks(command.to), at) is None for number in numbers):
        return f'there is no restore point of "{name}" at or before that instant'
    return None


def _unknown_names(
    machine: DomainMachine, names: Sequence[str], allowed: Sequence[str], what: str
) -> str | None:
    for name in names:
        if name not in allowed:
            return f'"{name}" {what} "{machine.spec.name}"'
    return None
