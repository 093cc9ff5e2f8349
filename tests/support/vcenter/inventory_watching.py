"""An inventory watched by a test, and updates as a vCenter sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from drdeck.sites.vsphere.inventory.inventory_facts import Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.inventory.property_cache import PropertyCache
from drdeck.sites.vsphere.vcenter.connection import Connection, Endpoint
from drdeck.sites.vsphere.vcenter.update_parser import PropertyUpdate, Reference
from tests.support.vcenter.vcsim import VCenter


@asynccontextmanager
async def watching(
    vcenter: VCenter, root: str | None = None, poll_s: int = 20
) -> AsyncIterator[InventoryWatch]:
    connection = Connection(
        Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file)), vcenter.user, vcenter.password, poll_s=poll_s
    )
    await connection.open()
    try:
        yield InventoryWatch(connection, vcenter.root if root is None else root)
    finally:
        await connection.close()


def domain_vms(inventory: Inventory, domain: str) -> dict[str, VmFacts]:
    folder = next(f for f in inventory.domains if f.name == domain)
    return {vm.name: vm for vm in inventory.vms_of(folder.id)}


async def until(changes: AsyncIterator[Inventory], holds: Callable[[Inventory], bool]) -> Inventory:
    async with asyncio.timeout(60):
        async for inventory in changes:
            if holds(inventory):
                return inventory
    raise AssertionError("the watch ended")


def update(kind: str, thing: Any, **changes: Any) -> Any:
    """An update set with one object; a change is name=value, or anything=(op, path, value)."""
    triples = [c if isinstance(c, tuple) else ("assign", name, c) for name, c in changes.items()]
    changed = [SimpleNamespace(op=op, name=path, val=value) for op, path, value in triples]
    object_update = SimpleNamespace(kind=kind, obj=thing, changeSet=changed)
    return SimpleNamespace(filterSet=[SimpleNamespace(objectSet=[object_update])])


def apply(cache: PropertyCache, update_set: Any) -> set[tuple[str, str]]:
    """Have a cache take an update set as pyVmomi has it."""
    taken = cache.begin()
    for filter_update in update_set.filterSet or ():
        for thing in filter_update.objectSet or ():
            reference = Reference(type(thing.obj)._wsdlName, thing.obj._GetMoId())
            changes = [
                PropertyUpdate(str(x.name), str(x.op), getattr(x, "val", None)) for x in thing.changeSet or ()
            ]
            taken.take(reference, str(thing.kind), changes)
    return taken.end()
