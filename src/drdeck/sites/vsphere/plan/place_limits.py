"""Limits of calls that run at a time on one host and on one datastore, as the settings have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from drdeck.model.planned import Phase, PlannedCall
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan


def limited(plan: Plan, vms: Iterable[VmFacts], per_host: int, per_datastore: int, removals: int = 0) -> Plan:
    """The plan with the places that each call takes, and calls on different hosts by turns. 0: no limit.

    `removals`: of snapshots that run at a time on one datastore, for each merges what was written since.
    """
    phase = plan.phase
    removes = phase is not None and removals and any(act.kind == "remove" for act in phase.acts)
    if phase is None or not phase.acts or not (per_host or per_datastore or removes):
        return plan
    by_id = {vm.id: vm for vm in vms}
    turns: Counter[str] = Counter()
    acts = []
    for act in phase.acts:
        vm = by_id.get(act.vm or "")
        host = vm.host if vm is not None else ""
        acts.append((turns[host], _with_places(act, vm, per_host, per_datastore, removals)))
        turns[host] += 1
    ordered = tuple(act for _, act in sorted(acts, key=lambda pair: pair[0]))
    limited_phase: Phase = msgspec.structs.replace(phase, acts=ordered)
    return plan._replace(phase=limited_phase)


def _with_places(
    act: PlannedCall, vm: VmFacts | None, per_host: int, per_datastore: int, removals: int
) -> PlannedCall:
    if vm is None:
        return act
    places = {vm.host: per_host} if per_host and vm.host else {}
    if per_datastore:
        places |= dict.fromkeys(vm.datastores, per_datastore)
    if removals and act.kind == "remove":
        places |= {f"removals:{datastore}": removals for datastore in vm.datastores or ("",)}
    return msgspec.structs.replace(act, places=places)
