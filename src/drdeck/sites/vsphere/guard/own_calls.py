"""Calls by this process that change VMs, remembered so that nobody takes them for foreign changes.

Why by time and effect: an event carries no id that its caller gave. chainId groups the events of one task
(TaskInfo.eventChainId), which not every deed has, and a user name is shared by all who know the password.
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
"""So long after an act what it is for may first be seen in the VM's facts."""
BESIDE_S = 5.0
"""The same for what may come with it, and for an act that was refused: parts of it may have been done."""
EVENT_S = 10.0
"""So long after an act an event of it may arrive, where its time tells nothing."""
SLACK = timedelta(seconds=2)
"""By so much our idea of vCenter's clock may be off."""
LOST = timedelta(minutes=2)
"""An act whose answer was lost may yet be done so much later."""
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
"""Kind of act -> the deeds that come of it, with what may come of them (empty: whatever it is about).

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
"""The effect that each act is for."""


def explains(act: PlannedCall, observation: Observation) -> bool:
    """True if a deed on the act's VM is what the act does."""
    expected = _EXPLAINS.get(act.kind, {}).get(observation.deed)
    if expected is None or act.vm != observation.vm:
        return False
    if expected:
        return observation.to in expected
    about = {
        Change.SNAPSHOT: act.args.get("name", ""),
        Change.REVERTED: act.args.get("snapshot", ""),
        Change.SNAPSHOT_REMOVED: act.args.get("snapshots", act.args.get("snapshot", "")),
    }.get(observation.deed, "")
    return not about or observation.to in ("", about, *_several(act, observation.deed))


def _several(act: PlannedCall, deed: Change) -> list[str]:
    """The ids of the snapshots that one call removes; of each an effect is seen by itself."""
    return act.args.get("snapshots", "").split() if deed is Change.SNAPSHOT_REMOVED else []


@dataclass
class OwnCall:
    """One act that was begun; times are vCenter's, those in seconds the monotonic clock's."""

    act: PlannedCall
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
    """what of it events told already: the next such event is not of this act"""

    def explains(self, observation: Observation) -> bool:
        return observation.deed not in self.never and explains(self.act, observation)

    def shows_for_s(self, deed: Change) -> float:
        """Seconds after its end in which this may be seen; what comes beside, never after what it is for."""
        main = _MAIN.get(self.act.kind)
        if deed is not main and main in self.appeared:
            return 0.0
        if deed is main and not self.refused:
            return max(SHOWN_S, self.lasts.total_seconds())
        return BESIDE_S


class OwnCalls:
    """The acts of this controller, on any VM."""

    def __init__(self, now: Callable[[], datetime], steady: Callable[[], float] = time.monotonic) -> None:
        self._now, self._steady = now, steady
        self._claims: dict[str, list[OwnCall]] = {}
        """by VM, each VM's in the order in which they were begun"""
        self._order: deque[OwnCall] = deque()

    def begin(self, act: PlannedCall, power: str = "unknown") -> OwnCall:
        """To be called before the act's request leaves; `power`: that of its VM now."""
        stays_off = act.kind == "revert" and power == "off" and "memory" not in act.args
        never = frozenset({Change.POWER}) if stays_off else frozenset[Change]()
        claim = OwnCall(act, self._now(), self._steady(), never=never)
        self._claims.setdefault(act.vm or "", []).append(claim)
        self._order.append(claim)
        if len(self._order) > _KEPT:
            oldest = self._order.popleft().act.vm or ""
            del self._claims[oldest][0]
            if not self._claims[oldest]:
                del self._claims[oldest]
        return claim

    @contextlib.contextmanager
    def claim(self, act: PlannedCall, power: str = "unknown") -> Iterator[None]:
        """The act is taken within: Refused says that it was not done, any other error that it may yet be."""
        claim = self.begin(act, power)
        try:
            yield
        except Refused:
            claim.refused = True
            raise
        except (SiteError, asyncio.CancelledError):
            claim.lasts = LOST
            raise
        finally:
            claim.ended, claim.ended_s = self._now(), self._steady()

    def nothing_pending(self, vms: Collection[str]) -> None:
        """Count the effects of acts that are over as seen: the facts known now of these VMs hold them."""
        for claim in [claim for vm in vms for claim in self._claims.get(vm, ())]:
            if claim.ended_s is not None:
                claim.appeared.update(_EXPLAINS.get(claim.act.kind, {}))

    def begun_on(self, vm: str, since: datetime) -> bool:
        """True if an act on a VM was begun since an instant."""
        return any(claim.began >= since for claim in self._claims.get(vm, ()))

    def is_own(self, observation: Observation, came_s: float) -> bool:
        """True if what facts tell came of an act of ours; each effect of an act counts once.

        `came_s`: when it was told here; what was told before an act did not come of it.
        """
        now, deed = self._steady(), observation.deed
        for claim in self._claims.get(observation.vm, ()):
            lasts_s = claim.shows_for_s(deed)
            live = lasts_s > 0 and (claim.ended_s is None or now - claim.ended_s <= lasts_s)
            begun = claim.began_s <= came_s
            twice = (claim.act.kind == "revert" and deed is Change.POWER) or _several(claim.act, deed)
            effect = (deed, observation.to) if twice else deed
            if live and begun and not {effect, deed} & claim.appeared and claim.explains(observation):
                claim.appeared.add(effect)
                return True
        return False

    def heard(self, observation: Observation, came_s: float, live: bool = True) -> bool:
        """True if what an event tells came of an act of ours; `came_s` as above.

        Judged by the event's time; where that is far from ours, by when it came, if it came `live` and
        was not read back.
        """
        telling = (observation.deed, observation.by)
        by_arrival = live and abs(self._now() - observation.until) > _FRESH
        for claim in self._claims.get(observation.vm, ()):
            if came_s < claim.began_s or telling in claim.announced or not claim.explains(observation):
                continue
            ended = claim.ended or self._now()
            ended_s = self._steady() if claim.ended_s is None else claim.ended_s
            if by_arrival:
                during = came_s <= ended_s + EVENT_S
            else:
                during = observation.until >= claim.began - SLACK and observation.since <= ended + claim.lasts
            if during:
                if observation.deed is not Change.CONFIG and not _several(claim.act, observation.deed):
                    # one revert may change several parts of it
                    claim.announced.add(telling)
                return True
        return False
