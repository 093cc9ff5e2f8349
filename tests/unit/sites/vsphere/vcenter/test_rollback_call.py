"""The looks of a call on a VM right before it acts: what is not there, or is there already, is left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyVmomi import vim

from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.vcenter.connection import Credentials, Endpoint, VCenterSession
from drdeck.sites.vsphere.vcenter.rollback_call import make_snapshot, roll_back
from drdeck.sites.vsphere.vcenter.vm_calls import followed
from tests.support.vcenter.situations import at
from tests.support.vcenter.vcsim import VCenter

ENTRY = "drdeck-2026-11-22T10:00:00Z"


@pytest.fixture
def session(vcenter: VCenter) -> Iterator[VCenterSession]:
    vcenter.layout({"erp": ["db01"]}, snapshots=[("before", at(-10)), (ENTRY, at(0))])
    endpoint = Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file))
    session = VCenterSession(endpoint, Credentials(vcenter.user, vcenter.password))
    session.log_in()
    yield session
    session.close()


def arguments(vcenter: VCenter, **more: str) -> dict[str, str]:
    snapshot = next(s for s in vcenter.snapshots("db01") if s.name == "before")
    return {"snapshot": snapshot.id, "name": "before", "entry": ENTRY, **more}


def test_nothing_is_reverted_without_its_entry_point(session: VCenterSession, vcenter: VCenter) -> None:
    args, vm = arguments(vcenter), vcenter.vm("db01")._moId
    vcenter.remove_snapshot("db01", ENTRY)
    vcenter.make_snapshot("db01", "written since")
    with pytest.raises(Refused, match="has no entry point"):
        roll_back(session, vm, "db01", args, "roll db01 back")
    assert vcenter.standing_on("db01") == "written since"


@pytest.mark.parametrize("snapshot", ["", "snapshot-4711"])
def test_nothing_is_reverted_to_what_is_gone(
    session: VCenterSession, vcenter: VCenter, snapshot: str
) -> None:
    args = arguments(vcenter, snapshot=snapshot)
    with pytest.raises(Refused, match="restore point"):
        roll_back(session, vcenter.vm("db01")._moId, "db01", args, "roll db01 back")
    assert vcenter.standing_on("db01") == ENTRY


def test_the_ids_of_tasks_are_told_before_they_end(session: VCenterSession, vcenter: VCenter) -> None:
    told: list[str] = []
    vm = vcenter.vm("db01")._moId
    with session.telling_tasks(told.append):
        roll_back(session, vm, "db01", arguments(vcenter), "roll db01 back")
    assert len(told) == 1 and told[0].startswith("task-")
    assert vcenter.standing_on("db01") == "before"


def test_a_point_that_is_there_is_not_made_twice(session: VCenterSession, vcenter: VCenter) -> None:
    vm, args = vcenter.vm("db01")._moId, {"name": ENTRY, "description": "drdeck: entry point"}
    make_snapshot(session, vm, args, "make a point", again=True)
    assert [s.name for s in vcenter.snapshots("db01")] == ["before", ENTRY]
    make_snapshot(session, vm, args, "make a point")
    assert [s.name for s in vcenter.snapshots("db01")] == ["before", ENTRY, ENTRY]


def test_a_task_of_an_earlier_try_is_followed(session: VCenterSession, vcenter: VCenter) -> None:
    vm = vcenter.vm("db01")
    power_on = PlannedCall(key="power", kind="power_on", vm=vm._moId)
    task = vm.PowerOnVM_Task()
    assert followed(session, task._moId, power_on, "power it on")
    assert not followed(session, "task-4711", power_on, "power it on"), "forgotten: the call itself looks"
    vcenter.fail_power_on("db01", text="no resources")
    failed = vm.PowerOnVM_Task()
    with pytest.raises(vim.fault.VmConfigFault):
        followed(session, failed._moId, power_on, "power it on")
    revert = PlannedCall(key="revert", kind="revert", vm=vm._moId)
    assert not followed(session, task._moId, revert, "roll it back"), "a rollback has more to it"
