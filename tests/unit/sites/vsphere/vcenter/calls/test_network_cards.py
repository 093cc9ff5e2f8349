"""Cards whose network is none of this vCenter's, as after a mount of replicated storage."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.call_arguments import OTHERS
from drdeck.sites.vsphere.vcenter.calls.network_cards import map_cards
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import properties
from tests.support.vcenter.call_steps import carry_out
from tests.support.vcenter.logged_in import logged_in
from tests.support.vcenter.vcsim import VCenter

HERE, TARGET = "DC0_DVPG0", "VM Network"
_CARD = vim.vm.device.VirtualEthernetCard
ELSEWHERE = [
    _CARD.DistributedVirtualPortBackingInfo(
        port=vim.dvs.PortConnection(portgroupKey="dvportgroup-4711", switchUuid="50 1c")
    ),
    _CARD.NetworkBackingInfo(deviceName="Prod-LAN"),
    _CARD.OpaqueNetworkBackingInfo(opaqueNetworkId="ls-4711", opaqueNetworkType="nsx.LogicalSwitch"),
]


@pytest.fixture
def session(vcenter: VCenter) -> Iterator[VCenterSession]:
    vcenter.layout({"erp": ["db01"]}, network=HERE)
    with logged_in(vcenter) as session:
        yield session


def target_of(vcenter: VCenter) -> str:
    return next(str(n._moId) for n in vcenter.datacenter.network if n.name == TARGET)


def cards_on(session: VCenterSession, vcenter: VCenter, backing: Any) -> tuple[Any, list[Any]]:
    """The VM's devices, its card on another vCenter's network."""
    machine = vim.VirtualMachine(vcenter.vm("db01")._moId, session.stub)
    devices = list(properties(session, machine, "config.hardware.device")["config.hardware.device"])
    for device in devices:
        if isinstance(device, _CARD) and backing is not None:
            device.backing = backing
    return machine, devices


@pytest.mark.parametrize("backing", ELSEWHERE, ids=lambda backing: type(backing).__name__.rpartition(".")[2])
def test_it_goes_to_the_default_target(session: VCenterSession, vcenter: VCenter, backing: Any) -> None:
    machine, devices = cards_on(session, vcenter, backing)
    carry_out(map_cards(session, machine, devices, {OTHERS: target_of(vcenter)}))
    assert vcenter.networks("db01") == [TARGET]


@pytest.mark.parametrize("moves", [{}, {OTHERS: "network-4711"}])
def test_without_one_it_is_left(session: VCenterSession, vcenter: VCenter, moves: dict[str, str]) -> None:
    machine, devices = cards_on(session, vcenter, ELSEWHERE[0])
    before = vcenter.calls()["ReconfigVM_Task"]
    carry_out(map_cards(session, machine, devices, moves))
    assert vcenter.calls()["ReconfigVM_Task"] == before


def test_a_card_on_a_network_of_this_vcenter_is_none_of_them(
    session: VCenterSession, vcenter: VCenter
) -> None:
    machine, devices = cards_on(session, vcenter, None)
    carry_out(map_cards(session, machine, devices, {OTHERS: target_of(vcenter)}))
    assert vcenter.networks("db01") == [HERE]


def test_what_only_a_snapshot_uses_is_on_no_card(session: VCenterSession, vcenter: VCenter) -> None:
    """register V20: such a network goes on being listed for the VM."""
    here = next(str(n._moId) for n in vcenter.datacenter.network if n.name == HERE)
    moves, before = {here: target_of(vcenter)}, vcenter.calls()["ReconfigVM_Task"]
    for edits in (1, 1):
        machine, devices = cards_on(session, vcenter, None)
        carry_out(map_cards(session, machine, devices, moves))
        assert vcenter.networks("db01") == [TARGET]
        assert vcenter.calls()["ReconfigVM_Task"] == before + edits
    assert {n.name for n in vcenter.vm("db01").network} == {HERE, TARGET}


def test_an_edit_holds_nothing_that_the_card_did_not_have(session: VCenterSession, vcenter: VCenter) -> None:
    """register V23: what the version that is spoken does not know is left out, and so left as it is."""
    _, devices = cards_on(session, vcenter, None)
    (before,) = [vars(d).copy() for d in devices if isinstance(d, _CARD)]
    requests: list[Any] = []
    here = next(str(n._moId) for n in vcenter.datacenter.network if n.name == HERE)
    machine = SimpleNamespace(ReconfigVM_Task=requests.append)
    next(iter(map_cards(session, machine, devices, {here: target_of(vcenter)})))
    (spec,) = requests
    assert [name for name, value in vars(spec).items() if value] == ["deviceChange"]
    (edit,) = spec.deviceChange
    assert edit.operation == "edit" and edit.fileOperation is None
    assert {name for name, value in vars(edit.device).items() if value != before[name]} == {"backing"}
    assert session.stub.versionId == '"urn:vim25/6.5"', "and is spoken to newer ones too"
