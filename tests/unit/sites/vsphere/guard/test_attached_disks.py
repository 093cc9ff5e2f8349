"""A disk that a backup proxy attaches to itself is an alarm, whenever it is known whose disk it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyVmomi import vim

from drdeck.model.guard import Change
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.guard.guard_store import GuardStore
from drdeck.sites.vsphere.inventory.uncovered_devices import UncoveredDevices
from tests.support.vcenter.domain_states import T0, at
from tests.support.vcenter.guard_bench import site_in_session

_DISK = vim.vm.device.VirtualDisk
PROXY, TOOL = "vm-proxy", "backup@corp.example"


def attached(file: str, to: str = PROXY) -> Any:
    """The event of a disk that is there already and was added to a VM."""
    device = _DISK(key=-1, backing=_DISK.FlatVer2BackingInfo(fileName=file, diskMode="persistent"))
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=device)
    return vim.event.VmReconfiguredEvent(
        key=7,
        chainId=7,
        createdTime=at(5),
        userName=TOOL,
        vm=vim.event.VmEventArgument(name="backup-proxy", vm=vim.VirtualMachine(to)),
        configSpec=vim.vm.ConfigSpec(deviceChange=[change]),
    )


def hardware(*directories: str) -> Any:
    backings = [_DISK.FlatVer2BackingInfo(fileName=f"[ssd] {d}/disk.vmdk") for d in directories]
    return vim.vm.VirtualHardware(
        numCPU=1, memoryMB=32, device=[_DISK(key=2000 + n, backing=b) for n, b in enumerate(backings)]
    )


class Post:
    """A guard over a session of two VMs, which sees first a disk attached, and then what is read."""

    def __init__(self, state: Path) -> None:
        self.devices, self.inventory = UncoveredDevices(), site_in_session(2)
        self.guard = GuardService(
            GuardStore(state), lambda folder: T0, lambda: at(10), lambda: None, devices=self.devices
        )

    def read(self, vm: str, *directories: str) -> None:
        version = next(m.change_version for m in self.inventory.vms.values() if m.id == vm)
        self.devices.take(vm, version, hardware(*directories))

    def sees(self, event: Any) -> None:
        self.guard.events.take_page({"log": {"latestPage": [event]}})
        self.guard.saw(self.inventory)

    def foreign(self) -> Sequence[tuple[str, str | None]]:
        self.guard._settle(SimpleNamespace(attributes_read_s=math.inf), "drdeck")  # type: ignore[arg-type]
        return [
            (change.name, change.user) for change in self.guard.foreign("erp") if change.change is Change.DISK
        ]


@pytest.mark.parametrize("first", [(), ("vm-0",)], ids=["none read", "another read"])
def test_what_came_before_the_devices_were_read_is_told(tmp_path: Path, first: tuple[str, ...]) -> None:
    post = Post(tmp_path)
    for vm in first:
        post.read(vm, "vm0")
    post.sees(attached("[ssd] vm1/disk.vmdk"))
    assert post.foreign() == []
    post.read("vm-0", "vm0")
    post.guard.owners_read()
    assert post.foreign() == []
    post.read("vm-1", "vm1")
    post.guard.owners_read()
    assert post.foreign() == [("1", TOOL)]


def test_a_disk_of_nobody_in_a_session_is_no_alarm(tmp_path: Path) -> None:
    post = Post(tmp_path)
    post.sees(attached("[ssd] proxy/second.vmdk"))
    for number in (0, 1):
        post.read(f"vm-{number}", f"vm{number}")
        post.guard.owners_read()
    assert post.foreign() == [] and not post.guard.disks.waits


def test_a_proxy_that_is_of_the_site_itself_hides_no_owner(tmp_path: Path) -> None:
    """Its devices may have been read with the disk in them."""
    post = Post(tmp_path)
    post.read("vm-0", "vm0")
    post.read("vm-1", "vm1", "vm0")
    post.sees(attached("[ssd] vm0/disk.vmdk", to="vm-1"))
    assert post.foreign() == [("0", TOOL)]
