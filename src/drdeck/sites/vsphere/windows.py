"""When drdeck was at work on a session's VMs where nobody here knows each act: as told by the record.

A controller that was started anew, and one that follows another, know what was asked and when, not what
was done to which VM. What looks like an act of drdeck, by an account of drdeck, in such a time is one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from drdeck.model.domains import SessionState
from drdeck.model.guard import Deed

from .record import Record
from .told import Told

LATE = timedelta(seconds=5)
"""After an operation is over, what it did may still be told."""
MOST = 200
"""Of so many operations on one session it is remembered when they were, the last ones."""
EARLY = timedelta(seconds=2)
"""By so much clocks of controllers may differ."""

_ROLLBACK = frozenset({Deed.POWER, Deed.REVERTED, Deed.HOST, Deed.CONFIG})
_DEEDS = {
    "start": frozenset({Deed.SNAPSHOT, Deed.POWER, Deed.CONFIG, Deed.HOST}),
    "rollback": _ROLLBACK,
    "exit": frozenset({Deed.SNAPSHOT_REMOVED}),
    "before": _ROLLBACK | {Deed.SNAPSHOT, Deed.SNAPSHOT_REMOVED},
}


class Window(msgspec.Struct, kw_only=True):
    """One operation on a session, or all before this controller came (`before`); open while `end` is None.

    `here`: this process takes its acts and knows each of them, so that the time alone explains nothing.
    """

    what: Literal["start", "rollback", "exit", "before"]
    start: datetime
    end: datetime | None = None
    here: bool = False

    def explains(self, told: Told) -> bool:
        if self.here or told.deed not in _DEEDS[self.what]:
            return False
        return told.until >= self.start - EARLY and (self.end is None or told.since <= self.end)


class Windows(msgspec.Struct, kw_only=True):
    """Those of one session, by operation."""

    known: dict[str, Window] = {}
    rollbacks: int = 0
    """finished ones, as known last"""

    def forget_acts(self) -> None:
        """The process that knew the acts is gone."""
        for window in self.known.values():
            window.here = False

    def follow(self, record: Record, here: bool, last_seen: datetime | None, now: datetime) -> None:
        """Take in what the record says. `here`: this process drives the domain now.

        `last_seen`: when this session was looked at last; None: never before.
        """
        session = record.session
        if session is None or session.started is None:
            return
        if not self.known:
            end = session.started + LATE
            self.known["start"] = Window(what="start", start=session.started, end=end, here=here)
        ident, over = session.last, session.state is SessionState.ACTIVE
        if ident and ident not in self.known:
            r = record.rollback
            began = r.began if r is not None and r.id == ident and r.began else last_seen or session.started
            what: Literal["rollback", "exit"] = (
                "exit" if session.state is SessionState.EXITING else "rollback"
            )
            if not here and session.n - over > self.rollbacks:
                unseen = Window(what="before", start=last_seen or session.started, end=began)
                self.known[f"before {ident}"] = unseen
            self.known[ident] = Window(what=what, start=began, here=here)
            for oldest in list(self.known)[:-MOST]:
                del self.known[oldest]
        self.rollbacks = session.n
        for known, window in self.known.items():
            if window.end is not None:
                continue
            window.here = window.here and here  # else somebody else goes on with it, or has done so
            if known != ident or over:
                window.end = now + LATE

    def explain(self, told: Told) -> bool:
        """Whether a deed by an account of drdeck is one of drdeck's."""
        return any(window.explains(told) for window in self.known.values())
