"""Calls by this process that change VMs, remembered so that nobody takes them for foreign changes.

Why by time and effect: an event carries no id that its caller gave. chainId groups the events of one task
(TaskInfo.eventChainId), which not every change has, and a user name is shared by all who know the password.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drdeck.model.guard import Change
from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import Refused, SiteError

from .observations import By, Observation

SHOWN_S = 60.0
"""So long after a call what it is for may first be seen in the VM's facts."""
BESIDE_S = 5.0
"""The same for what may come with it, and for a call that was refused: parts of it may have been done."""
EVENT_S = 10.0
"""So long after a call an event of it may arrive, where its time tells nothing."""
SLACK = timedelta(seconds=2)
"""By so much our idea of vCenter's clock may be off."""
LOST = timedelta(minutes=2)
"""A call whose answer was lost may yet be done so much later."""
_FRESH = timedelta(minutes=1)
_KEPT = 10_000

_EXPLAINS: dict[str, dict[Change, tuple[str, ...]]] = {
    "power_on": {Change.POWER: ("on",), Change.HOST: (), Change.CONFIG: ()},
    "power_off": {Change.POWER: ("off",)},
    "snapshot": {Change.SNAPSHOT: ()},
    "revert": {Change.REVERTED: (), Change.POWER: ("off", "suspended"), Change.CONFIG: ()},
    "remove": {Change.SNAPSHOT_REMOVED: (), Change.CONSOLIDATION: ()},
    "connect": {Change.CONFIG: ()},
    "prepare": {Change.SNAPSHOT: (), Change.CONFIG: ()},
}
"""Kind of call -> the changes that come of it, with what may come of them (empty: whatever it is about).

A start may move a VM, where DRS places it; a revert takes the configuration of its snapshot back; a
removal that fails half way leaves disks to be consolidated.
"""
_MAIN = {
    "power_on": Change.POWER,
    "power_off": Change.POWER,
    "snapshot": Change.SNAPSHOT,
    "revert": Change.REVERTED,
    "remove": Change.SNAPSHOT_REMOVED,
    "connect": Change.CONFIG,
    "prepare": Change.SNAPSHOT,
}
"""The effect that each call is for."""


def explains(call: PlannedCall, observation: Observation) -> bool:
    """True if a change on the call's VM is what the call does."""
    expected = _EXPLAINS.get(call.kind, {}).get(observation.change)
    if expected is None or call.vm != observation.vm:
        return False
    if expected:
        return observation.to in expected
    about = {
        Change.SNAPSHOT: call.args.get("name", ""),
        Change.REVERTED: call.args.get("snapshot", ""),
        Change.SNAPSHOT_REMOVED: call.args.get("snapshots", call.args.get("snapshot", "")),
    }.get(observation.change, "")
    return not about or observation.to in ("", about, *_several(call, observation.change))


def _several(call: PlannedCall, change: Change) -> list[str]:
    """The ids of the snapshots that one call removes; of each an effect is seen by itself."""
    return call.args.get("snapshots", "").split() if change is Change.SNAPSHOT_REMOVED else []


@dataclass
class OwnCall:
    """One call that was begun; times are vCenter's, those in seconds the monotonic clock's."""

    call: PlannedCall
    began: datetime
    began_s: float
    ended: datetime | None = None
    ended_s: float | None = None
    refused: bool = False
    lasts: timedelta = SLACK
    """how long after its end an event of it may come"""
    never: frozenset[Change] = frozenset()
    """what cannot come of it: a VM that is off is not powered off by a revert"""
    appeared: set[Change | tuple[Change, str]] = field(default_factory=set)
    """what of it was seen in the VM's facts already; of a rollback each state of power by itself, for what
    had memory is suspended first and off then"""
    announced: set[tuple[Change, By]] = field(default_factory=set)
    """what of it events told already: the next such event is not of this call"""

    def explains(self, observation: Observation) -> bool:
        return observation.change not in self.never and explains(self.call, observation)

    def shows_for_s(self, change: Change) -> float:
        """Seconds after its end in which this may be seen; what comes beside, never after what it is for."""
        main = _MAIN.get(self.call.kind)
        if change is not main and main in self.appeared:
            return 0.0
        if change is main and not self.refused:
            return max(SHOWN_S, self.lasts.total_seconds())
        return BESIDE_S


class OwnCalls:
    """The calls of this controller, on any VM."""

    def __init__(self, now: Callable[[], datetime], steady: Callable[[], float] = time.monotonic) -> None:
        self._now, self._steady = now, steady
        self._of_vm: dict[str, list[OwnCall]] = {}
        """by VM, each VM's in the order in which they were begun"""
        self._order: deque[OwnCall] = deque()

    def begin(self, call: PlannedCall, power: str = "unknown") -> OwnCall:
        """To be called before the call's request leaves; `power`: that of its VM now."""
        stays_off = call.kind == "revert" and power == "off" and "memory" not in call.args
        never = frozenset({Change.POWER}) if stays_off else frozenset[Change]()
        own = OwnCall(call, self._now(), self._steady(), never=never)
        self._of_vm.setdefault(call.vm or "", []).append(own)
        self._order.append(own)
        if len(self._order) > _KEPT:
            oldest = self._order.popleft().call.vm or ""
            del self._of_vm[oldest][0]
            if not self._of_vm[oldest]:
                del self._of_vm[oldest]
        return own

    @contextlib.contextmanager
    def remember(self, call: PlannedCall, power: str = "unknown") -> Iterator[None]:
        """The call is taken within: Refused says that it was not done, any other error that it may yet be."""
        own = self.begin(call, power)
        try:
            yield
        except Refused:
            own.refused = True
            raise
        except (SiteError, asyncio.CancelledError):
            own.lasts = LOST
            raise
        finally:
            own.ended, own.ended_s = self._now(), self._steady()

    def nothing_pending(self, vms: Collection[str]) -> None:
        """Count the effects of calls that are over as seen: the facts known now of these VMs hold them."""
        for own in [own for vm in vms for own in self._of_vm.get(vm, ())]:
            if own.ended_s is not None:
                own.appeared.update(_EXPLAINS.get(own.call.kind, {}))

    def begun_on(self, vm: str, since: datetime) -> bool:
        """True if a call on a VM was begun since an instant."""
        return any(own.began >= since for own in self._of_vm.get(vm, ()))

    def is_own(self, observation: Observation, came_s: float) -> bool:
        """True if what facts tell came of a call of ours; each effect of a call counts once.

        `came_s`: when it was told here; what was told before a call did not come of it.
        """
        now, change = self._steady(), observation.change
        for own in self._of_vm.get(observation.vm, ()):
            lasts_s = own.shows_for_s(change)
            live = lasts_s > 0 and (own.ended_s is None or now - own.ended_s <= lasts_s)
            begun = own.began_s <= came_s
            twice = (own.call.kind == "revert" and change is Change.POWER) or _several(own.call, change)
            effect = (change, observation.to) if twice else change
            if live and begun and not {effect, change} & own.appeared and own.explains(observation):
                own.appeared.add(effect)
                return True
        return False

    def heard(self, observation: Observation, came_s: float, live: bool = True) -> bool:
        """True if what an event tells came of a call of ours; `came_s` as above.

        Judged by the event's time; where that is far from ours, by when it came, if it came `live` and
        was not read back.
        """
        effect_told = (observation.change, observation.by)
        by_arrival = live and abs(self._now() - observation.until) > _FRESH
        for own in self._of_vm.get(observation.vm, ()):
            if came_s < own.began_s or effect_told in own.announced or not own.explains(observation):
                continue
            ended = own.ended or self._now()
            ended_s = self._steady() if own.ended_s is None else own.ended_s
            if by_arrival:
                during = came_s <= ended_s + EVENT_S
            else:
                during = observation.until >= own.began - SLACK and observation.since <= ended + own.lasts
            if during:
                if observation.change is not Change.CONFIG and not _several(own.call, observation.change):
                    # one revert may change several parts of it
                    own.announced.add(effect_told)
                return True
        return False
