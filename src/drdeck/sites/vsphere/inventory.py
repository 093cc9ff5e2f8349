"""Watches everything under a site's root folder with one long poll, whatever the number of VMs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
from pyVmomi import vim, vmodl

from drdeck.sites.site import Refused, SiteUnreachable
from drdeck.sites.vsphere.collector import Contradiction, Properties, object_id
from drdeck.sites.vsphere.connection import Connection, Session
from drdeck.sites.vsphere.eventlog import KIND as EVENTS
from drdeck.sites.vsphere.eventlog import EventLog, history
from drdeck.sites.vsphere.facts import (
    FolderFacts,
    Inventory,
    NetworkFacts,
    SnapshotFact,
    VmFacts,
    decode_name,
    encode_name,
)
from drdeck.sites.vsphere.layout import REDUCED
from drdeck.sites.vsphere.reading import attributes_from, folder_facts, network_facts, vm_facts
from drdeck.sites.vsphere.retrieve import datacenter_of, find_root, retrieve
from drdeck.sites.vsphere.specs import attribute_spec, watch_spec

__all__ = [
    "FolderFacts",
    "Inventory",
    "InventoryWatch",
    "NetworkFacts",
    "SnapshotFact",
    "VmFacts",
    "decode_name",
    "encode_name",
]

_PC = vmodl.query.PropertyCollector
_READING = "read its inventory"
_CANCEL_EVERY_S = 0.1
_GIVE_UP_S = 10.0
_GONE_S = 1.0
_TRIES = 5
_SERIALS = itertools.count(1)  # of the process: a watch that follows another one counts on
_UNDER_WAY = ("queued", "running")


class InventoryWatch:
    """The inventory under `root` ("/DC0/vm/drdeck") of one vCenter, for the recovery or the protected site.

    One filter of our own holds the root folder, all folders and VMs below it, the tasks on those VMs,
    the datacenter's networks and the custom attributes. Awaitables raise what Connection's calls raise,
    and Refused when the root folder is not there. `growth`: read too what the VMs wrote before each snapshot.
    `events` hears of the datacenter's events for as long as `listen` says so.
    """

    def __init__(
        self, connection: Connection, root: str, growth: bool = True, events: EventLog | None = None
    ) -> None:
        self.connection, self.root_path, self._growth = connection, root, growth
        self.events = events if events is not None else EventLog()
        self._listening = False
        self.attributes_read_s = 0.0
        """by the monotonic clock, when the attributes known now were asked for"""
        self._polling = threading.Lock()  # held while the collector is asked; its answers come in one order
        self._urgent = 0
        self._attribute_read = threading.Lock()
        self._state = threading.Lock()
        self._raw = Properties(REDUCED)
        self._attributes: dict[str, dict[str, str]] = {}
        self._collector: Any = None
        self._version = ""
        self._made: list[Any] = []
        self._root: Any = None
        self._datacenter: Any = None
        self._view: Any = None
        self._logins = -1
        self._stale = True
        self._long = False
        self._inventory: Inventory | None = None
        self._changed = asyncio.Event()

    @property
    def inventory(self) -> Inventory | None:
        """What was seen last; None before the first reading."""
        return self._inventory

    async def refresh(self) -> Inventory:
        """What holds now, without waiting for a change; also while `changes` waits for one."""
        inventory = await self.connection.poll(self._refresh, _READING)
        self._changed.set()
        return inventory

    async def refresh_attributes(self) -> Inventory:
        """Read the custom attributes of all folders anew, with one call; needed after writing one."""
        inventory = await self.connection.poll(self._refresh_attributes, "read the attributes of its folders")
        self._changed.set()
        return inventory

    async def listen(self, on: bool) -> None:
        """Hear of events from now on, or no more; the first ones known are there when this returns."""
        if on != self._listening:
            self._listening = on
            await self.refresh()

    async def catch_up(self, since: datetime) -> None:
        """Read events back, where more than vCenter keeps for us may have happened since an instant."""

        def read_back(session: Session) -> None:
            datacenter = datacenter_of(session, find_root(session, self.root_path))
            self.events.catch_up(history(session, datacenter, since), since)

        await self.connection.poll(read_back, "read its events")

    async def changes(self) -> AsyncIterator[Inventory]:
        """The inventory now, and again whenever anything in it changed, however that came to be known.

        One iteration at a time. Reads the attributes anew whenever the long poll ends empty.
        """
        shown = await self.refresh()
        yield shown
        while True:
            self._changed.clear()
            poll = asyncio.ensure_future(self.connection.poll(self._long_poll, _READING))
            poll.add_done_callback(lambda _: self._changed.set())
            try:
                while True:
                    latest = self._inventory
                    if latest is not None and latest.serial != shown.serial:
                        shown = latest
                        yield shown
                    elif poll.done():
                        poll.result()
                        break
                    else:
                        await self._changed.wait()
                        self._changed.clear()
            finally:
                poll.cancel()

    def distrust(self) -> None:
        """An answer may have been lost: read everything anew the next time."""
        self._stale = True

    # --- what follows blocks, and runs in threads ---

    def _long_poll(self, session: Session) -> Inventory:
        with self._polling:
            self._long = not self._urgent
            try:
                return self._round(session, self.connection.poll_s if self._long else 0)
            finally:
                self._long = False

    def _refresh(self, session: Session) -> Inventory:
        began = time.monotonic()
        with self._state:
            self._urgent += 1
        try:
            while not self._polling.acquire(timeout=_CANCEL_EVERY_S if self._long else 0.01):
                gone = self._long and not self._cancel_poll(session)
                if time.monotonic() - began > (_GONE_S if gone else _GIVE_UP_S):
                    session.stub.abort()  # it does not even answer a cancel: the connection is dead
            try:
                self._round(session, 0)
            finally:
                self._polling.release()
            return self._refresh_attributes(session)
        finally:
            with self._state:
                self._urgent -= 1

    def _cancel_poll(self, session: Session) -> bool:
        """Whether there is something to cancel: the collector goes with an ended session."""
        # may come before the poll has arrived there: hence again and again
        collector = self._collector
        if collector is not None:
            try:
                collector.CancelWaitForUpdates()
            except vmodl.fault.ManagedObjectNotFound:
                return False
        return True

    def _round(self, session: Session, wait_s: int) -> Inventory:
        """Ask for updates once; begin anew when the session was lost or the answer makes no sense."""
        for _ in range(_TRIES):
            try:
                if self._stale or self._logins != session.stub.logins:
                    self._start(session)
                self._tune(session)
                return self._wait(session, wait_s)
            except vmodl.fault.RequestCanceled:
                if wait_s and self._inventory is not None:
                    return self._inventory  # whoever cancelled reads next
            except (vmodl.fault.ManagedObjectNotFound, vmodl.query.InvalidCollectorVersion, Contradiction):
                self._stale = True
        raise SiteUnreachable(
            f"Could not {_READING}: vCenter {self.connection.server} forgets what it is asked to watch; "
            "check that vCenter is well"
        )

    def _start(self, session: Session) -> None:
        self._forget()
        content = session.content
        self._root = find_root(session, self.root_path)
        self._datacenter = datacenter_of(session, self._root)
        networks = self._datacenter.networkFolder
        views = content.viewManager
        self._view = views.CreateContainerView(self._root, [vim.Folder, vim.VirtualMachine], True)
        network_view = views.CreateContainerView(networks, [vim.Network], True)
        collector = content.propertyCollector.CreatePropertyCollector()
        self._made = [self._view.DestroyView, network_view.DestroyView, collector.DestroyPropertyCollector]
        spec = watch_spec(self._root, self._view, network_view, content.customFieldsManager, self._growth)
        collector.CreateFilter(spec, False)  # False: whole values of the paths asked for, never their parts
        self._collector, self._logins, self._stale = collector, session.stub.logins, False

    def _tune(self, session: Session) -> None:
        """Listen to events, or stop it, as is wanted; a refusal is asked for again after a new start only."""
        if self._listening and not self.events.following and not self.events.refused:
            self.events.follow(session, self._datacenter, self._collector)
        elif not self._listening and self.events.following:
            self.events.forget()
            self._raw.objects.pop(EVENTS, None)

    def _forget(self) -> None:
        self.events.forget()
        self.events.refused = ""
        made, self._made = self._made, []
        self._collector, self._version, self._raw = None, "", Properties(REDUCED)
        for destroy in reversed(made):
            with contextlib.suppress(vmodl.MethodFault):  # most likely gone with its session
                destroy()

    def _wait(self, session: Session, wait_s: int) -> Inventory:
        first, more = not self._version, True
        touched: set[tuple[str, str]] = set()
        while more:
            # the first answer is there at once, and so are the further pieces of one in pieces
            options = _PC.WaitOptions(maxWaitSeconds=0 if first or touched else wait_s)
            try:
                update = self._collector.WaitForUpdatesEx(self._version, options)
            except vmodl.fault.RequestCanceled:
                raise
            except Exception:
                self._stale = True  # an answer that is lost takes its updates with it
                raise
            more = bool(update is not None and update.truncated)
            if update is not None:
                self._version = str(update.version)
                with self._state:
                    touched |= self._raw.apply(update)
        if object_id(self._root) not in self._raw.of("Folder"):
            self._stale = True
            raise Refused(
                f"The root folder {self.root_path} was removed from vCenter {self.connection.server}"
            )
        if any(kind == EVENTS for kind, _ in touched):
            self.events.take_page(self._raw.of(EVENTS))
        if (
            first
            or (wait_s and not touched)
            or any(kind in ("Folder", "CustomFieldsManager") for kind, _ in touched)
            or time.monotonic() - self.attributes_read_s > self.connection.poll_s
        ):
            # at each time-out too: the simulator tells of no attribute, and others write them as well
            self._read_attributes(session)
        return self._publish(touched, anew=first)

    def _refresh_attributes(self, session: Session) -> Inventory:
        try:
            if self._inventory is not None and not self._stale and self._logins == session.stub.logins:
                self._read_attributes(session)
                return self._publish(set())
        except vmodl.fault.ManagedObjectNotFound:
            pass  # the view went with its session
        return self._refresh(session)

    def _read_attributes(self, session: Session) -> None:
        spec = attribute_spec(self._root, self._view, session.content.customFieldsManager)
        with self._attribute_read:  # so that of two readings the later one counts
            asked_s = time.monotonic()
            self._attributes = attributes_from(retrieve(session, spec))
            self.attributes_read_s = asked_s

    def _publish(self, touched: set[tuple[str, str]], anew: bool = False) -> Inventory:
        with self._state:
            last = self._inventory
            vms = {} if anew or last is None else dict(last.vms)
            folders = {} if anew or last is None else dict(last.folders) | {last.root.id: last.root}
            networks = {} if anew or last is None else dict(last.networks)
            self._update_vms(vms, touched)
            self._update_folders(folders, touched)
            self._update_networks(networks, touched)
            root = folders.pop(object_id(self._root))
            inventory = Inventory(
                serial=next(_SERIALS),
                root=root,
                folders=folders,
                vms=vms,
                networks=networks,
                news=self.events.count,
            )
            if last is None or not last.same(inventory):
                self._inventory = inventory
            assert self._inventory is not None
            return self._inventory

    def _update_networks(self, networks: dict[str, NetworkFacts], touched: set[tuple[str, str]]) -> None:
        for kind, network_id in touched:
            if kind in ("Network", "DistributedVirtualPortgroup", "OpaqueNetwork"):
                raw = self._raw.of(kind).get(network_id)
                fact = None if raw is None else network_facts(network_id, raw)
                networks.pop(network_id, None)
                if fact is not None:
                    networks[network_id] = fact

    def _update_folders(self, folders: dict[str, FolderFacts], touched: set[tuple[str, str]]) -> None:
        for kind, folder_id in touched:
            if kind == "Folder":
                raw = self._raw.of(kind).get(folder_id)
                folders.pop(folder_id, None)
                if raw is not None:
                    folders[folder_id] = folder_facts(folder_id, raw)
        for folder_id, folder in folders.items():
            attributes = self._attributes.get(folder_id, {})
            if folder.attributes != attributes:
                folders[folder_id] = msgspec.structs.replace(folder, attributes=attributes)

    def _update_vms(self, vms: dict[str, VmFacts], touched: set[tuple[str, str]]) -> None:
        states = self._raw.of("Task")
        running = {task for task, raw in states.items() if str(raw.get("info.state")) in _UNDER_WAY}
        known = self._raw.of("VirtualMachine")
        again = {vm_id for kind, vm_id in touched if kind == "VirtualMachine"}
        if any(kind == "Task" for kind, _ in touched):
            # a task does not say whose it is: those VMs that have, or had, one under way
            again |= {vm_id for vm_id, vm in vms.items() if vm.running_tasks}
            again |= {vm_id for vm_id, raw in known.items() if running & set(_task_ids(raw))}
        for vm_id in again:
            if vm_id in known:
                fresh = vm_facts(vm_id, known[vm_id], running)
                if vms.get(vm_id) != fresh:  # much changes in a VM that is no fact: logs and disks grow
                    vms[vm_id] = fresh
            else:
                vms.pop(vm_id, None)


def _task_ids(raw: dict[str, Any]) -> list[str]:
    return [object_id(task) for task in raw.get("recentTask") or ()]
