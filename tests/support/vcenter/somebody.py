"""Somebody else at a vCenter: a person or a tool with an account of its own, who does things to VMs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyVmomi import SoapStubAdapter, vim

from tests.support.vcenter.access import Which, trusting
from tests.support.vcenter.vcsim import VCenter


class Somebody:
    """Acts under the account `user`; a vCenter sees it log in from `address`, where one is given."""

    def __init__(self, vcenter: VCenter, user: str | None = None, address: str = "") -> None:
        self.vcenter, self.user, self.address = vcenter, user or vcenter.user, address
        if address:
            vcenter.control("user", text=self.user, target=address)
        self._stub = SoapStubAdapter(
            url=vcenter.url, version="vim.version.version11", poolSize=4, sslContext=trusting()
        )
        self.content: Any = vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
        manager: Any = self.content.sessionManager
        manager.Login(self.user, vcenter.password)

    def _vm(self, vm: Which) -> Any:
        return vim.VirtualMachine(self.vcenter.vm(vm)._moId, self._stub)

    def _snapshot(self, vm: Which, name: str) -> Any:
        snap = next(s for s in self.vcenter.snapshots(vm) if s.name == name)
        return vim.vm.Snapshot(snap.id, self._stub)

    def _done(self, task: Any) -> Any:
        return self.vcenter.done(vim.Task(task._moId, self.vcenter.si._stub))

    def _done_when_free(self, request: Callable[[], Any]) -> None:
        """As a person would: once more where the VM is busy, with drdeck's own work too."""
        self.vcenter.when_free(lambda: vim.Task(request()._moId, self.vcenter.si._stub))

    def make_snapshot(self, vm: Which, name: str = "nightly") -> None:
        machine = self._vm(vm)
        self._done_when_free(
            lambda: machine.CreateSnapshot_Task(name=name, description="", memory=False, quiesce=False)
        )

    def begin_snapshot(self, vm: Which, name: str = "nightly") -> None:
        """Without waiting for its end."""
        self._vm(vm).CreateSnapshot_Task(name=name, description="", memory=False, quiesce=False)

    def remove_snapshot(self, vm: Which, name: str) -> None:
        snapshot = self._snapshot(vm, name)
        self._done_when_free(lambda: snapshot.RemoveSnapshot_Task(removeChildren=False))

    def rename_snapshot(self, vm: Which, name: str, new: str) -> None:
        """By a back door: the simulator cannot rename one."""
        self.vcenter.control("snapshot", target=self._snapshot(vm, name)._moId, text=new)

    def revert(self, vm: Which, name: str) -> None:
        snapshot = self._snapshot(vm, name)
        self._done_when_free(lambda: snapshot.RevertToSnapshot_Task(suppressPowerOn=True))

    def power_on(self, vm: Which) -> None:
        self._done_when_free(self._vm(vm).PowerOnVM_Task)

    def power_off(self, vm: Which) -> None:
        self._done_when_free(self._vm(vm).PowerOffVM_Task)

    def migrate(self, vm: Which) -> None:
        """To another host of the cluster."""
        cluster = self.vcenter.content.searchIndex.FindByInventoryPath("DC0/host/DC0_C0")
        now = self.vcenter.vm(vm).runtime.host._moId
        other = next(host for host in cluster.host if host._moId != now)
        self._done(self._vm(vm).RelocateVM_Task(vim.vm.RelocateSpec(host=other)))

    def relocate(self, vm: Which) -> None:
        """To a datastore of another name."""
        now = self.vcenter.vm(vm).datastore[0]._moId
        other = next(store for store in self.vcenter.datacenter.datastore if store._moId != now)
        self._done(self._vm(vm).RelocateVM_Task(vim.vm.RelocateSpec(datastore=other)))

    def clone(self, vm: Which, name: str = "copy") -> None:
        spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=False, template=False)
        folder = self.vcenter.datacenter.vmFolder
        self._done(
            self._vm(vm).CloneVM_Task(folder=vim.Folder(folder._moId, self._stub), name=name, spec=spec)
        )

    def reconfigure(self, vm: Which, memory: int = 64) -> None:
        self._done(self._vm(vm).ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=memory)))

    def hot_add(self, proxy: Which, vm: Which) -> str:
        """As a backup proxy: attach a disk of `vm` to another VM; the disk's file."""
        devices: list[Any] = self.vcenter.vm(vm).config.hardware.device
        source: Any = next(d for d in devices if isinstance(d, vim.vm.device.VirtualDisk))
        file = source.backing.fileName
        backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=file, diskMode="persistent")
        disk = vim.vm.device.VirtualDisk(key=-1, controllerKey=1000, unitNumber=5, backing=backing)
        change = vim.vm.device.VirtualDeviceSpec(operation="add", device=disk)
        self._done(self._vm(proxy).ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))
        return str(file)

    def rename(self, vm: Which, name: str) -> None:
        self._done(self._vm(vm).Rename_Task(name))

    def move(self, vm: Which, folder: Any) -> None:
        target = vim.Folder(folder._moId, self._stub)
        self._done(target.MoveIntoFolder_Task([self._vm(vm)]))

    def unregister(self, vm: Which) -> None:
        self._vm(vm).UnregisterVM()
