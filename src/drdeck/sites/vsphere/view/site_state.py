"""The state of a vSphere site: what is known of it now, and each domain's record and VMs in it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from drdeck.config.settings import DomainSettings, VSphereSettings
from drdeck.model.domains import FailoverType
from drdeck.model.times import show_spaced, to_millisecond
from drdeck.sites.contract import Refused, SiteUnreachable
from drdeck.sites.vsphere.folder_memory import FolderMemory
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.inventory.disk_growth import DiskGrowth
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.inventory.network_places import NetworkPlaces
from drdeck.sites.vsphere.inventory.trial_inventory import TrialFolder
from drdeck.sites.vsphere.inventory.uncovered_devices import UncoveredDevices
from drdeck.sites.vsphere.plan.domain_state import DomainState, ProtectedVms
from drdeck.sites.vsphere.protected_site import ProtectedVCenter
from drdeck.sites.vsphere.record.attribute_names import FAILOVER, LEASE
from drdeck.sites.vsphere.record.attributes import BrokenRecord, RecordCache
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.leases import lease_record
from drdeck.sites.vsphere.vcenter.calls.call_arguments import OTHERS
from drdeck.sites.vsphere.vcenter.heartbeat import Heartbeat, steady_utc

from .failover_members import FailoverMembers


def steady_now() -> datetime:
    """This machine's clock, which nobody can set; how far it is off is in the heartbeat's offset."""
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
        self.folders = FolderMemory(state)
        self.growth = DiskGrowth()
        self.devices = UncoveredDevices()
        self.network_places = NetworkPlaces()
        self.trials = TrialFolder(settings.test)
        self.reached: Callable[[], frozenset[str]] = frozenset
        """ids of the VMs that answered"""
        self.silent: Mapping[str, datetime] = {}
        """other holders that have no session at vCenter any more, and since when that is known"""
        self.errors: dict[str, Failure] = {}
        self._records = RecordCache()
        self._members = FailoverMembers()

    @property
    def skew(self) -> timedelta:
        """The time by which vCenter's clock is ahead of ours."""
        return self.heart.skew if self.heart is not None else timedelta()

    def now(self) -> datetime:
        """The vCenter's clock, to the millisecond."""
        return to_millisecond(steady_now() + (self.heart.offset if self.heart is not None else timedelta()))

    @property
    def addresses(self) -> tuple[str, str]:
        """Hosts of this site and of the protected one; empty: none is set."""
        return host_of(self.settings.url), self.protected.address if self.protected else ""

    def domain_settings(self, folder: FolderFacts) -> DomainSettings:
        return self.settings.domain(self.folders.settings_name(folder, self.settings.domains))

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
        """Keep nothing of what is not there any more."""
        there = self.watch.inventory if self.watch is not None else None
        if there is not None:
            self._records.keep(there.folders)
            self.growth.keep(there.vms.values())
            self.devices.keep(there.vms.values())
            self.errors = {vm: error for vm, error in self.errors.items() if vm in there.vms}

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

    def holder(self, folder: FolderFacts) -> str | None:
        """Another holder of a domain now, in words; None: there is none."""
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
                    records.append(self.record(folder))
        begun = [(r.failover.type, r.owned) for r in records if r.failover is not None and r.completing]
        needed = (FailoverType.PLANNED, False) in begun
        return not needed and any(kind is FailoverType.FORCE for kind, _ in begun)

    def drives(self, who: str) -> bool:
        """Tell whether another holder is at work on any domain, as far as was seen."""
        inventory = self.watch.inventory if self.watch is not None else None
        folders = inventory.domains if inventory is not None else ()
        leases = [lease_record.parse(folder.attributes.get(LEASE)) for folder in folders]
        at_work = any(value is not None and value.by == who and value.until > self.now() for value in leases)
        return at_work and who not in self.silent

    def other_tires(self, folder: FolderFacts, within_s: float) -> bool:
        """Tell whether the time of another holder is over, or will be so soon, as far as was seen."""
        words = folder.attributes.get(LEASE)
        value = lease_record.parse(words) if words else None  # asked of all domains again and again
        return (
            value is not None
            and value.by != self.me
            and (value.until - self.now()).total_seconds() < within_s
        )

    def protected_of(self, domain: str) -> ProtectedVms | None:
        return None if self.protected is None else self.protected.of(domain)

    def domain_state(
        self, folder: FolderFacts, vms: tuple[VmFacts, ...], protected: ProtectedVms | None
    ) -> DomainState:
        record, settings = self.record(folder), self.domain_settings(folder)
        now = self.now()
        names, since = self._members.vanished(folder.id, record, vms, now)
        vanished = map(settings.protected_name_of, names)
        return DomainState(
            name=folder.name,
            record=record,
            vms=vms,
            settings=settings,
            vanished=tuple(name for name in vanished if name not in record.absent),
            vanished_since=since,
            protected=protected,
            now=now,
            reached=self.reached(),
            trials=self.trials.inventory,
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

    def record(self, folder: FolderFacts) -> Record:
        """A domain's record, read once for each change of it. Raises BrokenRecord."""
        return self._records.of(folder.id, folder.attributes)

    def domain_states(self, begun: bool = False) -> list[tuple[FolderFacts, DomainState]]:
        """The domains whose records make sense, each with its state; `begun`: only those that have one.

        Raises SiteUnreachable.
        """
        inventory, domain_states = self.inventory(), []
        for folder in inventory.domains:
            if (begun and not folder.attributes) or self.removed(folder):
                continue
            with contextlib.suppress(BrokenRecord):
                vms = inventory.vms_of(folder.id)
                domain_states.append((folder, self.domain_state(folder, vms, self.protected_of(folder.name))))
        return domain_states

    def folder(self, name: str) -> FolderFacts:
        """A domain's folder now. Raises Refused, SiteUnreachable."""
        folder = next((f for f in self.inventory().domains if f.name == name), None)
        if folder is None:
            raise Refused(f'there is no domain folder "{name}" under {self.settings.root} any more')
        return folder

    def find(self, name: str, even_removed: bool = False) -> tuple[FolderFacts, DomainState]:
        """A domain's folder and state now; `even_removed`: also without its record. Raises Refused,
        SiteUnreachable."""
        folder = self.folder(name)
        removed = "" if even_removed else self.removed(folder)
        if removed:
            raise Refused(f'"{name}": {removed}')
        try:
            vms = self.inventory().vms_of(folder.id)
            return folder, self.domain_state(folder, vms, self.protected_of(name))
        except BrokenRecord as error:
            if even_removed and self.removed(folder):  # what is left of it may make no sense
                bare = msgspec.structs.replace(folder, attributes={})
                return folder, self.domain_state(bare, vms, self.protected_of(name))
            raise Refused(str(error)) from None


def host_of(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0]
