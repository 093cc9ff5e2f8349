"""Marks of a test VM, and its disks as a vCenter shows them: what tells it from every other VM."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve, step_to

MARK, MARK_OF = "drdeck.test", "drdeck.test.of"
"""Keys of a test VM's configuration: its test's marker, and the id of the VM that it is the clone of."""
_DISK = vim.vm.device.VirtualDisk


class DiskFile(NamedTuple):
    """A disk's top file, and those that it stands on, the nearest first; `kind`: plain, rdm, independent or
    other."""

    file: str
    parents: tuple[str, ...]
    kind: str = "plain"


def disk_files(devices: Iterable[Any]) -> list[DiskFile]:
    """The disks among a VM's devices."""
    return [_disk(device) for device in devices if isinstance(device, _DISK)]


def foreign_files(devices: Iterable[Any], vm_path: str) -> tuple[str, ...]:
    """The files of those disks among a VM's devices that lie outside its own directory, which is that of
    `vm_path`."""
    home = vm_path.rpartition("/")[0]
    return tuple(disk.file for disk in disk_files(devices) if home and directory(disk.file) != home)


def directory(file: str) -> str:
    """The directory of a file on a datastore, "[store] a" of "[store] a/b.vmdk"."""
    return file.rpartition("/")[0]


def _disk(device: Any) -> DiskFile:
    backing, parents = device.backing, []
    file = str(getattr(backing, "fileName", "") or "")
    kind = "other"
    if isinstance(backing, _DISK.RawDiskMappingVer1BackingInfo):
        kind = "rdm"
    elif str(getattr(backing, "diskMode", "")).startswith("independent"):
        kind = "independent"
    elif isinstance(backing, _DISK.FlatVer2BackingInfo | _DISK.SeSparseBackingInfo):
        kind = "plain"
    parent = getattr(backing, "parent", None)
    while parent is not None:
        parents.append(str(parent.fileName))
        parent = getattr(parent, "parent", None)
    return DiskFile(file, tuple(parents), kind)


def digest(file: str) -> str:
    """A short word for a file's path."""
    return hashlib.sha256(file.encode()).hexdigest()[:12]


def extra_config(options: Iterable[Any], key: str) -> str:
    """A value of a VM's extraConfig; empty where it is not set."""
    # the last counts: the simulator appends where a vCenter replaces
    values = [str(option.value) for option in options or () if option.key == key]
    return values[-1] if values else ""


def marked(session: VCenterSession, folder: str, marker: str, of: str) -> list[str]:
    """Ids of the VMs in a folder that have a test's marker and are the clone of a VM."""
    children = step_to(vim.Folder, "childEntity")
    top = vim.Folder(folder, session.stub)
    spec = filter_spec([top], {vim.VirtualMachine: ["config.extraConfig"]}, children, only_via=True)
    ids = []
    for content in retrieve(session, spec):
        options = next((p.val for p in content.propSet or () if p.name == "config.extraConfig"), ())
        if extra_config(options, MARK) == marker and extra_config(options, MARK_OF) == of:
            ids.append(object_id(content.obj))
    return ids
