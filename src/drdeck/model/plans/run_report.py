"""The report of a run: who decided, what became of each domain, and what people answered.

Times are the site's. Every figure follows from the journal: `RTO` of a wave is its last `run_recovered` less
the decision, a spread is the newest less the oldest point of the rollback.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drdeck.model.domains import FailoverType
from drdeck.model.frozen import Frozen


class DomainReport(Frozen, frozen=True, kw_only=True):
    """A domain in the report. `became`: recovered, under way, failed, skipped, left out, not possible, not
    begun. `rto_s`: from the decision until it served again. `unprotected_s`: in its session, once that is
    over; while it goes on there is `session_since` alone."""

    name: str
    wave: str
    became: str
    reason: str = ""
    operation: str = ""
    begun_at: datetime | None = None
    recovered_at: datetime | None = None
    rto_s: float | None = None
    vms: int = 0
    vms_recovered: int = 0
    vms_left_out: str = ""
    session_since: datetime | None = None
    unprotected_s: float | None = None
    point: datetime | None = None
    """what it was last rolled back to with the others"""


class WaveReport(Frozen, frozen=True, kw_only=True):
    """A wave. `rto_s`: from the decision until its last domain served again; None while one is under way."""

    name: str
    domains: int
    recovered: int
    vms: int
    vms_recovered: int
    rto_s: float | None = None


class QuestionReport(Frozen, frozen=True, kw_only=True):
    """A question of the run, and who answered. `over`: how it ended without an answer; empty: it stands."""

    at: datetime
    domain: str
    operation: str
    kind: str
    text: str
    choice: str = ""
    by: str = ""
    answered_at: datetime | None = None
    over: str = ""


class Word(Frozen, frozen=True, kw_only=True):
    """A person's word to the run."""

    at: datetime
    by: str
    says: str


class RollbackReport(Frozen, frozen=True, kw_only=True):
    """A rollback of many sessions to one instant; `spread_s`: between the oldest and the newest point."""

    at: datetime
    by: str
    to: datetime
    domains: int
    done: int
    points: dict[str, datetime]
    spread_s: float | None = None
    cannot: dict[str, str] = {}
    released: tuple[str, ...] = ()


class ExitReport(Frozen, frozen=True, kw_only=True):
    """An exit of many sessions."""

    at: datetime
    by: str
    domains: tuple[str, ...]
    done: int


class RunReport(Frozen, frozen=True, kw_only=True):
    """The evidence of a run, out of the journal.

    `state`: the end of the run, or "under way"; `facts`: seen by the person who decided.
    """

    run: str
    plan: str
    title: str
    type: FailoverType
    run_pitr: bool
    decided_at: datetime
    by: str
    state: str
    ended_at: datetime | None
    facts: dict[str, str]
    number: int
    waves: tuple[WaveReport, ...]
    domains: tuple[DomainReport, ...]
    questions: tuple[QuestionReport, ...]
    words: tuple[Word, ...]
    rollbacks: tuple[RollbackReport, ...]
    exits: tuple[ExitReport, ...]
    events: int = 0
    """of the journal that it is from"""
    problems: tuple[str, ...] = ()
    """of that journal's chain; empty: it is sound"""

    def became(self, *what: str) -> tuple[str, ...]:
        """The domains that became this."""
        return tuple(d.name for d in self.domains if d.became in what)

    @property
    def vms_recovered(self) -> int:
        return sum(d.vms_recovered for d in self.domains)

    @property
    def rto_s(self) -> float | None:
        """From the decision until the last domain served again; None while one is under way."""
        return last_rto_s(self.domains)

    @property
    def unprotected_s(self) -> float:
        """The sum over the domains whose session is over."""
        return sum(d.unprotected_s or 0.0 for d in self.domains)

    @property
    def unprotected_longest_s(self) -> float:
        return max((d.unprotected_s or 0.0 for d in self.domains), default=0.0)

    @property
    def still_unprotected(self) -> tuple[str, ...]:
        """Domains whose session goes on."""
        return tuple(d.name for d in self.domains if d.session_since is not None and d.unprotected_s is None)


def last_rto_s(domains: Iterable[DomainReport]) -> float | None:
    """The RTO of several domains: that of the last one; None where none served again, or one is to come."""
    rows = list(domains)
    times = [d.rto_s for d in rows if d.rto_s is not None]
    coming = any(d.became in ("under way", "not begun") for d in rows)
    return max(times) if times and not coming else None
