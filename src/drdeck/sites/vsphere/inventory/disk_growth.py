"""Bytes that a VM wrote before each snapshot, out of the sizes of its disks' files (layoutEx).

A snapshot freezes the files that the disks consist of and lets a new, empty child disk take what is
written from then on. So a snapshot's files that its parent does not have were written between the two,
and stay as they are; the file that grows now belongs to no snapshot, and is not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve

from .inventory_facts import VmFacts

Files = Mapping[int, int | None]
"""File key -> size; None where the vCenter cannot tell."""
Disks = Mapping[str, Mapping[int, tuple[int, ...]]]
"""Snapshot id -> disk -> keys of the files that it consisted of."""

_MIB = 1 << 20
_AT_ONCE = 50
"""VMs read by one call: the layout of one VM with 31 snapshots has some 125 KiB"""
_UNKNOWN_FOR_S = 60.0
_DISK_TYPES = ("diskDescriptor", "diskExtent")
_TRACKING = "-ctk.vmdk"


def files(raw: Any) -> Files:
    """`layoutEx.file`; what is no part of a disk's data counts nothing."""
    return {int(file.key): _size(file) for file in raw or ()}


def _size(file: Any) -> int | None:
    if str(file.type) not in _DISK_TYPES or str(file.name or "").endswith(_TRACKING):
        return 0
    if file.accessible is False or file.size is None or file.size < 0:
        return None
    return int(file.size)


def disks(raw: Any) -> Disks:
    """`layoutEx.snapshot`."""
    return {
        object_id(snapshot.key): {
            int(disk.key): tuple(int(key) for unit in disk.chain or () for key in unit.fileKey or ())
            for disk in snapshot.disk or ()
        }
        for snapshot in raw or ()
    }


def written(parents: Iterable[tuple[str, str | None]], disks: Disks, files: Files) -> dict[str, int]:
    """Bytes written up to each snapshot since its parent, in whole MiB; unknown ones are left out.

    `parents`: (snapshot, its parent).
    """
    sizes = {}
    for snapshot, parent in parents:
        size = None if parent is None else _gained(disks.get(snapshot, {}), disks.get(parent, {}), files)
        if size is not None:
            sizes[snapshot] = (size + _MIB // 2) // _MIB * _MIB
    return sizes


def _gained(
    own: Mapping[int, tuple[int, ...]], before: Mapping[int, tuple[int, ...]], files: Files
) -> int | None:
    total, grown = 0, False
    for disk, keys in own.items():
        earlier = set(before.get(disk, ()))
        if not earlier or not earlier.issubset(keys):
            return None  # the disk is new, or another one: its files are older than the interval, or unknown
        for key in set(keys) - earlier:
            size = files.get(key)
            if size is None:
                return None
            total, grown = total + size, True
    # no disk with a file of its own: the snapshot holds no disks, or only such as it does not freeze
    return total if grown else None


class DiskGrowth:
    """Bytes that VMs wrote before each of their snapshots; read when they are to be shown, and kept.

    vCenter notifies no change of `layoutEx` (API reference: VirtualMachine.layoutEx), so it is asked for.
    What was written up to a snapshot stays as it is, so each is asked for once; what vCenter cannot tell,
    later again.
    """

    def __init__(self) -> None:
        self._written: dict[str, dict[tuple[str, str], tuple[int | None, float]]] = {}
        """VM -> snapshot and its parent -> bytes, and when they were read by the monotonic clock"""

    def read(self, session: VCenterSession, vms: Sequence[VmFacts]) -> None:
        """Read what is not known of these VMs' snapshots. Blocks. Raises what pyVmomi raises."""
        now = time.monotonic()
        lacking = [vm for vm in vms if any(not self._is_known(vm, pair, now) for pair in _pairs(vm))]
        for start in range(0, len(lacking), _AT_ONCE):
            some = {vm.id: vm for vm in lacking[start : start + _AT_ONCE]}
            machines = [vim.VirtualMachine(vm, session.stub) for vm in some]
            spec = filter_spec(machines, {vim.VirtualMachine: _PATHS}, may_be_gone=True)
            for content in retrieve(session, spec):
                values = {prop.name: prop.val for prop in content.propSet or ()}
                vm = some[object_id(content.obj)]
                layout = disks(values.get("layoutEx.snapshot")), files(values.get("layoutEx.file"))
                sizes = written([(x.id, x.parent_id) for x in vm.snapshots], *layout)
                self._written[vm.id] = {pair: (sizes.get(pair[0]), now) for pair in _pairs(vm)}

    def _is_known(self, vm: VmFacts, pair: tuple[str, str], now: float) -> bool:
        size, read_at = self._written.get(vm.id, {}).get(pair, (None, -_UNKNOWN_FOR_S))
        return size is not None or now - read_at < _UNKNOWN_FOR_S

    def of(self, vm: VmFacts) -> VmFacts:
        """The VM with what was written up to each snapshot, as far as it was read."""
        sizes = self._written.get(vm.id, {})
        snapshots = tuple(
            msgspec.structs.replace(x, written=sizes.get((x.id, x.parent_id or ""), (None, 0.0))[0])
            for x in vm.snapshots
        )
        return msgspec.structs.replace(vm, snapshots=snapshots)

    def keep(self, vms: Iterable[VmFacts]) -> None:
        """Forget VMs that are gone."""
        ids = {vm.id for vm in vms}
        self._written = {vm: sizes for vm, sizes in self._written.items() if vm in ids}


_PATHS = ("layoutEx.file", "layoutEx.snapshot")
"""Not `layoutEx.disk`, which is about the files that grow now."""


def _pairs(vm: VmFacts) -> list[tuple[str, str]]:
    return [(x.id, x.parent_id) for x in vm.snapshots if x.parent_id is not None]
