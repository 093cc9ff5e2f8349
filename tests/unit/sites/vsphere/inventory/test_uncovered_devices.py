"""Devices are read once for each configuration, and looked for once whatever the number of VMs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock
from xml.etree.ElementTree import Element, fromstring

from pyVmomi import SoapAdapter, vim

from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.inventory.uncovered_devices import UncoveredDevices, disk_directories, uncovered
from drdeck.sites.vsphere.vcenter.calls.rollback_call import summary_of
from drdeck.sites.vsphere.vcenter.hardware_reader import hardware
from drdeck.sites.vsphere.vcenter.properties import properties
from drdeck.sites.vsphere.vcenter.transport import VERSION
from drdeck.sites.vsphere.vcenter.update_parser import UpdateParser
from tests.support.vcenter.domain_states import vm
from tests.support.vcenter.inventory_watching import watching
from tests.support.vcenter.vcsim import VCenter

_DEVICE = vim.vm.device
_BACKING = _DEVICE.VirtualDisk.FlatVer2BackingInfo
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


def serialized(value: Any) -> Element:
    """The element in which pyVmomi sends a value."""
    return fromstring(SoapAdapter.SerializeToStr(value, version=VERSION))


def disk(key: int, **backing: Any) -> Any:
    below = _BACKING(fileName="[ssd-1] base/base.vmdk", diskMode="persistent")
    top = _BACKING(**{"fileName": "[ssd-2] db/db.vmdk", "diskMode": "persistent"} | backing, parent=below)
    return _DEVICE.VirtualDisk(
        key=key,
        deviceInfo=vim.Description(label=f"Hard disk {key}", summary=""),
        backing=top,
        capacityInKB=1,
    )


HARDWARE = vim.vm.VirtualHardware(
    numCPU=4,
    memoryMB=8192,
    device=[
        disk(1),
        disk(2, diskMode="independent_persistent"),
        disk(3, sharing="sharingMultiWriter"),
        _DEVICE.VirtualDisk(
            key=4,
            backing=_DEVICE.VirtualDisk.RawDiskMappingVer1BackingInfo(
                fileName="[ssd-3] raw/raw.vmdk", compatibilityMode="physicalMode"
            ),
        ),
        _DEVICE.ParaVirtualSCSIController(key=1000, sharedBus="physicalSharing", busNumber=0),
        _DEVICE.VirtualLsiLogicController(key=1001, sharedBus="noSharing", busNumber=1),
        _DEVICE.VirtualPCIPassthrough(key=13000),
        _DEVICE.VirtualVmxnet3(key=4000, deviceInfo=vim.Description(label="Network adapter 1", summary="")),
        _DEVICE.VirtualE1000(key=4001),
        _DEVICE.VirtualKeyboard(key=600),
    ],
)


def test_hardware_is_read_as_the_library_reads_it() -> None:
    ours = hardware(serialized(HARDWARE))
    assert uncovered(ours.device) == uncovered(HARDWARE.device)
    assert len(uncovered(ours.device)) == 5
    assert disk_directories(ours.device) == disk_directories(HARDWARE.device)
    assert disk_directories(ours.device) == {"[ssd-1] base", "[ssd-2] db", "[ssd-3] raw"}
    assert summary_of(ours) == summary_of(HARDWARE)


async def test_at_a_vcenter_no_value_is_made_by_the_library(vcenter: VCenter) -> None:
    vcenter.layout({"erp": [f"db{number:02}" for number in range(7)]})
    async with watching(vcenter) as watch:
        vms = list((await watch.refresh()).vms.values())
        devices, session = UncoveredDevices(), watch.connection.commands
        with mock.patch.object(UpdateParser, "_as_library_reads", side_effect=AssertionError):
            await watch.connection.poll(lambda opened: devices.read(opened, vms), "read the devices")
        machine = vim.VirtualMachine(vms[0].id, session.stub)
        read = properties(session, machine, "config.hardware")["config.hardware"]
        assert devices.hardware_of(vms[0]) == summary_of(read)
        vcenter.remove_vm(vms[0].name)
        await watch.connection.poll(lambda opened: devices.read(opened, vms), "read the devices")
        assert devices.hardware_of(vms[0]) is None, "gone since"
