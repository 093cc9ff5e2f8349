"""Cards whose network is none of this vCenter's, as after a mount of replicated storage."""

from __future__ import annotations

from collections.abc import Iterator
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
