"""Snapshots that test VMs are to be cloned from: what keeps one from it, and the room that they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve, step_to

from .trial_marks import disk_files


class BeforeClones(NamedTuple):
    """By VM's id: what keeps it from being cloned, in words; by datastore's name: bytes of the disks, and
    those that are free."""

    closed: Mapping[str, str]
    sizes: Mapping[str, int]
    free: Mapping[str, int]


def before_clones(session: VCenterSession, points: Mapping[str, str]) -> BeforeClones:
    """Look at what VMs are to be cloned from; `points`: VM -> snapshot, by id.

    A clone has the devices of its snapshot, whatever the VM has now (API reference: VirtualMachineCloneSpec.
    snapshot)."""
    snapshots = [vim.vm.Snapshot(ident, session.stub) for ident in points.values()]
    machines = [vim.VirtualMachine(ident, session.stub) for ident in points]
    paths = {vim.Datastore: ["name", "summary.freeSpace"]}
    specs = [
        filter_spec(snapshots, {vim.vm.Snapshot: ["config.hardware.device"]}, may_be_gone=True),
        filter_spec(machines, paths, step_to(vim.VirtualMachine, "datastore"), only_via=True),
    ]
    of = {snapshot: vm for vm, snapshot in points.items()}
    closed, sizes, free = dict[str, str](), dict[str, int](), dict[str, int]()
    for content in retrieve(session, *specs):
        values = {p.name: p.val for p in content.propSet or ()}
        if "name" in values:
            free[str(values["name"])] = int(values.get("summary.freeSpace") or 0)
        devices = values.get("config.hardware.device", ())
        why = not_clonable(devices)
        if why:
            closed[of[object_id(content.obj)]] = why
        for device in devices:
            if isinstance(device, vim.vm.device.VirtualDisk):
                store = str(getattr(device.backing, "fileName", "")).partition("]")[0].removeprefix("[")
                sizes[store] = sizes.get(store, 0) + device.capacityInKB * 1024
    return BeforeClones(closed, sizes, free)


def not_clonable(devices: Any) -> str:
    """The device that keeps a VM from being cloned, in words; empty: none."""
    for device in devices:
        if isinstance(device, vim.vm.device.VirtualSCSIController) and device.sharedBus not in (
            None,
            "noSharing",
        ):
            return "it shares a SCSI bus with other VMs"
        if isinstance(device, vim.vm.device.VirtualTPM):
            return "it has a virtual TPM, whose secrets a clone would share"
    for disk in disk_files(devices):
        if disk.kind != "plain":
            return f"its disk {disk.file} is {_KINDS[disk.kind]}, which no clone stands on"
    return ""


_KINDS = {"rdm": "a raw disk", "independent": "independent of snapshots", "other": "of another kind"}
