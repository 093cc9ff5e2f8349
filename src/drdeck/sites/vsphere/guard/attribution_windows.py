"""When drdeck was at work on a session's VMs where nobody here knows each act: as told by the record.

A controller that was started anew, one that follows another, and one that has taken over, know what was
asked and when, not what was done to which VM. What looks like an act of drdeck, by an account of drdeck,
in such a time is one. That time ends for who drives: what was asked before it drove was let in by vCenter
by then, for the sessions in which it was asked are ended.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from drdeck.model.domains import SessionState
from drdeck.model.guard import Change
from drdeck.sites.vsphere.record.attributes import Record, RollbackRecord

from .observations import Observation

LATE = timedelta(seconds=5)
"""After an operation is over, or its driver was taken over from, what it did may still be told."""
MOST = 200
"""Of so many operations on one session it is remembered when they were, the last ones."""
EARLY = timedelta(seconds=2)
"""By so much clocks of controllers may differ."""

_ROLLBACK = frozenset({Change.POWER, Change.REVERTED, Change.HOST, Change.CONFIG})
_DEEDS = {
    "start": frozenset({Change.SNAPSHOT, Change.POWER, Change.CONFIG, Change.HOST}),
    "rollback": _ROLLBACK,
    "exit": frozenset({Change.SNAPSHOT_REMOVED}),
    "before": _ROLLBACK | {Change.SNAPSHOT, Change.SNAPSHOT_REMOVED},
}


What = Literal["start", "rollback", "exit", "before"]


class LeaseTenure(NamedTuple):
    """This process drives the domain since `since`. `begun`: operations that it has begun itself, whose
    acts it knows; `tasks`: VM -> tasks under way on it, but for VMs on which it has begun acts itself."""

    since: datetime
    begun: Container[str] = ()
    tasks: Mapping[str, frozenset[str]] = {}


class AttributionWindow(msgspec.Struct, kw_only=True):
    """One operation on a session, or all before this controller came (`before`); open while `end` is None.

    `since`: when this process began to drive, if it does: from then on it takes the acts and knows each of
    them, so that the time alone explains nothing. `taken`: until then another one took them; None: it has
    begun the operation itself.
    """

    what: What
    start: datetime
    end: datetime | None = None
    since: datetime | None = None
    taken: datetime | None = None
    inside: dict[str, frozenset[str]] = {}
    """VM -> tasks that the driver before had begun, and that go on"""
    rest: dict[str, datetime] = {}
    """VM -> until when such tasks explain what is told of it"""

    def explains(self, told: Observation) -> bool:
        if told.deed not in _DEEDS[self.what] or told.until < self.start - EARLY:
            return False
        if told.vm in self.inside:
            return True
        until = self.end
        if self.since is not None:
            if self.taken is None:
                return False
            until = self.taken + LATE if self.end is None else min(self.taken + LATE, self.end)
            until = self.rest.get(told.vm, until)
        return until is None or told.since <= until

    def drive(self, driving: LeaseTenure | None, now: datetime) -> None:
        """Take in who drives now."""
        if driving is None:
            self.inside = {}
            if self.end is None:  # somebody else goes on with it, or has done so
                self.since, self.taken, self.rest = None, None, {}
            return
        if self.end is None and self.since != driving.since:
            self.since, self.taken, self.inside, self.rest = driving.since, driving.since, {}, {}
        if self.taken is None:
            return
        new = self.end is None and now <= self.taken + LATE
        self.rest |= dict.fromkeys(self.inside, now + LATE)
        still = {
            vm: tasks if new else tasks & self.inside.get(vm, frozenset())
            for vm, tasks in driving.tasks.items()
        }
        self.inside = {vm: tasks for vm, tasks in still.items() if tasks}


class AttributionWindows(msgspec.Struct, kw_only=True):
    """Those of one session, by operation."""

    known: dict[str, AttributionWindow] = {}
    rollbacks: int = 0
    """finished ones, as known last"""

    def forget_acts(self) -> None:
        """The process that knew the acts is gone."""
        for window in self.known.values():
            window.since, window.taken, window.inside, window.rest = None, None, {}, {}

    def follow(
        self, record: Record, driving: LeaseTenure | None, last_seen: datetime | None, now: datetime
    ) -> None:
        """Take in what the record says. `driving`: None while this process does not drive the domain.

        `last_seen`: when this session was looked at last; None: never before.
        """
        session = record.session
        if session is None or session.started is None:
            return
        since, begun = (driving.since, driving.begun) if driving is not None else (None, ())

        def window(what: What, start: datetime, end: datetime | None, ident: str = "") -> AttributionWindow:
            taken = None if ident in begun else since
            return AttributionWindow(what=what, start=start, end=end, since=since, taken=taken)

        if not self.known:
            end = session.started + LATE
            self.known["start"] = window("start", session.started, end, session.id)
        ident, over, r = session.last, session.state is SessionState.ACTIVE, record.rollback
        if ident and ident not in self.known:
            seen, began = last_seen or session.started, None
            if r is not None and r.id == ident:
                began = r.began
            if session.n - over > self.rollbacks:
                done = began or (_over(r, now) + LATE)
                self.known[f"before {ident}"] = window("before", seen, done)
            what: What = "exit" if session.state is SessionState.EXITING else "rollback"
            self.known[ident] = window(what, began or seen, None, ident)
            for oldest in list(self.known)[:-MOST]:
                del self.known[oldest]
        self.rollbacks = session.n
        for known, one in self.known.items():
            one.drive(driving, now)
            if one.end is None and (known != ident or over):
                one.end = _over(r if r is not None and r.id == known else None, now) + LATE

    def explain(self, told: Observation) -> bool:
        """Whether a deed by an account of drdeck is one of drdeck's."""
        return any(window.explains(told) for window in self.known.values())


def _over(rollback: RollbackRecord | None, now: datetime) -> datetime:
    """When a rollback was over, as far as its record tells: long ago, if nobody was here to see it."""
    if rollback is None or rollback.phase != "over":
        return now
    return min(now, rollback.since)
