"""The plan of a completion of a continuous failover.

The phases are those of `record/phases.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.model.domains import FailoverType, SessionState
from drdeck.model.planned import Phase, PlannedCall, SiteQuestion
from drdeck.model.text import names, some
from drdeck.model.times import show
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan, on_vm, once_free, step, wait_for_others
from drdeck.sites.vsphere.plan.parts.runbook_groups import groups
from drdeck.sites.vsphere.plan.parts.runbook_start import RunbookStart, starting_group
from drdeck.sites.vsphere.record.record_values import FailoverRecord, RollbackRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import OTHERS, ConnectArguments, PointArguments

from .domain_state import DomainState
from .protected_shutdown import RETRY_OR_ABORT, STAY_OFF, shutting_down
from .restore_points import entry_name, entry_point, has_newer


def completing(s: DomainState, f: FailoverRecord) -> Plan:
    match f.phase:
        case "shutdown":
            return shutting_down(s, f)
        case "point":
            return _final_point(s, f)
        case "take":
            again = _on_again(s, f)
            if again is not None:
                return again
            tool = _tool_asked(s, f)
            if tool is not None:
                return tool
            return Plan(Phase(operation=f.id, name="Take ownership", then=step("network", f.id, f.n)))
        case "network":
            return Plan(
                _preparing(s, f)
                if s.settings.undo
                else _connecting(s, f.id, step("power", f.id), defers=True)
            )
        case "power" | "delay":
            return starting(s, s.living(), f, "recovered", f"failover:{f.id}")
        case _:
            return Plan()


def without_the_vanished(s: DomainState, f: FailoverRecord) -> Plan:
    """Write down which VMs have gone, before anything is decided by those that are left: they are late
    joiners, and none of them is taken for recovered. Where none is left nothing is decided at all."""
    if not s.living():
        why = "moved, unregistered, or hidden from drdeck"
        wait = f"all VMs have gone from its folder ({why}): {some(s.vanished)}"
        return Plan(Phase(operation=f.id, name="Wait for the VMs", wait=wait))
    return Plan(
        Phase(
            operation=f.id,
            name=f"Continue without {some(s.vanished)}, gone from the folder",
            then=step("gone", f.id, n=round(1000 * (s.vanished_since or s.now).timestamp())),
        )
    )


def _tool_asked(s: DomainState, f: FailoverRecord) -> Plan | None:
    """Ask for a person's word that the replication tool is stopped, before this site owns the domain.

    A tool that goes on writes into VMs that run here, or reverts them (Veeam: "Power On a Replica" by hand
    harms the job); no vCenter tells whether its jobs run.
    """
    if s.settings.tool != "manual" or (s.record.tool is not None and s.record.tool.by == f.id):
        return None
    text = (
        f'Are the replication tool\'s jobs for {s.name} stopped? (tool = "manual" in the settings.) Once this'
        " site owns the domain nothing else may write into its VMs. Stop them, then answer confirm, which is"
        " kept with your name; after an abort they may be started again."
    )
    choices = ("confirm", "abort")
    return Plan(None, SiteQuestion(id=f"tool:{f.id}:{f.n}", operation=f.id, text=text, choices=choices))


def _on_again(s: DomainState, f: FailoverRecord) -> Plan | None:
    """Planned: what runs again at the protected site writes data that would be left there, and runs twice."""
    if f.type is not FailoverType.PLANNED or s.protected is None or s.protected.lost:
        return None
    up = [vm for vm in s.protected_vms() if vm.power != "off"]
    if not up:
        return None
    text = (
        f"Switched on again at the protected site after the shutdown: {names(up)}."
        f" Answer retry to shut down again and to wait for the data once more. {STAY_OFF}"
    )
    return Plan(
        None, SiteQuestion(id=f"again:{f.id}:{f.n}", operation=f.id, text=text, choices=RETRY_OR_ABORT)
    )


def _final_point(s: DomainState, f: FailoverRecord) -> Plan:
    """The workflow's planned failover recovers the rest of the data: a point that was not there at the
    shutdown."""
    again = _on_again(s, f)
    if again is not None:
        return again
    shutdown = s.record.shutdown
    at_shutdown = shutdown.newest if shutdown is not None and shutdown.by == f.id else None
    missing = [vm for vm in s.living() if at_shutdown is None or not has_newer(vm, at_shutdown, s.record)]
    name = "Recover the rest of the data"
    if not missing:
        return Plan(Phase(operation=f.id, name=name, then=step("take", f.id, f.n)))
    text = (
        f"No restore point newer than the shutdown ({show(f.since)}) yet for {names(missing)}."
        " It continues when replication brings one; answer confirm to continue with what is there."
        f" {STAY_OFF}"
    )
    choices = ("confirm", "abort")
    return Plan(None, SiteQuestion(id=f"point:{f.id}:{f.n}", operation=f.id, text=text, choices=choices))


ENTRY_LIMIT_S = 120.0
"""So long after an entry point was asked for somebody is told that it hangs: it must not hold a failover up
as long as a task that the failover cannot do without."""


def _preparing(s: DomainState, f: FailoverRecord) -> Phase:
    """Before anything starts each VM's state is kept, for an undo, and its networks are mapped; the call
    itself looks at what is there.

    A VM on which others' tasks run must not hold up the rest: it is prepared when it is powered on.
    """
    args = _entry_args(s, f)
    limit_s = min(ENTRY_LIMIT_S, float(s.settings.task_timeout))
    key = f"network:{s.record.remap.by}" if s.record.remap is not None else "network"
    calls = tuple(
        on_vm(
            vm,
            "prepare",
            key,
            f"keep the state of {vm.name} and connect it to its recovery network",
            args,
            after_loss="repeat",
            limit_s=limit_s,
        )
        for vm in s.living()
    )
    return Phase(operation=f.id, name="Map VM networks", calls=calls, then=step("power", f.id))


def _entry_args(s: DomainState, f: FailoverRecord) -> dict[str, str]:
    """The networks and the entry point of the VMs of a failover, for a call that prepares one."""
    words = f"drdeck: state before failover {f.id}"
    return PointArguments(name=entry_name(f.id), description=words, moves=s.moves).as_text()


def _power_on_args(s: DomainState, vm: VmFacts, r: FailoverRecord | RollbackRecord) -> dict[str, str] | None:
    """Arguments of a power on, for what the VM still lacks: late joiners their networks, one that was busy
    while the others were prepared its entry point, or its networks where no entry points are made."""
    if s.is_left_out(vm):
        return ConnectArguments(moves=s.moves).as_text()
    if not isinstance(r, FailoverRecord):
        return None
    if s.settings.undo:
        return _entry_args(s, r) if entry_point(vm, r.id) is None else None
    if OTHERS in s.moves or not s.moves.keys().isdisjoint(vm.networks):
        return ConnectArguments(moves=s.moves).as_text()
    return None


def _connecting(s: DomainState, operation: str, then: PlannedCall, defers: bool = False) -> Phase:
    """Networks are mapped before anything starts; the call itself looks at each card's backing.

    `defers`: a VM on which others' tasks run holds up nobody, and is mapped when it is powered on.
    """
    moves = s.moves
    args = ConnectArguments(moves=moves, busy="later" if defers else "").as_text()
    calls, busy, limit_s = [], [], float(s.settings.task_timeout)
    for vm in s.living() if moves else ():
        if OTHERS not in moves and not {*moves, *moves.values()}.intersection(vm.networks):
            continue
        if vm.running_tasks and not defers:
            busy.append(vm)
            calls.append(wait_for_others(vm, limit_s))
            continue
        says = f"connect {vm.name} to its recovery network"
        key = f"network:{s.record.remap.by}" if s.record.remap is not None else "network"
        calls.append(on_vm(vm, "connect", key, says, args, after_loss="repeat", limit_s=limit_s))
    wait = f"tasks under way on {names(busy)}" if busy else ""
    return Phase(operation=operation, name="Map VM networks", calls=tuple(calls), wait=wait, then=then)


def remapping(s: DomainState) -> Plan | None:
    """The work for networks that are mapped anew; None where nothing is due, or something else goes first."""
    remap, f, session = s.record.remap, s.record.failover, s.record.session
    if remap is None or remap.over or f is None or f.phase not in ("recovered", "finished"):
        return None
    if session is not None and session.state is not SessionState.ACTIVE:
        return None
    return Plan(_connecting(s, remap.by, step("remapped", remap.by)))


def unready(s: DomainState) -> tuple[VmFacts, ...]:
    """The VMs of the runbook group that is being started which do not serve yet."""
    session, rollback = s.record.session, s.record.rollback
    rolling = session is not None and session.state is SessionState.ROLLING_BACK
    r: FailoverRecord | RollbackRecord | None = rollback if rolling else s.record.failover
    order = groups(s.rollback_vms() if rolling else s.living(), s.settings)
    if r is None or r.phase != "power" or r.g >= len(order):
        return ()
    return tuple(vm for vm in order[r.g].vms if not s.ready(vm))


def starting(
    s: DomainState, vms: Sequence[VmFacts], r: FailoverRecord | RollbackRecord, over: str, ident: str
) -> Plan:
    """The runbook of replicas, up to the step `over`."""

    def power_on(group: Sequence[VmFacts]) -> tuple[PlannedCall, ...]:
        limit_s, key = float(s.settings.task_timeout), f"power:{r.g}:{r.n}"
        return tuple(
            once_free(
                vm,
                on_vm(vm, "power_on", key, f"power on {vm.name}", _power_on_args(s, vm, r), limit_s=limit_s),
            )
            for vm in group
            if vm.power != "on"
        )

    run = RunbookStart(
        groups(vms, s.settings),
        s.ready,
        s.in_words,
        power_on,
        float(s.settings.ready_timeout),
        over=over,
        steps="",
        question=f"ready:{ident}",
        not_ready=f"Not ready ({s.settings.ready})",
        waits=f"not ready yet ({s.settings.ready})",
        choices=("retry", "skip"),
    )
    return starting_group(s.now, r, run)
