"""What a VM's facts tell of changes, by what differs between two looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from drdeck.model.guard import Change
from drdeck.sites.vsphere.guard.fact_differences import Whereabouts, differences, left
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts

T0 = datetime(2026, 1, 16, 22, 0, tzinfo=UTC)
T1 = T0 + timedelta(seconds=9)


def snap(ident: str, parent: str | None, name: str = "") -> SnapshotFact:
    return SnapshotFact(
        id=ident,
        name=name or f"point {ident}",
        description="",
        created=T0 - timedelta(hours=1),
        parent_id=parent,
    )


A, B, C = snap("a", None), snap("b", "a"), snap("c", "b")
OLD = VmFacts(
    id="vm-7", name="db01", parent="g", power="on", connection="connected", host="h1", datastores=("d1",),
    snapshots=(A, B, C), current_snapshot="c",
)  # fmt: skip


def replaced(**changes: object) -> VmFacts:
    return msgspec.structs.replace(OLD, **changes)


D = snap("d", "c")
TABLE: list[tuple[str, VmFacts, list[tuple[Change, str]]]] = [
    ("nothing", OLD, []),
    ("what is no change", replaced(addresses=("10.0.0.9",), tools_running=True, running_tasks=("t",)), []),
    ("off", replaced(power="off"), [(Change.POWER, "off")]),
    ("out of sight", replaced(power="unknown"), []),
    ("host", replaced(host="h2"), [(Change.HOST, "h2")]),
    ("host unknown", replaced(host=""), []),
    ("datastore", replaced(datastores=("d2", "d1")), [(Change.DATASTORE, "")]),
    ("renamed", replaced(name="db02"), [(Change.CONFIG, "db02")]),
    ("made", replaced(snapshots=(A, B, C, D), current_snapshot="d"), [(Change.SNAPSHOT, "point d")]),
    (
        "removed the newest",
        replaced(snapshots=(A, B), current_snapshot="b"),
        [(Change.SNAPSHOT_REMOVED, "c")],
    ),
    (
        "removed one in the middle",
        replaced(snapshots=(A, snap("c", "a")), current_snapshot="c"),
        [(Change.SNAPSHOT_REMOVED, "b")],
    ),
    (
        "removed all",
        replaced(snapshots=(), current_snapshot=None),
        [
            (Change.SNAPSHOT_REMOVED, "a"),
            (Change.SNAPSHOT_REMOVED, "b"),
            (Change.SNAPSHOT_REMOVED, "c"),
        ],
    ),
    ("reverted", replaced(current_snapshot="a"), [(Change.REVERTED, "a")]),
    (
        "reverted, then made",
        replaced(snapshots=(A, snap("d", "a"), B, C), current_snapshot="d"),
        [(Change.SNAPSHOT, "point d"), (Change.REVERTED, "a")],
    ),
    (
        "reverted, then removed the branch",
        replaced(snapshots=(A,), current_snapshot="a"),
        [(Change.SNAPSHOT_REMOVED, "b"), (Change.SNAPSHOT_REMOVED, "c")],
    ),
    (
        "renamed a snapshot",
        replaced(snapshots=(A, snap("b", "a", "keep"), C)),
        [(Change.SNAPSHOT_CHANGED, "b")],
    ),
]


@pytest.mark.parametrize(("new", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_differences(new: VmFacts, expected: list[tuple[Change, str]]) -> None:
    observations = list(differences(OLD, new, T0, T1))
    assert [(t.change, t.to) for t in observations] == expected
    assert all(
        (t.by, t.vm, t.since, t.until, t.user) == ("facts", "vm-7", T0, T1, None) for t in observations
    )


@pytest.mark.parametrize(
    ("now", "change", "part"),
    [
        (Whereabouts(), Change.REMOVED, "inventory"),
        (Whereabouts("g9", "attic"), Change.MOVED, 'folder "attic"'),
        (Whereabouts("g", "erp", template=True), Change.REMOVED, "template"),
        (Whereabouts(hidden=True), Change.MOVED, "may not see"),
    ],
)
def test_a_vm_that_left(now: Whereabouts, change: Change, part: str) -> None:
    observation = left(OLD, T0, T1, now)
    assert observation.change is change and part in observation.did
