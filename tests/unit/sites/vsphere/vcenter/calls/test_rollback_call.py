"""The looks of a call on a VM right before it acts: what is not there, or is there already, is left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyVmomi import vim

from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import Refused, ResultUnknown
from drdeck.sites.vsphere.vcenter.calls.call_arguments import PointArguments, RollbackArguments
from drdeck.sites.vsphere.vcenter.calls.datastore_room import POINT_ROOM
from drdeck.sites.vsphere.vcenter.calls.rollback_call import make_snapshot, roll_back
from drdeck.sites.vsphere.vcenter.calls.vm_calls import followed
from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from tests.support.vcenter.call_steps import carry_out
from tests.support.vcenter.domain_states import at
from tests.support.vcenter.logged_in import logged_in
from tests.support.vcenter.vcsim import VCenter

ENTRY = "drdeck-2026-11-22T10:00:00Z"


@pytest.fixture
def session(vcenter: VCenter) -> Iterator[VCenterSession]:
    vcenter.layout({"erp": ["db01"]}, snapshots=[("before", at(-10)), (ENTRY, at(0))])
    with logged_in(vcenter) as session:
        yield session


def arguments(vcenter: VCenter, **more: str) -> dict[str, str]:
    snapshot = next(s for s in vcenter.snapshots("db01") if s.name == "before")
    return {"snapshot": snapshot.id, "name": "before", "since": "", "entry": ENTRY, **more}


def test_nothing_is_reverted_without_its_entry_point(session: VCenterSession, vcenter: VCenter) -> None:
    args, vm = arguments(vcenter), vcenter.vm("db01")._moId
    vcenter.remove_snapshot("db01", ENTRY)
    vcenter.make_snapshot("db01", "written since")
    with pytest.raises(Refused, match="has no entry point"):
        carry_out(roll_back(session, vm, "db01", RollbackArguments.of(args), "roll db01 back"))
    assert vcenter.standing_on("db01") == "written since"


@pytest.mark.parametrize("snapshot", ["", "snapshot-4711"])
def test_nothing_is_reverted_to_what_is_gone(
    session: VCenterSession, vcenter: VCenter, snapshot: str
) -> None:
    args = arguments(vcenter, snapshot=snapshot)
    with pytest.raises(Refused, match="restore point"):
        carry_out(
            roll_back(session, vcenter.vm("db01")._moId, "db01", RollbackArguments.of(args), "roll db01 back")
        )
    assert vcenter.standing_on("db01") == ENTRY


def test_the_tasks_of_a_call_are_handed_out(session: VCenterSession, vcenter: VCenter) -> None:
    tasks: list[str] = []
    vm = vcenter.vm("db01")._moId
    carry_out(
        roll_back(session, vm, "db01", RollbackArguments.of(arguments(vcenter)), "roll db01 back"), tasks
    )
    assert len(tasks) == 1 and tasks[0].startswith("task-")
    assert vcenter.standing_on("db01") == "before"


def test_a_point_that_is_there_is_not_made_twice(session: VCenterSession, vcenter: VCenter) -> None:
    vm, args = vcenter.vm("db01")._moId, {"name": ENTRY, "description": "drdeck: entry point"}
    carry_out(make_snapshot(session, vm, PointArguments.of(args), again=True))
    assert [s.name for s in vcenter.snapshots("db01")] == ["before", ENTRY]
    carry_out(make_snapshot(session, vm, PointArguments.of(args)))
    assert [s.name for s in vcenter.snapshots("db01")] == ["before", ENTRY, ENTRY]


def test_a_task_of_an_earlier_try_is_followed(session: VCenterSession, vcenter: VCenter) -> None:
    vm, calls_made = vcenter.vm("db01"), list[str]()

    def call() -> CallSteps:
        calls_made.append("the call itself")
        yield from ()
        return ""

    power_on = PlannedCall(key="power", kind="power_on", vm=vm._moId)
    task = vm.PowerOnVM_Task()
    carry_out(followed(session, task._moId, power_on, call()))
    assert not calls_made
    vcenter.fail_power_on("db01", text="no resources")
    failed = vm.PowerOnVM_Task()
    with pytest.raises(vim.fault.VmConfigFault):
        carry_out(followed(session, failed._moId, power_on, call()))
    assert not calls_made
    forgotten = followed(session, "task-4711", power_on, call())
    next(forgotten)
    with pytest.raises(StopIteration):
        forgotten.throw(ResultUnknown("lost sight of"))
    assert len(calls_made) == 1, "forgotten: the call itself looks"
    revert = PlannedCall(key="revert", kind="revert", vm=vm._moId)
    carry_out(followed(session, task._moId, revert, call()))
    assert len(calls_made) == 2, "a rollback has more to it"


@pytest.mark.parametrize(("unasked", "is_made"), [("yes", False), ("", True)])
def test_what_nobody_asked_for_is_not_made_on_a_datastore_that_is_nearly_full(
    session: VCenterSession, vcenter: VCenter, unasked: str, is_made: bool
) -> None:
    """A full datastore stops the VMs on it, and a removal needs room too; an entry point is waited for."""
    ident = vcenter.vm("db01")._moId
    store = vcenter.read(vcenter.vm("db01"), "datastore")["datastore"][0].name
    point = PointArguments(name="drdeck-2026-11-22T11:00:00Z", description="drdeck: ", unasked=unasked)
    vcenter.set_room(store, free=POINT_ROOM - 1, capacity=1 << 40)
    if is_made:
        carry_out(make_snapshot(session, ident, point, again=True, aim="make it"))
    else:
        with pytest.raises(
            Refused, match=f'Could not make it: the datastore "{store}" has .* free, and a point'
        ):
            carry_out(make_snapshot(session, ident, point, again=True, aim="make it"))
    assert (point.name in [s.name for s in vcenter.snapshots("db01")]) == is_made
    vcenter.set_room(store, free=POINT_ROOM, capacity=1 << 40)
    before = vcenter.calls()
    for _ in range(2):
        carry_out(make_snapshot(session, ident, point, again=True, aim="make it"))
    calls = vcenter.calls() - before
    assert [s.name for s in vcenter.snapshots("db01")].count(point.name) == 1
    assert calls["CreateSnapshot_Task"] == int(not is_made)
    assert calls["RetrievePropertiesEx"] <= 4, "the look at the room is the look at the snapshots"
