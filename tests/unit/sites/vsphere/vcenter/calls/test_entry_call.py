"""The entry point of a VM before its first power on: made once, and before its cards are moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyVmomi import VmomiSupport, vim

from drdeck.sites.vsphere.vcenter.calls.call_arguments import MOVE, PointArguments
from drdeck.sites.vsphere.vcenter.calls.entry_call import prepare
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from tests.support.vcenter.call_steps import carry_out
from tests.support.vcenter.logged_in import logged_in
from tests.support.vcenter.soapcount import library_objects, soap_calls
from tests.support.vcenter.vcsim import VCenter

ARGS = {"name": "drdeck-before-f1", "description": "drdeck: entry point"}


@pytest.fixture
def session(vcenter: VCenter) -> Iterator[VCenterSession]:
    vcenter.layout({"erp": ["db01"]}, snapshots=())
    with logged_in(vcenter) as session:
        yield session


def names(vcenter: VCenter) -> list[str]:
    return [s.name for s in vcenter.snapshots("db01")]


def test_a_second_try_makes_no_second_one(session: VCenterSession, vcenter: VCenter) -> None:
    """The answer to the first was lost: what it made is there, and nobody could tell two apart."""
    vm = vcenter.vm("db01")._moId
    for _ in range(2):
        assert carry_out(prepare(session, vm, "db01", PointArguments.of(ARGS))) == ""
    assert names(vcenter) == [ARGS["name"]]


def test_of_its_devices_only_the_cards_are_made(session: VCenterSession, vcenter: VCenter) -> None:
    """A VM has a dozen others, of a hundred objects, and each VM of a failover is looked at so."""
    vm = vcenter.vm("db01")._moId
    here = next(str(n._moId) for n in vcenter.datacenter.network if n.name == vcenter.networks("db01")[0])
    target = next(str(n._moId) for n in vcenter.datacenter.network if n.name == "VM Network")
    with soap_calls() as calls, library_objects() as objects:
        assert carry_out(prepare(session, vm, "db01", PointArguments.of(ARGS | {MOVE + here: target}))) == ""
    assert calls["ReconfigVM_Task"] == 1 and vcenter.networks("db01") == ["VM Network"]
    kinds = [VmomiSupport.GetWsdlType("urn:vim25", name) for name in objects]
    devices = {kind for kind in kinds if issubclass(kind, vim.vm.device.VirtualDevice)}
    assert devices and all(issubclass(kind, vim.vm.device.VirtualEthernetCard) for kind in devices)
    assert names(vcenter) == [ARGS["name"]]


def test_without_a_mapping_no_device_is_asked_for(session: VCenterSession, vcenter: VCenter) -> None:
    vm = vcenter.vm("db01")._moId
    before = vcenter.bytes_of_calls()["RetrievePropertiesEx"]
    steps = prepare(session, vm, "db01", PointArguments.of(ARGS))
    next(steps)
    steps.close()
    assert vcenter.bytes_of_calls()["RetrievePropertiesEx"] - before < 3000, "its devices alone are 5,000"


def test_of_a_vm_that_runs_none_is_made_and_that_is_said(session: VCenterSession, vcenter: VCenter) -> None:
    vcenter.power_on("db01")
    remark = carry_out(prepare(session, vcenter.vm("db01")._moId, "db01", PointArguments.of(ARGS)))
    assert remark == "db01: no entry point, since it runs already" and names(vcenter) == []
