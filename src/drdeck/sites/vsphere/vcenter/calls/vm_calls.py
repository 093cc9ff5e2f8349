"""The calls that change something at a vCenter; each blocks, and returns once vCenter says it is done."""

from __future__ import annotations

from collections.abc import Mapping

from pyVmomi import vim, vmodl

from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import Refused, ResultUnknown
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.errors import BUSY

from .call_arguments import (
    AnswerArguments,
    CloneArguments,
    ConnectArguments,
    PointArguments,
    RemovalArguments,
    RollbackArguments,
    TrialVmArguments,
)
from .entry_call import prepare, prepare_or_defer
from .network_cards import CARDS, map_cards, with_cards
from .removal_call import remove_snapshots
from .rollback_call import KnownHardware, make_snapshot, power_off, roll_back
from .task_history import guest_asked
from .trials.linked_clone import isolate, linked_clone, power_on_isolated
from .trials.trial_removal import power_off_test, remove_test
from .vm_tasks import CallSteps, EarlierAttempt, vm_of


def power_on(session: VCenterSession, vm: str) -> CallSteps:
    """Power a VM on; nothing where it is on."""
    try:
        yield vm_of(session, vm).PowerOnVM_Task()
    except vim.fault.InvalidPowerState as fault:
        if fault.existingState != "poweredOn":
            raise
    return ""


def shutdown_guest(session: VCenterSession, vm: str, before: EarlierAttempt | None = None) -> None:
    """Ask the guest to shut down, once; vCenter confirms the asking only."""
    if before is not None and guest_asked(session, vm, before.ago):
        return
    try:
        vm_of(session, vm).ShutdownGuest()
    except vim.fault.InvalidPowerState as fault:
        if fault.existingState != "poweredOff":
            raise


def connect(session: VCenterSession, vm: str, moves: Mapping[str, str]) -> CallSteps:
    """Put a VM's cards on their recovery networks, connected; nothing where they are."""
    machine = vm_of(session, vm)
    cards = with_cards(session, machine, CARDS).get(CARDS, ())
    return (yield from map_cards(session, machine, cards, moves))


def answer_question(session: VCenterSession, vm: str, answer: AnswerArguments, aim: str) -> None:
    """Answer what vCenter asks of a VM. Raises Refused where somebody else has answered meanwhile.

    Both faults mean that the question is not asked any more (API reference: AnswerVM).
    """
    try:
        vm_of(session, vm).AnswerVM(answer.question, answer.choice)
    except (vim.fault.ConcurrentAccess, vmodl.fault.InvalidArgument):
        raise Refused(f"Could not {aim}: it is not asked any more; somebody else has answered") from None


def followed(session: VCenterSession, task: str, call: PlannedCall, steps: CallSteps) -> CallSteps:
    """Wait for a task that an earlier try of a call began, and make the call where more is to do.

    One that vCenter has forgotten, or a rollback, which has more to it, is looked at by the call itself. One
    that ended since vCenter was busy, or a name taken, is over and has done nothing: the call is made anew.
    """
    try:
        yield vim.Task(task, session.stub)
        prepares = call.kind == "power_on" and bool(call.args)
        if call.kind not in ("revert", "prepare", "clone", "destroy") and not prepares:
            return ""
    except (ResultUnknown, *BUSY, vim.fault.DuplicateName):
        pass
    return (yield from steps)


def before_power_on(session: VCenterSession, call: PlannedCall) -> CallSteps:
    """Do what a VM that is to start still lacks by the call's arguments, where a look finds it lacking."""
    vm, args = call.vm or "", call.args
    if "name" in args:
        return (yield from prepare(session, vm, call.name, PointArguments.of(args)))
    if moves := ConnectArguments.of(args).moves:
        yield from connect(session, vm, moves)
    return ""


def carry_out(
    session: VCenterSession,
    call: PlannedCall,
    before: EarlierAttempt | None = None,
    again: bool = False,
    hardware: KnownHardware | None = None,
) -> CallSteps:
    """One call of a plan, on one VM; what there is to remark of it, or nothing.

    `before`: it may have been asked for already, in the time that this tells; `again`: it may have been, and
    the VM shows whether it was. Raises Refused for a kind that is none.
    """
    vm, args, aim = call.vm or "", call.args, call.says
    match call.kind:
        case "shutdown_guest":
            shutdown_guest(session, vm, before)
        case "power_on_there":
            yield from power_on(session, vm)
        case "power_on":
            remark = yield from before_power_on(session, call)
            yield from power_on(session, vm)
            return remark
        case "power_off" | "power_off_there":
            yield from power_off(session, vm)
        case "snapshot":
            yield from make_snapshot(session, vm, PointArguments.of(args), again, aim)
        case "revert":
            to = RollbackArguments.of(args)
            return (yield from roll_back(session, vm, call.name, to, aim, before, hardware))
        case "remove":
            yield from remove_snapshots(session, vm, RemovalArguments.of(args), aim)
        case "answer":
            answer_question(session, vm, AnswerArguments.of(args), aim)
        case "prepare":
            return (yield from prepare_or_defer(session, vm, call.name, PointArguments.of(args)))
        case "clone":
            return (yield from linked_clone(session, vm, CloneArguments.of(args), aim))
        case "trial_connect":
            yield from isolate(session, vm, TrialVmArguments.of(args), aim)
        case "trial_on":
            yield from power_on_isolated(session, vm, TrialVmArguments.of(args), aim)
        case "trial_off":
            return (yield from power_off_test(session, vm, TrialVmArguments.of(args)))
        case "destroy":
            return (yield from remove_test(session, vm, TrialVmArguments.of(args)))
        case "connect":
            networks = ConnectArguments.of(args)
            try:
                yield from connect(session, vm, networks.moves)
            except vim.fault.TaskInProgress:
                if not networks.busy:
                    raise
                return f"{call.name}: busy with another task; its networks are mapped when it is powered on"
        case _:
            raise Refused(f"Could not {aim}: drdeck knows no act {call.kind!r}")
    return ""
