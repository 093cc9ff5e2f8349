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
from drdeck.model.guard import Change, alarm, moves
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
    """The rank of a telling, by the detail in which it says what was done."""
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
        """True when it is time to say it: with the address that its user came from, if that is known soon."""
        return not self.user or self.address is not None or now_s - (self.raised_s or 0.0) >= NAME_S

    def alarm(self) -> Alarm:
        return alarm(self.deed, self.name, self.did, self.time, self.user, self.address or "")


class PendingObservation(NamedTuple):
    """A telling that is not settled. `arrived_s`: monotonic; None: read back, it happened earlier."""

    observation: Observation
    arrived_s: float | None
    came_s: float


class JudgmentContext(NamedTuple):
    """Facts for a judgment, beside the telling. `fresh_s`: the record known now was asked for then."""

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
    """Memory of a session's guard, which outlives a controller."""

    session: str
    started: datetime
    members: dict[str, str] = {}
    """VM id -> name"""
    looked_at: datetime | None = msgspec.field(name="seen", default=None)
    """when the facts were looked at last"""
    key: int = 0
    """of the newest event that was judged"""
    foreign: list[ForeignChange] = []
    forgotten: int = 0
    """deeds of others that are not among them any more"""
    forgotten_moves: dict[str, int] = {}
    """of these, moves to other hosts: VM's name -> how many"""
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
        """True while an alarm waits for its address."""
        return any(not foreign.shown(now_s) for foreign in self.memory.foreign)

    def hear(self, tellings: Iterable[Observation], now_s: float, live: bool = True) -> None:
        self._heard += [PendingObservation(o, now_s if live else None, now_s) for o in tellings]

    def hear_all(self, news: Iterable[LoggedObservation], now_s: float) -> None:
        """Take in what events told."""
        for entry in news:
            self.hear([entry.observation], now_s, entry.live)

    def settle(self, judging: JudgmentContext) -> bool:
        """Judge what can be judged now; True if an alarm was raised or changed."""
        changed, self.wants_record = False, False
        waiting, self._heard = self._heard, []
        key = self.memory.key
        self.memory.key = max([key, *(h.observation.key for h in waiting)])
        # events first: they say whose the facts' changes were; power last: a revert may explain it
        order = sorted(
            waiting, key=lambda h: (h.observation.by == "facts", h.observation.deed is Change.POWER)
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
        if keys := [h.observation.key for h in self._heard if h.observation.key]:
            self.memory.key = min(keys) - 1  # so that a controller after this one judges them
        self.changed = self.changed or changed or self.memory.key != key
        return changed

    def _verdict(self, heard: PendingObservation, j: JudgmentContext) -> str:
        hint = heard.observation
        drdecks = hint.user is None or hint.user in ("", j.own) or hint.user in j.accounts
        if hint.by == "facts":
            if j.claims.seen(hint, heard.came_s) or self._told_as_ours(heard):
                return "ours"
            if self._partner(heard) is not None:
                return "foreign"
        elif drdecks and j.drives and self.memory.windows.explain(hint):
            return "ours"  # of a driver before this one; an act of this one is not to be used up by it
        elif hint.user in ("", j.own) and j.claims.heard(hint, heard.came_s, heard.arrived_s is not None):
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
        """An alarm that tells of the same deed, and was not told in this way yet."""
        hint = heard.observation
        for other in reversed(self.memory.foreign):
            if hint.by in other.by or other.deed is not hint.deed or hint.vm not in (other.vm, ""):
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
            self._add(partner, hint)
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
        if hint.deed is Change.POWER and hint.by == "facts" and hint.to != "on":
            return self._near(hint, Change.REVERTED) or self._near(hint, Change.HA)
        if hint.deed in (Change.POWER, Change.HOST) and (hint.by == "facts" or hint.user == ""):
            return self._near(hint, Change.HA)
        return False

    def _near(self, hint: Observation, deed: Change) -> bool:
        return any(
            f.deed is deed
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
        name = self.memory.members.get(hint.vm, hint.vm)
        self.memory.foreign.append(
            ForeignChange(
                vm=hint.vm,
                name=name,
                deed=hint.deed,
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
        foreign = self.memory.foreign
        if len(foreign) > KEPT:
            moved = (f for f in foreign[:-MOST] if f.deed is Change.HOST)
            harmless = (f for f in foreign[:-MOST] if f.deed not in CHANGES_POINTS)
            oldest = next(moved, None) or next(harmless, foreign[0])
            foreign.remove(oldest)
            if oldest.deed is Change.HOST:
                moves_of = self.memory.forgotten_moves
                moves_of[oldest.name] = moves_of.get(oldest.name, 0) + 1
            else:
                self.memory.forgotten += 1

    def _add(self, foreign: ForeignChange, hint: Observation) -> None:
        if all(_worth(foreign.deed, hint.by) > _worth(foreign.deed, by) for by in foreign.by):
            foreign.did = hint.did
        foreign.to = foreign.to or hint.to
        if not foreign.user and hint.user is not None:
            if foreign.user is None:
                foreign.time = hint.since
            foreign.user, foreign.address = hint.user, None
        foreign.points = foreign.points or hint.points
        foreign.by = foreign.by | {hint.by}
        foreign.since, foreign.until = min(foreign.since, hint.since), max(foreign.until, hint.until)

    def alarms(self, now_s: float) -> tuple[Alarm, ...]:
        """Alarms to show, oldest first."""
        ready = [foreign for foreign in self.memory.foreign if foreign.shown(now_s)]
        moved = [foreign for foreign in ready if foreign.deed is Change.HOST]
        others = [foreign for foreign in ready if foreign.deed is not Change.HOST]
        alarms = [foreign.alarm() for foreign in others[-MOST:]]
        hidden = len(others) - len(alarms) + self.memory.forgotten
        if hidden > 0:
            text = f"{hidden} earlier changes by others are not listed here; the audit trail has them"
            first = ready[0].time
            alarms.insert(0, Alarm(time=first, severity=Severity.WARNING, vm=None, kind="guard", text=text))
        if moved:
            alarms = sorted([*alarms, self._moves(moved)], key=lambda an_alarm: an_alarm.time)
        return tuple(alarms)

    def _moves(self, moved: list[ForeignChange]) -> Alarm:
        """All moves to other hosts, as one alarm that counts them."""
        if len(moved) == 1 and not self.memory.forgotten_moves:
            return moved[0].alarm()
        times = dict(self.memory.forgotten_moves)
        for foreign in moved:
            times[foreign.name] = times.get(foreign.name, 0) + 1
        first, last = moved[0], moved[-1]
        return moves(times, last.did, first.time, last.time, last.user, last.address or "")


def _goes_on(hint: Observation, j: JudgmentContext) -> bool:
    return bool(hint.task) and j.running(hint.vm, hint.task)


def _same(a: PendingObservation, b: PendingObservation) -> bool:
    """True if two tellings, in different ways, may be of the same deed."""
    x, y = a.observation, b.observation
    if x.by == y.by or x.deed is not y.deed or (x.vm != y.vm and "" not in (x.vm, y.vm)):
        return False
    if x.to and y.to and x.to != y.to:
        return False
    near = x.since - NEAR <= y.until and x.until + NEAR >= y.since
    return near or abs(a.came_s - b.came_s) <= NEAR_S
