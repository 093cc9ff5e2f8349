"""Signs that a replication tool is at work again on VMs that were taken from it, between sessions.

In a session the guard judges everything. Outside of one drdeck reverts nothing, and its configuration
changes come from its own accounts, so no more is needed than what others did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.guard import TOOL_RETURNED, Change
from drdeck.model.pitr import excluded_by
from drdeck.sites.vsphere.folder_memory import FolderMemory, ToolSign
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.record.attribute_names import LEASE, TOOL
from drdeck.sites.vsphere.record.attributes import BrokenRecord, read
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.leases import lease_record

from .fact_differences import differences
from .observations import LoggedObservation, Observation

SHOWN = timedelta(hours=24)
"""A sign is an alarm for so long; the journal keeps it."""
ONE_CHANGE = timedelta(minutes=1)
"""Facts and an event of one revert are told so far apart at most."""
_SIGNS = (Change.CONFIG, Change.REVERTED)


class ToolWatch:
    """Watches the domains whose record has a person's word that the tool's jobs are stopped."""

    def __init__(self, folders: FolderMemory) -> None:
        self._folders = folders
        self._before: dict[str, VmFacts] = {}
        """VMs at the last look, of domains that were watched then"""
        self._watched: set[str] = set()

    @property
    def wants_events(self) -> bool:
        """True while there is a domain to watch: who changed a configuration is told by events alone."""
        return bool(self._watched)

    def look(self, inventory: Inventory, news: Iterable[LoggedObservation], own: str, now: datetime) -> None:
        """Compare with the last look, and hear what vCenter's events told. `own`: our account."""
        news, before = list(news), self._before
        self._before, self._watched = {}, set()
        for folder in inventory.domains:
            record = _watched_record(folder)
            if record is None or record.tool is None:
                continue
            self._watched.add(folder.id)
            vms = {vm.id: vm for vm in inventory.vms_of(folder.id)}
            self._before |= vms
            holding = lease_record.parse(folder.attributes.get(LEASE))
            ours = {own, *(holding.users if holding is not None else ())}
            observed = [*_heard(news, vms, ours), *_differing(before, vms, now)]
            for observation in observed:
                at = observation.until
                if at >= record.tool.at and excluded_by(at, record.periods) is None:  # those are the guard's
                    self._note(folder.id, vms[observation.vm].name, observation)

    def _note(self, folder: str, vm: str, observation: Observation) -> None:
        sign = ToolSign(
            vm=vm,
            at=observation.until,
            change=observation.change.value,
            did=observation.did,
            user=observation.user or "",
        )
        for earlier in self._folders.signs(folder):
            if _same_change(earlier, sign):
                done = sign if observation.by == "facts" else earlier
                merged = msgspec.structs.replace(done, at=earlier.at, user=earlier.user or sign.user)
                if merged != earlier:
                    self._folders.drop_sign(folder, earlier)
                    self._folders.add_sign(folder, merged)
                return
        self._folders.add_sign(folder, sign)

    def alarms(self, folder: str, now: datetime) -> tuple[Alarm, ...]:
        """Those of a domain, oldest first; none once it was given back."""
        if folder not in self._watched:
            return ()
        recent = [sign for sign in self._folders.signs(folder) if now - sign.at <= SHOWN]
        return tuple(
            Alarm(
                time=sign.at,
                severity=Severity.CRITICAL,
                vm=sign.vm,
                kind=TOOL_RETURNED,
                text=f"{sign.user or 'somebody'} {sign.did} ({sign.vm}) since the domain was taken. If it is"
                " the replication tool, its jobs are not stopped: see to that now",
            )
            for sign in sorted(recent, key=lambda sign: (sign.at, sign.vm))
        )


def _same_change(earlier: ToolSign, sign: ToolSign) -> bool:
    """One change told twice: a revert by facts, its task and its event; a change by its event again."""
    apart = abs(earlier.at - sign.at)
    within = ONE_CHANGE if sign.change == Change.REVERTED.value else timedelta()
    return (earlier.vm, earlier.change) == (sign.vm, sign.change) and apart <= within


def _watched_record(folder: FolderFacts) -> Record | None:
    """The record of a domain that was taken from a tool, and is in no session."""
    if not folder.attributes.get(TOOL):
        return None
    try:
        record = read(folder.attributes)
    except BrokenRecord:
        return None
    return record if record.owned and record.session is None else None


def _heard(
    news: Iterable[LoggedObservation], vms: dict[str, VmFacts], ours: set[str]
) -> Iterator[Observation]:
    for logged in news:
        hint = logged.observation
        if hint.vm in vms and hint.change in _SIGNS and hint.user and hint.user not in ours:
            yield hint


def _differing(before: dict[str, VmFacts], vms: dict[str, VmFacts], now: datetime) -> Iterator[Observation]:
    for vm in vms.values():
        earlier = before.get(vm.id)
        if earlier is None or earlier is vm:
            continue
        for observation in differences(earlier, vm, now, now):
            if observation.change is Change.REVERTED:
                yield observation
