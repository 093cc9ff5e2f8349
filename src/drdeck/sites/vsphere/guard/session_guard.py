"""The guard of one session: takes in what is told, and says which changes were somebody else's.

A change may be told three times: by the VM's facts, by an event that it is done, by a task that began it.
The three become one alarm. Whose it was is decided by the event where there is one.

Why so: facts come by a PropertyCollector, events by an EventHistoryCollector, and nothing orders the two
queues; a property update names no user (API reference: WaitForUpdatesEx, Event.userName). Either may be
first, and a collector's page leaves events out when many come at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from drdeck.model.guard import Change
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts

from .observations import By, LoggedObservation, Observation
from .own_calls import OwnCalls
from .session_memory import JUDGED, ForeignChange, SessionMemory

log = logging.getLogger(__name__)

HOLD_S = 1.5
"""A change seen in the facts alone waits so long for the event that says who it was."""
NEAR = timedelta(seconds=10)
NEAR_S = NEAR.total_seconds()


def _log_judged(observation: Observation, whose: str) -> None:
    log.debug(
        "%s of %s (by %s, user %r): judged %s",
        observation.change,
        observation.vm,
        observation.by,
        observation.user,
        whose,
    )


class PendingObservation(NamedTuple):
    """An observation that is not settled. `arrived_s`: monotonic; None: read back, it happened earlier."""

    observation: Observation
    arrived_s: float | None
    came_s: float


class JudgmentContext(NamedTuple):
    """Facts for a judgment, beside the observation. `fresh_s`: the record known now was asked for then."""

    own_calls: OwnCalls
    drives: bool
    fresh_s: float
    own: str
    accounts: frozenset[str]
    running: Callable[[str, str], bool]
    """(VM, task) -> whether the task goes on"""
    now: datetime
    now_s: float
    """the same by the monotonic clock"""


class SessionGuard:
    """The guard of one domain's session."""

    def __init__(self, memory: SessionMemory, facts: Mapping[str, VmFacts]) -> None:
        self.memory, self.facts = memory, dict(facts)
        self.judged_before = frozenset(memory.judged)
        """keys of events that a controller before this one has judged, and that are read again"""
        self.lost: dict[str, datetime] = {}
        """VMs that are not in the domain any more, and since when; it is not known yet where they are"""
        self.wants_record = False
        self.changed = False
        """since it was kept last"""
        self._heard: list[PendingObservation] = []
        self._ours: list[PendingObservation] = []
        """events of ours, until the facts that they explain were seen"""

    @property
    def unsettled(self) -> bool:
        return bool(self._heard)

    def unnamed(self, now_s: float) -> bool:
        """True while an alarm waits for its address."""
        return any(not foreign.is_due(now_s) for foreign in self.memory.foreign)

    def hear(self, observations: Iterable[Observation], now_s: float, live: bool = True) -> None:
        self._heard += [PendingObservation(o, now_s if live else None, now_s) for o in observations]

    def hear_all(self, news: Iterable[LoggedObservation], now_s: float) -> None:
        """Take in what events told."""
        for entry in news:
            self.hear([entry.observation], now_s, entry.live)

    def settle(self, judging: JudgmentContext) -> bool:
        """Judge what can be judged now; True if an alarm was raised or changed."""
        changed, self.wants_record = False, False
        waiting, self._heard = self._heard, []
        before = self.memory.key, self.memory.judged
        # events first: they say whose the facts' changes were; power last: a revert may explain it
        order = sorted(
            waiting, key=lambda h: (h.observation.by == "facts", h.observation.change is Change.POWER)
        )
        for heard in order:
            verdict = self._verdict(heard, judging)
            if verdict == "later":
                self._heard.append(heard)
            elif verdict == "ours":
                _log_judged(heard.observation, "drdeck's")
                if heard.observation.by != "facts":
                    self._ours = [*self._ours[-500:], heard]
            elif self._raise(heard, judging):
                _log_judged(heard.observation, "of others")
                changed = True
            elif _goes_on(heard.observation, judging):
                until = max(heard.observation.until, judging.now)
                longer = msgspec.structs.replace(heard.observation, until=until)
                self._heard.append(heard._replace(observation=longer))
            else:
                self._heard.append(heard)
        self._note_judged(waiting)
        self.changed = self.changed or changed or before != (self.memory.key, self.memory.judged)
        return changed

    def _note_judged(self, waiting: Iterable[PendingObservation]) -> None:
        """Keep which events were judged: a controller after this one reads all of them from the first on that
        was not, and must judge none twice."""
        memory = self.memory
        pending = {h.observation.key for h in self._heard if h.observation.key}
        judged = {*memory.judged, *(h.observation.key for h in waiting if h.observation.key)} - pending
        memory.key = min(pending) - 1 if pending else max([memory.key, *judged])
        memory.judged = tuple(sorted(judged)[-JUDGED:])

    def _verdict(self, heard: PendingObservation, j: JudgmentContext) -> str:
        hint = heard.observation
        drdecks = hint.user is None or hint.user in ("", j.own) or hint.user in j.accounts
        if hint.by == "facts":
            if j.own_calls.is_own(hint, heard.came_s) or self._told_as_ours(heard):
                return "ours"
            if self._partner(heard) is not None:
                return "foreign"
        elif drdecks and j.drives and self.memory.windows.explain(hint):
            return "ours"  # of a holder before this one; a call of this one is not to be used up by it
        elif hint.user in ("", j.own) and j.own_calls.heard(hint, heard.came_s, heard.arrived_s is not None):
            return "ours"
        if j.fresh_s <= heard.came_s:
            self.wants_record = True
            return "later"  # who drives, or drives by now, may have begun something since it was read
        return "ours" if drdecks and self.memory.windows.explain(hint) else "foreign"

    def _told_as_ours(self, heard: PendingObservation) -> bool:
        ours = next((other for other in self._ours if _same(heard, other)), None)
        if ours is not None:
            self._ours.remove(ours)
        return ours is not None

    def _partner(self, heard: PendingObservation) -> ForeignChange | None:
        """An alarm that tells of the same change, and was not told in this way yet."""
        hint = heard.observation
        for other in reversed(self.memory.foreign):
            if hint.by in other.by or other.change is not hint.change or hint.vm not in (other.vm, ""):
                continue
            if other.to and hint.to and other.to != hint.to:
                continue
            if other.user and hint.user and other.user != hint.user:
                continue
            near = hint.since - NEAR <= other.until and hint.until + NEAR >= other.since
            arrived = other.arrived_s is not None and abs(heard.came_s - other.arrived_s) <= NEAR_S
            if near or arrived:
                return other
        return None

    def _raise(self, heard: PendingObservation, j: JudgmentContext) -> bool:
        """Make an alarm, or add to one that tells the same; False: it is too early to tell."""
        hint = heard.observation
        partner = self._partner(heard)
        if partner is not None:
            partner.add(hint)
            return True
        waited = j.now_s - heard.came_s >= HOLD_S
        if hint.by == "facts" and not waited and (named := self._waiting_task(hint, heard)) is not None:
            self._heard.remove(named)
            task = named.observation
            hint = msgspec.structs.replace(hint, user=task.user, since=task.since)
            self._new(hint, heard, {"facts", "task"}, task.since, j.now_s)
            return True
        if hint.by == "facts" and not waited:
            return False
        if self._comes_of_another(hint):
            return True  # of which there is an alarm
        if hint.by == "task" and (not waited or _goes_on(hint, j)):
            return False
        if not hint.vm:
            return True  # a move between folders that have nothing to do with this domain
        self._new(hint, heard, {hint.by}, hint.until if hint.by == "facts" else hint.since, j.now_s)
        return True

    def _comes_of_another(self, hint: Observation) -> bool:
        """True for what only came of another change: of a revert, or of a restart by vSphere HA."""
        if hint.change is Change.POWER and hint.by == "facts" and hint.to != "on":
            return self._near(hint, Change.REVERTED) or self._near(hint, Change.HA)
        if hint.change in (Change.POWER, Change.HOST) and (hint.by == "facts" or hint.user == ""):
            return self._near(hint, Change.HA)
        return False

    def _near(self, hint: Observation, change: Change) -> bool:
        return any(
            f.change is change
            and f.vm == hint.vm
            and hint.since - NEAR <= f.until
            and hint.until + NEAR >= f.since
            for f in self.memory.foreign
        )

    def _waiting_task(self, hint: Observation, heard: PendingObservation) -> PendingObservation | None:
        return next((o for o in self._heard if o.observation.by == "task" and _same(heard, o)), None)

    def _new(
        self, hint: Observation, heard: PendingObservation, by: set[By], time: datetime, now_s: float
    ) -> None:
        self.memory.remember(
            ForeignChange(
                vm=hint.vm,
                name=self.memory.members.get(hint.vm, hint.vm),
                change=hint.change,
                did=hint.did,
                time=time,
                since=hint.since,
                until=hint.until,
                to=hint.to,
                user=hint.user,
                points=hint.points,
                by=by,
                arrived_s=heard.arrived_s,
                raised_s=now_s,
            )
        )


def _goes_on(hint: Observation, j: JudgmentContext) -> bool:
    return bool(hint.task) and j.running(hint.vm, hint.task)


def _same(a: PendingObservation, b: PendingObservation) -> bool:
    """True if two observations, in different ways, may be of the same change."""
    x, y = a.observation, b.observation
    if x.by == y.by or x.change is not y.change or (x.vm != y.vm and "" not in (x.vm, y.vm)):
        return False
    if x.to and y.to and x.to != y.to:
        return False
    near = x.since - NEAR <= y.until and x.until + NEAR >= y.since
    return near or abs(a.came_s - b.came_s) <= NEAR_S
