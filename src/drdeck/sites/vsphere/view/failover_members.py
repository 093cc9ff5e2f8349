"""The VMs of failovers in progress, remembered so that one that goes from its folder is noticed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from drdeck.model.text import composed
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.record.domain_record import Record


class _Members(NamedTuple):
    """The VMs of the folder of a failover at the last look, and those that it was seen with and have gone."""

    failover: str
    vms: tuple[VmFacts, ...]
    vanished: dict[str, str]
    """id -> name of those that are not in the folder now, and none of the same name"""
    since: datetime
    """of `vanished` as it is"""


class FailoverMembers:
    """Remembers, by domain folder, the VMs that this process saw a failover in progress with.

    A VM goes when it is moved out of the folder, when it or its host is unregistered, and when the account
    may not see it any more (API reference: ContainerView; a view has what its session may read). Without a
    memory the rest would be all there is, and the failover be over without it.
    """

    def __init__(self) -> None:
        self._by_folder: dict[str, _Members] = {}

    def vanished(
        self, folder_id: str, record: Record, vms: tuple[VmFacts, ...], now: datetime
    ) -> tuple[tuple[str, ...], datetime]:
        """Names of the VMs that have gone and are not given up, in their order, and since when it is these;
        none but in a failover."""
        failover = record.failover
        if failover is None or failover.phase == "finished":
            self._by_folder.pop(folder_id, None)
            return (), now
        members = self._by_folder.get(folder_id)
        if members is None or members.failover != failover.id:
            members = _Members(failover.id, (), {}, now)
        if members.vms is not vms:
            names = {**members.vanished, **{vm.id: vm.plain_name for vm in members.vms}}
            ids, here = {vm.id for vm in vms}, {composed(vm.plain_name) for vm in vms}
            missing = {i: name for i, name in names.items() if i not in ids and composed(name) not in here}
            since = members.since if missing == members.vanished else now
            members = _Members(failover.id, vms, missing, since)
            self._by_folder[folder_id] = members
        given_up = {*record.skipped, *record.without} if members.vanished else set[str]()
        names_gone = sorted(name for vm_id, name in members.vanished.items() if vm_id not in given_up)
        return tuple(names_gone), members.since
