"""Facts of a vCenter about a site's folders, VMs and networks at one instant; nothing of ours in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property

import msgspec

from drdeck.model.domains import VmQuestion

_ESCAPED = re.compile("%(2f|5c|25)", re.IGNORECASE)


def decode_name(name: str) -> str:
    """A name as people write it; vCenter keeps slash, backslash and percent as %2f, %5c and %25."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), name)


def encode_name(name: str) -> str:
    """A name as vCenter keeps it."""
    return name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")


class SnapshotFact(msgspec.Struct, frozen=True):
    """One snapshot; `created` is the vCenter's time, UTC; `parent_id` None at the foot of the tree."""

    id: str
    name: str
    description: str
    created: datetime
    parent_id: str | None
    written: int | None = None
    """bytes that the VM's disks gained from its parent to it, in whole MiB; None: unknown"""
    memory: bool = False
    """it has the VM's memory too: a revert leaves the VM suspended"""


class FolderFacts(msgspec.Struct, frozen=True):
    """One VM folder. `attributes`: its custom attributes by name, those set to nothing left out."""

    id: str
    name: str
    parent: str | None
    attributes: Mapping[str, str] = {}


class VmFacts(msgspec.Struct, frozen=True):
    """One VM. `parent` is the id of its folder, or of its vApp's; ids are vCenter's managed object ids.

    `name` is its path, from its domain on, where two VMs of the domain have one name.
    """

    id: str
    name: str
    parent: str | None
    vapp: str | None = None
    """name of the vApp that it is in"""
    power: str = "unknown"
    """on, off, suspended, unknown"""
    connection: str = "unknown"
    """connected, disconnected, orphaned, inaccessible, invalid, unknown"""
    template: bool = False
    instance_uuid: str = ""
    tools_running: bool = False
    addresses: tuple[str, ...] = ()
    """of its network cards and then the guest's main one, as VMware Tools tell them"""
    networks: tuple[str, ...] = ()
    host: str = ""
    datastores: tuple[str, ...] = ()
    snapshots: tuple[SnapshotFact, ...] = ()
    """parents before children"""
    current_snapshot: str | None = None
    """the snapshot that its disks stand on"""
    running_tasks: tuple[str, ...] = ()
    """ids of tasks queued or running on it, as far as they were asked for"""
    question: VmQuestion | None = None
    own_name: str = ""
    """its name in vCenter, where `name` is its path"""
    change_version: str = ""
    """another one after each change of its configuration"""
    managed_by: str = ""
    """key of the extension whose it is (SRM, a replication tool); empty: nobody's"""
    disks: int | None = None
    consolidation_needed: bool = False

    @property
    def plain_name(self) -> str:
        """Its name in vCenter."""
        return self.own_name or self.name

    def has_snapshot(self, name: str) -> bool:
        return any(snapshot.name == name for snapshot in self.snapshots)

    @property
    def placeholder(self) -> bool:
        """A stand-in of another solution's, which has no data (SRM's are so)."""
        return self.disks == 0 and bool(self.managed_by)


class NetworkFacts(msgspec.Struct, frozen=True):
    """One network of the datacenter that a VM may be connected to.

    `name` ends with its id where several networks have one name: `own_name`, its name in vCenter.
    """

    id: str
    name: str
    own_name: str = ""


def networks_told_apart(networks: Mapping[str, NetworkFacts]) -> dict[str, NetworkFacts]:
    """Networks by id, those of one name by their ids too: two switches may have a port group of one name."""
    times = Counter(network.own_name or network.name for network in networks.values())
    apart = {}
    for network_id, network in networks.items():
        own = network.own_name or network.name
        name = f"{own} ({network_id})" if times[own] > 1 else own
        same = network.name == name
        apart[network_id] = network if same else NetworkFacts(network_id, name, own)
    return apart


_PLACED = ("_by_domain", "_machines", "_templates", "strays")
"""What an inventory has of its VMs by the folders that they are in."""


class Inventory(msgspec.Struct, frozen=True, dict=True):
    """Everything under the site's root folder, by id. `serial` grows with every change seen."""

    serial: int
    root: FolderFacts
    folders: Mapping[str, FolderFacts]
    """without the root itself"""
    vms: Mapping[str, VmFacts]
    networks: Mapping[str, NetworkFacts]
    news: int = 0
    """grows with the events that were told, where they are listened to"""

    def same(self, other: Inventory) -> bool:
        """True if another one says the same, whatever its serial."""
        return (self.news, self.root, self.folders, self.vms, self.networks) == (
            other.news,
            other.root,
            other.folders,
            other.vms,
            other.networks,
        )

    def place_as(self, last: Inventory) -> None:
        """Keep the VMs placed as in an inventory of before, where neither they nor the tree of folders has
        changed: most changes of a run are of records, and placing takes as long as there are VMs."""
        if self.vms is last.vms and self._tree() == last._tree():
            self.__dict__.update({name: last.__dict__[name] for name in _PLACED if name in last.__dict__})

    def _tree(self) -> list[tuple[str, str, str | None]]:
        return [(self.root.id, "", None), *((f.id, f.name, f.parent) for f in self.folders.values())]

    @cached_property
    def domains(self) -> tuple[FolderFacts, ...]:
        """The folders directly under the root, by name."""
        return tuple(
            sorted((f for f in self.folders.values() if f.parent == self.root.id), key=lambda f: f.name)
        )

    @cached_property
    def _by_domain(self) -> dict[str, list[VmFacts]]:
        domains: dict[str, list[VmFacts]] = {}
        for vm in sorted(self.vms.values(), key=lambda vm: (vm.name, vm.id)):
            folder = self.folders.get(vm.parent or "")
            while folder is not None and folder.parent != self.root.id:
                folder = self.folders.get(folder.parent or "")
            if folder is not None:
                domains.setdefault(folder.id, []).append(vm)
        return {folder_id: self._told_apart(vms) for folder_id, vms in domains.items()}

    @cached_property
    def _machines(self) -> dict[str, tuple[VmFacts, ...]]:
        """Without templates, for each domain: asked for again and again."""
        return {
            folder_id: tuple(vm for vm in vms if not vm.template)
            for folder_id, vms in self._by_domain.items()
        }

    @cached_property
    def _templates(self) -> dict[str, tuple[VmFacts, ...]]:
        """Of each domain that has some."""
        return {
            folder_id: tuple(vm for vm in vms if vm.template)
            for folder_id, vms in self._by_domain.items()
            if any(vm.template for vm in vms)
        }

    @cached_property
    def strays(self) -> tuple[VmFacts, ...]:
        """The VMs under the root that no domain's folder holds, by name."""
        placed = {vm.id for vms in self._by_domain.values() for vm in vms}
        return tuple(sorted((vm for vm in self.vms.values() if vm.id not in placed), key=lambda vm: vm.name))

    def _told_apart(self, vms: list[VmFacts]) -> list[VmFacts]:
        """A domain's VMs, those of one name by their paths."""
        times = Counter(vm.name for vm in vms)
        return [
            msgspec.structs.replace(vm, name=self._path(vm), own_name=vm.name) if times[vm.name] > 1 else vm
            for vm in vms
        ]

    def _path(self, vm: VmFacts) -> str:
        """A VM's folders and name, from its domain on."""
        parts, folder = [vm.name], self.folders.get(vm.parent or "")
        while folder is not None and folder.id != self.root.id:
            parts.append(folder.name)
            folder = self.folders.get(folder.parent or "")
        path = "/".join(reversed(parts))
        return path if vm.vapp is None else f"{path.removesuffix(vm.name)}{vm.vapp}/{vm.name}"

    def vms_of(self, folder_id: str) -> tuple[VmFacts, ...]:
        """The VMs in a domain's folder and in folders below it, by name; templates left out."""
        return self._machines.get(folder_id, ())

    def templates_of(self, folder_id: str) -> tuple[VmFacts, ...]:
        """The templates in a domain's folder and below it, which are no VMs of the domain."""
        return self._templates.get(folder_id, ())

    def network_names(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Names of networks, an id where one is not known."""
        return tuple(self.networks[i].name if i in self.networks else i for i in ids)
