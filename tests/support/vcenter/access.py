"""A simulator process, a session with it, and the truth about what is in it."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections import Counter
from datetime import datetime
from functools import cached_property
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pyVmomi import SoapStubAdapter, vim, vmodl

from tests.support.vcenter.simulator import Simulator


class Snap(NamedTuple):
    """A snapshot as the vCenter tells of it."""

    id: str
    name: str
    created: datetime
    description: str
    parent: str | None


PACE_S = 0.05
"""So long a snapshot takes unless a test says else; minutes at a vCenter, long enough to be looked at."""

Which = str | tuple[str, str] | Any
"""A VM: its name, (domain, name) where two share one, or the object itself."""


def encode(name: str) -> str:
    """A name as vCenter stores it."""
    return name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Access:
    """What VCenter (vcsim.py) builds upon: the process and what is true in it."""

    def __init__(
        self,
        *,
        user: str = "drdeck@vsphere.local",
        password: str = "secret",
        tls: bool = True,
        vms: int = 0,
        hosts: int = 2,
        port: int = 0,
        boot: float | None = None,
        valid: str | None = None,
        name: str | None = None,
        events: bool = True,
        hostile: str = "all",
        pace: float = PACE_S,
    ) -> None:
        """`hostile`: which of a real vCenter's ways it has ("all", "none", or names with commas; hostile.go).

        `pace`: seconds that a snapshot takes to be made or removed where drdeck asks for it; 0 only where
        something is measured.
        """
        self.user, self.password = user, password
        flags: dict[str, object] = {
            "user": user,
            "password": password,
            "tls": tls,
            "vms": vms,
            "hosts": hosts,
            "port": port,
            "events": events,
            "hostile": hostile,
            "pace": f"{pace}s",
        }
        if boot is not None:  # seconds from power on to VMware Tools and an address
            flags["boot"] = f"{boot}s"
        if valid is not None:  # how long the certificate holds, "48h"; "-1h": it has ended
            flags["valid"] = valid
        if name is not None:  # whose certificate it is
            flags["name"] = name
        self._simulator = Simulator(**flags)
        self.url: str = self._simulator.ready["url"]
        self.host, self.port = urlsplit(self.url).hostname or "", urlsplit(self.url).port or 0
        self.root = ""
        self.root_folder: Any = None
        self._backings: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._local = threading.local()
        certificate: str = self._simulator.ready.get("certificate", "")
        self.ca_file: Path = self._simulator.home / "certificate.pem"
        self.ca_file.write_text(certificate)
        self.thumbprint = ""
        if certificate:
            digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
            self.thumbprint = ":".join(digest[i : i + 2] for i in range(0, 64, 2))

    # --- the process ---

    @property
    def pid(self) -> int:
        return self._simulator.process.pid

    def stop(self) -> None:
        """End the process, as when the vCenter is lost."""
        if "si" in self.__dict__:
            self.si._stub.DropConnections()
        self._simulator.stop()

    @cached_property
    def si(self) -> Any:
        """A logged-in service instance of the test's own."""
        stub = SoapStubAdapter(
            url=self.url, version="vim.version.version11", poolSize=16, sslContext=trusting()
        )
        si: Any = vim.ServiceInstance("ServiceInstance", stub)
        si.content.sessionManager.Login(self.user, self.password)
        return si

    @cached_property
    def content(self) -> Any:
        return self.si.RetrieveContent()

    def control(self, what: str, **body: object) -> Any:
        """Tell the simulator something that no vCenter can be told; see tests/vcsim/main.go."""
        if not hasattr(
            self._local, "http"
        ):  # one connection per thread: a handshake costs more than the call
            self._local.http = (
                HTTPSConnection(self.host, self.port, timeout=60, context=trusting())
                if self.thumbprint
                else HTTPConnection(self.host, self.port, timeout=60)
            )
        self._local.http.request("POST", f"/control/{what}", json.dumps(body) if body else None)
        answer = self._local.http.getresponse()
        text = answer.read()
        assert answer.status == 200, f"/control/{what} answers {answer.status}: {text!r}"
        return json.loads(text) if text else None

    def calls(self) -> Counter[str]:
        """SOAP calls received so far, from all sessions, by method."""
        return Counter(self.control("calls"))

    def bytes_of_calls(self) -> Counter[str]:
        """Bytes of requests and answers so far, by method, without HTTP's headers."""
        return Counter(self.control("bytes"))

    def expire_sessions(self) -> int:
        """End every session but the test's own, as an idle time-out does; how many."""
        manager = self.content.sessionManager
        others = [s.key for s in manager.sessionList if s.key != manager.currentSession.key]
        if others:
            manager.TerminateSession(others)
        return len(others)

    def end_session(self, key: str) -> None:
        """End one session."""
        self.content.sessionManager.TerminateSession([key])

    # --- the truth ---

    @cached_property
    def datacenter(self) -> Any:
        return self.content.searchIndex.FindByInventoryPath("DC0")

    @cached_property
    def _pool(self) -> Any:
        return self.content.searchIndex.FindByInventoryPath("DC0/host/DC0_C0/Resources")

    def folder(self, domain: str) -> Any:
        """The folder of a domain."""
        return next(f for f in self.root_folder.childEntity if f.name == encode(domain))

    def vm(self, which: Which) -> Any:
        """A VM by name, by (domain, name), or itself."""
        if not isinstance(which, str | tuple):
            return which
        domain, name = which if isinstance(which, tuple) else (None, which)
        folders = [self.folder(domain)] if domain is not None else self.root_folder.childEntity
        entities = [entity for folder in folders for entity in folder.childEntity]
        apps = [app for app in entities if isinstance(app, vim.VirtualApp)]
        machines = [*entities, *(vm for app in apps for vm in app.vm)]
        matches = [m for m in machines if m not in apps and m.name == encode(name)]
        assert len(matches) == 1, f"{len(matches)} VMs are called {which!r}"
        return matches[0]

    def power(self, vm: Which) -> str:
        """on, off or suspended."""
        state = str(self.vm(vm).runtime.powerState)
        return {"poweredOn": "on", "poweredOff": "off"}.get(state, state)

    def snapshots(self, vm: Which) -> list[Snap]:
        """All snapshots, parents before children."""
        info, snaps = self.read(self.vm(vm), "snapshot").get("snapshot"), list[Snap]()

        def walk(tree: Any, parent: str | None) -> None:
            for node in tree or ():
                snaps.append(Snap(node.snapshot._moId, node.name, node.createTime, node.description, parent))
                walk(node.childSnapshotList, node.snapshot._moId)

        walk(info.rootSnapshotList if info else (), None)
        return snaps

    def current_snapshot(self, vm: Which) -> Snap | None:
        """The snapshot that the VM's disks stand on."""
        entity = self.vm(vm)
        info = self.read(entity, "snapshot").get("snapshot")
        if info is None or info.currentSnapshot is None:
            return None
        return next((s for s in self.snapshots(entity) if s.id == info.currentSnapshot._moId), None)

    def standing_on(self, vm: Which) -> str:
        """The name of the snapshot that the VM's disks stand on; empty without one."""
        snapshot = self.current_snapshot(vm)
        return "" if snapshot is None else snapshot.name

    def attributes(self, domain: str) -> dict[str, str]:
        """Custom attributes of a domain's folder."""
        values = self.folder(domain).customValue  # the simulator appends: the last one counts
        names = {f.key: f.name for f in self.content.customFieldsManager.field}
        last = {names[v.key]: v.value for v in values if v.key in names}
        return {name: value for name, value in last.items() if value}

    def event_filter(self, *kinds: str) -> Any:
        """For QueryEvents: events of these types."""
        return vim.event.EventFilterSpec(eventTypeId=list(kinds))

    def networks(self, vm: Which) -> list[str]:
        """Names of the networks that the VM's cards are on, by their backings."""
        names = {n.key if hasattr(n, "key") else n._moId: n.name for n in self.datacenter.network}
        devices = self.read(self.vm(vm), "config.hardware.device")["config.hardware.device"]
        backings: list[Any] = [d.backing for d in devices if isinstance(d, vim.vm.device.VirtualEthernetCard)]
        keys = [b.port.portgroupKey if hasattr(b, "port") else b.network._moId for b in backings]
        return [names[key] for key in keys]

    def done(self, task: Any) -> Any:
        """The result of a task; fails as the task did. A revert's `info` cannot be read as a whole."""
        while True:
            values = self.read(task, "info.state", "info.error", "info.result")
            if values["info.state"] == "error":
                raise values["info.error"]
            if values["info.state"] == "success":
                return values.get("info.result")

    def read(self, entity: Any, *paths: str) -> dict[str, Any]:
        """Properties of one object, unset ones left out; `vm.snapshot` unset makes the simulator hang up."""
        reader = vmodl.query.PropertyCollector
        spec = reader.FilterSpec(
            objectSet=[reader.ObjectSpec(obj=entity)],
            propSet=[reader.PropertySpec(type=type(entity), pathSet=list(paths))],
        )
        answer = self.content.propertyCollector.RetrievePropertiesEx([spec], reader.RetrieveOptions())
        return {p.name: p.val for p in answer.objects[0].propSet}
