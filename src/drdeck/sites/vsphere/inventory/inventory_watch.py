"""Watches everything under a site's root folder with one long poll, whatever the number of VMs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from pyVmomi import vim, vmodl

from drdeck.sites.contract import Refused, SiteUnreachable
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.properties import (
    attribute_spec,
    datacenter_of,
    filter_spec,
    find_root,
    object_id,
    read_attributes,
    retrieve,
    task_spec,
    watch_spec,
)
from drdeck.sites.vsphere.vcenter.resting import rest
from drdeck.sites.vsphere.vcenter.update_parser import Maker, UpdateParser, uncollected

from .folder_attributes import FolderAttributes
from .inventory_cache import UNDER_WAY, InventoryCache
from .inventory_facts import Inventory
from .property_cache import UpdateContradiction
from .snapshot_maker import snapshot_tree

_PC = vmodl.query.PropertyCollector
_EVENTS = "EventHistoryCollector"
_READING = "read the inventory"
_CANCEL_EVERY_S = 0.1
_GIVE_UP_S = 10.0
_GATHER, _GATHER_S = 8.0, 0.5
"""Between two answers pass so many times what reading the last one took, at most so long."""
_CANCELLED_S, _GONE_S = 3.0, 1.0
"""So long after a cancel was answered the poll has ended, or never will; less where there is none to end."""
_REST = 1000.0
"""So many times what a reading of the attributes took passes before they are read again without need."""
_TRIES = 5
_MAKERS: dict[str, Maker] = {
    "VirtualMachineSnapshotInfo": snapshot_tree,
    # only that they changed counts: they are read with their names
    "ArrayOfCustomFieldValue": lambda _: None,
}


class EventSource(Protocol):
    """A follower of vCenter's events, told of them by the collector that tells of the inventory."""

    refused: str
    """vCenter's reason for giving no events; empty while it gives them"""
    count: int
    """grows with each event"""

    @property
    def following(self) -> bool: ...

    def knows(self, key: str) -> bool:
        """Tell whether an event was taken already."""

    def follow(self, session: VCenterSession, datacenter: Any, collector: Any) -> None:
        """Have `collector`, a PropertyCollector, tell of the datacenter's events too."""

    def forget(self) -> None:
        """Follow them no more."""

    def take_page(self, objects: Mapping[str, dict[str, Any]]) -> None:
        """Take the newest events out of the collector's objects (id -> properties)."""

    def read_back(
        self, session: VCenterSession, datacenter: Any, since: datetime, vms: Collection[str]
    ) -> None:
        """Read older events, which may have been missed; `vms`: the only ones that matter. Blocks."""


class InventoryWatch:
    """The inventory under `root` ("/DC0/vm/drdeck") of one vCenter, for the recovery or the protected site.

    One filter of our own holds the root folder, all folders and VMs below it, the tasks on those VMs,
    the datacenter's networks and the custom attributes. Awaitables raise what Connection's calls raise,
    and Refused when the root folder is not there. `addresses`: watch those of all cards too.
    `events` follows the datacenter's events for as long as `listen` says so.
    """

    def __init__(
        self, connection: Connection, root: str, events: EventSource | None = None, addresses: bool = False
    ) -> None:
        self.connection, self.root_path, self._addresses = connection, root, addresses
        self._events = events
        self._listening = False
        self._attributes_rest_s = 0.0
        self.attributes_read_s = 0.0
        """by the monotonic clock, when the attributes of all folders were asked for last"""
        self._polling = threading.Lock()  # held while the collector is asked; its answers come in one order
        self._urgent = 0
        self._state = threading.Lock()
        self._cache = InventoryCache()
        self._collector: Any = None
        self._version = ""
        self._cleanups: list[Any] = []
        self._root: Any = None
        self._datacenter: Any = None
        self._view: Any = None
        self._logins = -1
        self._stale = True
        self._long = False
        self._read_cost_s = 0.0
        self._changed = asyncio.Event()
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Ask vCenter at once, and gather no more first: what was waited for has come."""
        self._hurried.set()

    @property
    def inventory(self) -> Inventory | None:
        """The inventory seen last; None before the first reading."""
        return self._cache.inventory

    async def refresh(self) -> Inventory:
        """The inventory now, without waiting for a change; also while `changes` waits for one."""
        inventory = await self.connection.poll(self._refresh, _READING)
        self._changed.set()
        return inventory

    async def refresh_attributes(self, folders: Collection[str] = ()) -> Inventory:
        """Read the custom attributes of all folders anew, or of those with these ids, with one call; needed
        after writing one."""
        inventory = await self.connection.poll(
            lambda session: self._refresh_attributes(session, folders), "read the attributes of the folders"
        )
        self._changed.set()
        return inventory

    @property
    def attributes(self) -> FolderAttributes:
        """Attributes of all folders, for whoever reads or writes some beside."""
        return self._cache.attributes

    def show_attributes(self) -> None:
        """Have the inventory tell what others read or wrote of attributes."""
        self._published(set())
        self._changed.set()

    async def ask_tasks(self, vms: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The tasks under way now on VMs, by id, where there are any; facts have them from now on."""

        def ask(session: VCenterSession) -> dict[str, tuple[str, ...]]:
            states: dict[str, str] = {}
            recent: dict[str, list[str]] = {vm: [] for vm in vms}
            for content in retrieve(session, task_spec(session, vms)):
                for prop in content.propSet or ():
                    if prop.name == "info.state":
                        states[object_id(content.obj)] = str(prop.val)
                    else:
                        recent[object_id(content.obj)] = [object_id(task) for task in prop.val or ()]
            tasks = {vm: tuple(t for t in ids if states.get(t) in UNDER_WAY) for vm, ids in recent.items()}
            self._cache.take_tasks(tasks)
            return {vm: ids for vm, ids in tasks.items() if ids}

        running = await self.connection.poll(ask, "ask for the VMs' tasks") if vms else {}
        self._changed.set()
        return running

    @property
    def busy(self) -> tuple[str, ...]:
        """Ids of the VMs that had tasks under way when they were asked for last."""
        return tuple(self._cache.asked_tasks)

    @property
    def datacenter(self) -> str:
        """Id of the datacenter that the root folder is in; empty before the first reading."""
        return "" if self._datacenter is None else object_id(self._datacenter)

    async def listen(self, on: bool) -> None:
        """Hear of events from now on, or no more; the first ones known are there when this returns."""
        if on != self._listening:
            self._listening = on
            await self.refresh()

    async def catch_up(self, since: datetime, vms: Collection[str] = ()) -> None:
        """Read events back, where more than vCenter keeps for us may have happened since an instant.

        `vms`: ids of the only VMs that matter, where there are few; empty: all may.
        """

        def read_back(session: VCenterSession) -> None:
            if self._events is not None:
                self._events.read_back(session, vim.Datacenter(self.datacenter, session.stub), since, vms)

        await self.connection.poll(read_back, "read the events")

    async def changes(self) -> AsyncIterator[Inventory]:
        """The inventory now, and again whenever anything in it changed, however that came to be known.

        One iteration at a time. Reads the attributes anew when the long poll ends empty, but not again and
        again where that takes long.
        """
        yielded = await self.refresh()
        yield yielded
        while True:
            self._changed.clear()
            # what changes meanwhile comes by one answer: in a storm each would have its own
            await rest(min(_GATHER_S, _GATHER * self._read_cost_s), self._hurried)
            poll = asyncio.ensure_future(self.connection.poll(self._long_poll, _READING))
            poll.add_done_callback(lambda _: self._changed.set())
            try:
                while True:
                    latest = self.inventory
                    if latest is not None and latest.serial != yielded.serial:
                        yielded = latest
                        yield yielded
                    elif poll.done():
                        poll.result()
                        break
                    else:
                        await self._changed.wait()
                        self._changed.clear()
            finally:
                poll.cancel()

    # --- what follows blocks, and runs in threads ---

    def _long_poll(self, session: VCenterSession) -> Inventory:
        with self._polling:
            self._long = not self._urgent
            began_s = time.thread_time()
            try:
                return self._round(session, self.connection.poll_s if self._long else 0)
            finally:
                self._long, self._read_cost_s = False, time.thread_time() - began_s

    def _refresh(self, session: VCenterSession) -> Inventory:
        began, since, limit_s = time.monotonic(), 0.0, _GIVE_UP_S
        with self._state:
            self._urgent += 1
        try:
            while not self._polling.acquire(timeout=_CANCEL_EVERY_S if self._long else 0.01):
                if self._long:
                    limit_s = _CANCELLED_S if self._cancel_poll(session) else _GONE_S
                    since = since or time.monotonic()
                if time.monotonic() - (since or began) > limit_s:
                    session.stub.abort()  # the poll does not even end by a cancel: its connection is dead
            try:
                inventory = self._round(session, 0)
            finally:
                self._polling.release()
            fresh = self.attributes_read_s >= began  # as at a start: they need not be asked for twice
            return inventory if fresh else self._refresh_attributes(session)
        finally:
            with self._state:
                self._urgent -= 1

    def _cancel_poll(self, session: VCenterSession) -> bool:
        """Cancel the long poll. False if there is none: the collector goes with an ended session."""
        # may come before the poll has arrived there: hence again and again
        collector = self._collector
        if collector is not None:
            try:
                collector.CancelWaitForUpdates()
            except vmodl.fault.ManagedObjectNotFound:
                return False
        return True

    def _round(self, session: VCenterSession, wait_s: int) -> Inventory:
        """Ask for updates once; begin anew when the session was lost or the answer makes no sense."""
        for _ in range(_TRIES):
            try:
                if self._stale or self._logins != session.stub.logins:
                    self._start(session)
                self._tune(session)
                return self._wait(session, wait_s)
            except vmodl.fault.RequestCanceled:
                if wait_s and self.inventory is not None:
                    return self.inventory  # whoever cancelled reads next
            except (
                vmodl.fault.ManagedObjectNotFound,
                vmodl.query.InvalidCollectorVersion,
                UpdateContradiction,
            ):
                self._stale = True
        raise SiteUnreachable(
            f"Could not {_READING}: vCenter {self.connection.server} forgets what it is asked to watch; "
            "check that vCenter is well"
        )

    def _start(self, session: VCenterSession) -> None:
        self._forget()
        content = session.content
        self._root = find_root(session, self.root_path)
        self._datacenter = datacenter_of(session, self._root)
        networks = self._datacenter.networkFolder
        views = content.viewManager
        kinds = [vim.Folder, vim.VirtualMachine, vim.VirtualApp]
        self._view = views.CreateContainerView(self._root, kinds, True)
        network_view = views.CreateContainerView(networks, [vim.Network], True)
        collector = content.propertyCollector.CreatePropertyCollector()
        self._cleanups = [
            self._view.DestroyView,
            network_view.DestroyView,
            collector.DestroyPropertyCollector,
        ]
        fields = content.customFieldsManager
        spec = watch_spec(self._root, self._view, network_view, fields, self._addresses)
        collector.CreateFilter(spec, False)  # False: whole values of the paths asked for, never their parts
        self._collector, self._logins, self._stale = collector, session.stub.logins, False

    def _tune(self, session: VCenterSession) -> None:
        """Listen to events, or stop it, as is wanted; a refusal is asked for again after a new start only."""
        events = self._events
        if events is None:
            return
        if self._listening and not events.following and not events.refused:
            events.follow(session, self._datacenter, self._collector)
        elif not self._listening and events.following:
            events.forget()
            self._cache.raw.objects.pop(_EVENTS, None)

    def _forget(self) -> None:
        if self._events is not None:
            self._events.forget()
            self._events.refused = ""
        cleanups, self._cleanups = self._cleanups, []
        self._collector, self._version = None, ""
        self._cache.forget()
        for destroy in reversed(cleanups):
            with contextlib.suppress(vmodl.MethodFault):  # most likely gone with its session
                destroy()

    def _wait(self, session: VCenterSession, wait_s: int) -> Inventory:
        first, more = not self._version, True
        touched: set[tuple[str, str]] = set()
        while more:
            # the first answer is there at once, and so are the further pieces of one in pieces
            options = _PC.WaitOptions(maxWaitSeconds=0 if first or touched else wait_s)
            take, answered = self._cache.taking()
            parser = UpdateParser(take, _MAKERS, session.stub)
            if self._events is not None:
                parser.known_event = self._events.knows
            try:
                with session.stub.read_by(parser), uncollected() if first else contextlib.nullcontext():
                    self._collector.WaitForUpdatesEx(self._version, options)
            except vmodl.fault.RequestCanceled:
                raise
            except Exception:
                self._stale = True  # an answer that is lost takes its updates with it
                raise
            more = parser.truncated
            self._version = parser.version or self._version
            touched |= answered.end()
        if object_id(self._root) not in self._cache.raw.of("Folder"):
            self._stale = True
            raise Refused(
                f"The root folder {self.root_path} was removed from vCenter {self.connection.server}"
            )
        if self._events is not None and any(kind == _EVENTS for kind, _ in touched):
            self._events.take_page(self._cache.raw.of(_EVENTS))
        since_s = time.monotonic() - self.attributes_read_s
        folders = {ident for kind, ident in touched if kind == "Folder"}
        if (
            first
            or any(kind == "CustomFieldsManager" for kind, _ in touched)
            # without a word of them too: the simulator tells of no attribute, and others write them as well
            or (wait_s and not touched and since_s > self._attributes_rest_s)
            or since_s > max(self.connection.poll_s, self._attributes_rest_s)
        ):
            self._read_attributes(session)
        elif folders:  # as when a lease is renewed, which with hundreds of sessions is every second
            self._read_attributes_of(session, folders)
        return self._published(touched, anew=first)

    def _refresh_attributes(self, session: VCenterSession, folders: Collection[str] = ()) -> Inventory:
        try:
            if self.inventory is not None and not self._stale and self._logins == session.stub.logins:
                if folders:
                    self._read_attributes_of(session, folders)
                else:
                    self._read_attributes(session)
                return self._published(set())
        except vmodl.fault.ManagedObjectNotFound:
            pass  # the view went with its session
        return self._refresh(session)

    def _read_attributes(self, session: VCenterSession) -> None:
        spec = attribute_spec(self._root, self._view, session.content.customFieldsManager)
        with self.attributes.reading() as reading:
            asked_s, began_s = time.monotonic(), time.thread_time()
            self.attributes.take(reading, *read_attributes(session, spec))
            self.attributes_read_s = asked_s
            self._attributes_rest_s = _REST * (time.thread_time() - began_s)

    def _read_attributes_of(self, session: VCenterSession, folders: Collection[str]) -> None:
        """Read those of a few folders, by the names that are known; one that is not has all read anew."""
        things = [vim.Folder(ident, session.stub) for ident in folders]
        spec = filter_spec(things, {vim.Folder: ["customValue"]}, may_be_gone=True)
        with self.attributes.reading(folders) as reading:
            named = self.attributes.take(reading, *read_attributes(session, spec))
        if not named:
            self._read_attributes(session)

    def _published(self, touched: set[tuple[str, str]], anew: bool = False) -> Inventory:
        news = self._events.count if self._events is not None else 0
        return self._cache.publish(object_id(self._root), touched, news, anew)
