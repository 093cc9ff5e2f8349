"""The plan of a PITR session: its start, its rollbacks, its exit.

The phases of a rollback are those of `record/phases.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.model.planned import Phase
from drdeck.model.text import names
from drdeck.model.times import show
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import (
    Plan,
    on_vm,
    once_free,
    powering_off,
    step,
    wait_for_others,
)
from drdeck.sites.vsphere.record.record_values import RollbackRecord, SessionRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import PointArguments, RollbackArguments

from .domain_state import DomainState
from .failover import starting
from .restore_points import (
    ancestors,
    entry_words,
    is_entry_point,
    next_removal,
    ours,
    point_name,
    prunable,
    removals_wait,
    target,
)


def entering(s: DomainState, operation: str) -> Plan:
    """Wait for consistency, make an entry point on every VM, then be active."""
    session = s.record.session
    assert session is not None
    name = "Start the PITR session"
    vms = [vm for vm in s.session_vms() if not s.is_skipped(vm)]
    busy = [vm for vm in vms if vm.running_tasks]
    if session.entry is None:
        wait = f"waiting for consistency: tasks under way on {names(busy)}" if busy else ""
        limit_s = float(s.settings.task_timeout)
        calls = tuple(wait_for_others(vm, limit_s) for vm in busy)
        return Plan(
            Phase(operation=operation, name=name, calls=calls, wait=wait, then=step("entry", operation))
        )
    return Plan(_entry_points(s, session, operation, name, "entry", "active"))


def made_good(s: DomainState, operation: str) -> Plan:
    """Make the entry points of VMs that have none in an active session, as the operator wants."""
    session = s.record.session
    assert session is not None
    return Plan(_entry_points(s, session, operation, "Make entry points", f"entry:{operation}", "entered"))


def _entry_points(
    s: DomainState, session: SessionRecord, operation: str, name: str, key: str, then: str
) -> Phase:
    assert session.entry is not None
    point, limit_s = point_name(session.entry), float(s.settings.task_timeout)
    lacking = [vm for vm in s.session_vms() if not s.is_skipped(vm) and not vm.has_snapshot(point)]
    args = PointArguments(name=point, description=entry_words(session.id)).as_text()
    calls = tuple(
        once_free(vm, on_vm(vm, "snapshot", key, f"make the entry point of {vm.name}", args, limit_s=limit_s))
        for vm in lacking
    )
    wait = f"making entry points: {names(lacking)}" if lacking else ""
    return Phase(operation=operation, name=name, calls=calls, wait=wait, then=step(then, operation))


def rolling_back(s: DomainState, r: RollbackRecord) -> Plan:
    vms = s.rollback_vms()
    if r.phase == "off":
        return Plan(powering_off(vms, "off", r.id, "revert", float(s.settings.task_timeout)))
    if r.phase == "revert":
        return Plan(_reverting(s, r, vms))
    return starting(s, vms, r, "over", f"rollback:{r.id}")


def _reverting(s: DomainState, r: RollbackRecord, vms: Sequence[VmFacts]) -> Phase:
    """Nothing is started before all are reverted, so that reverting again after a loss harms nothing.

    Each call maps the VM's networks again too, for a revert takes them back to those of the snapshot.
    """
    calls, busy = [], []
    session, limit_s = s.record.session, float(s.settings.task_timeout)
    entry = point_name(session.entry) if session is not None and session.entry is not None else ""
    for vm in vms:
        point = target(vm, r.to, s.record)
        if vm.running_tasks:
            busy.append(vm)
            calls.append(wait_for_others(vm, limit_s))
            continue
        says = f"roll {vm.name} back to {point.name if point else 'a point that is gone'}"
        args = RollbackArguments(
            snapshot=point.id if point else "",
            name=point.name if point else "",
            since=show(r.began or r.since),
            entry=entry,
            memory="discard" if point is not None and point.memory else "",
            moves=s.moves,
        ).as_text()
        calls.append(on_vm(vm, "revert", "revert", says, args, after_loss="repeat", limit_s=limit_s))
    wait = f"tasks under way on {names(busy)}" if busy else ""
    return Phase(
        operation=r.id,
        name="Roll the VMs back",
        calls=tuple(calls),
        wait=wait,
        then=step("power", r.id),
        barrier=True,
    )


def exiting(s: DomainState, operation: str) -> Plan:
    """Drop what the session leaves behind, one removal of a VM at a time."""
    calls, waits, limit_s = [], [], float(s.settings.task_timeout)
    for vm in s.session_vms():
        doomed = _doomed(s, vm)
        if not doomed:
            continue
        waits.append(vm)
        calls.append(next_removal(vm, doomed, limit_s, s.now))
    wait = removals_wait(waits, s.now)
    return Plan(
        Phase(
            operation=operation,
            name="Exit the PITR session",
            calls=tuple(calls),
            wait=wait,
            then=step("closed", operation),
        )
    )


def removed_of_others(s: DomainState, vm: VmFacts) -> tuple[str, ...]:
    """Names of the VM's snapshots by others that an exit removes, as `prune_also` allows."""
    doomed = _doomed(s, vm) if vm in s.session_vms() else set()
    mine = (snap for snap in vm.snapshots if ours(snap) or is_entry_point(snap))
    kept = doomed - {snap.id for snap in mine}
    return tuple(snap.name for snap in vm.snapshots if snap.id in kept)


def _doomed(s: DomainState, vm: VmFacts) -> set[str]:
    """Ids of the VM's snapshots that go with the exit: drdeck's own, and those that `prune_also` names."""
    session = s.record.session
    assert session is not None
    if s.is_skipped(vm):
        return set()
    mine = prunable(vm, s.settings.prune_also)
    entry = point_name(session.entry) if session.entry else None
    if session.n:
        every = {snap.id for snap in vm.snapshots}
        kept = ancestors(vm) if vm.current_snapshot in every else every
        return {snap.id for snap in mine if snap.id not in kept or snap.name == entry}
    if session.after is not None:
        # the reset leaves nothing to undo the failover with: its entry point would only grow
        return {snap.id for snap in mine} | {snap.id for snap in vm.snapshots if is_entry_point(snap)}
    return {snap.id for snap in mine if snap.name == entry}
