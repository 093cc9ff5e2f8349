"""Memory of a session's guard: the changes by others, and the alarms that come of them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.guard import Change, alarm, moves

from .attribution_windows import AttributionWindows
from .observations import By, Observation

NAME_S = 1.0
"""An alarm waits so long for the address that its user came from."""
MOST = 100
"""Alarms of one session that are shown."""
JUDGED = 500
"""Keys of so many judged events are kept: more do not come while one of them waits to be judged."""
KEPT = 1000
"""Changes of others in one session that are remembered; of more, first those go that touched no point."""

_FACTS_SAY = frozenset(
    {
        Change.SNAPSHOT,
        Change.SNAPSHOT_CHANGED,
        Change.SNAPSHOT_REMOVED,
        Change.REVERTED,
        Change.MOVED,
    }
)
"""Changes of which the facts say more than an event does."""

CHANGES_POINTS = frozenset({Change.SNAPSHOT_CHANGED, Change.SNAPSHOT_REMOVED})


def _worth(change: Change, by: By) -> int:
    """The rank of an observation, by the detail in which it says what was done."""
    order = ("task", "event", "facts") if change in _FACTS_SAY else ("task", "facts", "event")
    return order.index(by)


class ForeignChange(msgspec.Struct, kw_only=True):
    """Somebody else's change. `by`: how it was told; `address`: None while it was not looked for."""

    vm: str
    name: str
    change: Change = msgspec.field(name="deed")
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

    def is_due(self, now_s: float) -> bool:
        """True when it is time to say it: with the address that its user came from, if that is known soon."""
        return not self.user or self.address is not None or now_s - (self.raised_s or 0.0) >= NAME_S

    def alarm(self) -> Alarm:
        return alarm(self.change, self.name, self.did, self.time, self.user, self.address or "")

    def add(self, hint: Observation) -> None:
        """Take in another observation of it; it may know better what was done, and who did it."""
        if all(_worth(self.change, hint.by) > _worth(self.change, by) for by in self.by):
            self.did = hint.did
        self.to = self.to or hint.to
        if not self.user and hint.user is not None:
            if self.user is None:
                self.time = hint.since
            self.user, self.address = hint.user, None
        self.points = self.points or hint.points
        self.by = self.by | {hint.by}
        self.since, self.until = min(self.since, hint.since), max(self.until, hint.until)


class SessionMemory(msgspec.Struct, kw_only=True):
    """Memory of a session's guard, which outlives a controller."""

    session: str
    started: datetime
    members: dict[str, str] = {}
    """VM id -> name"""
    looked_at: datetime | None = msgspec.field(name="seen", default=None)
    """when the facts were looked at last"""
    key: int = 0
    """of the newest event up to which all were judged"""
    judged: tuple[int, ...] = ()
    """keys of the last events that were judged, for some of them may be read once more"""
    foreign: list[ForeignChange] = []
    forgotten: int = 0
    """changes of others that are not among them any more"""
    forgotten_moves: dict[str, int] = {}
    """of these, moves to other hosts: VM's name -> how many"""
    windows: AttributionWindows = msgspec.field(default_factory=AttributionWindows)

    def remember(self, other: ForeignChange) -> None:
        """Keep a change, and forget an old one where there are too many."""
        self.foreign.append(other)
        if len(self.foreign) > KEPT:
            moved = (f for f in self.foreign[:-MOST] if f.change is Change.HOST)
            harmless = (f for f in self.foreign[:-MOST] if f.change not in CHANGES_POINTS)
            oldest = next(moved, None) or next(harmless, self.foreign[0])
            self.foreign.remove(oldest)
            if oldest.change is Change.HOST:
                moves_of = self.forgotten_moves
                moves_of[oldest.name] = moves_of.get(oldest.name, 0) + 1
            else:
                self.forgotten += 1

    def alarms(self, now_s: float) -> tuple[Alarm, ...]:
        """Alarms to show, oldest first."""
        ready = [foreign for foreign in self.foreign if foreign.is_due(now_s)]
        moved = [foreign for foreign in ready if foreign.change is Change.HOST]
        others = [foreign for foreign in ready if foreign.change is not Change.HOST]
        alarms = [foreign.alarm() for foreign in others[-MOST:]]
        hidden = len(others) - len(alarms) + self.forgotten
        if hidden > 0:
            text = f"{hidden} earlier changes by others are not listed here; the audit trail has them"
            first = ready[0].time
            alarms.insert(0, Alarm(time=first, severity=Severity.WARNING, vm=None, kind="guard", text=text))
        if moved:
            alarms = sorted([*alarms, self._moves(moved)], key=lambda an_alarm: an_alarm.time)
        return tuple(alarms)

    def _moves(self, moved: list[ForeignChange]) -> Alarm:
        """All moves to other hosts, as one alarm that counts them."""
        if len(moved) == 1 and not self.forgotten_moves:
            return moved[0].alarm()
        times = dict(self.forgotten_moves)
        for foreign in moved:
            times[foreign.name] = times.get(foreign.name, 0) + 1
        first, last = moved[0], moved[-1]
        return moves(times, last.did, first.time, last.time, last.user, last.address or "")
