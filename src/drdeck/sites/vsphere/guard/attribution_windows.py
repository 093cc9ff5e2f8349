"""Times in which drdeck was at work on a session's VMs, told by the record where nobody knows each call.

A controller that was started anew, one that follows another, and one that has taken over, know what was
asked and when, not what was done to which VM. What looks like a call of drdeck, by an account of drdeck,
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
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import RollbackRecord

from .observations import Observation

LATE = timedelta(seconds=5)
"""After an operation is over, or its holder was taken over from, what it did may still be told."""
MOST = 200
"""Of so many operations on one session it is remembered when they were, the last ones."""
EARLY = timedelta(seconds=2)
"""By so much clocks of controllers may differ."""

_ROLLBACK = frozenset({Change.POWER, Change.REVERTED, Change.HOST, Change.CONFIG})
_CHANGES = {
    "start": frozenset({Change.SNAPSHOT, Change.POWER, Change.CONFIG, Change.HOST}),
    "rollback": _ROLLBACK,
    "exit": frozenset({Change.SNAPSHOT_REMOVED, Change.CONSOLIDATION}),
    "before": _ROLLBACK | {Change.SNAPSHOT, Change.SNAPSHOT_REMOVED, Change.CONSOLIDATION},
}


What = Literal["start", "rollback", "exit", "before"]


class LeaseTenure(NamedTuple):
    """This process drives the domain since `since`. `begun`: operations that it has begun itself, whose
    calls it knows; `tasks`: VM -> tasks under way on it, but for VMs on which it has begun calls itself."""

    since: datetime
    begun: Container[str] = ()
    tasks: Mapping[str, frozenset[str]] = {}


class AttributionWindow(msgspec.Struct, kw_only=True):
    """A time in which changes by an account of drdeck count as drdeck's, although this process made no such
    call.

    Belongs to one operation on a session, or to all before this controller came (`before`); open while
    `end` is None.

    `since`: when this process began to drive, if it does: from then on it takes the calls and knows each of
    them, so that the time alone explains nothing. `taken`: until then another one took them; None: it has
    begun the operation itself.
    """

    what: What
    start: datetime
    end: datetime | None = None
    since: datetime | None = None
    taken: datetime | None = None
    inside: dict[str, frozenset[str]] = {}
    """VM -> tasks that the holder before had begun, and that go on"""
    rest: dict[str, datetime] = {}
    """VM -> until when such tasks explain what is told of it"""

    def explains(self, observation: Observation) -> bool:
        if observation.change not in _CHANGES[self.what] or observation.until < self.start - EARLY:
            return False
        if observation.vm in self.inside:
            return True
        until = self.end
        if self.since is not None:
            if self.taken is None:
                return False
            until = self.taken + LATE if self.end is None else min(self.taken + LATE, self.end)
            until = self.rest.get(observation.vm, until)
        return until is None or observation.since <= until

    def drive(self, tenure: LeaseTenure | None, now: datetime) -> None:
        """Take in who drives now."""
        if tenure is None:
            self.inside = {}
            if self.end is None:  # somebody else goes on with it, or has done so
                self.since, self.taken, self.rest = None, None, {}
            return
        if self.end is None and self.since != tenure.since:
            self.since, self.taken, self.inside, self.rest = tenure.since, tenure.since, {}, {}
        if self.taken is None:
            return
        new = self.end is None and now <= self.taken + LATE
        self.rest |= dict.fromkeys(self.inside, now + LATE)
        still = {
            vm: tasks if new else tasks & self.inside.get(vm, frozenset())
            for vm, tasks in tenure.tasks.items()
        }
        self.inside = {vm: tasks for vm, tasks in still.items() if tasks}


class AttributionWindows(msgspec.Struct, kw_only=True):
    """Those of one session, by operation."""

    windows: dict[str, AttributionWindow] = msgspec.field(name="known", default_factory=dict)
    rollbacks: int = 0
    """finished ones, as known last"""

    def forget_calls(self) -> None:
        """The process that knew the calls is gone."""
        for window in self.windows.values():
            window.since, window.taken, window.inside, window.rest = None, None, {}, {}

    def follow(
        self, record: Record, tenure: LeaseTenure | None, last_seen: datetime | None, now: datetime
    ) -> None:
        """Take in what the record says. `tenure`: None while this process does not drive the domain.

        `last_seen`: when this session was looked at last; None: never before.
        """
        session = record.session
        if session is None or session.started is None:
            return
        since, begun = (tenure.since, tenure.begun) if tenure is not None else (None, ())

        def window(what: What, start: datetime, end: datetime | None, ident: str = "") -> AttributionWindow:
            taken = None if ident in begun else since
            return AttributionWindow(what=what, start=start, end=end, since=since, taken=taken)

        if not self.windows:
            end = session.started + LATE
            self.windows["start"] = window("start", session.started, end, session.id)
        ident, over, r = session.last, session.state is SessionState.ACTIVE, record.rollback
        if ident and ident not in self.windows:
            looked, began = last_seen or session.started, None
            if r is not None and r.id == ident:
                began = r.began
            if session.n - over > self.rollbacks:
                done = began or (_over(r, now) + LATE)
                self.windows[f"before {ident}"] = window("before", looked, done)
            what: What = "exit" if session.state is SessionState.EXITING else "rollback"
            self.windows[ident] = window(what, began or looked, None, ident)
            for oldest in list(self.windows)[:-MOST]:
                del self.windows[oldest]
        self.rollbacks = session.n
        entering = record.entering.by if record.entering is not None else ""
        if entering and entering not in self.windows:
            self.windows[entering] = window("start", last_seen or session.started, None, entering)
        for operation, open_window in self.windows.items():
            open_window.drive(tenure, now)
            if open_window.end is None and operation != entering and (operation != ident or over):
                open_window.end = _over(r if r is not None and r.id == operation else None, now) + LATE

    def explain(self, observation: Observation) -> bool:
        """True if a change by an account of drdeck is one of drdeck's."""
        return any(window.explains(observation) for window in self.windows.values())


def _over(rollback: RollbackRecord | None, now: datetime) -> datetime:
    """End of a rollback, as far as its record tells: long ago, if nobody was here to see it."""
    if rollback is None or rollback.phase != "over":
        return now
    return min(now, rollback.since)
