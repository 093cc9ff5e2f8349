"""Observations of changes of VMs, by their facts or by vCenter's events, before anybody has judged them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from drdeck.model.guard import Change
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.inventory.uncovered_devices import UncoveredDevices

By = Literal["facts", "event", "task"]
"""By a VM's facts that differ, by an event that says it is done, or by a task that has begun."""
_MOST = 500
"""So many disks whose owner is not known are kept at a time; the oldest goes first."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One hint; the same change may be told in each of the three ways.

    It happened between `since` and `until` (vCenter's clock). `did` goes on after who it was. `to`: what
    came of it, empty where that is not told: the power state, a snapshot's id or its name when it is made,
    a host. `user`: None where nobody is named, empty for vCenter itself.
    """

    by: By
    vm: str
    change: Change = msgspec.field(name="deed")
    did: str
    since: datetime
    until: datetime
    to: str = ""
    user: str | None = None
    key: int = 0
    """of the event"""
    task: str = ""
    file: str = ""
    """of a disk that was attached to `vm`; whose disk it is, is not known yet"""
    points: tuple[datetime, ...] = ()
    """instants of the snapshots that it is about"""


class LoggedObservation(NamedTuple):
    """One observation; `live` when it was told as it happened, not read back."""

    observation: Observation
    live: bool


class AttachedDisks:
    """Disks that were attached to some VM, told of the VM whose they are.

    Whose a disk is, is known by `devices`, which are read beside the watching: a telling that comes before
    those of a session's VMs are read is kept until they are.
    """

    def __init__(self, devices: UncoveredDevices) -> None:
        self._devices = devices
        self._waiting: list[LoggedObservation] = []

    @property
    def waits(self) -> bool:
        """True while it is not known of a disk whose it is."""
        return bool(self._waiting)

    def owned(
        self, news: Iterable[LoggedObservation], members: Callable[[], Iterable[VmFacts]]
    ) -> list[LoggedObservation]:
        """Tellings as they came, those of disks under the VM whose they are, with those that waited.

        `members`: VMs in sessions. Disks of nobody's are left out once all of them were read.
        """
        waited, self._waiting = self._waiting, []
        owned = []
        for logged in [*waited, *news]:
            hint = logged.observation
            if hint.change is not Change.DISK:
                owned.append(logged)
            elif owner := self._devices.owner(hint.file, hint.vm):
                owned.append(logged._replace(observation=msgspec.structs.replace(hint, vm=owner)))
            else:
                self._waiting.append(logged)
        if self._waiting and all(self._devices.is_read(vm) for vm in members()):
            self._waiting.clear()
        del self._waiting[:-_MOST]
        return owned
