"""Signs of a replication tool between sessions: whose changes count, and which are one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drdeck.model.guard import Change
from drdeck.model.times import show
from drdeck.sites.vsphere.folder_memory import FolderMemory
from drdeck.sites.vsphere.guard.observations import LoggedObservation, Observation
from drdeck.sites.vsphere.guard.tool_watch import SHOWN, ToolWatch
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, SnapshotFact, VmFacts

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
NOW = AT + timedelta(hours=1)
OWN, OTHER, TOOL = "VSPHERE.LOCAL\\drdeck", "VSPHERE.LOCAL\\drdeck2", "CORP\\replica"


def attributes(**more: Any) -> dict[str, str]:
    began = {"began": show(AT), "since": show(AT)}
    record = {
        "mode": {"mode": "cfo", "by": "op"},
        "failover": {"id": "op", "type": "force", "phase": "finished", **began},
        "tool": {"by": "op", "stopped_by": "anna", "at": show(AT)},
        "lease": {"by": "x#1", "g": 1, "since": show(AT), "until": show(NOW), "users": [OTHER]},
        **more,
    }
    return {f"drdeck.{name}": json.dumps(value) for name, value in record.items() if value is not None}


def vm(standing: str = "s2") -> VmFacts:
    snapshots = tuple(
        SnapshotFact(ident, ident, "", AT - timedelta(hours=2), parent)
        for ident, parent in (("s1", None), ("s2", "s1"))
    )
    return VmFacts("vm-1", "db01", "f", snapshots=snapshots, current_snapshot=standing)


def inventory(record: dict[str, str], *vms: VmFacts) -> Inventory:
    root, folder = FolderFacts("root", "dr", None), FolderFacts("f", "erp", "root", record)
    return Inventory(1, root, {"f": folder}, {each.id: each for each in vms}, {})


def heard(
    user: str, change: Change = Change.CONFIG, at: datetime = NOW, by: Any = "event"
) -> LoggedObservation:
    did = "changed its configuration" if change is Change.CONFIG else "began to revert it to a snapshot"
    return LoggedObservation(
        Observation(by=by, vm="vm-1", change=change, did=did, since=at, until=at, user=user), True
    )


def signs(watch: ToolWatch, now: datetime = NOW) -> list[tuple[datetime, str]]:
    return [(alarm.time, alarm.text) for alarm in watch.alarms("f", now)]


@pytest.mark.parametrize(("user", "counts"), [(TOOL, True), (OWN, False), (OTHER, False), ("", False)])
def test_what_drdecks_accounts_do_is_no_sign(user: str, counts: bool) -> None:
    watch = ToolWatch(FolderMemory(None))
    watch.look(inventory(attributes(), vm()), [heard(user)], OWN, NOW)
    assert watch.wants_events and bool(signs(watch)) is counts


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"tool": None}, NOW),
        ({}, AT - timedelta(minutes=1)),
        ({"failover": None}, NOW),
        ({"session": {"id": "s", "state": "active", "started": show(AT)}}, NOW),
    ],
    ids=["nobody asked", "before the word", "not taken", "in a session"],
)
def test_when_nothing_is_a_sign(more: dict[str, Any], at: datetime) -> None:
    watch = ToolWatch(FolderMemory(None))
    watch.look(inventory(attributes(**more), vm()), [heard(TOOL, at=at)], OWN, NOW)
    assert signs(watch) == []


def test_a_revert_is_told_by_facts_and_named_by_its_event() -> None:
    watch = ToolWatch(FolderMemory(None))
    watch.look(inventory(attributes(), vm("s2")), [], OWN, NOW)
    watch.look(inventory(attributes(), vm("s1")), [], OWN, NOW)
    ((_, text),) = signs(watch)
    assert text.startswith('somebody reverted it to the snapshot "s1" (db01)')
    later = NOW + timedelta(seconds=5)
    watch.look(inventory(attributes(), vm("s1")), [heard(TOOL, Change.REVERTED, later, "task")], OWN, later)
    ((at, text),) = signs(watch)
    assert at == NOW and text.startswith(f'{TOOL} reverted it to the snapshot "s1" (db01)')


def test_a_sign_is_kept_for_a_day_and_told_once() -> None:
    watch, again = ToolWatch(FolderMemory(None)), [heard(TOOL), heard(TOOL)]
    for _ in range(2):
        watch.look(inventory(attributes(), vm()), again, OWN, NOW)
    assert len(signs(watch)) == 1
    assert signs(watch, NOW + SHOWN) and not signs(watch, NOW + SHOWN + timedelta(seconds=1))
    watch.look(inventory(attributes(tool=None), vm()), [], OWN, NOW)
    assert signs(watch) == [], "nobody is obliged any more"
