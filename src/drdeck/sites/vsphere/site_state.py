"""The state of a vSphere site, made into the view that consoles show."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from drdeck.config.settings import VSphereSettings
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain, FailoverType
from drdeck.model.guard import Change
from drdeck.model.pitr import Points, why_unreachable, window_start
from drdeck.model.text import names
from drdeck.model.times import show_spaced, to_millisecond
from drdeck.model.views import SiteClock, SiteView
from drdeck.sites.contract import Refused, SiteUnreachable
from drdeck.sites.vsphere.guard import point_marks
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.inventory.disk_growth import DiskGrowth
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.inventory.network_places import NetworkPlaces
from drdeck.sites.vsphere.inventory.trial_inventory import TrialFolder
from drdeck.sites.vsphere.inventory.uncovered_devices import UncoveredDevices
from drdeck.sites.vsphere.plan import domain_view, restore_points
from drdeck.sites.vsphere.plan.domain_alarms import FirstSeen, templates
from drdeck.sites.vsphere.plan.domain_state import DomainState, ProtectedVms
from drdeck.sites.vsphere.plan.maintenance import half_made
from drdeck.sites.vsphere.plan.place_limits import limited
from drdeck.sites.vsphere.plan.planner import plan
from drdeck.sites.vsphere.plan.vm_rows import VmRows
from drdeck.sites.vsphere.plan.write_hints import with_growth
from drdeck.sites.vsphere.record.attribute_names import FAILOVER, LEASE
from drdeck.sites.vsphere.record.attributes import BrokenRecord, RecordCache
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.kept.run_view import kept_runs
from drdeck.sites.vsphere.record.leases import lease_record
from drdeck.sites.vsphere.vcenter.calls.call_arguments import OTHERS
from drdeck.sites.vsphere.vcenter.heartbeat import Heartbeat, steady_utc

from .folder_memory import FolderMemory
from .protected_site import ProtectedVCenter

KIND = "vsphere"
_FOR_EVER = datetime.max.replace(tzinfo=UTC)
CLOCK = timedelta(seconds=0.4)
"""So often a domain is built anew for the clock's sake alone, whatever happens at others."""


def utcnow() -> datetime:
    """Nobody can set it; how far it is off is in the heartbeat's offset."""
    return steady_utc()


class Failure(NamedTuple):
    """An act that a VM did not do, in the vCenter's words; `times` in a row since `since`."""

    kind: str
    text: str
    since: datetime
    times: int = 1

    @property
    def says(self) -> str:
        if self.times == 1:
            return self.text
        return f"{self.text} (failed {self.times} times since {self.since:%Y-%m-%d %H:%M}Z)"

    def over(self, vm: VmFacts) -> bool:
        """Tell whether somebody else has done it meanwhile."""
        return (self.kind, vm.power) in (("power_on", "on"), ("power_off", "off"))


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


class SiteState:
    """The site as its inventory, its records, the protected site and the clock tell it.

    `watch` is None while there is no connection; `heart` knows the vCenter's clock; `errors`: what
    VMs did not do, by id.
    """

    def __init__(
        self,
        name: str,
        settings: VSphereSettings,
        protected: ProtectedVCenter | None,
        me: str = "",
        state: Path | None = None,
    ) -> None:
        self.name, self.settings, self.protected, self.me = name, settings, protected, me
        self.watch: InventoryWatch | None = None
        self.heart: Heartbeat | None = None
        self.guard: GuardService | None = None
        self._told_skew = timedelta()
        self.folders = FolderMemory(state)
        self.growth = DiskGrowth()
        self.devices = UncoveredDevices()
        self.network_places = NetworkPlaces()
        self.trials = TrialFolder(settings.test)
        self.reached: Callable[[], frozenset[str]] = frozenset
        """ids of the VMs that answered"""
        self.silent: Mapping[str, datetime] = {}
        """other drivers that have no session at vCenter any more, and since when that is known"""
        self.errors: dict[str, Failure] = {}
        self._since: dict[str, dict[tuple[str, str | None], datetime]] = {}
        self._built: dict[str, Built] = {}
        self._rows: dict[str, VmRows] = {}
        self._records = RecordCache()

    @property
    def skew(self) -> timedelta:
        """The time by which vCenter's clock is ahead of ours."""
        return self.heart.skew if self.heart is not None else timedelta()

    def now(self) -> datetime:
        """The vCenter's clock, to the millisecond."""
        return to_millisecond(utcnow() + (self.heart.offset if self.heart is not None else timedelta()))

    def inventory(self) -> Inventory:
        """The inventory as it was seen last. Raises SiteUnreachable before anything was."""
        if self.watch is None:
            raise SiteUnreachable("drdeck is not connected to this site now")
        if self.watch.inventory is None:
            raise SiteUnreachable("the site was not seen yet since drdeck connected to it")
        return self.watch.inventory

    def failed(self, vm: str, kind: str, text: str) -> None:
        """A VM, by id, did not do an act of that kind."""
        failure = self.errors.get(vm)
        if failure is not None and failure.kind == kind:
            self.errors[vm] = failure._replace(text=text, times=failure.times + 1)
        else:
            self.errors[vm] = Failure(kind, text, self.now())

    def forget(self) -> None:
        """Build every domain anew at the next look; of what is not there any more nothing is kept."""
        self._built.clear()
        there = self.watch.inventory if self.watch is not None else None
        if there is not None:
            self._rows = {folder: rows for folder, rows in self._rows.items() if folder in there.folders}
            self._records.keep(there.folders)
            self._since = {folder: seen for folder, seen in self._since.items() if folder in there.folders}
            self.growth.keep(there.vms.values())
            self.devices.keep(there.vms.values())
            self.errors = {vm: error for vm, error in self.errors.items() if vm in there.vms}

    def view(self, inventory: Inventory, serial: int) -> SiteView:
        warnings = []
        if self.settings.insecure:
            warnings.append("certificate not checked")
        if self.settings.protected is not None and self.settings.protected.insecure:
            warnings.append("protected site's certificate not checked")
        if abs(self.skew - self._told_skew) >= timedelta(seconds=1):
            self._told_skew = self.skew  # else the figure would change to and fro
        if abs(self._told_skew.total_seconds()) > 5:
            warnings.append(f"clocks differ by {abs(self._told_skew.total_seconds()):.0f} s")
        strays = [vm for vm in inventory.strays if not vm.template]
        if strays:
            warnings.append(f"in no domain's folder: {names(strays)}")
        folders = ((folder.name, folder.attributes) for folder in inventory.domains)
        # before the clock: nothing in them may be later than it
        domains = tuple(self.domain(inventory, folder) for folder in inventory.domains)
        return SiteView(
            site=self.name,
            kind=KIND,
            serial=serial,
            clock=SiteClock(site=self.now(), real=datetime.now(UTC)),
            domains=domains,
            warnings=tuple(warnings),
            address=host_of(self.settings.url),
            user=self.settings.username,
            runs=kept_runs(inventory.root.attributes, folders, self.me, self.silent),
        )

    def by_records(self, folders: Iterable[FolderFacts]) -> tuple[Domain, ...]:
        """The domains as far as their folders' records tell, before any VM was read."""
        addresses = (host_of(self.settings.url), self.protected.address if self.protected else "")
        domains = []
        for folder in folders:
            settings = self.settings.domain(self.folders.settings_name(folder, self.settings.domains))
            try:
                if removed := self.removed(folder):
                    raise BrokenRecord(removed)
                domain = domain_view.unread(folder, self._record(folder), settings.pitr.policy(), addresses)
            except BrokenRecord as error:
                broken = domain_view.broken(folder, (), str(error), lambda *_: self.now(), bool(removed))
                domain = msgspec.structs.replace(broken, unread=True)
            domains.append(domain)
        return tuple(domains)

    def domain(self, inventory: Inventory, folder: FolderFacts) -> Domain:
        """Built anew only when something it depends on has changed, or time may change it."""
        vms, now = inventory.vms_of(folder.id), self.now()
        protected = self._protected_of(folder.name)
        self.folders.follow(folder, now)
        failed = self.errors  # most often none
        errors = (
            {vm.id: e.says for vm in vms if (e := failed.get(vm.id)) and not e.over(vm)} if failed else {}
        )
        guarded = self.guard.alarms(folder.id) if self.guard is not None else ()
        if self.settings.domain(self.folders.settings_name(folder, self.settings.domains)).tool == "manual":
            guarded = tuple(map(_of_the_tool, guarded))
        beside = (
            self.devices.serial,
            self.reached(),
            self.silent,
            self.trials.serial,
            self.network_places.serial,
            inventory.templates_of(folder.id),
        )
        depends = (folder, vms, protected, errors, inventory.networks, guarded, beside)
        last = self._built.get(folder.id)
        if last is not None and last.holds(now) and _same(last.depends, depends):
            return last.domain
        until = _FOR_EVER

        before = self._since.get(folder.id, {})
        since: dict[tuple[str, str | None], datetime] = {}

        def first_seen(kind: str, vm: str | None) -> datetime:
            return since.setdefault((kind, vm), before.get((kind, vm)) or self.now())

        try:
            if removed := self.removed(folder):
                raise BrokenRecord(removed)
            situation = self._situation(folder, vms, protected)
        except BrokenRecord as error:
            domain = domain_view.broken(folder, vms, str(error), first_seen, bool(removed))
        else:
            addresses = (host_of(self.settings.url), self.protected.address if self.protected else "")
            limits = self.settings.per_host, self.settings.per_datastore, self.settings.places.delete
            work = limited(plan(situation), vms, *limits)
            rows = self._rows.setdefault(folder.id, VmRows()).of(
                situation, inventory, errors, self.devices.of
            )
            half = half_made(situation)
            until = _FOR_EVER if half is None else half[1]
            domain = domain_view.build(situation, folder, inventory, work, rows, first_seen, addresses)
            words = folder.attributes.get(LEASE) if situation.record.under_way else None
            left = lease_record.abandoned_by(words, self.me, self.now(), self.silent)
            beside_it = (*self._renamed(folder, first_seen), *templates(inventory, folder, first_seen))
            alarms = (*domain.alarms, *beside_it, *guarded)
            domain = msgspec.structs.replace(domain, driver=self.driver(folder), left_by=left, alarms=alarms)
            if places := self.network_places.of(inventory.networks):
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

    def removed(self, folder: FolderFacts) -> str:
        """Words for a record that somebody removed from its folder; empty: none was."""
        attributes = self.folders.removed(folder)
        if not attributes:
            return ""
        as_of = self.folders.last(folder.id)[1]
        when = "" if as_of is None else f", as of {show_spaced(as_of.replace(microsecond=0))},"
        return (
            f"somebody removed {attributes} from its folder in vCenter, and with it what drdeck does here;"
            f" have the last record{when} written back with: drdeck record restore "
            f'"{folder.name}"; if the removal was meant: drdeck record accept "{folder.name}"'
        )

    def _renamed(self, folder: FolderFacts, first_seen: FirstSeen) -> list[Alarm]:
        """The alarm of a folder that has another name than its settings."""
        settings_name = self.folders.settings_name(folder, self.settings.domains)
        if settings_name == unicodedata.normalize("NFC", folder.name):
            return []
        text = (
            f'its folder was renamed in vCenter from "{settings_name}" to "{folder.name}"; it keeps the'
            f' settings of "{settings_name}". Give the folder its name back, or rename the table there'
        )
        since = first_seen("renamed", None)
        return [Alarm(time=since, severity=Severity.WARNING, vm=None, kind="folder_renamed", text=text)]

    def driver(self, folder: FolderFacts) -> str | None:
        """Another driver of a domain now, in words; None: there is none."""
        return lease_record.lease_holder(
            folder.attributes.get(LEASE), self.me, self.now(), silent=self.silent
        )

    def forced(self, domain: str = "") -> bool:
        """Tell whether nothing may be read at the protected site: a Force Failover of this domain, or of any,
        is under way, and no Planned Failover needs it."""
        records = []
        for folder in self.inventory().domains:
            if folder.attributes.get(FAILOVER) and domain in ("", folder.name):
                with contextlib.suppress(BrokenRecord):
                    records.append(self._record(folder))
        begun = [(r.failover.type, r.owned) for r in records if r.failover is not None and r.completing]
        needed = (FailoverType.PLANNED, False) in begun
        return not needed and any(kind is FailoverType.FORCE for kind, _ in begun)

    def drives(self, who: str) -> bool:
        """Tell whether another driver is at work on any domain, as far as was seen."""
        inventory = self.watch.inventory if self.watch is not None else None
        folders = inventory.domains if inventory is not None else ()
        leases = [lease_record.parse(folder.attributes.get(LEASE)) for folder in folders]
        at_work = any(value is not None and value.by == who and value.until > self.now() for value in leases)
        return at_work and who not in self.silent

    def other_tires(self, folder: FolderFacts, within_s: float) -> bool:
        """Tell whether the time of another driver is over, or will be so soon, as far as was seen."""
        words = folder.attributes.get(LEASE)
        value = lease_record.parse(words) if words else None  # asked of all domains again and again
        return (
            value is not None
            and value.by != self.me
            and (value.until - self.now()).total_seconds() < within_s
        )

    def _protected_of(self, domain: str) -> ProtectedVms | None:
        return None if self.protected is None else self.protected.of(domain)

    def _situation(
        self, folder: FolderFacts, vms: tuple[VmFacts, ...], protected: ProtectedVms | None
    ) -> DomainState:
        return DomainState(
            name=folder.name,
            record=self._record(folder),
            vms=vms,
            settings=self.settings.domain(self.folders.settings_name(folder, self.settings.domains)),
            protected=protected,
            now=self.now(),
            reached=self.reached(),
            trials=self.trials.seen,
            trial_settings=self.settings.test,
            root=self.watch.inventory.root.id if self.watch and self.watch.inventory else "",
            others_to=self._others_to(),
        )

    def _others_to(self) -> str:
        """The id of the one network that the settings name for all others."""
        name = self.settings.networks.get(OTHERS)
        inventory = self.watch.inventory if self.watch is not None and name else None
        if inventory is None:
            return ""
        return next((n.id for n in inventory.networks.values() if n.name == name), "")

    def _record(self, folder: FolderFacts) -> Record:
        """A domain's record, read once for each change of it. Raises BrokenRecord."""
        return self._records.of(folder.id, folder.attributes)

    def situations(self, begun: bool = False) -> list[tuple[FolderFacts, DomainState]]:
        """The domains whose records make sense, each with its situation; `begun`: only those that have one.

        Raises SiteUnreachable.
        """
        inventory, situations = self.inventory(), []
        for folder in inventory.domains:
            if (begun and not folder.attributes) or self.removed(folder):
                continue
            with contextlib.suppress(BrokenRecord):
                vms = inventory.vms_of(folder.id)
                situations.append((folder, self._situation(folder, vms, self._protected_of(folder.name))))
        return situations

    def folder(self, name: str) -> FolderFacts:
        """A domain's folder now. Raises Refused, SiteUnreachable."""
        folder = next((f for f in self.inventory().domains if f.name == name), None)
        if folder is None:
            raise Refused(f'there is no domain folder "{name}" under {self.settings.root} any more')
        return folder

    def find(self, name: str, even_removed: bool = False) -> tuple[FolderFacts, DomainState]:
        """A domain's folder and situation now; `even_removed`: also without its record. Raises Refused,
        SiteUnreachable."""
        folder = self.folder(name)
        removed = "" if even_removed else self.removed(folder)
        if removed:
            raise Refused(f'"{name}": {removed}')
        try:
            vms = self.inventory().vms_of(folder.id)
            return folder, self._situation(folder, vms, self._protected_of(name))
        except BrokenRecord as error:
            if even_removed and self.removed(folder):  # what is left of it may make no sense
                bare = msgspec.structs.replace(folder, attributes={})
                return folder, self._situation(bare, vms, self._protected_of(name))
            raise Refused(str(error)) from None

    def points(self, domain: str) -> Points:
        folder, s = self.find(domain)
        now = self.now()
        view = self.domain(self.inventory(), folder)
        vms = tuple(self.growth.of(vm) for vm in s.session_vms())
        offered = tuple(
            restore_points.describe(vms, instant, kind, s.record)
            for instant, kind in (
                restore_points.instants(vms, s.record, s.now) if s.settings.pitr.enabled else ()
            )
            if why_unreachable(view, instant, now) is None
        )
        since = window_start(view, now)
        foreign = self.guard.foreign(folder.id) if self.guard is not None else ()
        points, removed = point_marks.marked(with_growth(offered, vms, s.record, since), foreign)
        disturbed = [*removed, *point_marks.made(vms, s.record, foreign)]
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


def host_of(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0]


def moving(domain: Domain) -> bool:
    """Tell whether time alone may change what is shown."""
    return (
        domain.phase is not None
        or domain.question is not None
        or domain.driver is not None
        or domain.trial is not None
    )


def _same(a: tuple[object, ...], b: tuple[object, ...]) -> bool:
    """Facts that did not change are the same objects, which is quick to see."""
    folder_a, vms_a, *rest_a = a
    folder_b, vms_b, *rest_b = b
    assert isinstance(vms_a, tuple) and isinstance(vms_b, tuple)
    return (
        folder_a == folder_b
        and len(vms_a) == len(vms_b)
        and (vms_a is vms_b or all(x is y for x, y in zip(vms_a, vms_b, strict=True)))
        and rest_a == rest_b
    )
