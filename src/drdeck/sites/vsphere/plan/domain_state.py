"""A vSphere domain's state: all that a plan depends on, and the words that plans share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import msgspec

from drdeck.config.readiness import reachable_address
from drdeck.config.settings import DomainSettings, TrialSettings
from drdeck.model.domains import SessionState
from drdeck.model.text import brief, composed, names
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory, VmFacts
from drdeck.sites.vsphere.inventory.trial_inventory import TrialInventory
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.vcenter.calls.call_arguments import OTHERS, moving

from .parts.runbook_groups import group_number, groups, readiness_of
from .restore_points import point_name


class ProtectedVms(NamedTuple):
    """The protected site's VMs of a domain as they were seen last; `lost` says why they are not seen now."""

    vms: tuple[VmFacts, ...] = ()
    lost: str = ""
    owned: bool | None = None
    """the record of a drdeck there says that it owns the domain, or that it does not; None: there is none"""
    owned_since: datetime | None = None


class DomainState(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that a plan depends on."""

    name: str
    record: Record
    vms: tuple[VmFacts, ...]
    settings: DomainSettings
    protected: ProtectedVms | None = None
    now: datetime
    reached: frozenset[str] = frozenset()
    """ids of the VMs that answered, where the settings want that"""
    trials: TrialInventory | None = None
    """the test folder; None: it was not seen, or there is none"""
    trial_settings: TrialSettings | None = None
    root: str = ""
    """id of the root folder"""
    vanished: tuple[str, ...] = ()
    """protected names of the VMs that have gone since the failover in progress began, which its record does
    not tell yet"""
    vanished_since: datetime | None = None
    """the instant from which it is these"""
    others_to: str = ""
    """id of the network for cards on networks that are none of this vCenter's; empty: they are left"""

    @cached_property
    def moves(self) -> dict[str, str]:
        """The networks that cards are moved between, id -> id, by the record and the settings."""
        others = {OTHERS: self.others_to} if self.others_to else {}
        return moving({**self.record.networks, **others})

    @property
    def trial_prefix(self) -> str:
        return self.trial_settings.prefix if self.trial_settings is not None else "drdeck-test-"

    @property
    def trials_at_once(self) -> int:
        """Clones that are made at a time."""
        return self.trial_settings.at_once if self.trial_settings is not None else 1

    @property
    def trials_connected(self) -> bool:
        """Tell whether networks that are not isolated are allowed."""
        return self.trial_settings is not None and self.trial_settings.allow_connected

    @property
    def trials_end_themselves(self) -> bool:
        return self.trial_settings is not None and self.trial_settings.auto_end

    @cached_property
    def _skipped(self) -> frozenset[str]:
        return frozenset(self.record.skipped)

    @cached_property
    def _absent_replicas(self) -> dict[str, str]:
        """Id -> protected name, of the VMs whose replica was not there when the failover began."""
        by_name = {composed(self.settings.replica_of(name)): name for name in self.record.absent}
        names_here = {vm.id: composed(vm.plain_name) for vm in self.vms}
        return {vm_id: by_name[name] for vm_id, name in names_here.items() if name in by_name}

    @cached_property
    def _left_out(self) -> frozenset[str]:
        return frozenset((*self.record.left_out, *self.record.without, *self._absent_replicas))

    @cached_property
    def _members(self) -> tuple[VmFacts, ...]:
        return tuple(vm for vm in self.vms if vm.id not in self._left_out) if self._left_out else self.vms

    @cached_property
    def _in_time(self) -> frozenset[str]:
        """Ids of the VMs that were left out, can be used again, and whose runbook group is being started or
        still to come."""
        f = self.record.failover
        if (
            f is None
            or self.record.session is not None
            or f.phase not in ("take", "network", "power", "delay")
        ):
            return frozenset()
        first = f.g + (f.phase == "delay") if f.phase in ("power", "delay") else 0
        return frozenset(
            vm.id
            for vm in self.vms
            if vm.id in self._left_out
            and vm.connection == "connected"
            and self.joins_later(vm)
            and group_number(vm, self.settings) >= first
        )

    @cached_property
    def _living(self) -> tuple[VmFacts, ...]:
        if not self._skipped and not self._left_out:
            return self.vms
        out = self._skipped | (self._left_out - self._in_time)
        return tuple(vm for vm in self.vms if vm.id not in out)

    @cached_property
    def _session_vms(self) -> tuple[VmFacts, ...]:
        members = frozenset(self.record.session_vms)
        return tuple(vm for vm in self._members if not members or vm.id in members)

    @cached_property
    def _entry_name(self) -> str:
        """The name of the entry point that VMs of an open session have; empty where there is none yet."""
        session = self.record.session
        if session is None or session.entry is None or session.state is SessionState.WAITING:
            return ""
        return point_name(session.entry)

    @cached_property
    def _rollback_vms(self) -> tuple[VmFacts, ...]:
        members = frozenset(self.record.rollback_vms)
        return tuple(
            vm
            for vm in self._session_vms
            if (not members or vm.id in members) and vm.id not in self._skipped and not self.lacks_entry(vm)
        )

    @cached_property
    def _rolled_back_ids(self) -> frozenset[str]:
        return frozenset(vm.id for vm in self._rollback_vms)

    @cached_property
    def _group_names(self) -> dict[str, str]:
        """Runbook group by VM id."""
        return {vm.id: group.name for group in groups(self.vms, self.settings) for vm in group.vms}

    def is_left_out(self, vm: VmFacts) -> bool:
        """Tell whether the failover began without a VM."""
        return vm.id in self._left_out

    def joins_later(self, vm: VmFacts) -> bool:
        """Tell whether a VM that is left out is started once it can be used."""
        absent = self._absent_replicas.get(vm.id)
        if vm.id in self.record.without or (absent is not None and not self.record.absent[absent]):
            return False
        return vm.id in self._left_out

    def is_in_time(self, vm: VmFacts) -> bool:
        """Tell whether a VM that was left out can still be started with its runbook group."""
        return vm.id in self._in_time

    def absent_name(self, vm: VmFacts) -> str:
        """The name of the protected VM whose missing replica this is; empty for one that was there."""
        return self._absent_replicas.get(vm.id, "")

    def members(self) -> tuple[VmFacts, ...]:
        """The VMs that the failover began with, or that have joined it."""
        return self._members

    def protected_vms(self) -> tuple[VmFacts, ...]:
        """The protected site's VMs of the domain, but for those left out on an operator's word."""
        if self.protected is None:
            return ()
        out = {composed(vm.plain_name) for vm in self.vms if vm.id in self.record.without}
        absent = {composed(name) for name, joins in self.record.absent.items() if not joins}
        return tuple(vm for vm in self.protected.vms if not stays_out(self.settings, vm, out | absent))

    def is_skipped(self, vm: VmFacts) -> bool:
        """Tell whether the operator has given a VM up."""
        return vm.id in self._skipped

    def is_rolled_back(self, vm: VmFacts) -> bool:
        """Tell whether a rollback touches a VM."""
        return vm.id in self._rolled_back_ids

    def group_of(self, vm: VmFacts) -> str | None:
        """The runbook group of a VM; None where no runbook is set."""
        return self._group_names.get(vm.id) if self.settings.runbook else None

    def living(self) -> tuple[VmFacts, ...]:
        """The VMs that the operator has not given up."""
        return self._living

    def session_vms(self) -> tuple[VmFacts, ...]:
        return self._session_vms

    def lacks_entry(self, vm: VmFacts) -> bool:
        """A VM of a session that is open, on which its entry point is not: what it wrote could not be had
        back.

        Not the same as being given up: that holds for one operation, this for as long as the point is
        missing.
        """
        return bool(self._entry_name) and not vm.has_snapshot(self._entry_name)

    def rollback_vms(self) -> tuple[VmFacts, ...]:
        """The VMs that a rollback touches: neither given up, nor without an entry point."""
        return self._rollback_vms

    def ready(self, vm: VmFacts) -> bool:
        """Tell whether a VM serves, as far as the settings want to know."""
        if vm.power != "on" or vm.connection != "connected":
            return False
        readiness, subnet = readiness_of(vm, self.settings)
        if readiness.is_probed:
            return vm.id in self.reached
        if readiness.kind == "ip":
            return bool(reachable_address(vm.addresses, subnet))
        return readiness.kind == "power" or vm.tools_running

    def unready_because(self, vm: VmFacts) -> str:
        """Words on a VM that is not ready, by what was seen of it; empty where there is nothing to add."""
        if vm.question is not None:
            return f"vCenter asks: {brief(vm.question.text, 60)}"
        readiness, subnet = readiness_of(vm, self.settings)
        if vm.power != "on" or not readiness.needs_address:
            return ""
        address = reachable_address(vm.addresses, subnet)
        if address:
            return f"{address} does not answer" if readiness.is_probed else ""
        if not vm.addresses:
            return "no address" if vm.tools_running else "no address: VMware Tools do not run"
        why = f"not in {subnet}" if subnet else "no DHCP?"
        return f"only {vm.addresses[0]} ({why})"

    def in_words(self, vms: Sequence[VmFacts]) -> str:
        """VMs that are not ready, each with what was seen of it."""
        return names([UnreadyVm(vm.name, self.unready_because(vm)) for vm in vms])


def stays_out(settings: DomainSettings, vm: VmFacts, names: Collection[str]) -> bool:
    """Tell whether a protected VM is one of these composed names, by its replica's or by its own."""
    own = {composed(vm.name), composed(settings.replica_of(vm.plain_name))}
    return not own.isdisjoint(names)


class UnreadyVm(NamedTuple):
    """A VM's name with what was seen of it, for lists of names."""

    vm: str
    remark: str

    @property
    def name(self) -> str:
        return f"{self.vm} ({self.remark})" if self.remark else self.vm


def network_ids(inventory: Inventory, names: Mapping[str, str]) -> dict[str, str]:
    """A mapping by name as one by id; networks of one name are told apart by theirs."""
    by_name = {network.name: network.id for network in inventory.networks.values()}
    return {by_name[a]: by_name[b] for a, b in names.items() if a in by_name and b in by_name}
