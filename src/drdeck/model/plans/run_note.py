"""A run as its site keeps it, so that another jump host sees it and can take it over.

The note is one for a run; each domain of it has a mark of its own, however many there are. What was begun
stands in neither: that is what the domains' own records say.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from drdeck.model.frozen import Frozen

from .frozen_plan import FrozenDomain, FrozenPlan

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class BatchNote(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A rollback or exit of many sessions (`action`: pitr_run or pitr_exit) that was decided last."""

    id: str
    action: str
    actor: str
    asked_at: Instant
    to: Instant | None = None
    oldest: Instant | None = None
    newest: Instant | None = None
    barrier: bool = False
    lifted: bool = False
    """VMs of it may start already"""
    over: bool = False


class RunNote(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A run as it is kept at its site, for whoever takes it over.

    `frozen`: the plan without its domains. `g` grows with each take-over: the highest counts.

    `holder`: the other controller that drives the run, in words; None: this one, or nobody. `silent`: it is
    gone. `touched`: when it was written last. Times are the site's.
    """

    id: str
    frozen: FrozenPlan
    actor: str
    since: Instant
    g: int = 0
    gates: tuple[int, ...] = ()
    paused: str = ""
    ended: str = ""
    ended_at: Instant | None = None
    answers_again: Instant | None = None
    batch: BatchNote | None = None
    touched: Instant | None = None
    holder: str | None = msgspec.field(name="driver", default=None)
    silent: bool = False

    @property
    def driven_by(self) -> str:
        """The holder in words."""
        if self.holder is None:
            return "nobody"
        return f"{self.holder}, who has fallen silent" if self.silent else self.holder


class RunStopNote(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A refusal that stopped a domain, the word by which it was left out, or how its failover failed."""

    why: str
    code: str
    at: Instant


class RunMark(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A domain's part in a run, number `place` of its plan. `point`, `cannot`, `released`: of the batch."""

    run: str
    place: int
    domain: FrozenDomain
    left_out: RunStopNote | None = None
    stopped: RunStopNote | None = None
    failed: RunStopNote | None = None
    """`code`: how its failover ended"""
    consented: bool = False
    batch: str = ""
    """id of the batch that it is in"""
    point: Instant | None = None
    cannot: str = ""
    unbegun: str = ""
    """why the batch could not begin here"""
    released: bool = False


class KeptRun(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """All that a site keeps of a run. `marks`: name of a domain -> its part."""

    note: RunNote
    marks: dict[str, RunMark] = {}
