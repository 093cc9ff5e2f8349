"""Devices of VMs: whose data no snapshot covers, in words, and where their disks' files are.

Read once for each configuration.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.rollback_call import HardwareSummary, summary_of
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.hardware_reader import hardware, is_a
from drdeck.sites.vsphere.vcenter.properties import filter_spec, retrieve_made

from .inventory_facts import VmFacts

_DEVICE = vim.vm.device
_AT_ONCE = 50
"""VMs read by one call: a VM's devices have some 10 KiB."""


def uncovered(devices: Iterable[Any]) -> tuple[str, ...]:
    """The devices that a rollback leaves as they are, or that keep a snapshot from being made, in words.

    Sources: VMware's "Snapshot Limitations" (vSphere Virtual Machine Administration): no snapshots of
    physical RDMs, of VMs with bus sharing or passthrough devices; independent disks are left out of them.
    """
    words = []
    for device in devices:
        label = str(device.deviceInfo.label) if device.deviceInfo else f"device {device.key}"
        reason = _reason(device)
        if reason:
            words.append(f"{label}: {reason}")
    return tuple(words)


def _reason(device: Any) -> str:
    if is_a(device, _DEVICE.VirtualDisk):
        backing = device.backing
        if getattr(backing, "compatibilityMode", None) == "physicalMode":
            return "a physical RDM keeps its data, and allows no snapshot"
        if str(getattr(backing, "diskMode", "")).startswith("independent"):
            return "an independent disk keeps its data"
        if getattr(backing, "sharing", None) == "sharingMultiWriter":
            return "a disk of several writers allows no snapshot"
    elif is_a(device, _DEVICE.VirtualSCSIController):
        if str(device.sharedBus or "noSharing") != "noSharing":
            return "bus sharing allows no snapshot"
    elif is_a(device, _DEVICE.VirtualPCIPassthrough):
        return "a passthrough device allows no snapshot"
    return ""


def disk_directories(devices: Iterable[Any]) -> frozenset[str]:
    """The datastore directories of a VM's disks and of the files below them: "[ssd-1] db01"."""
    directories = set()
    for device in devices:
        backing = device.backing if is_a(device, _DEVICE.VirtualDisk) else None
        while backing is not None:
            if getattr(backing, "fileName", None):
                directories.add(_directory(backing.fileName))
            backing = getattr(backing, "parent", None)
    return frozenset(directories)


def _directory(file: str) -> str:
    return file.rpartition("/")[0]


class VmDevices(NamedTuple):
    """A VM's devices as they were read for one version of its configuration: those that rollbacks do not
    cover, in words, the directories of its disks, and what a revert may take back."""

    version: str
    uncovered: tuple[str, ...]
    directories: frozenset[str]
    summary: HardwareSummary | None


class UncoveredDevices:
    """Devices of each VM that rollbacks do not cover; read beside the watching, since it is much and changes
    rarely.

    A configuration that changed has another `config.changeVersion` (API reference).
    """

    def __init__(self) -> None:
        self._devices: dict[str, VmDevices] = {}
        self.serial = 0
        """grows with each change of what is known"""

    def of(self, vm: VmFacts) -> tuple[str, ...]:
        """In words; empty too where it was not read yet."""
        devices = self._devices.get(vm.id)
        return devices.uncovered if devices is not None else ()

    def hardware_of(self, vm: VmFacts) -> HardwareSummary | None:
        """A VM's hardware as it is now; None where it was not read since its configuration changed."""
        devices = self._devices.get(vm.id)
        return devices.summary if devices is not None and devices.version == vm.change_version else None

    def owner(self, file: str, beside: str) -> str | None:
        """The id of the VM, other than `beside`, in whose directories a disk's file is; None: of none that is
        known, or several."""
        directory = _directory(file)
        others = ((vm, devices) for vm, devices in self._devices.items() if vm != beside)
        owners = [vm for vm, devices in others if directory in devices.directories]
        return owners[0] if len(owners) == 1 else None

    def pieces(self, vms: Iterable[VmFacts]) -> Iterator[list[VmFacts]]:
        """The VMs that were not read since their configuration changed, as many at a time as one call takes.

        Each VM is looked at once, when it is reached: a site of any size costs one pass.
        """
        unread = (vm for vm in vms if not self.is_read(vm))
        while piece := list(itertools.islice(unread, _AT_ONCE)):
            yield piece

    def is_read(self, vm: VmFacts) -> bool:
        """Tell whether a VM was read since its configuration changed."""
        devices = self._devices.get(vm.id)
        return devices is not None and devices.version == vm.change_version

    def read(self, session: VCenterSession, vms: Sequence[VmFacts]) -> None:
        """Read the devices of these VMs. Blocks. Raises what pyVmomi raises."""
        machines = [vim.VirtualMachine(vm.id, session.stub) for vm in vms]
        spec = filter_spec(machines, {vim.VirtualMachine: ["config.hardware"]}, may_be_gone=True)
        read = retrieve_made(session, spec, {"VirtualHardware": hardware})
        for vm in vms:
            self.take(vm.id, vm.change_version, read.get(vm.id, {}).get("config.hardware"))

    def take(self, vm: str, version: str, hardware: Any) -> None:
        """Take in the `config.hardware` of a VM, by id, that belongs to a version of its configuration."""
        devices = list(hardware.device or ()) if hardware is not None else []
        words = uncovered(devices)
        last = self._devices.get(vm)
        if (last.uncovered if last is not None else ()) != words:
            self.serial += 1
        self._devices[vm] = VmDevices(version, words, disk_directories(devices), summary_of(hardware))

    def keep(self, vms: Iterable[VmFacts]) -> None:
        """Forget VMs that are gone."""
        ids = {vm.id for vm in vms}
        self._devices = {vm: devices for vm, devices in self._devices.items() if vm in ids}
