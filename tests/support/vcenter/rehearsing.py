"""A vCenter in which failovers can be tested: a test folder, isolated networks, linked clones."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.trials.trial_marks import MARK, MARK_OF
from tests.support.vcenter.vcsim import VCenter, Which

TEST_FOLDER = "/DC0/vm/drdeck-test"
BUBBLE = "DR-Bubble"


class Destroyed(NamedTuple):
    """A VM that was destroyed; `shared`: files of others that went with it."""

    vm: str
    name: str
    folder: str
    shared: tuple[str, ...]


def make_test_folder(vcenter: VCenter, name: str = "drdeck-test") -> Any:
    """A folder for test VMs, beside the root."""
    return vcenter.datacenter.vmFolder.CreateFolder(name)


def make_isolated_network(vcenter: VCenter, name: str = BUBBLE, uplink: bool = False) -> Any:
    """A port group on a switch of its own on each host, without an uplink unless there is to be one."""
    vcenter.add_network(name, "uplinked" if uplink else "isolated")
    return next(n for n in vcenter.datacenter.networkFolder.childEntity if n.name == name)


def clone(
    vcenter: VCenter, vm: Which, folder: Any, name: str, snapshot: str = "", linked: bool = True
) -> Any:
    """A clone as somebody makes one; from the snapshot of that name, where there is one."""
    source = vcenter.vm(vm)
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=False, template=False)
    if linked:
        spec.location.diskMoveType = "createNewChildDiskBacking"
    if snapshot:
        of = next(s for s in vcenter.snapshots(source) if s.name == snapshot)
        spec.snapshot = vim.vm.Snapshot(of.id, vcenter.si._stub)
    return vcenter.when_free(lambda: source.CloneVM_Task(folder=folder, name=name, spec=spec))


def mark(vcenter: VCenter, vm: Which, mark: str, of: Which) -> None:
    """Write the mark of a test on a VM, as that of a clone of another: anybody can."""
    pairs = ((MARK, mark), (MARK_OF, vcenter.vm(of)._moId))
    extra = [vim.option.OptionValue(key=key, value=value) for key, value in pairs]
    vcenter.when_free(lambda: vcenter.vm(vm).ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=extra)))


def disk_files(vcenter: VCenter, vm: Which) -> list[tuple[str, str]]:
    """The file of each disk, and of what it stands on (empty: nothing)."""
    devices = vcenter.read(vcenter.vm(vm), "config.hardware.device")["config.hardware.device"]
    disks: list[Any] = [device for device in devices if isinstance(device, vim.vm.device.VirtualDisk)]
    return [(d.backing.fileName, d.backing.parent.fileName if d.backing.parent else "") for d in disks]


def mac_addresses(vcenter: VCenter, vm: Which) -> list[str]:
    devices = vcenter.read(vcenter.vm(vm), "config.hardware.device")["config.hardware.device"]
    return [str(d.macAddress) for d in devices if isinstance(d, vim.vm.device.VirtualEthernetCard)]


def give_address(vcenter: VCenter, vm: Which, address: str) -> None:
    """Somebody gives a VM's cards an address by hand."""
    machine = vcenter.vm(vm)
    cards = _cards(vcenter, machine)
    for card in cards:
        card.addressType, card.macAddress = "manual", address
    changes = [vim.vm.device.VirtualDeviceSpec(operation="edit", device=card) for card in cards]
    vcenter.when_free(lambda: machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes)))


def connect_cards(vcenter: VCenter, vm: Any, like: Any) -> None:
    """Somebody puts the cards of a VM on the networks of another one's."""
    cards, others = _cards(vcenter, vm), _cards(vcenter, like)
    for card, other in zip(cards, others, strict=True):
        card.backing = other.backing
    changes = [vim.vm.device.VirtualDeviceSpec(operation="edit", device=card) for card in cards]
    vcenter.when_free(lambda: vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes)))


def destroyed(vcenter: VCenter) -> list[Destroyed]:
    """All VMs that were destroyed so far."""
    return [
        Destroyed(x["vm"], x["name"], x["folder"], tuple(x["shared"]))
        for x in vcenter.control("destroyed") or ()
    ]


def base_in_use(vcenter: VCenter, fate: str) -> None:
    """The fate of a snapshot that a clone stands on: stays, locked or lost (tests/vcsim/clones.go)."""
    vcenter.control("base", text=fate)


def attach_disk(vcenter: VCenter, vm: Any, file: str, base: str = "") -> None:
    """Attach a disk that is there already, as somebody does who wants to look into it; `base`: the file that
    it stands on."""
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=file, diskMode="persistent")
    if base:
        backing.parent = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=base, diskMode="persistent")
    disk = vim.vm.device.VirtualDisk(
        key=-1, unitNumber=9, controllerKey=1000, capacityInKB=1, backing=backing
    )
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=disk)
    vcenter.when_free(lambda: vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))


def detach_disk(vcenter: VCenter, vm: Any) -> None:
    """Detach the disks that are no linked clone's own, without deleting their files."""
    devices = vcenter.read(vm, "config.hardware.device")["config.hardware.device"]
    disks: list[Any] = [device for device in devices if isinstance(device, vim.vm.device.VirtualDisk)]
    changes = [
        vim.vm.device.VirtualDeviceSpec(operation="remove", device=disk)
        for disk in disks
        if disk.backing.parent is None
    ]
    vcenter.when_free(lambda: vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes)))


def change_disk_mode(vcenter: VCenter, vm: Any, mode: str) -> None:
    """Give a VM's disks another mode."""
    changes = []
    for disk in _disks(vcenter, vm):
        disk.backing.diskMode = mode
        changes.append(vim.vm.device.VirtualDeviceSpec(operation="edit", device=disk))
    vcenter.when_free(lambda: vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes)))


def add_disk(vcenter: VCenter, vm: Any) -> None:
    """Give a VM a new, empty disk in its own directory."""
    home = _disks(vcenter, vm)[0].backing.fileName.rpartition("/")[0]
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
        fileName=f"{home}/further.vmdk", diskMode="persistent"
    )
    disk = vim.vm.device.VirtualDisk(
        key=-1, unitNumber=8, controllerKey=1000, capacityInKB=1, backing=backing
    )
    change = vim.vm.device.VirtualDeviceSpec(operation="add", fileOperation="create", device=disk)
    vcenter.when_free(lambda: vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))


def _disks(vcenter: VCenter, vm: Any) -> list[Any]:
    devices = vcenter.read(vm, "config.hardware.device")["config.hardware.device"]
    return [device for device in devices if isinstance(device, vim.vm.device.VirtualDisk)]


def _cards(vcenter: VCenter, vm: Any) -> list[Any]:
    devices = vcenter.read(vm, "config.hardware.device")["config.hardware.device"]
    return [device for device in devices if isinstance(device, vim.vm.device.VirtualEthernetCard)]
