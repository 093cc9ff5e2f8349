"""Memory and swap files of the VMs of many domains together, against what hosts and datastores have free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from drdeck.model.guard import Hazard
from drdeck.model.plans.room_check import RoomForAll
from drdeck.model.text import show_bytes
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts

from .start_obstacles import StartFacts, obstacles


def room_for_all(facts: StartFacts, vms: Sequence[VmFacts], late: Sequence[Hazard] = ()) -> RoomForAll:
    """The sums of all of these VMs that are off, and what is against starting them together. Pure.

    `late`: what keeps their restore points from being made in time afterwards.
    """
    starting = [vm for vm in vms if vm.power != "on"]
    sums = () if facts.unread else (*_memory(facts, starting), *_swap(facts, starting))
    against = obstacles(facts, vms)
    hazards = msgspec.structs.replace(against, warns=(*against.warns, *late))
    return RoomForAll(sums=sums, hazards=hazards)


def _memory(facts: StartFacts, vms: Sequence[VmFacts]) -> Iterable[str]:
    for resource in sorted(facts.resources):
        its = [vm for vm in vms if vm.host in resource.hosts]
        free = sum(h.memory_free for i, h in facts.hosts.items() if i in resource.hosts and not h.unusable)
        needed = sum(facts.memory.get(vm.id, 0) for vm in its)
        if its:
            yield (
                f'"{resource.name}": {len(its)} VMs to start with {show_bytes(needed)} of memory,'
                f" {show_bytes(free)} free on its usable hosts."
            )


def _swap(facts: StartFacts, vms: Sequence[VmFacts]) -> Iterable[str]:
    for store_id, store in sorted(facts.stores.items(), key=lambda pair: pair[1].name):
        its = [vm for vm in vms if store_id in vm.datastores]
        swap = sum(facts.memory.get(vm.id, 0) for vm in its)
        if its:
            yield (
                f'Datastore "{store.name}": {len(its)} VMs, whose swap files take up to {show_bytes(swap)},'
                f" {show_bytes(store.free)} free."
            )
