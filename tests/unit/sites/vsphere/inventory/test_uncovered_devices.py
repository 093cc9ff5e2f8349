"""Devices are read once for each configuration, and looked for once whatever the number of VMs."""

from __future__ import annotations

from collections.abc import Iterator

from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.inventory.uncovered_devices import UncoveredDevices
from tests.support.vcenter.situations import vm

VMS = [vm(f"{number:05}", change_version="1") for number in range(10_000)]


def test_one_pass_over_ten_thousand_vms_looks_at_each_once() -> None:
    devices, looks = UncoveredDevices(), 0

    def looked_at() -> Iterator[VmFacts]:
        nonlocal looks
        for machine in VMS:
            looks += 1
            yield machine

    read = 0
    for piece in devices.pieces(looked_at()):
        read += len(piece)
        for machine in piece:
            devices.take(machine.id, machine.change_version, None)
    assert (read, looks) == (len(VMS), len(VMS))
    assert list(devices.pieces(looked_at())) == [], "all are known"


def test_another_configuration_is_read_again() -> None:
    devices = UncoveredDevices()
    devices.take("vm-a", "1", None)
    assert list(devices.pieces([vm("a", change_version="1")])) == []
    changed = vm("a", change_version="2")
    assert list(devices.pieces([changed])) == [[changed]]
