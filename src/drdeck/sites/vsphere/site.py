"""The vSphere site by its contract: its parts put together, and asked; each part does its own work."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from drdeck.config.settings import VSphereSettings
from drdeck.model import commands as c
from drdeck.model.alarms import Finding
from drdeck.model.domains import Domain, ProtectedSite
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.guard import Hazards
from drdeck.model.pitr import Points, Writing, writing_of
from drdeck.model.planned import PlannedCall
from drdeck.model.plans.room_check import RoomForAll
from drdeck.model.plans.run_note import RunMark, RunNote
from drdeck.model.text import composed
from drdeck.model.views import SiteView
from drdeck.sites.contract import Refused, SiteError, TaskBegun
from drdeck.sites.vsphere.doctor import capacity_findings, start_obstacles, trial_findings
from drdeck.sites.vsphere.doctor.privilege_check import PrivilegeCheck
from drdeck.sites.vsphere.doctor.room_for_all import room_for_all
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.guard.guard_store import GuardStore
from drdeck.sites.vsphere.guard.hazards import foresee, hazards
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.inventory.reconfigured import reconfigured
from drdeck.sites.vsphere.plan.domain_state import DomainState, network_ids, stays_out
from drdeck.sites.vsphere.plan.failover_undo import entry_points
from drdeck.sites.vsphere.vcenter.connection import Connection, endpoint_of
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions

from .call_executor import OF_A_REMOVED_RECORD, CallExecutor
from .doctor import SiteUnderExamination, findings
from .lease_keeper import LeaseKeeper
from .maintenance_round import MaintenanceRound
from .protected_site import ProtectedVCenter
from .run_records import RunRecords
from .view.site_state import SiteState, host_of
from .view.site_views import KIND, SiteViews
from .watching.site_link import Connect, SiteLink
from .watching.view_demand import ViewDemand
from .watching.view_loop import ViewLoop, readiness_in


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
        stale_sessions: Sequence[StaleSessions] = (),
    ) -> None:
        """`me`: who this controller is for others; of one name only one process may run at a time.

        `state`: directory for what the guard must still know after a kill. `stale_sessions`: of its vCenters.
        """
        self.name, self.settings, self.parallel = name, settings, settings.parallel
        self.call_places = settings.places.of_calls()
        me = me or f"drdeck#{secrets.token_hex(4)}"
        self.on_records: Callable[[tuple[Domain, ...]], None] = lambda domains: None
        self._protected: ProtectedVCenter | None = None
        if connect_protected is not None and settings.protected is not None:
            self._protected = ProtectedVCenter(
                lambda: asyncio.ensure_future(connect_protected()),
                settings.protected.root,
                endpoint_of(settings.protected),
                host_of(settings.protected.url),
                lambda: demand.wake.set(),
            )
        self._state = SiteState(name, settings, self._protected, me, state)
        self._views = SiteViews(self._state)
        demand = ViewDemand(self._state)
        self._link = link = SiteLink(connect, self._state, self._new_watch)
        self._permits = PrivilegeCheck(
            settings, link.connected, self._protected, me, lambda: link.watching().datacenter
        )
        keeper = LeaseKeeper(
            self._state,
            (float(settings.lease), float(settings.quiet_lease)),
            link.connected,
            stale_sessions,
            demand.wake.set,
        )
        self._rounds = MaintenanceRound(self._state, self._views)
        self._memories = GuardStore(state)
        self._guard = GuardService(
            self._memories,
            keeper.leases.since,
            self._state.now,
            demand.wake.set,
            settings.root,
            me,
            self._state.folders,
            self._state.devices,
        )
        self._state.guard = self._guard
        self._executor = CallExecutor(
            self._state,
            keeper,
            self._guard,
            self._protected,
            link.connected,
            link.watching,
            demand.show,
            demand.hurry,
        )
        self._runs = RunRecords(self._state, link.connected, link.watching)
        self._loop = ViewLoop(
            link,
            demand,
            self._state,
            self._views,
            self._guard,
            keeper,
            self._executor.trials,
            self._protected,
            lambda domains: self.on_records(domains),
        )
        self._show = demand.show

    def _new_watch(self, connection: Connection) -> InventoryWatch:
        return InventoryWatch(
            connection,
            self.settings.root,
            events=self._guard.events,
            addresses=any(readiness.needs_address for readiness in readiness_in(self.settings)),
        )

    # -- seeing

    async def open(self) -> None:
        await self._link.open()

    def watch(self) -> AsyncIterator[SiteView]:
        return self._loop.watch()

    async def observe(self) -> SiteView:
        return await self._loop.observe()

    async def points(self, domain: str) -> Points:
        await self._read_growth(self._state.find(domain)[1].session_vms())
        return self._views.points(domain)

    async def writing(self, domain: str) -> Writing:
        return writing_of(await self.points(domain))

    async def _read_growth(self, vms: Sequence[VmFacts]) -> None:
        growth = self._state.growth
        await self._link.connected().poll(
            lambda session: growth.read(session, vms), "read the sizes of snapshots"
        )

    async def _with_growth(self, s: DomainState) -> DomainState:
        """A state whose snapshots have their sizes, where points are made and vCenter tells."""
        if not s.settings.pitr.enabled:
            return s
        with contextlib.suppress(SiteError):
            await self._read_growth(s.vms)
        return msgspec.structs.replace(s, vms=tuple(self._state.growth.of(vm) for vm in s.vms))

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        changed = await self._changed_here(domain)
        if self._protected is None:
            return ProtectedSite(changed_here=changed)
        settings = self._state.find(domain)[1].settings
        forced, now = self._state.forced(domain), self._state.now
        out = frozenset(map(composed, without))
        seen_there = await self._protected.state(
            domain, forced, now, lambda vm: not stays_out(settings, vm, out)
        )
        return msgspec.structs.replace(seen_there, changed_here=changed)

    async def _changed_here(self, domain: str) -> tuple[str, ...]:
        """Changes of the VMs' configuration since the failover, as long as it can be undone."""
        s = self._state.find(domain)[1]
        points = entry_points(s)
        if not points:
            return ()
        try:
            changed = await self._link.connected().poll(
                lambda session: reconfigured(session, points), "read what was changed of the VMs"
            )
        except Refused as error:
            return (str(error),)
        return tuple(f"{vm.name}: {changed[vm.id]}" for vm in s.vms if vm.id in changed)

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        folder, s = self._state.find(domain)
        members = [vm for vm in s.vms if not vms or vm.name in vms]
        foreseen = await foresee(self._link.connected(), self.settings.root, members)
        return hazards(foreseen, self._state.inventory(), folder, members, self._state.devices.of)

    async def obstacles(self, domain: str, networks: Mapping[str, str], without: tuple[str, ...]) -> Hazards:
        folder, s = self._state.find(domain)
        inventory = self._state.inventory()
        vms = [vm for vm in s.vms if vm.name not in without and vm.connection == "connected"]
        targets = {*network_ids(inventory, networks).values()}
        facts = await start_obstacles.look(self._link.connected(), vms)
        offered = [inventory.networks[i] for i in sorted(targets) if i in inventory.networks]
        against = start_obstacles.obstacles(facts, vms, offered, inventory.templates_of(folder.id))
        states = [domain_state for _, domain_state in self._state.domain_states()]
        late = capacity_findings.against_points(states, [s], facts.stores, self.settings.places.delete)
        return msgspec.structs.replace(against, warns=(*against.warns, *late))

    async def room(self, domains: Sequence[str]) -> RoomForAll:
        beginning = [self._state.find(name)[1] for name in domains]
        vms = [vm for s in beginning for vm in s.vms if vm.connection == "connected"]
        facts = await start_obstacles.look(self._link.connected(), vms)
        here = [
            s for _, s in self._state.domain_states(begun=True) if s.record.owned and s.name not in domains
        ]
        removals = self.settings.places.delete
        late = capacity_findings.against_points([*beginning, *here], beginning, facts.stores, removals)
        return room_for_all(facts, vms, late)

    async def trial_room(
        self, domain: str, vms: tuple[str, ...], to: datetime | None
    ) -> tuple[TrialRoom, ...]:
        return await self._executor.trials.room(domain, vms, to)

    async def keep_run(self, note: RunNote, marks: Mapping[str, RunMark]) -> None:
        await self._runs.keep(note, marks)
        self._show()

    async def forget_run(self, ident: str) -> None:
        await self._runs.forget(ident)
        self._show()

    async def findings(self) -> list[Finding]:
        connection, inventory = self._link.connection, None
        try:
            if self._state.heart is not None:
                await self._state.heart.beat()
            inventory = await self._link.watching().refresh_attributes()
            await self._executor.trials.look()
        except SiteError:
            connection = None  # why is told by whoever watches
        domains = self._state.domain_states() if inventory is not None else []
        domain_states = [(folder, await self._with_growth(s)) for folder, s in domains]
        skew_s = self._state.skew.total_seconds()
        side = self._protected
        return await findings(
            SiteUnderExamination(
                self.settings,
                self._permits,
                side,
                skew_s,
                connection,
                inventory,
                domain_states,
                self._state.devices.of,
                self._state.trials.inventory,
            )
        )

    # -- acting

    def check(self, command: c.AnyCommand) -> str | None:
        return self._executor.check(command)

    async def lacking(self, command: c.AnyCommand) -> str | None:
        folder, domain_state = self._state.find(command.domain, isinstance(command, OF_A_REMOVED_RECORD))
        missing = await self._permits.lacking(command, folder, domain_state, self._state.inventory())
        if missing is None and isinstance(command, c.AdoptTrialVms):
            return await self._executor.trials.look_at_strays(command) or None
        trials, test = self._state.trials.inventory, self.settings.test
        if missing is not None or test is None or trials is None:
            return missing
        user = self.settings.username
        if isinstance(command, c.EndTrial) and command.detach:
            return await trial_findings.lacking_to_detach(self._link.connected(), user, trials, domain_state)
        if not isinstance(command, c.StartTrial):
            return None
        return await trial_findings.lacking(self._link.connected(), user, test, trials, [domain_state])

    async def execute(self, command: c.AnyCommand, begun: TaskBegun | None = None) -> str:
        if isinstance(command, c.MakePlannedCall):
            self._rounds.begins(command.domain, command.call)
        return await self._executor.carry_out(command, begun)

    def maintenance_due(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        return self._rounds.due(now)

    async def close(self) -> None:
        self._loop.close()
        self._executor.user_events.close()
        self._memories.close()
        await self._state.folders.close()
        if self._protected is not None:
            await self._protected.close()
        await self._link.close()
