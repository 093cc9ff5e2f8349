"""Removals while a backup tool works on a VM: its disks are not merged beneath it; and reverts, which may."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.model.domains import SessionState
from drdeck.sites.vsphere.plan.planner import plan
from drdeck.sites.vsphere.plan.restore_points import entry_name
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import CommittedRecord, ReleaseRecord, UndoRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import WaitArguments
from tests.support.vcenter.domain_states import (
    OP,
    at,
    chain,
    domain_state,
    failover,
    rollback,
    session,
    settings,
    snap,
    vm,
)

VEEAM = "VEEAM BACKUP TEMPORARY SNAPSHOT"
DAY = 24 * 60


def undo(phase: Any) -> UndoRecord:
    return UndoRecord(by="op-2", of=OP, phase=phase, since=at(0), began=at(0), start=at(0))


RECORDS: dict[str, dict[str, Any]] = {
    "exit": {"session": session(SessionState.EXITING, entry=at(0), last="op-2")},
    "exit after a rollback": {"session": session(SessionState.EXITING, entry=at(0), last="op-2", n=1)},
    "undo": {"undo": undo("clean")},
    "commit": {"committed": CommittedRecord(by="op-2", of=OP, at=at(1))},
    "release": {"release": ReleaseRecord(by="op-2", phase="clean", at=at(1), newest=0)},
}
REVERTS: dict[str, dict[str, Any]] = {
    "rollback": {
        "session": session(SessionState.ROLLING_BACK, entry=at(0), last="op-2"),
        "rollback": rollback("revert"),
    },
    "undo": {"undo": undo("revert")},
}


def phase(record: dict[str, Any], backup: str, age_min: float = 5, **more: Any) -> Any:
    """The work at two VMs of one chain; on the first a snapshot of others stands on top."""
    points = snap("before", -1, entry_name(OP)), snap("entry", 0, "ours")
    theirs = snap("theirs", 60 - age_min, backup)
    a, b = vm("a", "off", **{**chain(*points, theirs), **more}), vm("b", "off", **chain(*points))
    whole = Record(**{"failover": failover("finished"), **record})
    return plan(domain_state(a, b, record=whole, minutes=60, rules=settings())).phase


@pytest.mark.parametrize("what", RECORDS)
def test_a_backup_is_waited_for_before_anything_is_removed_beneath_it(what: str) -> None:
    work = phase(RECORDS[what], VEEAM)
    assert [f"{call.kind} {call.name}" for call in work.calls] == ["wait a", "remove b"]
    (wait, _) = work.calls
    assert WaitArguments.of(wait.args) == WaitArguments(snapshot="theirs")
    assert "skip" in wait.choices and wait.limit_s == settings().task_timeout, (
        "nobody waits without a way out"
    )
    assert f'the backup of a, which works with its snapshot "{VEEAM}"' in wait.says
    assert work.wait.endswith("(a backup works on a)")


@pytest.mark.parametrize("what", RECORDS)
@pytest.mark.parametrize(("name", "age_min"), [("before the update", 5), (VEEAM, DAY + 5)])
def test_what_no_backup_works_with_holds_nothing_up(what: str, name: str, age_min: float) -> None:
    work = phase(RECORDS[what], name, age_min)
    assert [f"{call.kind} {call.name}" for call in work.calls] == ["remove a", "remove b"]
    assert "backup" not in work.wait


@pytest.mark.parametrize("what", RECORDS)
def test_a_task_is_waited_for_first(what: str) -> None:
    (wait, _) = phase(RECORDS[what], VEEAM, running_tasks=("task-1",)).calls
    assert WaitArguments.of(wait.args) == WaitArguments(task="task-1")


@pytest.mark.parametrize("what", REVERTS)
def test_a_revert_leaves_the_backup_what_it_reads(what: str) -> None:
    """No snapshot goes with a revert, nor a disk below one (API reference: RevertToSnapshot_Task)."""
    work = phase(REVERTS[what], VEEAM)
    assert [f"{call.kind} {call.name}" for call in work.calls] == ["revert a", "revert b"]


def test_an_undo_removes_a_point_of_the_second_in_which_the_entry_point_was_made() -> None:
    """A point's name has whole seconds: by it the point is older than what it stands on."""
    before = snap("earlier", -1 / 60, "ours"), snap("before", 0.9 / 60, entry_name(OP))
    machine = vm("a", "off", **{**chain(*before, snap("point", 0, "ours")), "current_snapshot": "before"})
    begun = UndoRecord(by="op-2", of=OP, phase="clean", since=at(1), began=at(1), start=at(0.9 / 60))
    record = Record(failover=failover("finished"), undo=begun)
    work = plan(domain_state(machine, record=record, minutes=60)).phase
    assert work is not None and [call.args["snapshot"] for call in work.calls] == ["point"]


def test_a_point_of_that_second_goes_too_once_the_entry_point_has_gone() -> None:
    """Its removal was refused as busy, say: nothing stands on the entry point any more."""
    points = snap("earlier", -1 / 60, "ours"), snap("point", 0, "ours")
    machine = vm("a", "off", **{**chain(*points), "current_snapshot": "earlier"})
    begun = UndoRecord(by="op-2", of=OP, phase="clean", since=at(1), began=at(1), start=at(0.9 / 60))
    record = Record(failover=failover("finished"), undo=begun)
    work = plan(domain_state(machine, record=record, minutes=60)).phase
    assert work is not None and [call.args["snapshot"] for call in work.calls] == ["point"]
