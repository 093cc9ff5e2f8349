"""The inventory of a vCenter as anybody finds it there: what a round of a domain's life may not change."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyVmomi import vim

from tests.support.vcenter import rehearsing
from tests.support.vcenter.vcsim import VCenter


class VmKept(NamedTuple):
    """A VM. `disks`: file of each, and what it stands on; `cards`: address and network of each; `options`:
    its extraConfig; `snapshots`: names, parents before children."""

    id: str
    power: str
    cpus: int
    memory_mb: int
    disks: tuple[tuple[str, str], ...]
    cards: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    note: str
    consolidation: bool
    snapshots: tuple[str, ...]


Inventory = dict[str, VmKept | None]
"""Inventory path -> a VM, or None for a folder."""


def inventory(vcenter: VCenter) -> Inventory:
    """All VMs and folders of the datacenter."""
    kept: Inventory = {}
    _walk(vcenter, vcenter.datacenter.vmFolder, "", kept)
    return kept


def _walk(vcenter: VCenter, folder: Any, path: str, kept: Inventory) -> None:
    for child in folder.childEntity:
        here = f"{path}/{child.name}"
        if isinstance(child, vim.Folder):
            kept[here] = None
            _walk(vcenter, child, here, kept)
        elif isinstance(child, vim.VirtualMachine):
            kept[here] = _vm(vcenter, child)


def _vm(vcenter: VCenter, vm: Any) -> VmKept:
    read = vcenter.read(vm, "config", "runtime.consolidationNeeded")
    config = read["config"]
    addresses, networks = rehearsing.mac_addresses(vcenter, vm), vcenter.networks(vm)
    options = [(option.key, str(option.value)) for option in config.extraConfig or ()]
    return VmKept(
        id=str(vm._moId),
        power=vcenter.power(vm),
        cpus=int(config.hardware.numCPU),
        memory_mb=int(config.hardware.memoryMB),
        disks=tuple(rehearsing.disk_files(vcenter, vm)),
        cards=tuple(zip(addresses, networks, strict=True)),
        options=tuple(options),
        note=str(config.annotation or ""),
        consolidation=bool(read.get("runtime.consolidationNeeded")),
        snapshots=tuple(snap.name for snap in vcenter.snapshots(vm)),
    )
