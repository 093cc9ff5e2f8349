"""What was written up to each snapshot, out of the files and chains that a vCenter tells of."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from pyVmomi import vim

from drdeck.sites.vsphere.inventory import disk_growth

MIB = 1 << 20
EX = vim.vm.FileLayoutEx


def file(key: int, size: int | None, kind: str = "diskExtent", name: str = "x.vmdk", **more: Any) -> Any:
    return SimpleNamespace(key=key, name=name, type=kind, size=size, **{"accessible": True, **more})


def disk(*units: Sequence[int], key: int = 2000) -> Any:
    return EX.DiskLayout(key=key, chain=[EX.DiskUnit(fileKey=list(unit)) for unit in units])


def frozen(name: str, *disks: Any) -> Any:
    return EX.SnapshotLayout(key=vim.vm.Snapshot(name, None), dataKey=99, disk=list(disks))


def read(parents: dict[str, str | None], snapshots: list[Any], files: list[Any]) -> dict[str, int]:
    return disk_growth.written(parents.items(), disk_growth.disks(snapshots), disk_growth.files(files))


BASE = [file(1, 400, "diskDescriptor"), file(2, 50 << 30)]
UNITS = [(1, 2), (3, 4), (5, 6), (7, 8)]
DELTAS = [
    f for n in (1, 2, 3) for f in (file(2 * n + 1, 400, "diskDescriptor"), file(2 * n + 2, n * 7 * MIB))
]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain(length: int, backwards: bool) -> None:
    """Each snapshot has what its parent has, and the delta that it froze; from whichever end it is told."""
    turn = -1 if backwards else 1
    snapshots = [frozen(f"s{n}", disk(*UNITS[: n + 1][::turn])) for n in range(length)]
    parents = {f"s{n}": f"s{n - 1}" if n else None for n in range(length)}
    growing = [file(90, 400, "diskDescriptor"), file(91, 999 * MIB)]  # since the newest: of no snapshot
    expected = {f"s{n}": n * 7 * MIB for n in range(1, length)}
    assert read(parents, snapshots, BASE + DELTAS + growing) == expected


LINE: dict[str, str | None] = {"s0": None, "s1": "s0"}


@pytest.mark.parametrize(
    ("before", "after", "extra", "written"),
    [
        ([disk((1, 2))], [disk((1, 2), (3, 4))], [], 7 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3, 4), (5, 6))], [], 21 * MIB),  # one more unit, not merged yet
        (
            [disk((20, 21), (1, 2))],
            [disk((20, 21), (1, 2), (3, 4))],
            [file(20, 9), file(21, 80 << 30)],
            7 * MIB,
        ),
        ([disk((1, 2))], [disk((1, 2), (3, 4, 30))], [file(30, 5 * MIB, name="x-ctk.vmdk")], 7 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3, 30))], [file(30, 8 * MIB + 3)], 8 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3,))], [], 0),
        ([disk((1, 2))], [disk((1, 2), (3, 30))], [file(30, 8 * MIB, "digestExtent")], 0),
    ],
    ids=["plain", "two units", "linked base", "change tracking", "rounded", "empty", "digest"],
)
def test_one_disk(before: list[Any], after: list[Any], extra: list[Any], written: int) -> None:
    sizes = read(LINE, [frozen("s0", *before), frozen("s1", *after)], BASE + DELTAS + extra)
    assert sizes == {"s1": written}


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        (
            [disk((1, 2)), disk((20,), key=2001)],
            [disk((1, 2), (3, 4)), disk((20,), (21,), key=2001)],
            18 * MIB,
        ),
        ([disk((1, 2)), disk((20,), key=2001)], [disk((1, 2), (3, 4))], 7 * MIB),
        ([disk((1, 2)), disk((20,), key=2001)], [disk((1, 2), (3, 4)), disk((20,), key=2001)], 7 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3, 4)), disk((20,), key=2001)], None),
    ],
    ids=["both", "one taken away", "one independent", "one added"],
)
def test_two_disks(before: list[Any], after: list[Any], written: int | None) -> None:
    files = [*BASE, *DELTAS, file(20, 10 << 30), file(21, 11 * MIB)]
    sizes = read(LINE, [frozen("s0", *before), frozen("s1", *after)], files)
    assert sizes.get("s1") == written


@pytest.mark.parametrize(
    ("snapshots", "files"),
    [
        ([], []),
        ([], BASE + DELTAS),
        ([frozen("s1", disk((1, 2), (3, 4)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2)))], BASE + DELTAS),
        ([frozen("s0"), frozen("s1")], BASE + DELTAS),
        ([frozen("s0", disk()), frozen("s1", disk((1, 2)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((5, 6), (3, 4)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))], BASE),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))], [file(3, 400), file(4, None)]),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))], [file(3, 400), file(4, -1)]),
        (
            [frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))],
            [file(3, 400), file(4, 7, accessible=False)],
        ),
    ],
    ids=[
        "nothing", "no snapshots", "no parent", "not it", "no disks", "no chain", "no delta", "another disk",
        "no file", "no size", "no such size", "inaccessible",
    ],
)  # fmt: skip
def test_what_is_missing_makes_it_unknown(snapshots: list[Any], files: list[Any]) -> None:
    assert read(LINE, snapshots, files) == {}


def test_branches() -> None:
    """After a revert the next snapshot stands on the one gone back to."""
    snapshots = [
        frozen("s0", disk((1, 2))),
        frozen("left", disk((1, 2), (3, 4))),
        frozen("later", disk((1, 2), (3, 4), (7, 8))),
        frozen("new", disk((1, 2), (5, 6))),
    ]
    parents = {"s0": None, "left": "s0", "later": "left", "new": "s0"}
    assert read(parents, snapshots, BASE + DELTAS) == {"left": 7 * MIB, "later": 21 * MIB, "new": 14 * MIB}
