"""The check of a round of a domain's life: whatever is left that should not be makes it fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.life.inventory_kept import VmKept
from tests.support.life.rounds import Left, check_round
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.rehearsing import Destroyed


def at(minute: int) -> datetime:
    return datetime(2026, 11, 22, 10, minute, tzinfo=UTC)


def instant(minute: int) -> str:
    return at(minute).isoformat()


REPLICA = VmKept(
    id="vm-1",
    power="off",
    cpus=1,
    memory_mb=32,
    disks=(("[a] x/disk.vmdk", ""),),
    cards=(("00:50:56:00:00:01", "VM_3510"),),
    options=(),
    note="",
    consolidation=False,
    snapshots=("replica 0",),
)
BROUGHT = REPLICA._replace(
    cards=(("00:50:56:00:00:01", "DRSeg"),), snapshots=("replica 0", "replica of round 1")
)
THERE_PATH = f"/prod/{DOMAIN}/{VMS[0]}"
THERE = {"/prod": None, f"/prod/{DOMAIN}": None, THERE_PATH: REPLICA}
AS_IMPORTED: dict[str, Any] = {
    "mode": "imported", "owner": "remote", "operation": None, "session": None, "failover": None,
    "committed_at": None, "undo": {"possible": False}, "test": None, "tested": {"result": "passed"},
    "alarms": [], "excluded": ["a"],
}  # fmt: skip
BEFORE = Left(
    record={},
    here={"/drdeck": None, "/drdeck-test": None, **{f"/drdeck/{DOMAIN}/{vm}": REPLICA for vm in VMS}},
    there=THERE,
    domain=AS_IMPORTED,
    destroyed=[],
    operations={"op-0": ("cfo_complete", "done")},
    sound=True,
    at=at(0),
)
RECORD: dict[str, dict[str, Any]] = {
    "drdeck.mode": {"mode": "imported", "by": "op-4", "since": instant(9)},
    "drdeck.pitr": {"reset": instant(8), "last": "op-3"},
    "drdeck.tested": {"by": "op-2", "of": "op-1", "at": instant(3), "result": "passed", "vms": 3},
    "drdeck.asked": {"op-3": "anna@jump1"},
}
ACTIONS = ("cfo_complete", "test_start", "test_end", "cfo_complete", "domain_release")
ENDS = [Destroyed(f"vm-{n}", f"drdeck-test-{DOMAIN}-{vm}", "group-v9", ()) for n, vm in enumerate(VMS)]
AFTER = Left(
    record={name: json.dumps(value) for name, value in RECORD.items()} | {"drdeck.lease": "x"},
    here={path: vm if vm is None else BROUGHT for path, vm in BEFORE.here.items()},
    there=THERE,
    domain={**AS_IMPORTED, "excluded": ["a", "b"]},
    destroyed=ENDS,
    operations={f"op-{n}": (action, "done") for n, action in enumerate(ACTIONS)},
    sound=True,
    at=at(20),
)
PATH = f"/drdeck/{DOMAIN}/{VMS[1]}"


def check(after: Left) -> None:
    check_round(BEFORE, after, 0, ["DRSeg"])


def test_what_it_should_leave_passes() -> None:
    check(AFTER)


def record(name: str, **changes: Any) -> Left:
    """One attribute with other fields (None: without); or without any the attribute is gone."""
    value = {k: v for k, v in {**RECORD.get(name, {}), **changes}.items() if v is not None}
    texts = {**AFTER.record, name: json.dumps(value)}
    return AFTER._replace(record=texts if changes else {k: v for k, v in texts.items() if k != name})


def here(**changes: Any) -> Left:
    return AFTER._replace(here={**AFTER.here, PATH: BROUGHT._replace(**changes)})


def domain(**changes: Any) -> Left:
    return AFTER._replace(domain={**AFTER.domain, **changes})


def destroyed(*ends: Destroyed) -> Left:
    return AFTER._replace(destroyed=list(ends))


DEVIATIONS: dict[str, Left] = {
    "an attribute is left": record("drdeck.failover", id="op-3"),
    "an attribute of a list is left": record("drdeck.test.vms", a="b"),
    "the mode is gone": record("drdeck.mode"),
    "another mode": record("drdeck.mode", mode="cfo"),
    "by another operation": record("drdeck.mode", by="op-3"),
    "by one of before": record("drdeck.mode", by="op-0"),
    "more in the mode": record("drdeck.mode", why="x"),
    "no reset": record("drdeck.pitr", reset=None),
    "a reset of before": record("drdeck.pitr", reset="2026-11-22T09:59:00+00:00"),
    "a reset after the release": record("drdeck.pitr", reset=instant(10)),
    "no session": record("drdeck.pitr", last=None),
    "the session of before": record("drdeck.pitr", last="op-0"),
    "a session that was none": record("drdeck.pitr", last="op-4"),
    "no word of the test": record("drdeck.tested"),
    "the test of before": record("drdeck.tested", of="op-0"),
    "ended by what does not end it": record("drdeck.tested", by="op-4"),
    "a failed test": record("drdeck.tested", result="failed"),
    "a test of fewer VMs": record("drdeck.tested", vms=2),
    "a note of nobody's": record("drdeck.tested", note="x"),
    "who asked before": record("drdeck.asked", **{"op-0": "bob@jump1"}),
    "another VM instead": here(id="vm-7"),
    "it runs": here(power="on"),
    "more memory": here(memory_mb=64),
    "more processors": here(cpus=2),
    "its disk stands on another": here(disks=(("[a] x/disk-000001.vmdk", "[a] x/disk.vmdk"),)),
    "another address": here(cards=(("00:50:56:00:00:02", "DRSeg"),)),
    "another network": here(cards=(("00:50:56:00:00:01", "VM_3510"),)),
    "an option": here(options=(("drdeck.test", "x"),)),
    "a note": here(note="a test"),
    "to be consolidated": here(consolidation=True),
    "a point of drdeck's": here(snapshots=(*BROUGHT.snapshots, "drdeck-1")),
    "a replica is lost": here(snapshots=("replica of round 1",)),
    "no replica came": here(snapshots=("replica 0",)),
    "a VM is gone": AFTER._replace(here={k: v for k, v in AFTER.here.items() if k != PATH}),
    "a test VM is left": AFTER._replace(here={**AFTER.here, "/drdeck-test/x": REPLICA}),
    "a folder is left": AFTER._replace(here={**AFTER.here, "/drdeck/x": None}),
    "it runs there": AFTER._replace(there={**THERE, THERE_PATH: REPLICA._replace(power="on")}),
    "it is gone there": AFTER._replace(there={"/prod": None}),
    "driven": domain(mode="running_in_failover"),
    "owned": domain(owner="local"),
    "an operation": domain(operation={"id": "op-5"}),
    "a session": domain(session={"state": "active"}),
    "a failover": domain(failover={"type": "regular"}),
    "committed": domain(committed_at=instant(5)),
    "an undo": domain(undo={"possible": True}),
    "a test": domain(test={"state": "left over"}),
    "another result": domain(tested={"result": "failed"}),
    "an alarm": domain(alarms=[{"text": "left over"}]),
    "no excluded period": domain(excluded=["a"]),
    "the former period is lost": domain(excluded=["b", "c"]),
    "a further period": domain(excluded=["a", "b", "c"]),
    "none destroyed": destroyed(),
    "one not destroyed": destroyed(*ENDS[1:]),
    "one more destroyed": destroyed(*ENDS, ENDS[0]),
    "another destroyed": destroyed(*ENDS[1:], ENDS[0]._replace(name=VMS[0])),
    "one of another folder": destroyed(*ENDS[1:], ENDS[0]._replace(folder="group-v1")),
    "a disk of others went": destroyed(*ENDS[1:], ENDS[0]._replace(shared=("[a] x/disk.vmdk",))),
    "an operation failed": AFTER._replace(operations={**AFTER.operations, "op-5": ("test_end", "failed")}),
    "the audit log is broken": AFTER._replace(sound=False),
}  # fmt: skip


@pytest.mark.parametrize("what", DEVIATIONS)
def test_what_else_is_left_fails(what: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        check(DEVIATIONS[what])
