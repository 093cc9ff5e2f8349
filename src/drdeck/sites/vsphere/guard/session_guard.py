"""The guard of one session: takes in what is told, and says which deeds were somebody else's.

A deed may be told three times: by the VM's facts, by an event that it is done, by a task that began it.
The three become one alarm. Whose it was is decided by the event where there is one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.guard import Change, alarm
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts

from .attribution_windows import AttributionWindows
from .event_log import LoggedObservation
from .observations import By, Observation
from .own_calls import OwnCalls

log = logging.getLogger(__name__)

HOLD_S = 1.5
"""A deed seen in the facts alone waits so long for the event that says who it was."""
NAME_S = 1.0
"""An alarm waits so long for the address that its user came from."""
NEAR = timedelta(seconds=10)
NEAR_S = NEAR.total_seconds()
MOST = 100
"""Alarms of one session that are shown."""
KEPT = 1000
"""Deeds of others in one session that are remembered; of more, first those go that touched no point."""

_FACTS_SAY = frozenset(
    {
        Change.SNAPSHOT,
        Change.SNAPSHOT_CHANGED,
        Change.SNAPSHOT_REMOVED,
        Change.REVERTED,
        Change.MOVED,
    }
)
"""Deeds of which the facts say more than an event does."""

CHANGES_POINTS = frozenset({Change.SNAPSHOT_CHANGED, Change.SNAPSHOT_REMOVED})


def _worth(deed: Change, by: By) -> int:
    """How much a telling says of what was done."""
    order = ("task", "event", "facts") if deed in _FACTS_SAY else ("task", "facts", "event")
    return order.index(by)


def _log_judged(observation: Observation, whose: str) -> None:
    log.debug(
        "%s of %s (by %s, user %r): judged %s",
        observation.deed,
        observation.vm,
        observation.by,
        observation.user,
        whose,
    )


class ForeignChange(msgspec.Struct, kw_only=True):
    """Somebody else's deed. `by`: how it was told; `address`: None while it was not looked for."""

    vm: str
    name: str
    deed: Change
    did: str
    time: datetime
    since: datetime
    until: datetime
    to: str = ""
    user: str | None = None
    address: str | None = None
    points: tuple[datetime, ...] = ()
    by: set[By] = set()
    arrived_s: float | None = None
    raised_s: float | None = None
    """by the clock of the process that raised it; None: by one before"""

    def shown(self, now_s: float) -> bool:
        """Whether it is time to say it: with the address that its user came from, if that is known soon."""
        return not self.user or self.address is not None or now_s - (self.raised_s or 0.0) >= NAME_S

    def alarm(self) -> Alarm:
        return alarm(self.deed, self.name, self.did, self.time, self.user, self.address or "")


class PendingObservation(NamedTuple):
    """A telling that is not settled. `arrived_s`: monotonic; None: read back, it happened earlier."""

    told: Observation
    arrived_s: float | None
    came_s: float


class JudgmentContext(NamedTuple):
    """What a judgment needs beside the telling. `fresh_s`: the record known now was asked for then."""

    claims: OwnCalls
    drives: bool
    fresh_s: float
    own: str
    accounts: frozenset[str]
    running: Callable[[str, str], bool]
    """(VM, task) -> whether the task goes on"""
    now: datetime
    now_s: float
    """the same by the monotonic clock"""


class SessionMemory(msgspec.Struct, kw_only=True):
    """What outlives a controller of a session's guard."""

    session: str
    started: datetime
    members: dict[str, str] = {}
    """VM id -> name"""
    seen: datetime | None = None
    """when the facts were looked at last"""
    key: int = 0
    """of the newest event that was judged"""
    foreign: list[ForeignChange] = []
    forgotten: int = 0
    """deeds of others that are not among them any more"""
    windows: AttributionWindows = msgspec.field(default_factory=AttributionWindows)


class SessionGuard:
    """The guard of one domain's session."""

    def __init__(self, memory: SessionMemory, facts: Mapping[str, VmFacts]) -> None:
        self.memory, self.facts = memory, dict(facts)
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
        """Whether an alarm waits for its address."""
        return any(not foreign.shown(now_s) for foreign in self.memory.foreign)

    def hear(self, tellings: Iterable[Observation], now_s: float, live: bool = True) -> None:
        self._heard += [PendingObservation(told, now_s if live else None, now_s) for told in tellings]

    def hear_all(self, news: Iterable[LoggedObservation], now_s: float) -> None:
        """What events told."""
        for one in news:
            self.hear([one.told], now_s, one.live)

    def settle(self, judging: JudgmentContext) -> bool:
        """Judge what can be judged now; whether an alarm was raised or changed."""
        changed, self.wants_record = False, False
        waiting, self._heard = self._heard, []
        key = self.memory.key
        self.memory.key = max([key, *(h.told.key for h in waiting)])
        # events first: they say whose the facts' changes were; power last: a revert may explain it
        for heard in sorted(waiting, key=lambda h: (h.told.by == "facts", h.told.deed is Change.POWER)):
            verdict = self._verdict(heard, judging)
            if verdict == "later":
                self._heard.append(heard)
            elif verdict == "ours":
                _log_judged(heard.told, "drdeck's")
                if heard.told.by != "facts":
                    self._ours = [*self._ours[-500:], heard]
            elif self._raise(heard, judging):
                _log_judged(heard.told, "of others")
                changed = True
            elif _goes_on(heard.told, judging):
                until = max(heard.told.until, judging.now)
                told = msgspec.structs.replace(heard.told, until=until)
                self._heard.append(heard._replace(told=told))
            else:
                self._heard.append(heard)
        if keys := [h.told.key for h in self._heard if h.told.key]:
            self.memory.key = min(keys) - 1  # so that a controller after this one judges them
        self.changed = self.changed or changed or self.memory.key != key
        return changed

    def _verdict(self, heard: PendingObservation, j: JudgmentContext) -> str:
        told = heard.told
        drdecks = told.user is None or told.user in ("", j.own) or told.user in j.accounts
        if told.by == "facts":
            if j.claims.seen(told, heard.came_s) or self._told_as_ours(heard):
                return "ours"
            if self._partner(heard) is not None:
                return "foreign"
        elif drdecks and j.drives and self.memory.windows.explain(told):
            return "ours"  # of a driver before this one; an act of this one is not to be used up by it
        elif told.user in ("", j.own) and j.claims.heard(told, heard.came_s, heard.arrived_s is not None):
            return "ours"
        if j.fresh_s <= heard.came_s:
            self.wants_record = True
            return "later"  # who drives, or drives by now, may have begun something since it was read
        return "ours" if drdecks and self.memory.windows.explain(told) else "foreign"

    def _told_as_ours(self, heard: PendingObservation) -> bool:
        ours = next((other for other in self._ours if _same(heard, other)), None)
        if ours is not None:
            self._ours.remove(ours)
        return ours is not None

    def _partner(self, heard: PendingObservation) -> ForeignChange | None:
        """An alarm that tells of the same deed, and was not told in this way yet."""
        told = heard.told
        for known in reversed(self.memory.foreign):
            if told.by in known.by or known.deed is not told.deed or told.vm not in (known.vm, ""):
                continue
            if known.to and told.to and known.to != told.to:
                continue
            if known.user and told.user and known.user != told.user:
                continue
            near = told.since - NEAR <= known.until and told.until + NEAR >= known.since
            arrived = known.arrived_s is not None and abs(heard.came_s - known.arrived_s) <= NEAR_S
            if near or arrived:
                return known
        return None

    def _raise(self, heard: PendingObservation, j: JudgmentContext) -> bool:
        """Make an alarm, or add to one that tells the same; False: it is too early to tell."""
        told = heard.told
        known = self._partner(heard)
        if known is not None:
            self._add(known, told)
            return True
        waited = j.now_s - heard.came_s >= HOLD_S
        if told.by == "facts" and not waited and (named := self._waiting_task(told, heard)) is not None:
            self._heard.remove(named)
            told = msgspec.structs.replace(told, user=named.told.user, since=named.told.since)
            self._new(told, heard, {"facts", "task"}, named.told.since, j.now_s)
            return True
        if told.by == "facts" and not waited:
            return False
        if told.by == "facts" and told.deed is Change.POWER and told.to != "on" and self._reverted(told):
            return True  # by the revert, of which there is an alarm
        if told.by == "task" and (not waited or _goes_on(told, j)):
            return False
        if not told.vm:
            return True  # a move between folders that have nothing to do with this domain
        self._new(told, heard, {told.by}, told.until if told.by == "facts" else told.since, j.now_s)
        return True

    def _reverted(self, told: Observation) -> bool:
        return any(
            f.deed is Change.REVERTED
            and f.vm == told.vm
            and told.since - NEAR <= f.until
            and told.until + NEAR >= f.since
            for f in self.memory.foreign
        )

    def _waiting_task(self, told: Observation, heard: PendingObservation) -> PendingObservation | None:
        return next((o for o in self._heard if o.told.by == "task" and _same(heard, o)), None)

    def _new(
        self, told: Observation, heard: PendingObservation, by: set[By], time: datetime, now_s: float
    ) -> None:
        name = self.memory.members.get(told.vm, told.vm)
        self.memory.foreign.append(
            ForeignChange(
                vm=told.vm,
                name=name,
                deed=told.deed,
                did=told.did,
                time=time,
                since=told.since,
                until=told.until,
                to=told.to,
                user=told.user,
                points=told.points,
                by=by,
                arrived_s=heard.arrived_s,
                raised_s=now_s,
            )
        )
        known = self.memory.foreign
        if len(known) > KEPT:
            harmless = (f for f in known[:-MOST] if f.deed not in CHANGES_POINTS)
            known.remove(next(harmless, known[0]))
            self.memory.forgotten += 1

    def _add(self, known: ForeignChange, told: Observation) -> None:
        if all(_worth(known.deed, told.by) > _worth(known.deed, by) for by in known.by):
            known.did = told.did
        known.to = known.to or told.to
        if not known.user and told.user is not None:
            if known.user is None:
                known.time = told.since
            known.user, known.address = told.user, None
        known.points = known.points or told.points
        known.by = known.by | {told.by}
        known.since, known.until = min(known.since, told.since), max(known.until, told.until)

    def alarms(self, now_s: float) -> tuple[Alarm, ...]:
        """What is shown, oldest first."""
        told = [foreign for foreign in self.memory.foreign if foreign.shown(now_s)]
        shown = [foreign.alarm() for foreign in told[-MOST:]]
        hidden = len(told) - len(shown) + self.memory.forgotten
        if hidden > 0:
            text = f"{hidden} earlier changes by others are not listed here; the audit trail has them"
            first = told[0].time
            shown.insert(0, Alarm(time=first, severity=Severity.WARNING, vm=None, kind="guard", text=text))
        return tuple(shown)


def _goes_on(told: Observation, j: JudgmentContext) -> bool:
    return bool(told.task) and j.running(told.vm, told.task)


def _same(a: PendingObservation, b: PendingObservation) -> bool:
    """Whether two tellings, in different ways, may be of the same deed."""
    x, y = a.told, b.told
    if x.by == y.by or x.deed is not y.deed or (x.vm != y.vm and "" not in (x.vm, y.vm)):
        return False
    if x.to and y.to and x.to != y.to:
        return False
    near = x.since - NEAR <= y.until and x.until + NEAR >= y.since
    return near or abs(a.came_s - b.came_s) <= NEAR_S
