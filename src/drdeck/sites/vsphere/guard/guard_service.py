"""The guard over all sessions of a site: looks at what is told, has it judged, finds out who it was.

It costs nothing while no session is active. In a session it listens to vCenter's events within the
same long poll, and asks more only when somebody else did something.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from drdeck.model.alarms import Alarm, Severity
from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.folder_memory import FolderMemory
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.inventory.uncovered_devices import UncoveredDevices
from drdeck.sites.vsphere.record.attribute_names import LEASE, SESSION
from drdeck.sites.vsphere.record.attributes import BrokenRecord, RecordCache
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.leases import lease_record
from drdeck.sites.vsphere.vcenter.connection import Connection

from .attribution_windows import MOST, LeaseTenure
from .event_log import EventLog
from .fact_differences import differences, left
from .guard_store import GuardStore
from .hazards import HazardAlarms
from .history_pace import HistoryPace
from .lookups import find_addresses, find_whereabouts
from .observations import AttachedDisks, LoggedObservation
from .own_calls import OwnCalls
from .session_guard import JudgmentContext, SessionGuard
from .session_memory import NAME_S, ForeignChange, SessionMemory
from .tool_watch import ToolWatch

log = logging.getLogger(__name__)

TICK_S = 0.25
"""How often time alone can settle what was told."""
_AGAIN_S = 1.0
FEW = 8
"""VMs whose events are read back one by one; of more those of the whole datacenter are."""
_UNJUDGED = timedelta(minutes=10)
"""So long before a controller's last look events may have come that it had not judged yet."""


class GuardService:
    """The guard of all sessions of a site: it follows changes, and tells whose they were.

    `since` says since when this process, `me` in leases, drives a domain, for all it knows; None: it does
    not. `now` is vCenter's clock; `changed` is called after the alarms have changed. All but `run`'s calls
    belong to one event loop."""

    def __init__(
        self,
        memories: GuardStore,
        since: Callable[[str], datetime | None],
        now: Callable[[], datetime],
        changed: Callable[[], None],
        root: str = "",
        me: str = "",
        folders: FolderMemory | None = None,
        devices: UncoveredDevices | None = None,
    ) -> None:
        self.events, self.own_calls = EventLog(), OwnCalls(now)
        self.disks = AttachedDisks(devices or UncoveredDevices())
        self._memories, self._since, self._now, self._changed = memories, since, now, changed
        self._guards: dict[str, SessionGuard] = {}
        self._accounts: dict[str, frozenset[str]] = {}
        self._skip: dict[str, int] = {}
        self._records = RecordCache()
        self._dirty: dict[str, set[str]] = {}
        self._last: Mapping[str, VmFacts] = {}
        self._events_needed, self._me = False, me
        self._begun = deque[str](maxlen=MOST)
        """the last operations on sessions, and sessions, that this process has begun"""
        self._driving: set[str] = set()
        """folders that this controller drives, also by what was read of them last"""
        self._wake = asyncio.Event()
        self._inventory: Inventory | None = None
        self._foresight = HazardAlarms(root, now)
        self._tool, self._own = ToolWatch(folders or FolderMemory(None)), ""
        self._alarms: dict[str, tuple[Alarm, ...]] = {}
        self._pace, self._behind = HistoryPace(), False
        self._heard_until: dict[str, datetime] = {}
        """by folder: before this a controller has judged all events of its session"""
        self._looked_at: dict[str, datetime] = {}
        """by folder: the last look as it was written down"""

    # -- what is told

    def begins(self, ident: str) -> None:
        """This process begins a session, or an operation on one: to be called before it is written down."""
        self._begun.append(ident)

    def also_watch(self, folder: str, vms: Iterable[VmFacts]) -> None:
        """Watch these VMs too in the session of a folder, as they are now; without a session nothing."""
        guard = self._guards.get(folder)
        if guard is None:
            return
        for vm in vms:
            if vm.id not in guard.memory.members:
                guard.memory.members[vm.id], guard.facts[vm.id] = vm.name, vm
                guard.changed = True
                self._dirty.setdefault(folder, set()).add(vm.id)

    def saw(self, inventory: Inventory) -> None:
        """Take in what vCenter shows now and its events told, before anything else is made of it."""
        if inventory is self._inventory:
            return
        self._inventory = inventory
        try:
            self._take_in(inventory)
        except Exception:  # the guard may fail, the failover must not with it
            log.exception("the guard could not take in what was told, which is a bug")
        self._last = inventory.vms
        self._wake.set()

    def _take_in(self, inventory: Inventory) -> None:
        news = self.disks.owned(self.events.news(), lambda: _in_sessions(inventory))
        now, self._events_needed = self._now(), False
        for by_folder in (self._accounts, self._skip, self._dirty):
            for folder_id in by_folder.keys() - inventory.folders.keys() - self._guards.keys():
                del by_folder[folder_id]
        for folder in inventory.domains:
            try:
                attributes = folder.attributes
                record = self._records.of(folder.id, attributes) if attributes.get(SESSION) else None
            except BrokenRecord:
                self._events_needed = self._events_needed or folder.id in self._guards
                continue  # it may be put right: what is known of the session stays
            if record is None or record.session is None:
                self._end(folder.id)
                continue
            self._events_needed = True
            if record.session.started is not None:
                guard = self._guard_of(folder, record, inventory)
                self._look(guard, folder, record, inventory, now)
                guard.hear_all(_concerning(guard, news, self._skip.get(folder.id, 0)), time.monotonic())
        self._tool.look(inventory, news, self._own, now)
        self._events_needed = self._events_needed or self._tool.wants_events
        self._foresight.forget_others(self._guards)

    def owners_read(self) -> None:
        """Take in disks that were attached before it was known whose they are: more devices were read."""
        if self.disks.waits and self._inventory is not None:
            inventory = self._inventory
            self._hear(self.disks.owned((), lambda: _in_sessions(inventory)))
            self._wake.set()

    def _hear(self, news: list[LoggedObservation]) -> None:
        for folder, guard in self._guards.items():
            guard.hear_all(_concerning(guard, news, self._skip.get(folder, 0)), time.monotonic())

    def _guard_of(self, folder: FolderFacts, record: Record, inventory: Inventory) -> SessionGuard:
        assert record.session is not None and record.session.started is not None
        guard = self._guards.get(folder.id)
        if guard is not None and guard.memory.session == record.session.id:
            return guard
        only = record.session_vms
        members = [vm for vm in inventory.vms_of(folder.id) if not only or vm.id in only]
        kept = self._memories.load(folder.id, record.session.id)
        if kept is None:
            # as they were before the session was seen, for it may be seen together with a change
            facts = {vm.id: self._last.get(vm.id, vm) for vm in members}
            self.own_calls.nothing_pending(facts)
            named = {vm.id: vm.name for vm in members}
            kept = (
                SessionMemory(session=record.session.id, started=record.session.started, members=named),
                facts,
            )
        last_look = kept[0].looked_at
        begins = record.session.started
        self._heard_until[folder.id] = begins if last_look is None else max(begins, last_look - _UNJUDGED)
        guard = self._guards[folder.id] = SessionGuard(*kept)
        self._skip[folder.id] = guard.memory.key
        self._memories.save(folder.id, guard.memory, guard.facts, anew=True)
        return guard

    def _end(self, folder: str) -> None:
        for by_folder in (self._heard_until, self._looked_at):
            by_folder.pop(folder, None)
        if self._guards.pop(folder, None) is not None:
            self._memories.forget(folder)

    def _look(
        self, guard: SessionGuard, folder: FolderFacts, record: Record, inventory: Inventory, now: datetime
    ) -> None:
        memory = guard.memory
        there = {vm.id: vm for vm in inventory.vms_of(folder.id)}
        since = self._since(folder.id)
        if lease_record.lease_holder(folder.attributes.get(LEASE), self._me, now) is not None:
            since = None
        self._driving.discard(folder.id)
        tenure = None
        if since is not None:
            self._driving.add(folder.id)
            others = [vm for vm in there.values() if not self.own_calls.begun_on(vm.id, since)]
            tenure = LeaseTenure(since, self._begun, {vm.id: frozenset(vm.running_tasks) for vm in others})
        memory.windows.follow(record, tenure, memory.looked_at, now)
        holding = lease_record.parse(folder.attributes.get(LEASE))
        self._accounts[folder.id] = frozenset(holding.users if holding is not None else ())
        dirty = self._dirty.setdefault(folder.id, set())
        for ident in memory.members:
            old, new = guard.facts.get(ident), there.get(ident)
            if new is None:
                if old is not None:
                    guard.lost.setdefault(ident, now)
                continue
            guard.lost.pop(ident, None)
            if new.connection != "connected" or new is old or new == old:
                continue  # of what is out of reach, vCenter tells only parts
            if old is not None:
                guard.hear(differences(old, new, memory.looked_at or now, now), time.monotonic())
            guard.facts[ident] = new
            dirty.add(ident)
        memory.looked_at = now

    # -- what comes of it

    def alarms(self, folder: str, now: datetime) -> tuple[Alarm, ...]:
        """Those of a domain's session, oldest first."""
        guard = self._guards.get(folder)
        if guard is None:
            return self._tool.alarms(folder, now)
        alarms = (*self._foresight.alarms(folder), *guard.memory.alarms(time.monotonic()))
        if not self.events.refused:
            return alarms
        text = (
            f"vCenter's events cannot be read ({self.events.refused}): who changes VMs of this session is not"
            " known, and that one is cloned or its configuration changed is not seen"
        )
        time_ = guard.memory.started
        blind = Alarm(time=time_, severity=Severity.WARNING, vm=None, kind="guard", text=text)
        return (blind, *alarms)

    def foreign(self, folder: str) -> tuple[ForeignChange, ...]:
        """Changes by others in a domain's session."""
        guard = self._guards.get(folder)
        return () if guard is None else tuple(guard.memory.foreign)

    async def run(self, watch: InventoryWatch, connection: Connection) -> None:
        """Until cancelled. A look that fails is taken again; the watching itself says when all is lost."""
        self._own = connection.commands.user
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._round(watch, connection)
            except SiteError as error:
                log.info("the guard could not look: %s", error)
                await asyncio.sleep(_AGAIN_S)
                self._wake.set()
            except Exception:
                log.exception("the guard failed, which is a bug")
                await asyncio.sleep(5 * _AGAIN_S)

    def _pause(self) -> float | None:
        """Seconds until time alone brings something; None: never."""
        now_s = time.monotonic()
        if any(guard.unsettled or guard.lost or guard.unnamed(now_s) for guard in self._guards.values()):
            return TICK_S
        if not self._guards:
            return None
        behind_s = self._pace.wait_s() if self._behind else self._foresight.due_s
        return max(TICK_S, min(behind_s, self._foresight.due_s))

    async def _round(self, watch: InventoryWatch, connection: Connection) -> None:
        await watch.listen(self._events_needed)
        await self._catch_up(watch)
        for folder, guard in list(self._guards.items()):
            await self._find_lost(folder, guard, connection)
        if any(guard.wants_record for guard in self._guards.values()):
            self.saw(await watch.refresh_attributes())
        self._settle(watch, connection.commands.user)
        try:
            async with asyncio.timeout(NAME_S):
                await self._name(connection)
        except TimeoutError:  # the address comes later, the alarm does not
            self._wake.set()
        self._save()
        alarms = {folder: guard.memory.alarms(time.monotonic()) for folder, guard in self._guards.items()}
        if alarms != self._alarms:
            self._alarms = alarms
            self._changed()
        sessions = {folder: guard.memory for folder, guard in self._guards.items()}
        if watch.inventory is not None and await self._foresight.look(sessions, watch.inventory, connection):
            self._changed()

    async def _catch_up(self, watch: InventoryWatch) -> None:
        """Read back what was missed, from where this or an earlier controller has read to; not too often."""
        since = self.events.missed_since
        for folder in self._guards:
            begins = self._heard_until[folder]
            if self.events.oldest is not None and begins < self.events.oldest:
                since = begins if since is None else min(since, begins)
        self._behind = since is not None and bool(self._guards) and not self.events.refused
        if since is None or not self._behind or self._pace.wait_s():
            return
        members = {vm for guard in self._guards.values() for vm in guard.memory.members}
        began_s = time.monotonic()
        try:
            await watch.catch_up(since, sorted(members) if len(members) <= FEW else ())
        finally:
            self._pace.note(time.monotonic() - began_s)
        self._behind = False
        if watch.inventory is not None:
            self.saw(watch.inventory)

    def _settle(self, watch: InventoryWatch, own: str) -> None:
        for folder, guard in self._guards.items():
            judging = JudgmentContext(
                own_calls=self.own_calls,
                drives=folder in self._driving and self._since(folder) is not None,
                fresh_s=watch.attributes_read_s,
                own=own,
                accounts=self._accounts.get(folder, frozenset()),
                running=lambda vm, task: vm in self._last and task in self._last[vm].running_tasks,
                now=self._now(),
                now_s=time.monotonic(),
            )
            guard.settle(judging)
            self._dirty.setdefault(folder, set())

    def _save(self) -> None:
        for folder, dirty in self._dirty.items():
            guard = self._guards.get(folder)
            if guard is not None and (dirty or guard.changed or self._read_far(folder, guard)):
                self._memories.save(folder, guard.memory, {vm: guard.facts.get(vm) for vm in dirty})
                guard.changed = False
            dirty.clear()

    def _read_far(self, folder: str, guard: SessionGuard) -> bool:
        """Tell whether a controller after this one would read much again: so far this one has looked since
        it was written down."""
        looked_at, before = guard.memory.looked_at, self._looked_at.get(folder)
        if looked_at is None or (before is not None and looked_at - before < _UNJUDGED):
            return False
        self._looked_at[folder] = looked_at
        return True

    async def _find_lost(self, folder: str, guard: SessionGuard, connection: Connection) -> None:
        """Look for VMs that left the domain: elsewhere, or out of the inventory."""
        for ident in list(guard.lost):
            place = await find_whereabouts(connection, ident)
            since, old = guard.lost.pop(ident, None), guard.facts.pop(ident, None)
            if since is not None and old is not None:
                guard.hear([left(old, guard.memory.looked_at or since, since, place)], time.monotonic())
                self._dirty.setdefault(folder, set()).add(ident)

    async def _name(self, connection: Connection) -> None:
        """Find out from where they came who did something."""
        unnamed = [
            p for p in self._guards.values() if any(f.user and f.address is None for f in p.memory.foreign)
        ]
        for guard in unnamed:
            guard.changed = True
            if not await find_addresses(connection, guard.memory.foreign):
                self._wake.set()


def _in_sessions(inventory: Inventory) -> Iterator[VmFacts]:
    """VMs of the domains that are in a session."""
    for folder in inventory.domains:
        if folder.attributes.get(SESSION):
            yield from inventory.vms_of(folder.id)


def _concerning(guard: SessionGuard, news: list[LoggedObservation], skip: int) -> list[LoggedObservation]:
    """Events of a session's VMs, neither from before it nor judged by a controller before this one."""
    memory = guard.memory
    return [
        entry
        for entry in news
        for seen in [entry.observation]
        if seen.key > skip and seen.key not in guard.judged_before
        if seen.until >= memory.started and seen.vm in ("", *memory.members)
    ]
