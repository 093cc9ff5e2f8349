"""The guard over the VMs of a PITR operation at the appliance: they are in vCenter, where others may be too.

It is the guard of the vSphere site. That one reads sessions in attributes of folders; here each domain of
the appliance stands for a folder in which its VMs are, found by the uuids that the appliance tells.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import FailoverType, SessionState
from drdeck.model.text import some
from drdeck.model.times import utcnow
from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.guard.event_log import EventLog
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.guard.guard_store import GuardStore
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.record.attribute_names import FAILOVER, SESSION
from drdeck.sites.vsphere.record.attributes import write
from drdeck.sites.vsphere.record.record_values import FailoverRecord, SessionRecord
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.properties import object_id

from .status_view import PitrRun

log = logging.getLogger(__name__)

NOT_GUARDED, BLIND = "not_guarded", "guard_blind"
AGAIN_S = (2.0, 5.0, 15.0, 60.0)
"""Between two tries to watch a vCenter that cannot be watched."""
FIND_S = 300.0
"""Between two searches for VMs that were not found."""
MOST_SEARCHED = 200
"""VMs of one search: each is a call."""
NEVER_DRIVEN = "nobody drives a domain from here"


class GuardedDomain(msgspec.Struct, frozen=True, kw_only=True):
    """A domain of the appliance as the guard needs it. `uuids`: of its VMs, in lower case, with names."""

    ident: str
    name: str
    uuids: Mapping[str, str] = {}
    run: PitrRun | None = None


class DomainWatch(InventoryWatch):
    """The inventory under a root with the appliance's domains in place of its folders."""

    def __init__(self, connection: Connection, root: str, events: EventLog) -> None:
        super().__init__(connection, root, events=events)
        self.domains: tuple[GuardedDomain, ...] = ()
        self.ahead = timedelta()
        """how far vCenter's clock is ahead of ours"""
        self.bios: dict[str, str] = {}
        """uuid -> id of the VM that has it as its BIOS uuid"""
        self._placed: tuple[object, object, int, Inventory] | None = None

    @property
    def under_root(self) -> Inventory | None:
        """The inventory in vCenter's own folders."""
        return super().inventory

    @property
    def inventory(self) -> Inventory | None:
        """The same object until anything differs, for the guard tells news by that."""
        raw = super().inventory
        if raw is None:
            return None
        before = self._placed
        if (
            before is not None
            and before[0] is raw
            and before[1] is self.domains
            and before[2] == len(self.bios)
        ):
            return before[3]
        placed = self._place(raw)
        self._placed = (raw, self.domains, len(self.bios), placed)
        return placed

    async def refresh_attributes(self, folders: Collection[str] = ()) -> Inventory:
        raw = await super().refresh_attributes(folders)
        return self.inventory or raw

    def vms_of(self, domain: GuardedDomain) -> dict[str, VmFacts]:
        """uuid -> the VM under the root that has it."""
        raw = super().inventory
        if raw is None:
            return {}
        by_uuid = {vm.instance_uuid.lower(): vm for vm in raw.vms.values() if vm.instance_uuid}
        return {
            uuid: vm
            for uuid in domain.uuids
            if (vm := by_uuid.get(uuid) or raw.vms.get(self.bios.get(uuid, ""))) is not None
        }

    def _place(self, raw: Inventory) -> Inventory:
        folders: dict[str, FolderFacts] = {}
        vms: dict[str, VmFacts] = {}
        for domain in self.domains:
            folders[domain.ident] = FolderFacts(
                id=domain.ident,
                name=domain.name,
                parent=raw.root.id,
                attributes=_attributes(domain, self.ahead),
            )
            for vm in self.vms_of(domain).values():
                vms[vm.id] = msgspec.structs.replace(vm, parent=domain.ident)
        return msgspec.structs.replace(raw, folders=folders, vms=vms)


def _attributes(domain: GuardedDomain, ahead: timedelta) -> dict[str, str]:
    """The record of a domain whose PITR operation runs: an active session, by vCenter's clock."""
    if domain.run is None:
        return {}
    ident, since = domain.run.id, domain.run.since + ahead
    session = SessionRecord(id=ident, state=SessionState.ACTIVE, started=since)
    failover = FailoverRecord(id=ident, type=FailoverType.REGULAR, began=since, phase="finished", since=since)
    return {SESSION: write(session), FAILOVER: write(failover)}


class VmGuard:
    """Watches the VMs of all domains of a site. All methods belong to one event loop.

    `accounts`: vCenter accounts of the appliance, whose changes are its work. `changed` is called when
    alarms or facts may be others.
    """

    def __init__(
        self,
        root: str,
        accounts: tuple[str, ...],
        state: Path | None,
        changed: Callable[[], None],
    ) -> None:
        self._root, self._changed = root, changed
        self._accounts = {account.casefold() for account in accounts}
        self._store = GuardStore(state)
        # as if this process drove the sessions and made no call in them: no drdeck's work explains a change
        self._service = GuardService(
            self._store, lambda folder: self._began, self._vcenter_now, changed, root, NEVER_DRIVEN
        )
        self._ahead = timedelta()
        self._domains: tuple[GuardedDomain, ...] = ()
        self._watch: DomainWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._to_search = asyncio.Event()
        self._began = utcnow()
        self.blind = "the vCenter was not read yet"
        """why no VM is watched; empty while they are"""

    def start(self, connection: Connection) -> None:
        """Watch through this connection from now on."""
        self.stop()
        self._task = asyncio.create_task(self._run(connection), name="vm-guard")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        self.stop()
        self._store.close()

    def follow(self, domains: tuple[GuardedDomain, ...]) -> None:
        """The domains as the appliance tells of them now."""
        if domains == self._domains:
            return
        begun = {domain.run.id for domain in self._domains if domain.run is not None}
        for domain in domains:
            if domain.run is not None and domain.run.id not in begun:
                self._service.begins(domain.run.id)
        self._domains = domains
        self._to_search.set()
        if self._watch is not None:
            self._take_in(self._watch)

    def facts(self, domain: GuardedDomain) -> dict[str, VmFacts]:
        """uuid -> the VM in vCenter."""
        return {} if self._watch is None or self.blind else self._watch.vms_of(domain)

    def alarms(self, domain: GuardedDomain) -> tuple[Alarm, ...]:
        """Changes by others in the running operation, and why not all of them are seen."""
        foreign = tuple(
            alarm
            for alarm in self._service.alarms(domain.ident, self._vcenter_now())
            if not alarm.user or alarm.user.casefold() not in self._accounts
        )
        began = domain.run.since if domain.run is not None else self._began
        if self.blind:
            if domain.run is None:
                return foreign
            text = f"Changes by others to these VMs are not seen: {self.blind}."
            return (_warning(BLIND, text, began), *foreign)
        lacking = [name for uuid, name in domain.uuids.items() if uuid not in self.facts(domain)]
        if not lacking:
            return foreign
        text = (
            f"No VM under {self._root} has the uuid of {some(lacking)}: changes by others to"
            f" {'it' if len(lacking) == 1 else 'them'} in a PITR operation are not seen. Correct root of the"
            " vCenter in the settings, if they are elsewhere."
        )
        return (_warning(NOT_GUARDED, text, began), *foreign)

    async def _run(self, connection: Connection) -> None:
        tries = 0
        while True:
            watch = DomainWatch(connection, self._root, self._service.events)
            beside = [
                asyncio.create_task(self._service.run(watch, connection), name="guard"),
                asyncio.create_task(self._search(watch, connection), name="search"),
            ]
            try:
                watch.ahead = self._ahead = await _ahead(connection)
                async for _ in watch.changes():
                    tries = 0
                    if self.blind:
                        log.info("the VMs of the appliance's domains are watched in vCenter")
                    self.blind, self._watch = "", watch
                    self._take_in(watch)
                    self._changed()
            except SiteError as error:
                self._blinded(str(error))
            except Exception as error:
                log.exception("watching the VMs failed, which is a bug")
                self._blinded(f"drdeck failed at it ({type(error).__name__}); see the controller's log")
            finally:
                for task in beside:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, Exception):
                        await task
            self._changed()
            await asyncio.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            tries += 1

    def _blinded(self, why: str) -> None:
        if self.blind != why:
            log.warning("the VMs of the appliance's domains are not watched: %s", why)
        self.blind = why.rstrip(".")

    def _take_in(self, watch: DomainWatch) -> None:
        watch.domains = self._domains
        inventory = watch.inventory
        if inventory is not None:
            self._service.saw(inventory)
            for domain in self._domains:  # some are found later, or made by the operation
                self._service.also_watch(domain.ident, inventory.vms_of(domain.ident))

    async def _search(self, watch: DomainWatch, connection: Connection) -> None:
        """Look for VMs by their BIOS uuids, where no instance uuid is theirs: either may be meant."""
        self._to_search.set()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIND_S):
                    await self._to_search.wait()
            self._to_search.clear()
            placed = {uuid for domain in self._domains for uuid in watch.vms_of(domain)}
            lacking = [u for domain in self._domains for u in domain.uuids if u not in placed][:MOST_SEARCHED]
            if not lacking:
                continue

            def search(session: VCenterSession, uuids: Sequence[str] = lacking) -> dict[str, str]:
                index = session.content.searchIndex
                vms = {uuid: index.FindByUuid(None, uuid, True, False) for uuid in uuids}
                return {uuid: object_id(vm) for uuid, vm in vms.items() if vm is not None}

            with contextlib.suppress(SiteError):  # the watching says what is wrong
                watch.bios |= await connection.poll(search, "look for VMs by uuid")
                self._take_in(watch)
                self._changed()

    def _vcenter_now(self) -> datetime:
        return utcnow() + self._ahead


async def _ahead(connection: Connection) -> timedelta:
    """The time by which vCenter's clock is ahead of ours. Raises SiteUnreachable."""
    theirs: datetime = await connection.poll(lambda session: session.si.CurrentTime(), "read its clock")
    return theirs.astimezone(UTC) - utcnow()


def _warning(kind: str, text: str, time: datetime) -> Alarm:
    return Alarm(time=time, severity=Severity.WARNING, vm=None, kind=kind, text=text)
