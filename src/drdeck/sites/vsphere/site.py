"""The vSphere site: opened, watched with one long poll, and asked; what it does is in `call_executor`."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from drdeck.config.readiness import Readiness, parse_readiness
from drdeck.config.settings import VSphereSettings
from drdeck.model import commands as c
from drdeck.model.alarms import Finding
from drdeck.model.domains import Domain, ProtectedSite
from drdeck.model.guard import Hazards
from drdeck.model.pitr import Points, Writing, writing_of
from drdeck.model.planned import PlannedCall
from drdeck.model.plans.room_check import RoomForAll
from drdeck.model.plans.run_note import RunMark, RunNote
from drdeck.model.text import composed
from drdeck.model.views import SiteView
from drdeck.sites.contract import LoginRefused, SiteError, SiteUnreachable, TaskBegun
from drdeck.sites.vsphere.doctor import start_obstacles, trial_findings
from drdeck.sites.vsphere.doctor.privilege_check import PrivilegeCheck
from drdeck.sites.vsphere.doctor.room_for_all import room_for_all
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.guard.guard_store import GuardStore
from drdeck.sites.vsphere.guard.hazards import foresee, hazards
from drdeck.sites.vsphere.inventory.domain_folders import domain_folders
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.plan.domain_state import DomainState, network_ids, stays_out
from drdeck.sites.vsphere.record.attribute_names import FAILOVER
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession, endpoint_of
from drdeck.sites.vsphere.vcenter.heartbeat import FIRST_S, Heartbeat
from drdeck.sites.vsphere.vcenter.resting import rest
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions

from .call_executor import OF_A_REMOVED_RECORD, CallExecutor
from .doctor import SiteUnderExamination, findings
from .lease_keeper import LeaseKeeper
from .maintenance_round import MaintenanceRound
from .protected_site import ProtectedVCenter
from .readiness_probes import ReadinessProbes
from .run_records import RunRecords
from .site_state import KIND, SiteState, host_of, moving
from .trial_work import keep_looking

TICK_S = 0.5
"""How often time alone can bring something while a domain is under way."""
LOOKS = 6.0
"""Between two views pass so many times what the last one took, unless a domain waits for the next one."""
DEVICES_S = 1.0
"""Between two looks for VMs whose devices are not known."""
PRESSING_S = 1.0
"""So long after a domain's last call ended a view is made at once of whatever vCenter tells."""
BUSY_S = 1.0
"""Between two questions after the tasks of VMs that were busy."""
QUIET_S = 30.0
"""How often the view is made anew while nothing goes on."""
REST = 1000.0
"""So many times what that took passes before it is made anew again: 0.1 % of a core at any size."""
KEEP_S = 12.0
"""After a silence of less, sessions and calls under way are kept: a busy vCenter may pause for so long, and a
dead connection is given up by TCP itself soon after."""

Connect = Callable[[], Awaitable[Connection]]


class VSphereSite:
    """A recovery site that is a vCenter, by the contract of `drdeck.sites.contract.RecoverySite`."""

    kind = KIND
    keeps_points = True

    def __init__(
        self,
        name: str,
        settings: VSphereSettings,
        connect: Connect,
        connect_protected: Connect | None = None,
        me: str = "",
        state: Path | None = None,
        fences: Sequence[StaleSessions] = (),
    ) -> None:
        """`me`: who this controller is for others; of one name only one process may run at a time.

        `state`: directory for what the guard must still know after a kill. `fences`: of its vCenters.
        """
        self.name, self.settings, self.parallel = name, settings, settings.parallel
        limits = msgspec.structs.asdict(settings.places)
        self.call_places = {kind: most for kind, most in limits.items() if kind != "delete"}
        """removals are limited for each datastore, by the plans of the domains"""
        self._connect = connect
        self._connection: Connection | None = None
        self._serial = 0
        self._asked_busy = 0.0
        self._wake = asyncio.Event()
        self._hurried = asyncio.Event()
        self._viewed = 0
        """serial of the inventory of which the last view was made"""
        self._pressing_until = 0.0
        """what vCenter tells before then is what a domain waits for, by the loop's clock"""
        self._forced = False
        self._protected: ProtectedVCenter | None = None
        if connect_protected is not None and settings.protected is not None:
            self._protected = ProtectedVCenter(
                lambda: asyncio.ensure_future(connect_protected()),
                settings.protected.root,
                endpoint_of(settings.protected),
                host_of(settings.protected.url),
                self._wake.set,
            )
        self._shut_out = False
        """the watching session ended, and no new one was let in; the commanding one may live"""
        self.on_records: Callable[[tuple[Domain, ...]], None] = lambda domains: None
        self._heart: Heartbeat | None = None
        self._pumped = False
        """what the inventory holds was read by this watching, not by one before it"""
        self._resumable = False
        """watching worked and was then cut off: its sessions are most likely as they were"""
        me = me or f"drdeck#{secrets.token_hex(4)}"
        self._permits = PrivilegeCheck(
            settings, self._connected, self._protected, me, lambda: self._watching().datacenter
        )
        self._sight = SiteState(name, settings, self._protected, me, state)
        self._driver = LeaseKeeper(
            self._sight,
            (float(settings.lease), float(settings.quiet_lease)),
            self._connected,
            fences,
            self._wake.set,
        )
        self._rounds = MaintenanceRound(self._sight)
        self._memories = GuardStore(state)
        self._guard = GuardService(
            self._memories,
            self._driver.leases.since,
            self._sight.now,
            self._wake.set,
            settings.root,
            me,
            self._sight.folders,
            self._sight.devices,
        )
        self._sight.guard = self._guard
        self._readiness = _readiness(settings)
        self._probes = ReadinessProbes(self._wake.set)
        self._sight.reached = lambda: self._probes.reached
        self._hand = CallExecutor(
            self._sight,
            self._driver,
            self._guard,
            self._protected,
            self._connected,
            self._watching,
            self._show,
            self._hurry,
        )
        self._runs = RunRecords(self._sight, self._connected, self._watching)

    # -- seeing

    def _show(self) -> None:
        """Give a new view, whether or not it differs."""
        self._forced = True
        self._hurried.set()
        self._wake.set()

    def _hurry(self, awaited: bool) -> None:
        """An act may have changed something; `awaited`: its domain has no other one under way, and goes on
        once vCenter has told of it."""
        watch = self._sight.watch
        if awaited and watch is not None:
            self._pressing_until = asyncio.get_running_loop().time() + PRESSING_S
            watch.hurry()
            if watch.inventory is not None and watch.inventory.serial != self._viewed:
                self._hurried.set()
        self._wake.set()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise SiteUnreachable("drdeck is not connected to this site now")
        return self._connection

    def _watching(self) -> InventoryWatch:
        if self._sight.watch is None:
            raise SiteUnreachable("drdeck is not connected to this site now")
        return self._sight.watch

    async def open(self) -> None:
        if self._heart is not None:
            silent_s = self._heart.silent_s
            await self._heart.beat()  # nothing is given up before it answers again
            if self._resumable and silent_s < KEEP_S and self._connection is not None:
                self._resumable = False
                # what is asked to be watched stays watched: a busy vCenter pauses for some seconds
                await self._connection.freshen()
                return
        connection = await self._watched_again() or await self._anew()
        self._connection, self._resumable, self._shut_out = connection, False, False
        if self._heart is None:
            self._heart = Heartbeat(connection)
        self._heart.follow(connection)
        await self._heart.beat(FIRST_S)
        self._sight.heart = self._heart
        self._sight.watch = InventoryWatch(
            connection,
            self.settings.root,
            events=self._guard.events,
            addresses=any(readiness.needs_address for readiness in self._readiness),
        )

    async def _watched_again(self) -> Connection | None:
        """The connection that there is, where nothing but the login of its watching session is wrong: what
        the other one does is not cut off, for a vCenter says InvalidLogin too while its SSO is away."""
        if self._connection is None or not self._shut_out:
            return None
        try:
            await self._connection.watch_again()
        except LoginRefused:
            raise
        except SiteError:
            return None
        return self._connection

    async def _anew(self) -> Connection:
        self._shut_out = False
        if self._connection is not None:
            await self._connection.close()
            self._connection = self._sight.watch = None
        return await self._connect()

    async def watch(self) -> AsyncIterator[SiteView]:
        watch, self._pumped = self._watching(), False
        pump = asyncio.create_task(self._pump(watch), name="inventory")
        beats = asyncio.create_task(self._listen(), name="heartbeat")
        leases = asyncio.create_task(self._driver.keep(watch), name="leases")
        guard = asyncio.create_task(self._guard.run(watch, self._connected()), name="guard")
        devices = asyncio.create_task(self._read_devices(watch), name="devices")
        trials = asyncio.create_task(self._look_at_trials(), name="test folder")
        last_view: SiteView | None = None
        quiet_since, quiet_s, anew = asyncio.get_running_loop().time(), QUIET_S, True
        try:
            while True:
                self._wake.clear()
                if pump.done():
                    pump.result()
                if beats.done():
                    beats.result()
                began_s = time.thread_time()
                if watch.inventory is not None and self._pumped:
                    self._guard.saw(watch.inventory)
                    await self._spare_protected()
                    self._probe()
                    self._viewed = watch.inventory.serial
                    latest = self._sight.view(watch.inventory, self._serial)
                    if anew:
                        quiet_s, anew = max(QUIET_S, REST * (time.thread_time() - began_s)), False
                    if last_view is None or self._forced or _differs(last_view, latest):
                        self._forced = False
                        last_view = self._numbered(latest)
                        yield last_view
                await self._ask_busy(watch)
                # what comes in the meantime is seen together: a view costs more with every VM
                await rest(LOOKS * (time.thread_time() - began_s), self._hurried)
                hurried = last_view is not None and any(moving(d) for d in last_view.domains)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S if hurried else QUIET_S):
                        await self._wake.wait()
                clock = asyncio.get_running_loop().time()
                if clock - quiet_since > quiet_s:
                    quiet_since, anew = clock, True
                    self._sight.forget()
        except SiteUnreachable as lost:
            self._shut_out = isinstance(lost, LoginRefused)
            self._resumable = self._pumped and not self._shut_out
            if self._resumable and self._heart is not None:
                lost.silent_s = self._heart.silent_s
            raise
        finally:
            for task in (pump, beats, leases, guard, devices, trials):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def _show_records(self, watch: InventoryWatch) -> None:
        """Show the domains by their records at first: thousands of VMs take seconds to be read."""
        if watch.inventory is not None or self._serial:
            return
        with contextlib.suppress(SiteError):  # whatever is wrong is told by who reads all
            folders = await self._connected().poll(
                lambda session: domain_folders(session, watch.root_path), "read the domains' folders"
            )
            self.on_records(self._sight.by_records(folders))

    def _probe(self) -> None:
        """Look who answers, where the settings want that."""
        if any(readiness.is_probed for readiness in self._readiness):
            self._probes.follow(situation for _, situation in self._sight.situations())

    async def _ask_busy(self, watch: InventoryWatch) -> None:
        """Ask after the tasks of VMs that were busy: vCenter does not tell that they are over."""
        now = asyncio.get_running_loop().time()
        if watch.busy and now - self._asked_busy >= BUSY_S:
            self._asked_busy = now
            await watch.ask_tasks(watch.busy)

    async def _read_devices(self, watch: InventoryWatch) -> None:
        """Read what rollbacks do not cover, beside everything else; where that fails, later again."""
        devices, looked = self._sight.devices, 0
        while True:
            inventory = watch.inventory
            if inventory is None or inventory.serial == looked:
                await asyncio.sleep(DEVICES_S)
                continue
            looked = inventory.serial
            await self._read_places(inventory)
            for piece in devices.pieces(self._sight.settled_vms(inventory)):
                before = devices.serial

                def read(session: VCenterSession, vms: Sequence[VmFacts] = piece) -> None:
                    devices.read(session, vms)

                try:
                    await self._connected().poll(read, "read the VMs' devices")
                except SiteError:
                    looked = 0  # later again
                    await asyncio.sleep(DEVICES_S)
                    break
                self._guard.owners_read()
                if devices.serial != before:
                    self._wake.set()

    async def _read_places(self, inventory: Inventory) -> None:
        """Read where networks are that share a name; what may not be read stays told apart by its id."""
        places = self._sight.network_places
        if unread := places.unread(inventory):
            with contextlib.suppress(SiteError):
                await self._connected().poll(
                    lambda session: places.read(session, unread), "read where networks are"
                )
                self._wake.set()

    async def _look_at_trials(self) -> None:
        """See the test folder, where the settings have one; the long poll does not see it."""
        if self.settings.test is None:
            return
        await keep_looking(self._hand.trials, self._wake.set, asyncio.sleep)

    async def _listen(self) -> None:
        assert self._heart is not None
        try:
            await self._heart.run()
        finally:
            self._wake.set()

    async def _pump(self, watch: InventoryWatch) -> None:
        try:
            await self._show_records(watch)
            async for inventory in watch.changes():
                if not self._pumped:
                    await watch.ask_tasks(_at_work(inventory))
                    with contextlib.suppress(SiteError):
                        await self._hand.trials.look()
                self._guard.saw(watch.inventory or inventory)
                self._pumped = True
                if asyncio.get_running_loop().time() < self._pressing_until:
                    self._hurried.set()
                self._wake.set()
        finally:
            self._wake.set()

    async def observe(self) -> SiteView:
        watch = self._watching()
        await self._connected().settle()
        self._guard.saw(await watch.refresh())
        await self._spare_protected()
        await self._hand.trials.look()
        self._show()
        return self._numbered(self._sight.view(self._sight.inventory(), self._serial))

    async def _spare_protected(self) -> None:
        """Nothing is read at the protected site while a Force Failover goes on: it is taken for lost.

        It serves other domains too: theirs stay as they were seen last, but a Planned Failover under way
        needs it, and is given it.
        """
        if self._protected is not None:
            await self._protected.leave_in_peace(self._sight.forced())

    def _numbered(self, latest: SiteView) -> SiteView:
        self._serial += 1
        return msgspec.structs.replace(latest, serial=self._serial)

    async def points(self, domain: str) -> Points:
        await self._read_growth(self._sight.find(domain)[1].session_vms())
        return self._sight.points(domain)

    async def writing(self, domain: str) -> Writing:
        return writing_of(await self.points(domain))

    async def _read_growth(self, vms: Sequence[VmFacts]) -> None:
        growth = self._sight.growth
        await self._connected().poll(lambda session: growth.read(session, vms), "read the sizes of snapshots")

    async def _with_growth(self, s: DomainState) -> DomainState:
        """A situation whose snapshots have their sizes, where points are made and vCenter tells."""
        if not s.settings.pitr.enabled:
            return s
        with contextlib.suppress(SiteError):
            await self._read_growth(s.vms)
        return msgspec.structs.replace(s, vms=tuple(self._sight.growth.of(vm) for vm in s.vms))

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        if self._protected is None:
            return ProtectedSite()
        settings = self._sight.find(domain)[1].settings
        forced, now = self._sight.forced(domain), self._sight.now
        out = frozenset(map(composed, without))
        return await self._protected.state(domain, forced, now, lambda vm: not stays_out(settings, vm, out))

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        folder, s = self._sight.find(domain)
        members = [vm for vm in s.vms if not vms or vm.name in vms]
        foreseen = await foresee(self._connected(), self.settings.root, members)
        return hazards(foreseen, self._sight.inventory(), folder, members, self._sight.devices.of)

    async def obstacles(self, domain: str, networks: Mapping[str, str], without: tuple[str, ...]) -> Hazards:
        folder, s = self._sight.find(domain)
        inventory = self._sight.inventory()
        vms = [vm for vm in s.vms if vm.name not in without and vm.connection == "connected"]
        targets = {*network_ids(inventory, networks).values()}
        facts = await start_obstacles.look(self._connected(), vms)
        offered = [inventory.networks[i] for i in sorted(targets) if i in inventory.networks]
        return start_obstacles.obstacles(facts, vms, offered, inventory.templates_of(folder.id))

    async def room(self, domains: Sequence[str]) -> RoomForAll:
        members = [vm for name in domains for vm in self._sight.find(name)[1].vms]
        vms = [vm for vm in members if vm.connection == "connected"]
        return room_for_all(await start_obstacles.look(self._connected(), vms), vms)

    async def keep_run(self, note: RunNote, marks: Mapping[str, RunMark]) -> None:
        await self._runs.keep(note, marks)
        self._show()

    async def forget_run(self, ident: str) -> None:
        await self._runs.forget(ident)
        self._show()

    async def findings(self) -> list[Finding]:
        connection, inventory = self._connection, None
        try:
            if self._heart is not None:
                await self._heart.beat()
            inventory = await self._watching().refresh_attributes()
            await self._hand.trials.look()
        except SiteError:
            connection = None  # why is told by whoever watches
        domains = self._sight.situations() if inventory is not None else []
        situations = [(folder, await self._with_growth(s)) for folder, s in domains]
        skew_s = self._sight.skew.total_seconds()
        side = self._protected
        return await findings(
            SiteUnderExamination(
                self.settings,
                self._permits,
                side,
                skew_s,
                connection,
                inventory,
                situations,
                self._sight.devices.of,
                self._sight.trials.seen,
            )
        )

    # -- doing

    def check(self, command: c.AnyCommand) -> str | None:
        return self._hand.check(command)

    async def lacking(self, command: c.AnyCommand) -> str | None:
        folder, situation = self._sight.find(command.domain, isinstance(command, OF_A_REMOVED_RECORD))
        missing = await self._permits.lacking(command, folder, situation, self._sight.inventory())
        if missing is None and isinstance(command, c.AdoptTrialVms):
            return await self._hand.trials.look_at_strays(command) or None
        trials, test = self._sight.trials.seen, self.settings.test
        if missing is not None or test is None or trials is None or not isinstance(command, c.StartTrial):
            return missing
        user = self.settings.username
        return await trial_findings.lacking(self._connected(), user, test, trials, [situation])

    async def execute(self, command: c.AnyCommand, begun: TaskBegun | None = None) -> str:
        return await self._hand.carry_out(command, begun)

    def upkeep(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        return self._rounds.due(now)

    async def close(self) -> None:
        self._probes.close()
        self._hand.user_events.close()
        self._memories.close()
        if self._protected is not None:
            await self._protected.close()
        if self._connection is not None:
            await self._connection.close()


def _at_work(inventory: Inventory) -> list[str]:
    """Ids of the VMs of domains in which something may be under way."""
    begun = [folder for folder in inventory.domains if folder.attributes.get(FAILOVER)]
    return [vm.id for folder in begun for vm in inventory.vms_of(folder.id)]


def _readiness(settings: VSphereSettings) -> frozenset[Readiness]:
    """All conditions for VMs to count as ready that the settings have."""
    texts: set[str | None] = set()
    for domain in settings.domains.values():
        texts |= {domain.ready, *domain.ready_of.values(), *(group.ready for group in domain.runbook)}
    return frozenset(parse_readiness(text) for text in texts if text is not None)


def _differs(a: SiteView, b: SiteView) -> bool:
    return a.domains != b.domains or a.warnings != b.warnings
