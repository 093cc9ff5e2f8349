"""What a VM wrote before each snapshot, out of the sizes of its disks' files (layoutEx).

A snapshot freezes the files that the disks consist of and lets a new, empty child disk take what is
written from then on. So a snapshot's files that its parent does not have were written between the two,
and stay as they are; the file that grows now belongs to no snapshot, and is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drdeck.sites.vsphere.vcenter.properties import object_id

Files = Mapping[int, int | None]
"""File key -> size; None where the vCenter cannot tell."""
Disks = Mapping[str, Mapping[int, tuple[int, ...]]]
"""Snapshot id -> disk -> keys of the files that it consisted of."""

_MIB = 1 << 20
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


REDUCED: Mapping[str, Callable[[Any], Any]] = {"layoutEx.file": files, "layoutEx.snapshot": disks}
"""Kept instead of the answer's own objects: each snapshot repeats all files of those before it."""


def written(parents: Iterable[tuple[str, str | None]], disks: Disks, files: Files) -> dict[str, int]:
    """Bytes written up to each snapshot since its parent, in whole MiB; unknown ones are left out.

    `parents`: (snapshot, its parent).
    """
    found = {}
    for snapshot, parent in parents:
        size = None if parent is None else _gained(disks.get(snapshot, {}), disks.get(parent, {}), files)
        if size is not None:
            found[snapshot] = (size + _MIB // 2) // _MIB * _MIB
    return found


def _gained(
    own: Mapping[int, tuple[int, ...]], before: Mapping[int, tuple[int, ...]], files: Files
) -> int | None:
    total, grown = 0, False
    for disk, keys in own.items():
        known = set(before.get(disk, ()))
        if not known or not known.issubset(keys):
            return None  # the disk is new, or another one: its files are older than the interval, or unknown
        for key in set(keys) - known:
            size = files.get(key)
            if size is None:
                return None
            total, grown = total + size, True
    # no disk with a file of its own: the snapshot holds no disks, or only such as it does not freeze
    return total if grown else None
