"""The view of a vSphere site that consoles show: its domains, built out of its state."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain
from drdeck.model.guard import Change
from drdeck.model.pitr import Points, why_unreachable, window_start
from drdeck.model.text import names
from drdeck.model.views import SiteClock, SiteView
from drdeck.sites.vsphere.guard import point_marks
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.plan import domain_view, restore_points
from drdeck.sites.vsphere.plan.domain_alarms import FirstSeen, templates
from drdeck.sites.vsphere.plan.maintenance import half_made
from drdeck.sites.vsphere.plan.place_limits import limited
from drdeck.sites.vsphere.plan.planner import plan
from drdeck.sites.vsphere.plan.vm_rows import VmRows
from drdeck.sites.vsphere.plan.write_hints import with_growth
from drdeck.sites.vsphere.record.attribute_names import LEASE
from drdeck.sites.vsphere.record.attributes import AttributeCache, BrokenRecord
from drdeck.sites.vsphere.record.kept.run_slots import read_marks
from drdeck.sites.vsphere.record.kept.run_view import kept_runs
from drdeck.sites.vsphere.record.leases import lease_record

from .site_state import SiteState, host_of

KIND = "vsphere"
_FOR_EVER = datetime.max.replace(tzinfo=UTC)
CLOCK = timedelta(seconds=0.4)
"""So often a domain is built anew for the clock's sake alone, whatever happens at others."""


class Built(NamedTuple):
    """A domain, what it was built of, and when by the site's clock; where nothing goes on, the clock alone
    changes nothing before `until`."""

    depends: tuple[object, ...]
    domain: Domain
    at: datetime
    until: datetime

    def holds(self, now: datetime) -> bool:
        """Tell whether the clock alone has brought nothing since that is to be shown."""
        return self.at <= now < self.until and (now - self.at < CLOCK or not moving(self.domain))


class SiteViews:
    """The views of a site. A domain that nothing has changed is the same object in the next one."""

    def __init__(self, state: SiteState) -> None:
        self._state = state
        self._shown_skew = timedelta()
        self._since: dict[str, dict[tuple[str, str | None], datetime]] = {}
        self._built: dict[str, Built] = {}
        self._rows: dict[str, VmRows] = {}
        self._marks = AttributeCache(read_marks)

    def forget(self) -> None:
        """Build every domain anew at the next look; of what is not there any more nothing is kept."""
        self._built.clear()
        there = self._state.watch.inventory if self._state.watch is not None else None
        if there is not None:
            self._marks.keep(there.folders)
            self._rows = {folder: rows for folder, rows in self._rows.items() if folder in there.folders}
            self._since = {folder: seen for folder, seen in self._since.items() if folder in there.folders}
        self._state.forget()

    def view(self, inventory: Inventory, serial: int) -> SiteView:
        state = self._state
        warnings = []
        if state.settings.insecure:
            warnings.append("certificate not checked")
        if state.settings.protected is not None and state.settings.protected.insecure:
            warnings.append("protected site's certificate not checked")
        if abs(state.skew - self._shown_skew) >= timedelta(seconds=1):
            self._shown_skew = state.skew  # else the figure would change to and fro
        if abs(self._shown_skew.total_seconds()) > 5:
            warnings.append(f"clocks differ by {abs(self._shown_skew.total_seconds()):.0f} s")
        strays = [vm for vm in inventory.strays if not vm.template]
        if strays:
            warnings.append(f"in no domain's folder: {names(strays)}")
        marks = ((folder.name, self._marks.of(folder.id, folder.attributes)) for folder in inventory.domains)
        # before the clock: nothing in them may be later than it
        now, beside = state.now(), self._beside()
        domains = tuple(self._domain(inventory, folder, now, beside) for folder in inventory.domains)
        return SiteView(
            site=state.name,
            kind=KIND,
            serial=serial,
            clock=SiteClock(site=state.now(), real=datetime.now(UTC)),
            domains=domains,
            warnings=tuple(warnings),
            address=host_of(state.settings.url),
            user=state.settings.username,
            runs=kept_runs(inventory.root.attributes, marks, state.me, state.silent),
        )

    def by_records(self, folders: Iterable[FolderFacts]) -> tuple[Domain, ...]:
        """The domains as far as their folders' records tell, before any VM was read."""
        state = self._state
        domains = []
        for folder in folders:
            settings = state.domain_settings(folder)
            try:
                if removed := state.removed(folder):
                    raise BrokenRecord(removed)
                domain = domain_view.unread(
                    folder, state.record(folder), settings.pitr.policy(), state.addresses
                )
            except BrokenRecord as error:
                broken = domain_view.broken(folder, (), str(error), lambda *_: state.now(), bool(removed))
                domain = msgspec.structs.replace(broken, unread=True)
            domains.append(domain)
        return tuple(domains)

    def domain(self, inventory: Inventory, folder: FolderFacts) -> Domain:
        """Built anew only when something it depends on has changed, or time may change it."""
        return self._domain(inventory, folder, self._state.now(), self._beside())

    def _beside(self) -> tuple[object, ...]:
        """The rest that each domain depends on: the same for all of a view, which may be many."""
        state = self._state
        return (
            state.devices.serial,
            state.reached(),
            state.silent,
            state.trials.serial,
            state.folders.forgotten,
            state.network_places.serial,
        )

    def _domain(
        self, inventory: Inventory, folder: FolderFacts, now: datetime, beside: tuple[object, ...]
    ) -> Domain:
        state = self._state
        vms, protected = inventory.vms_of(folder.id), state.protected_of(folder.name)
        state.folders.follow(folder, now)
        failed = state.errors  # most often none
        errors = (
            {vm.id: e.says for vm in vms if (e := failed.get(vm.id)) and not e.over(vm)} if failed else {}
        )
        guarded = state.guard.alarms(folder.id, now) if state.guard is not None else ()
        templates_there = inventory.templates_of(folder.id)
        depends = (folder, vms, protected, errors, inventory.networks, guarded, templates_there, beside)
        last = self._built.get(folder.id)
        if last is not None and last.holds(now) and _same(last.depends, depends):
            return last.domain
        until = _FOR_EVER
        if state.domain_settings(folder).tool == "manual":
            guarded = tuple(map(_of_the_tool, guarded))

        before = self._since.get(folder.id, {})
        since: dict[tuple[str, str | None], datetime] = {}

        def first_seen(kind: str, vm: str | None) -> datetime:
            return since.setdefault((kind, vm), before.get((kind, vm)) or state.now())

        try:
            if removed := state.removed(folder):
                raise BrokenRecord(removed)
            domain_state = state.domain_state(folder, vms, protected)
        except BrokenRecord as error:
            domain = domain_view.broken(folder, vms, str(error), first_seen, bool(removed))
        else:
            settings = state.settings
            limits = settings.per_host, settings.per_datastore, settings.places.delete
            work = limited(plan(domain_state), vms, *limits)
            rows = self._rows.setdefault(folder.id, VmRows()).of(
                domain_state, inventory, errors, state.devices.of
            )
            half = half_made(domain_state)
            until = _FOR_EVER if half is None else half[1]
            domain = domain_view.build(
                domain_state, folder, inventory, work, rows, first_seen, state.addresses
            )
            words = folder.attributes.get(LEASE) if domain_state.record.under_way else None
            left = lease_record.abandoned_by(words, state.me, state.now(), state.silent)
            beside_it = (*self._renamed(folder, first_seen), *templates(inventory, folder, first_seen))
            alarms = (*domain.alarms, *beside_it, *guarded)
            domain = msgspec.structs.replace(domain, holder=state.holder(folder), left_by=left, alarms=alarms)
            if places := state.network_places.of(inventory.networks):
                networks = msgspec.structs.replace(domain.networks, places=places)
                domain = msgspec.structs.replace(domain, networks=networks)
        self._since[folder.id] = since
        self._built[folder.id] = Built(depends, domain, now, until)
        return domain

    def settled_vms(self, inventory: Inventory) -> Iterator[VmFacts]:
        """The VMs, but those of domains that are under way: their configurations change many times."""
        for folder in inventory.domains:
            built = self._built.get(folder.id)
            if built is None or built.domain.phase is None:
                yield from inventory.vms_of(folder.id)

    def _renamed(self, folder: FolderFacts, first_seen: FirstSeen) -> list[Alarm]:
        """The alarm of a folder that has another name than its settings."""
        settings_name = self._state.folders.settings_name(folder, self._state.settings.domains)
        if settings_name == unicodedata.normalize("NFC", folder.name):
            return []
        text = (
            f'its folder was renamed in vCenter from "{settings_name}" to "{folder.name}"; it keeps the'
            f' settings of "{settings_name}". Give the folder its name back, or rename the table there'
        )
        since = first_seen("renamed", None)
        return [Alarm(time=since, severity=Severity.WARNING, vm=None, kind="folder_renamed", text=text)]

    def points(self, domain: str) -> Points:
        state = self._state
        folder, s = state.find(domain)
        now = state.now()
        view = self.domain(state.inventory(), folder)
        vms = tuple(state.growth.of(vm) for vm in s.session_vms())
        offered = tuple(
            restore_points.describe(vms, instant, kind, s.record)
            for instant, kind in (
                restore_points.instants(vms, s.record, s.now) if s.settings.pitr.enabled else ()
            )
            if why_unreachable(view, instant, now) is None
        )
        since = window_start(view, now)
        foreign = state.guard.foreign(folder.id) if state.guard is not None else ()
        points, removed = point_marks.marked(with_growth(offered, vms, s.record, since), foreign)
        disturbed = [*removed, *point_marks.foreign_snapshots(vms, s.record, foreign)]
        return Points(
            points=points,
            excluded=s.record.periods,
            disturbed=tuple(sorted(disturbed, key=lambda d: (d.time, d.vm), reverse=True)),
            window_from=since if s.settings.pitr.enabled else None,
            window_to=now if s.settings.pitr.enabled else None,
        )


_TOOL_DOES = (Change.SNAPSHOT, Change.CONFIG, Change.REVERTED, Change.DISK)


def _of_the_tool(alarm: Alarm) -> Alarm:
    """A foreign change that a replication tool may have made, whose jobs should be stopped: critical."""
    if alarm.kind not in _TOOL_DOES:
        return alarm
    text = f"{alarm.text} If it is the replication tool, its jobs are not stopped: see to that now."
    return msgspec.structs.replace(alarm, severity=Severity.CRITICAL, text=text)


def moving(domain: Domain) -> bool:
    """Tell whether time alone may change what is shown."""
    return (
        domain.phase is not None
        or domain.question is not None
        or domain.holder is not None
        or domain.trial is not None
    )


def _same(a: tuple[object, ...], b: tuple[object, ...]) -> bool:
    """Facts that did not change are the same objects, which is quick to see."""
    folder_a, vms_a, protected_a, errors_a, networks_a, *rest_a = a
    folder_b, vms_b, protected_b, errors_b, networks_b, *rest_b = b
    assert isinstance(vms_a, tuple) and isinstance(vms_b, tuple)
    return (
        (folder_a is folder_b or folder_a == folder_b)
        and len(vms_a) == len(vms_b)
        and (vms_a is vms_b or all(map(operator.is_, vms_a, vms_b)))
        and (protected_a is protected_b or protected_a == protected_b)
        and errors_a == errors_b
        and (networks_a is networks_b or networks_a == networks_b)
        and rest_a == rest_b
    )
