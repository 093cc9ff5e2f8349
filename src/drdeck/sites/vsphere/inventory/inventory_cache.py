"""Cache of everything under a root folder: raw properties, made into facts as they change."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping

import msgspec

from drdeck.sites.vsphere.vcenter.update_parser import PropertyUpdate, Reference, Take

from .fact_parser import folder_facts, network_facts, vm_facts
from .folder_attributes import FolderAttributes
from .inventory_facts import FolderFacts, Inventory, NetworkFacts, VmFacts, networks_told_apart
from .property_cache import PropertyCache, UpdateRound

_SERIALS = itertools.count(1)  # of the process: a watch that follows another one counts on
UNDER_WAY = ("queued", "running")


class InventoryCache:
    """The newest inventory, and what it is made of. Any thread may ask.

    `raw`: the objects as a collector tells of them; `attributes`: of each folder, read beside.
    """

    def __init__(self) -> None:
        self.raw = PropertyCache()
        self.asked_tasks: dict[str, tuple[str, ...]] = {}
        """VM id -> its tasks under way, for VMs that had some when they were asked for last"""
        self.attributes = FolderAttributes()
        self.inventory: Inventory | None = None
        """None before the first reading"""
        self._lock = threading.Lock()

    def forget(self) -> None:
        """All objects are told of anew; the inventory stays until they are."""
        self.raw = PropertyCache()

    def taking(self) -> tuple[Take, UpdateRound]:
        """The taking of one answer, object by object as they are read, and the round that knows which."""
        raw = self.raw.begin()

        def take(thing: Reference, kind: str, changes: list[PropertyUpdate]) -> None:
            with self._lock:
                raw.take(thing, kind, changes)

        return take, raw

    def take_tasks(self, tasks: dict[str, tuple[str, ...]]) -> None:
        """Take in the tasks under way of VMs that were asked for, into the inventory too.

        Nothing else of a VM is made anew here: while a collector that was begun anew tells of all objects,
        one that it has not come to yet is not one that has gone.
        """
        with self._lock:
            self.asked_tasks = {vm: ids for vm, ids in (self.asked_tasks | tasks).items() if ids}
            last = self.inventory
            if last is None:
                return
            changed = {
                vm_id: msgspec.structs.replace(last.vms[vm_id], running_tasks=ids)
                for vm_id, ids in tasks.items()
                if vm_id in last.vms and last.vms[vm_id].running_tasks != ids
            }
            if changed:
                vms = {**last.vms, **changed}
                self.inventory = msgspec.structs.replace(last, serial=next(_SERIALS), vms=vms)

    def publish(self, root_id: str, touched: set[tuple[str, str]], news: int, anew: bool) -> Inventory:
        """The inventory now, of which the objects in `touched` may have changed; `anew`: any. The same one
        as before where nothing did; `news` is the count of events."""
        with self._lock:
            last = self.inventory
            folders = {} if anew or last is None else dict(last.folders) | {last.root.id: last.root}
            self._update_folders(folders, touched)
            root = folders.pop(root_id)
            inventory = Inventory(
                serial=next(_SERIALS),
                root=root,
                folders=folders,
                vms=self._vms(None if anew else last, touched),
                networks=self._networks(None if anew else last, touched),
                news=news,
            )
            if last is None or not last.same(inventory):
                if last is not None:
                    inventory.place_as(last)
                self.inventory = inventory
            assert self.inventory is not None
            return self.inventory

    def _vms(self, last: Inventory | None, touched: set[tuple[str, str]]) -> Mapping[str, VmFacts]:
        """The VMs now; those of the last inventory, all together, where none has changed."""
        if last is None:
            last, before = self.inventory, {}
        elif not any(kind in ("VirtualMachine", "VirtualApp") for kind, _ in touched):
            return last.vms
        else:
            before = dict(last.vms)
        self._update_vms(before, touched)
        return last.vms if last is not None and before == last.vms else before

    def _networks(self, last: Inventory | None, touched: set[tuple[str, str]]) -> Mapping[str, NetworkFacts]:
        """The networks now; those of the last inventory, all together, where none was touched."""
        networks = {} if last is None else dict(last.networks)
        if self._update_networks(networks, touched) or last is None:
            return networks_told_apart(networks)
        return last.networks

    def _update_networks(self, networks: dict[str, NetworkFacts], touched: set[tuple[str, str]]) -> bool:
        """Bring networks up to date; tell whether there was anything to do."""
        any_touched = False
        for kind, network_id in touched:
            if kind in ("Network", "DistributedVirtualPortgroup", "OpaqueNetwork"):
                any_touched = True
                raw = self.raw.of(kind).get(network_id)
                fact = None if raw is None else network_facts(network_id, raw)
                networks.pop(network_id, None)
                if fact is not None:
                    networks[network_id] = fact
        return any_touched

    def _update_folders(self, folders: dict[str, FolderFacts], touched: set[tuple[str, str]]) -> None:
        for kind, folder_id in touched:
            if kind == "Folder":
                raw = self.raw.of(kind).get(folder_id)
                folders.pop(folder_id, None)
                if raw is not None:
                    folders[folder_id] = folder_facts(folder_id, raw)
        for folder_id, folder in folders.items():
            attributes = self.attributes.by_folder.get(folder_id, {})
            if folder.attributes != attributes:
                folders[folder_id] = msgspec.structs.replace(folder, attributes=attributes)

    def _update_vms(self, vms: dict[str, VmFacts], touched: set[tuple[str, str]]) -> None:
        raw_vms = self.raw.of("VirtualMachine")
        again = {vm_id for kind, vm_id in touched if kind == "VirtualMachine"}
        if any(kind == "VirtualApp" for kind, _ in touched):
            again |= {vm_id for vm_id, raw in raw_vms.items() if raw.get("parentVApp") is not None}
        for vm_id in again:
            if vm_id in raw_vms:
                tasks = self.asked_tasks.get(vm_id, ())
                fresh = vm_facts(vm_id, raw_vms[vm_id], tasks, self.raw.of("VirtualApp"))
                if vms.get(vm_id) != fresh:  # much changes in a VM that is no fact: logs and disks grow
                    vms[vm_id] = fresh
            else:
                vms.pop(vm_id, None)
