"""The plan of a release: replicas are waited for, and what drdeck kept of the failover is removed.

A vCenter does not tell whether replication was turned round. What shows it is a restore point that was not
there when ownership left: somebody brings data here again.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.model.planned import Phase
from drdeck.model.text import some
from drdeck.model.times import show_spaced
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan, step
from drdeck.sites.vsphere.plan.restore_points import (
    has_newer,
    instant_of,
    is_entry_point,
    newest_number,
    next_removal,
    ours,
    removals_wait,
)
from drdeck.sites.vsphere.record.record_values import ReleaseRecord


def ownership_left(s: DomainState) -> tuple[datetime, int]:
    """The instant at which the other side took the domain, by its record or else now, and the highest number
    of a snapshot's id then."""
    at = s.protected.owned_since if s.protected is not None else None
    if at is None or at > s.now:
        return s.now, newest_number(s.vms)
    before = [_with(vm, [x for x in vm.snapshots if _own(x) or instant_of(x) <= at]) for vm in s.vms]
    return at, max((newest_number([vm]) for vm in before), default=0)


def _with(vm: VmFacts, snapshots: list[SnapshotFact]) -> VmFacts:
    """A VM as if it had no other snapshots than these."""
    return msgspec.structs.replace(vm, snapshots=tuple(snapshots))


def missing(s: DomainState, r: ReleaseRecord) -> dict[str, str]:
    """VM -> what is missing before the domain is imported again; empty: nothing."""
    lacking = {}
    for vm in s.members():
        if vm.power != "off":
            lacking[vm.name] = "runs here: the other side owns it"
        elif not _brought(s, vm, r):
            lacking[vm.name] = (
                f"no restore point since {show_spaced(r.at)}; if the tool replicates to another VM now, move"
                " this one out of the folder"
            )
    return lacking


def _brought(s: DomainState, vm: VmFacts, r: ReleaseRecord) -> bool:
    """Tell whether somebody else made a point of it since ownership left."""
    others = _with(vm, [x for x in vm.snapshots if not _own(x)])
    return has_newer(others, r.newest, s.record)


def _own(snapshot: SnapshotFact) -> bool:
    return ours(snapshot) or is_entry_point(snapshot)


def releasing(s: DomainState, r: ReleaseRecord) -> Plan:
    """Wait until each VM is a replica again; then remove what is drdeck's, and be imported."""
    if r.phase == "wait":
        lacking = missing(s, r)
        wait = f"no replica yet: {some(list(lacking))}" if lacking or not s.vms else ""
        then = step("release_clean", r.by)
        return Plan(Phase(operation=r.by, name="Wait for replicas", wait=wait, then=then))
    within_reach = [vm for vm in s.vms if vm.connection == "connected" and not s.is_skipped(vm)]
    own = [(vm, {x.id for x in vm.snapshots if _own(x)}) for vm in within_reach]
    dirty = [(vm, ids) for vm, ids in own if ids]
    limit_s = float(s.settings.task_timeout)
    calls = tuple(next_removal(vm, ids, limit_s, s.now) for vm, ids in dirty)
    wait = removals_wait([vm for vm, _ in dirty], s.now)
    then = step("released", r.by)
    return Plan(Phase(operation=r.by, name="Remove points", calls=calls, wait=wait, then=then))
