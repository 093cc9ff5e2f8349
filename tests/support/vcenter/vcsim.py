"""A vCenter for one test: laid out, made to misbehave, and asked for the truth."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from pyVmomi import vim

from tests.support.vcenter.access import Access, Snap, Which, encode

BUSY_S = 30.0
"""So long a person asks again while a VM is busy."""

__all__ = ["Snap", "VCenter", "Which", "encode", "replica_points"]


def replica_points(now: datetime | None = None) -> list[tuple[str, datetime]]:
    """Three instances as a replication tool leaves them, an hour apart, the newest a minute old."""
    newest = (now or datetime.now(UTC)) - timedelta(minutes=1)
    times = [(newest - timedelta(hours=h)).replace(microsecond=0) for h in (2, 1, 0)]
    return [(f"HBR {at:%Y-%m-%d %H:%M:%S} UTC", at) for at in times]


class VCenter(Access):
    """A simulator process with helpers. VMs are told by name, or by (domain, name) where two share one.

    Its own calls go through a session of its own; they are counted by `calls` like everybody's.
    """

    # --- laying out ---

    def layout(
        self,
        domains: Mapping[str, Sequence[str]],
        root: str = "drdeck",
        snapshots: Sequence[tuple[str, datetime]] | None = None,
        network: str = "DC0_DVPG0",
        running: bool = False,
    ) -> str:
        """Make `root` with a folder per domain and its VMs, each with `snapshots` (oldest first).

        Names are given as people write them; without `snapshots` they are `replica_points()`. The VMs
        are off unless `running`. Returns the root's inventory path.
        """
        points = replica_points() if snapshots is None else snapshots
        top = self.datacenter.vmFolder.CreateFolder(encode(root))
        self.root, self.root_folder = f"/DC0/vm/{encode(root)}", top
        folders = {name: top.CreateFolder(encode(name)) for name in domains}
        jobs = [(folders[domain], vm) for domain, vms in domains.items() for vm in vms]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda job: self._make(job[0], job[1], points, network, running), jobs))
        return self.root

    def protected_layout(self, domains: Mapping[str, Sequence[str]], root: str = "prod") -> str:
        """The protected site's side of it: the same names, running with VMware Tools, no snapshots."""
        return self.layout(domains, root, snapshots=(), running=True)

    def add_domain(self, name: str) -> Any:
        """One more domain folder."""
        return self.root_folder.CreateFolder(encode(name))

    def add_vm(
        self,
        domain: str,
        name: str,
        snapshots: Sequence[tuple[str, datetime]] = (),
        network: str = "DC0_DVPG0",
        running: bool = False,
    ) -> Any:
        """One more VM in a domain."""
        return self._make(self.folder(domain), name, snapshots, network, running)

    def _make(
        self, folder: Any, name: str, points: Sequence[tuple[str, datetime]], network: str, running: bool
    ) -> Any:
        nic = vim.vm.device.VirtualVmxnet3(
            key=-1,
            backing=self._backing(network),
            connectable=vim.vm.device.VirtualDevice.ConnectInfo(
                startConnected=True, allowGuestControl=True, connected=True
            ),
        )
        spec = vim.vm.ConfigSpec(
            name=encode(name),
            guestId="otherGuest",
            memoryMB=32,
            numCPUs=1,
            # a directory of its own: names may repeat, and hold what a path cannot
            files=vim.vm.FileInfo(vmPathName=f"[LocalDS_0] {uuid.uuid4().hex}/vm.vmx"),
            deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="add", device=nic)],
        )
        vm = self.done(folder.CreateVM_Task(config=spec, pool=self._pool))
        self.add_device(vm, "disk")
        for title, at in points:
            self.make_snapshot(vm, title, at)
        if running:
            self.done(vm.PowerOnVM_Task())
            self.set_tools(vm, True)
        return vm

    def _backing(self, network: str) -> Any:
        with self._lock:
            if network not in self._backings:
                self._backings[network] = self._new_backing(network)
            return self._backings[network]

    def _new_backing(self, network: str) -> Any:
        network_ref: Any = next(n for n in self.datacenter.networkFolder.childEntity if n.name == network)
        if isinstance(network_ref, vim.dvs.DistributedVirtualPortgroup):
            switch: Any = network_ref.config.distributedVirtualSwitch
            return vim.vm.device.VirtualEthernetCard.DistributedVirtualPortBackingInfo(
                port=vim.dvs.PortConnection(portgroupKey=network_ref.key, switchUuid=switch.uuid)
            )
        return vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName=network)

    # --- acting as somebody else does ---

    def when_free(self, request: Callable[[], Any]) -> Any:
        """Ask again while the VM is busy with another task, as a person at a client would; the result."""
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                return self.done(request())
            except vim.fault.TaskInProgress:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def make_snapshot(self, vm: Which, name: str, at: datetime | None = None) -> str:
        """Take a snapshot, dated `at` where told; its id."""
        about = "drdeck: group point" if name.startswith("drdeck-") else ""
        machine = self.vm(vm)
        snapshot = self.when_free(
            lambda: machine.CreateSnapshot_Task(name=name, description=about, memory=False, quiesce=False)
        )
        if at is not None:
            self.control("snapshot", target=snapshot._moId, time=at.astimezone(UTC).isoformat())
        return str(snapshot._moId)

    def remove_snapshot(self, vm: Which, name: str) -> None:
        """Remove the first snapshot of that name, keeping its children."""
        snap = next(s for s in self.snapshots(vm) if s.name == name)
        snapshot = vim.vm.Snapshot(snap.id, self.si._stub)
        self.when_free(lambda: snapshot.RemoveSnapshot_Task(removeChildren=False))

    def revert(self, vm: Which, name: str) -> None:
        snap = next(s for s in self.snapshots(vm) if s.name == name)
        self.when_free(vim.vm.Snapshot(snap.id, self.si._stub).RevertToSnapshot_Task)

    def power_on(self, vm: Which) -> None:
        self.when_free(self.vm(vm).PowerOnVM_Task)

    def power_off(self, vm: Which) -> None:
        self.when_free(self.vm(vm).PowerOffVM_Task)

    def remove_vm(self, vm: Which) -> None:
        self.when_free(self.vm(vm).Destroy_Task)

    def move_vm(self, vm: Which, domain: str) -> None:
        self.done(self.folder(domain).MoveIntoFolder_Task([self.vm(vm)]))

    def rename(self, entity: Any, name: str) -> None:
        self.done(entity.Rename_Task(encode(name)))

    def set_ip(self, vm: Which, address: str) -> None:
        """Give the VM an address, as its VMware Tools would tell; empty: none."""
        self._set(vm, "SET.guest.ipAddress", address)

    def set_tools(self, vm: Which, running: bool) -> None:
        self._set(
            vm, "SET.guest.toolsRunningStatus", "guestToolsRunning" if running else "guestToolsNotRunning"
        )

    def _set(self, vm: Which, key: str, value: str) -> None:
        option = vim.option.OptionValue(key=key, value=value)
        try:
            self.done(self.vm(vm).ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[option])))
        except vim.fault.TaskInProgress:  # a guest tells of itself whatever its VM is busy with
            self.configure(vm, key, value)

    def set_connection(self, vm: Which, state: str) -> None:
        """connected, disconnected, inaccessible, orphaned or invalid."""
        self.control("connection", target=self.vm(vm)._moId, text=state)

    def set_growth(self, vm: Which, *grown: int, disks: int = 1, log: int = 0) -> None:
        """As if each of the VM's disks had so many bytes when its snapshots, in a line, were made.

        `grown`: of the base, then of each delta disk, the growing one last. `log`: bytes of its log file.
        """
        entity = self.vm(vm)
        files = [{"key": 1, "name": "[LocalDS_0] x/vmware.log", "type": "log", "size": log}]
        chains: list[list[dict[str, list[int]]]] = [[] for _ in range(disks)]
        for number, size in enumerate(grown):
            for disk, chain in enumerate(chains):
                key = 10 + 2 * (number * disks + disk)
                name = f"[LocalDS_0] x/d{disk}-{number:06}"
                files.append({"key": key, "name": f"{name}.vmdk", "type": "diskDescriptor", "size": 400})
                files.append(
                    {"key": key + 1, "name": f"{name}-flat.vmdk", "type": "diskExtent", "size": size}
                )
                chain.append({"fileKey": [key, key + 1]})

        def upto(number: int) -> list[dict[str, object]]:
            return [{"key": 2000 + disk, "chain": chain[:number]} for disk, chain in enumerate(chains)]

        snapshots = [
            {"key": {"type": "VirtualMachineSnapshot", "value": s.id}, "dataKey": 0, "disk": upto(n + 1)}
            for n, s in enumerate(self.snapshots(entity))
        ]
        layout = {"file": files, "disk": upto(len(grown)), "snapshot": snapshots}
        self.control("layout", target=entity._moId, layout=layout)

    def set_attribute(self, domain: str, name: str, value: str) -> None:
        """Write a custom attribute of a domain's folder, as anybody may."""
        manager = self.content.customFieldsManager
        keys = {f.name: f.key for f in manager.field}
        key = keys[name] if name in keys else manager.AddCustomFieldDef(name, vim.Folder, None, None).key
        manager.SetField(self.folder(domain), key, value)

    # --- being what a real one is like ---

    def hostile(self, switch: str, on: bool = True, vm: Which | None = None) -> None:
        """Turn one of a real vCenter's ways on or off, for all or for one VM; names:
        tests/vcsim/hostile.go and tests/vcsim/oddities.go."""
        self.control("hostile", text=switch, target="" if vm is None else self.vm(vm)._moId, on=on)

    def compress(self, on: bool = True) -> None:
        """Answers are sent compressed from now on, to clients that take it."""
        self.control("gzip", on=on)

    def set_clock_skew(self, seconds: float) -> None:
        """The hosts' clocks, which date snapshots, are so far ahead of vCenter's."""
        self.control("skew", ms=int(seconds * 1000))

    def set_host_clock(self, host: str, seconds: float) -> None:
        """The clock of one host, as it tells it, is so far ahead of vCenter's."""
        self.control("clock", target=host, ms=int(seconds * 1000))

    def add_device(self, vm: Which, kind: str) -> None:
        """A disk, or what no snapshot covers: independent_persistent, rdm-physical, bus-shared,
        passthrough..."""
        self.control("device", target=self.vm(vm)._moId, text=kind)

    def configure(self, vm: Which, name: str, value: str) -> None:
        """managedBy, template, power, consolidationNeeded, disks ("none"), addresses ("10.0.0.7,fe80::1")."""
        self.control("config", target=self.vm(vm)._moId, method=name, text=value)

    def make_vapp(self, domain: str, name: str = "app", folder: Any = None) -> str:
        """A vApp in a domain's folder, or in another; its id."""
        spec = vim.ResourceAllocationInfo(
            reservation=0,
            expandableReservation=True,
            limit=-1,
            shares=vim.SharesInfo(level="normal", shares=0),
        )
        app = self._pool.CreateVApp(
            name=name,
            resSpec=vim.ResourceConfigSpec(cpuAllocation=spec, memoryAllocation=spec),
            configSpec=vim.vApp.VAppConfigSpec(),
            vmFolder=folder or self.folder(domain),
        )
        return str(app._moId)

    def put_in_vapp(self, vm: Which, vapp: str) -> None:
        """The VM is in the vApp, and in no folder any more."""
        self.control("vapp", target=self.vm(vm)._moId, text=vapp)

    def add_network(self, name: str, kind: str = "standard") -> None:
        """One more network, perhaps of a name that another has: standard or opaque."""
        self.control("network", target=kind, text=name)

    def tell(self, vm: Which, kind: str, user: str = "") -> None:
        """Post an event of a VM that no call has: VmDasBeingResetEvent, com.vmware.vc.VmDisk..."""
        self.control("event", target=self.vm(vm)._moId, method=kind, text=user)

    def will_ask(self, vm: Which, kind: str = "uuid") -> None:
        """The VM's next power on asks and waits for the answer: uuid (moved or copied), cdrom, space."""
        self.control("question", target=self.vm(vm)._moId, text=kind)

    def question(self, vm: Which) -> Any:
        """The question that blocks the VM now, or None."""
        return self.read(self.vm(vm), "runtime.question").get("runtime.question")

    # --- making it misbehave ---

    def rule(
        self,
        method: str,
        action: str,
        vm: Which | None = None,
        times: int = -1,
        ms: int = 0,
        text: str = "",
        lost: bool = False,
        fault: str = "",
        cause: str = "",
    ) -> None:
        """What becomes of the next `times` calls (-1: all) of a method; actions: tests/vcsim/control.go.
        `fault`: the type of a failed task's fault; `cause`: the words of the one that caused it."""
        target = "" if vm is None else self.vm(vm)._moId
        how = {"action": action, "times": times, "ms": ms, "text": text, "lost": lost}
        how |= {"fault": fault, "cause": cause}
        self.control("rules", method=method, target=target, **how)

    def clear_rules(self) -> None:
        self.control("clear")

    def stubborn(self, vm: Which) -> None:
        """The VM takes no notice of a guest shutdown."""
        self.rule("ShutdownGuest", "ignore", vm)

    def fail_power_on(
        self, vm: Which, times: int = 1, text: str = "Insufficient resources to satisfy HA."
    ) -> None:
        self.rule("PowerOnVM_Task", "fail", vm, times, text=text)

    def fail_revert(
        self, vm: Which, times: int = 1, text: str = "The parent virtual disk was modified."
    ) -> None:
        self.rule("RevertToSnapshot_Task", "fail", vm, times, text=text)

    def slow(self, method: str, vm: Which | None, ms: int, times: int = -1) -> None:
        """The task is answered at once, runs for `ms` (seen in the VM's recentTask), then acts."""
        self.rule(method, "slow", vm, times, ms)

    def forget_tasks(self, history: bool = False) -> None:
        """Tasks that are over are not recent any more; with `history` nothing remembers them."""
        self.control("forget", text="all" if history else "")

    def stall(self, method: str, ms: int, vm: Which | None = None, times: int = 1) -> None:
        """The answer takes `ms` longer."""
        self.rule(method, "stall", vm, times, ms)

    def lose_answer(self, method: str, vm: Which | None = None, times: int = 1) -> None:
        """The call is carried out and its answer lost."""
        self.rule(method, "lose", vm, times)

    def lose_request(self, method: str, vm: Which | None = None, times: int = 1) -> None:
        """The connection closes and nothing is carried out; the caller cannot tell from `lose_answer`."""
        self.rule(method, "drop", vm, times)

    def hold(self, method: str, vm: Which | None = None, times: int = 1) -> None:
        """The call lies somewhere on its way until `release`, whether or not anybody still waits for it."""
        self.rule(method, "hold", vm, times)

    def release(self) -> None:
        """Carry out what was held, and end the tasks that are slow."""
        self.control("release")

    def late(self) -> list[tuple[str, str]]:
        """What was held and released: method, and the fault that it ended with (empty: it was done)."""
        return [(x["method"], x["fault"]) for x in self.control("late") or ()]

    def sessions(self) -> dict[str, str]:
        """Key of each session -> the user agent that it logged in with."""
        return {str(s.key): str(s.userAgent) for s in self.content.sessionManager.sessionList}

    def deny(self, privilege: str, on: Any = None, here: bool = False) -> None:
        """Take a privilege away on an object and below it (not with `here`), or everywhere.

        The test's own session keeps it.
        """
        cookie = str(self.si._stub.cookie).partition(";")[0]
        target = "" if on is None else on._moId
        self.control("deny", text=privilege, target=target, here=here, exempt=cookie)

    def grant_all(self) -> None:
        self.control("grant")

    def set_room(self, datastore: str, free: int, capacity: int) -> None:
        """Bytes of a datastore."""
        self.control("room", target=datastore, free=free, capacity=capacity)

    def change_password(self, password: str) -> None:
        """From now on another one is accepted; sessions go on."""
        self.password = password
        self.control("password", text=password)
