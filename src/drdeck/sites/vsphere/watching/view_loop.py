"""The loop of a vSphere site's views: one long poll, and all that is looked at beside it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from drdeck.config.readiness import Readiness, parse_readiness
from drdeck.config.settings import VSphereSettings
from drdeck.model.domains import Domain
from drdeck.model.views import SiteView
from drdeck.sites.contract import SiteError, SiteUnreachable
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.inventory.domain_folders import domain_folders
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.lease_keeper import LeaseKeeper
from drdeck.sites.vsphere.protected_site import ProtectedVCenter
from drdeck.sites.vsphere.record.attribute_names import FAILOVER
from drdeck.sites.vsphere.trial_work import TrialWork, keep_looking
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.resting import rest
from drdeck.sites.vsphere.view.site_state import SiteState
from drdeck.sites.vsphere.view.site_views import SiteViews, moving

from .readiness_probes import ReadinessProbes
from .site_link import SiteLink
from .view_demand import ViewDemand

TICK_S = 0.5
"""How often time alone can bring something while a domain is under way."""
LOOKS = 6.0
"""Between two views pass so many times what the last one took, unless a domain waits for the next one."""
HURRIED_LOOKS = 2.0
"""The same where one does: news of many domains come one by one, and each view is of all of them."""
DEVICES_S = 1.0
"""Between two looks for VMs whose devices are not known."""
BUSY_S = 1.0
"""Between two questions after the tasks of VMs that were busy."""
QUIET_S = 30.0
"""How often the view is made anew while nothing goes on."""
REST = 1000.0
"""So many times what that took passes before it is made anew again: 0.1 % of a core at any size."""


class ViewLoop:
    """Views of a site, numbered: each time anything differs, while the connection lasts.

    `on_records` is given the domains as their records tell them, before their VMs are read.
    """

    def __init__(
        self,
        link: SiteLink,
        demand: ViewDemand,
        state: SiteState,
        views: SiteViews,
        guard: GuardService,
        leases: LeaseKeeper,
        trials: TrialWork,
        protected: ProtectedVCenter | None,
        on_records: Callable[[tuple[Domain, ...]], None],
    ) -> None:
        self._link, self._demand, self._state, self._views = link, demand, state, views
        self._guard, self._leases, self._trials, self._protected = guard, leases, trials, protected
        self._on_records = on_records
        self._serial = 0
        self._asked_busy = 0.0
        self._pumped = False
        """what the inventory holds was read by this watching, not by one before it"""
        self._readiness = readiness_in(state.settings)
        self._probes = ReadinessProbes(demand.wake.set)
        state.reached = lambda: self._probes.reached

    async def watch(self) -> AsyncIterator[SiteView]:
        watch, self._pumped = self._link.watching(), False
        pump = asyncio.create_task(self._pump(watch), name="inventory")
        beats = asyncio.create_task(self._listen(), name="heartbeat")
        leases = asyncio.create_task(self._leases.keep(watch), name="leases")
        guard = asyncio.create_task(self._guard.run(watch, self._link.connected()), name="guard")
        devices = asyncio.create_task(self._read_devices(watch), name="devices")
        trials = asyncio.create_task(self._look_at_trials(), name="test folder")
        last_view: SiteView | None = None
        quiet_since, quiet_s, anew = asyncio.get_running_loop().time(), QUIET_S, True
        try:
            while True:
                self._demand.wake.clear()
                if pump.done():
                    pump.result()
                if beats.done():
                    beats.result()
                began_s = time.thread_time()
                if watch.inventory is not None and self._pumped:
                    self._guard.saw(watch.inventory)
                    await self._spare_protected()
                    self._probe()
                    self._demand.viewed = watch.inventory.serial
                    latest = self._views.view(watch.inventory, self._serial)
                    if anew:
                        quiet_s, anew = max(QUIET_S, REST * (time.thread_time() - began_s)), False
                    if last_view is None or self._demand.forced or _differs(last_view, latest):
                        self._demand.forced = False
                        last_view = self._numbered(latest)
                        yield last_view
                await self._ask_busy(watch)
                # what comes in the meantime is seen together: a view costs more with every VM
                took_s = time.thread_time() - began_s
                await rest(LOOKS * took_s, self._demand.hurried, HURRIED_LOOKS * took_s)
                hurried = last_view is not None and any(moving(d) for d in last_view.domains)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S if hurried else QUIET_S):
                        await self._demand.wake.wait()
                clock = asyncio.get_running_loop().time()
                if clock - quiet_since > quiet_s:
                    quiet_since, anew = clock, True
                    self._views.forget()
        except SiteUnreachable as lost:
            self._link.cut_off(lost, self._pumped)
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
            folders = await self._link.connected().poll(
                lambda session: domain_folders(session, watch.root_path), "read the domains' folders"
            )
            self._on_records(self._views.by_records(folders))

    def _probe(self) -> None:
        """Look who answers, where the settings want that."""
        if any(readiness.is_probed for readiness in self._readiness):
            self._probes.follow(domain_state for _, domain_state in self._state.domain_states())

    async def _ask_busy(self, watch: InventoryWatch) -> None:
        """Ask after the tasks of VMs that were busy: vCenter does not tell that they are over."""
        now = asyncio.get_running_loop().time()
        if watch.busy and now - self._asked_busy >= BUSY_S:
            self._asked_busy = now
            await watch.ask_tasks(watch.busy)

    async def _read_devices(self, watch: InventoryWatch) -> None:
        """Read what rollbacks do not cover, beside everything else; where that fails, later again."""
        devices, looked = self._state.devices, 0
        while True:
            inventory = watch.inventory
            if inventory is None or inventory.serial == looked:
                await asyncio.sleep(DEVICES_S)
                continue
            looked = inventory.serial
            await self._read_places(inventory)
            for piece in devices.pieces(self._views.settled_vms(inventory)):
                before = devices.serial

                def read(session: VCenterSession, vms: Sequence[VmFacts] = piece) -> None:
                    devices.read(session, vms)

                try:
                    await self._link.connected().poll(read, "read the VMs' devices")
                except SiteError:
                    looked = 0  # later again
                    await asyncio.sleep(DEVICES_S)
                    break
                self._guard.owners_read()
                if devices.serial != before:
                    self._demand.wake.set()

    async def _read_places(self, inventory: Inventory) -> None:
        """Read where networks are that share a name; what may not be read stays told apart by its id."""
        places = self._state.network_places
        if unread := places.unread(inventory):
            with contextlib.suppress(SiteError):
                await self._link.connected().poll(
                    lambda session: places.read(session, unread), "read where networks are"
                )
                self._demand.wake.set()

    async def _look_at_trials(self) -> None:
        """See the test folder, where the settings have one; the long poll does not see it."""
        if self._state.settings.test is None:
            return
        await keep_looking(self._trials, self._demand.wake.set, asyncio.sleep)

    async def _listen(self) -> None:
        assert self._state.heart is not None
        try:
            await self._state.heart.run()
        finally:
            self._demand.wake.set()

    async def _pump(self, watch: InventoryWatch) -> None:
        try:
            await self._show_records(watch)
            async for inventory in watch.changes():
                if not self._pumped:
                    await watch.ask_tasks(_at_work(inventory))
                    with contextlib.suppress(SiteError):
                        await self._trials.look()
                self._guard.saw(watch.inventory or inventory)
                self._pumped = True
                self._demand.read()
        finally:
            self._demand.wake.set()

    async def observe(self) -> SiteView:
        """A view of what is read now, once all that is under way is answered. Raises SiteUnreachable."""
        watch = self._link.watching()
        await self._link.connected().settle()
        self._guard.saw(await watch.refresh())
        await self._spare_protected()
        await self._trials.look()
        self._demand.show()
        return self._numbered(self._views.view(self._state.inventory(), self._serial))

    async def _spare_protected(self) -> None:
        """Nothing is read at the protected site while a Force Failover goes on: it is taken for lost.

        It serves other domains too: theirs stay as they were seen last, but a Planned Failover under way
        needs it, and is given it.
        """
        if self._protected is not None:
            await self._protected.leave_in_peace(self._state.forced())

    def _numbered(self, latest: SiteView) -> SiteView:
        self._serial += 1
        return msgspec.structs.replace(latest, serial=self._serial)

    def close(self) -> None:
        """Probe no more."""
        self._probes.close()


def _at_work(inventory: Inventory) -> list[str]:
    """Ids of the VMs of domains in which something may be under way."""
    begun = [folder for folder in inventory.domains if folder.attributes.get(FAILOVER)]
    return [vm.id for folder in begun for vm in inventory.vms_of(folder.id)]


def readiness_in(settings: VSphereSettings) -> frozenset[Readiness]:
    """All conditions for VMs to count as ready that the settings have."""
    texts: set[str | None] = set()
    for domain in settings.domains.values():
        texts |= {domain.ready, *domain.ready_of.values(), *(group.ready for group in domain.runbook)}
    return frozenset(parse_readiness(text) for text in texts if text is not None)


def _differs(a: SiteView, b: SiteView) -> bool:
    return a.domains != b.domains or a.warnings != b.warnings
