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
    removes = phase is not None and removals and any(call.kind == "remove" for call in phase.calls)
    if phase is None or not phase.calls or not (per_host or per_datastore or removes):
        return plan
    by_id = {vm.id: vm for vm in vms}
    turns: Counter[str] = Counter()
    calls = []
    for call in phase.calls:
        vm = by_id.get(call.vm or "")
        host = vm.host if vm is not None else ""
        calls.append((turns[host], _with_places(call, vm, per_host, per_datastore, removals)))
        turns[host] += 1
    ordered = tuple(call for _, call in sorted(calls, key=lambda pair: pair[0]))
    limited_phase: Phase = msgspec.structs.replace(phase, calls=ordered)
    return plan._replace(phase=limited_phase)


def _with_places(
    call: PlannedCall, vm: VmFacts | None, per_host: int, per_datastore: int, removals: int
) -> PlannedCall:
    if vm is None:
        return call
    places = {vm.host: per_host} if per_host and vm.host else {}
    if per_datastore:
        places |= dict.fromkeys(vm.datastores, per_datastore)
    if removals and call.kind == "remove":
        places |= {f"removals:{datastore}": removals for datastore in vm.datastores or ("",)}
    return msgspec.structs.replace(call, places=places)
