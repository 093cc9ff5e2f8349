"""The plans of undoing a failover and of committing it, and what there is to undo it with.

vCenter keeps a VM's state in a snapshot made before its first power on here. A revert to it takes disks and
configuration back (API reference: RevertToSnapshot_Task), the network cards with it.
"""

from __future__ import annotations

from datetime import datetime

from drdeck.model.facts.life_facts import Undo
from drdeck.model.planned import Phase, PlannedCall
from drdeck.model.text import composed, names
from drdeck.model.times import show, show_spaced, to_millisecond
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import (
    Plan,
    on_vm,
    powering_off,
    step,
    wait_for_others,
)
from drdeck.sites.vsphere.record.record_values import CommittedRecord, UndoRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import RollbackArguments

from .domain_state import DomainState, stays_out
from .restore_points import descendants, entry_point, instant_of, next_removal, ours, removals_wait


def undo_of(s: DomainState) -> Undo | None:
    """The way back from the failover that runs here; None where none does."""
    f = s.record.failover
    if f is None or f.phase != "finished":
        return None
    since = kept_since(s)
    reset = s.record.pitr.reset
    if reset is not None and reset >= f.began:
        reason = (
            f"the PITR session after the failover was exited without a rollback at {show_spaced(reset)},"
            " which let it stand: all data from before was reset"
        )
        return Undo(since=since, reason=reason)
    lacking = [vm for vm in s.vms if entry_point(vm, f.id) is None]
    if lacking or not s.vms:
        return Undo(
            since=since, reason=f"no entry point from before the failover on {names(lacking) or 'any VM'}"
        )
    others = [f'"{x.name}" of {vm.name}' for vm in s.living() for x in _of_others(vm, f.id)]
    starts_there = s.settings.start_protected and s.protected is not None
    return Undo(since=since, starts_there=starts_there, others=tuple(others))


def _of_others(vm: VmFacts, failover: str) -> list[SnapshotFact]:
    """The snapshots that others made of a VM since its entry point."""
    entry = entry_point(vm, failover)
    return [x for x in vm.snapshots if entry is not None and not ours(x) and x.created > entry.created]


def kept_since(s: DomainState) -> datetime | None:
    """The instant from which on an undo gives up what was written; None where nothing was kept."""
    f = s.record.failover
    points = [p for vm in s.vms if f is not None and (p := entry_point(vm, f.id)) is not None]
    since = min((point.created for point in points), default=None)
    return None if since is None else to_millisecond(since)


def entry_points(s: DomainState) -> dict[str, str]:
    """Id of a VM -> id of its entry point, while the failover can be undone; else nothing."""
    f, undo = s.record.failover, undo_of(s)
    if f is None or undo is None or undo.reason or s.record.committed is not None:
        return {}
    return {vm.id: point.id for vm in s.living() if (point := entry_point(vm, f.id)) is not None}


def undoing(s: DomainState, u: UndoRecord) -> Plan:
    """Power off, revert to the entry points, remove what the failover left, and give the domain back."""
    vms, limit_s = s.living(), float(s.settings.task_timeout)
    if u.phase == "off":
        return Plan(powering_off(vms, "undo-off", u.by, "undo_revert", limit_s))
    if u.phase == "revert":
        return Plan(_reverting(s, u))
    dirty = [vm for vm in vms if _left(vm, u)]
    removals = tuple(next_removal(vm, {x.id for x in _left(vm, u)}, limit_s, s.now) for vm in dirty)
    then = step("undone", u.by)
    if not dirty and s.settings.start_protected and (originals := _to_start_there(s)):
        return Plan(_starting_there(s, u, originals, then))
    wait = removals_wait(dirty, s.now)
    return Plan(Phase(operation=u.by, name="Remove points", calls=removals, wait=wait, then=then))


def _to_start_there(s: DomainState) -> list[VmFacts]:
    """The protected VMs that are not on; never one whose replica runs here all the same."""
    running = {composed(vm.plain_name) for vm in s.vms if vm.power != "off"}
    originals = [vm for vm in s.protected_vms() if vm.power != "on" and not s.is_skipped(vm)]
    return [vm for vm in originals if not stays_out(s.settings, vm, running)]


def _starting_there(s: DomainState, u: UndoRecord, originals: list[VmFacts], then: PlannedCall) -> Phase:
    """Power the originals on, as the settings want it. One that cannot be is asked about."""
    calls = tuple(
        on_vm(
            vm,
            "power_on_there",
            "undo-start",
            f"power on {vm.name} at the protected site",
            after_loss="repeat",
            limit_s=float(s.settings.task_timeout),
        )
        for vm in originals
    )
    wait = f"starting at the protected site: {names(originals)}"
    return Phase(operation=u.by, name="Start the protected VMs", calls=calls, wait=wait, then=then)


def _reverting(s: DomainState, u: UndoRecord) -> Phase:
    calls, busy = list[PlannedCall](), list[VmFacts]()
    for vm in s.living():
        if vm.running_tasks:
            busy.append(vm)
            calls.append(wait_for_others(vm, float(s.settings.task_timeout)))
            continue
        point = entry_point(vm, u.of)
        args = RollbackArguments(
            snapshot=point.id if point else "", name=point.name if point else "", since=show(u.began)
        ).as_text()
        says = f"take {vm.name} back to before the failover"
        limit_s = float(s.settings.task_timeout)
        calls.append(on_vm(vm, "revert", "undo-revert", says, args, after_loss="repeat", limit_s=limit_s))
    wait = f"tasks under way on {names(busy)}" if busy else ""
    then = step("undo_clean", u.by)
    name = "Take back what was written"
    return Phase(operation=u.by, name=name, calls=tuple(calls), wait=wait, then=then)


def _left(vm: VmFacts, u: UndoRecord) -> list[SnapshotFact]:
    """A VM's entry point, and the points that drdeck made since: they are of what was given up.

    The name of a point has whole seconds: one of the second in which the failover began was made since, for
    before it drdeck makes none. The entry point, on which it stood, may be removed already.
    """
    entry, since = entry_point(vm, u.of), u.start.replace(microsecond=0)
    later = descendants(vm, entry.id) if entry is not None else set()
    return [x for x in vm.snapshots if x is entry or (ours(x) and (x.id in later or instant_of(x) >= since))]


def committing(s: DomainState, c: CommittedRecord) -> Plan:
    """Remove the entry points: each costs room as long as it stands."""
    left = [(vm, point) for vm in s.living() if (point := entry_point(vm, c.of)) is not None]
    limit_s = float(s.settings.task_timeout)
    calls = tuple(next_removal(vm, {point.id}, limit_s, s.now) for vm, point in left)
    wait = removals_wait([vm for vm, _ in left], s.now, "the entry points")
    then = step("committed", c.by)
    return Plan(Phase(operation=c.by, name="Remove the entry points", calls=calls, wait=wait, then=then))
