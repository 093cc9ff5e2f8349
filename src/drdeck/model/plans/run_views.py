"""A run as consoles and commands see it, computed anew whenever something has changed."""

from datetime import datetime
from enum import StrEnum

import msgspec

from drdeck.model.domains import FailoverType
from drdeck.model.frozen import Frozen


class RunState(StrEnum):
    """The state of a run.

    `waiting`: something needs a person, and nothing else goes on. `pausing`: what was begun goes on.
    """

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    WAITING = "waiting"
    DONE = "done"
    DONE_WITH_EXCEPTIONS = "done_with_exceptions"
    RESULT_UNKNOWN = "result_unknown"

    @property
    def words(self) -> str:
        return "needs you" if self is RunState.WAITING else self.replace("_", " ")


RUN_ENDED = frozenset({RunState.DONE, RunState.DONE_WITH_EXCEPTIONS, RunState.RESULT_UNKNOWN})


class InRunState(StrEnum):
    """The state of a domain in a run."""

    NOT_POSSIBLE = "not_possible"
    HELD = "held"
    WAITS_FOR_PLACE = "waits_for_place"
    RUNNING = "running"
    QUESTION = "question"
    UNKNOWN = "result_unknown"
    RECOVERED = "recovered"
    PITR_SESSION = "pitr_session"
    SKIPPED = "skipped"
    LEFT_OUT = "left_out"
    FAILED = "failed"

    @property
    def words(self) -> str:
        """For the screens; the value is for JSON."""
        own = {
            InRunState.PITR_SESSION: "PITR session active",
            InRunState.WAITS_FOR_PLACE: "waits for a place",
        }
        return own.get(self, self.replace("_", " "))


NOT_BEGUN = frozenset({InRunState.HELD, InRunState.WAITS_FOR_PLACE})


class Needs(StrEnum):
    """The thing that a domain of a run needs of a person; the word stands in the list."""

    NOTHING = ""
    ANSWER = "answer"
    LOOK = "look"
    """the result of something is unknown"""
    BEGIN_ANEW = "begin anew"
    """it was refused, or its protected site answers again: `plan begin`, or `plan leave-out`"""


class DomainInRun(Frozen, frozen=True, kw_only=True):
    """One row of the run. `since`: since when it is in this state, where that is known; `wave` from 0.

    `reason`: in words, what holds it or what became of it. `operation`: that of its failover, or of a
    rollback or exit of many sessions that is under way in it. `question`: what that operation asks now.
    """

    name: str
    wave: int
    state: InRunState
    reason: str = ""
    operation: str | None = None
    vms: int = 0
    recovered: int = 0
    step: str = ""
    """ "6/8", or empty"""
    question: str = ""
    choices: tuple[str, ...] = ()
    needs: Needs = Needs.NOTHING
    settled: bool = False
    since: datetime | None = None
    doing: str = ""
    """a rollback or exit of many sessions that is under way in it, in words"""

    @property
    def words(self) -> str:
        """The state for people."""
        return self.doing or self.state.words

    @property
    def goes_on(self) -> bool:
        """Something is under way in it that needs nobody."""
        return self.needs is Needs.NOTHING and (self.state is InRunState.RUNNING or bool(self.doing))


class WaveView(Frozen, frozen=True, kw_only=True):
    """A wave of a run, as people are shown it.

    `state`: held, gate (Resume Plan begins it), running, settled. `begins`: its condition, in words.
    """

    name: str
    state: str
    settled: int
    of: int
    begins: str = ""


class InstantOfRun(Frozen, frozen=True, kw_only=True):
    """The one instant that the sessions of a run were last rolled back to.

    `barrier`: domains that hold it, as nothing may start before they are reverted; `holds`: it stands.
    """

    to: datetime
    asked_at: datetime
    spread_s: float | None = None
    oldest: datetime | None = None
    newest: datetime | None = None
    cannot: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    barrier: tuple[str, ...] = ()
    holds: bool = False


class BatchOfRun(Frozen, frozen=True, kw_only=True):
    """A rollback or exit of many sessions. `action`: pitr_run or pitr_exit. `stopped`: domain -> why there is
    none of it; `failed`: domain -> how it failed; `asking`: domains whose operation needs a person."""

    id: str
    action: str
    asked_at: datetime
    by: str
    domains: tuple[str, ...]
    operations: dict[str, str] = {}
    done: tuple[str, ...] = ()
    failed: dict[str, str] = {}
    stopped: dict[str, str] = {}
    asking: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def ended(self) -> int:
        """The number of domains in which nothing of it is left to do."""
        return len({*self.done, *self.failed, *self.stopped} & set(self.domains))

    @property
    def over(self) -> bool:
        """Nothing of it goes on without a person."""
        ends = {*self.done, *self.failed, *self.stopped, *self.asking, *self.unknown}
        return all(name in ends for name in self.domains)


class ProtectedAsked(Frozen, frozen=True, kw_only=True):
    """The last time that a run asked the protected sites of its domains. `answers`: all of them did."""

    answers: bool
    at: datetime
    answered_at: datetime | None = None
    """the last time before that one that does not is known to have answered"""


class RunView(Frozen, frozen=True, kw_only=True):
    """All of a run. `since`: the decision; `by`: user@host who decided. `places`: kind -> used, of."""

    run: str
    plan: str
    title: str = ""
    state: RunState
    why: str = ""
    """of a pause, or of what it waits for"""
    type: FailoverType
    run_pitr: bool = False
    since: datetime
    by: str
    ended_at: datetime | None = None
    number: int = 0
    """of domains that it begins"""
    waves: tuple[WaveView, ...] = ()
    domains: tuple[DomainInRun, ...] = ()
    places: dict[str, tuple[int, int]] = {}
    pitr: InstantOfRun | None = None
    batches: tuple[BatchOfRun, ...] = ()
    """the last rollback and the last exit of many sessions, the newest last"""
    answers_again: datetime | None = None
    """since when the protected site is seen to answer that did not when it was decided"""
    protected: ProtectedAsked | None = None
    """for a Force that is under way"""
    finishes_at: datetime | None = None
    """an estimate; `finishes_from` says what it is from"""
    finishes_from: str = ""
    holder: str = msgspec.field(name="driver", default="")
    """another controller that drives it, or "nobody"; empty: this one"""

    @property
    def answering_since(self) -> datetime | None:
        """`answers_again`, while the run is not over: from then on nobody needs to be warned of it."""
        return self.answers_again if self.ended_at is None else None

    @property
    def going_back(self) -> BatchOfRun | None:
        """The last rollback of many sessions, while there is something left to do of it."""
        back = next((b for b in reversed(self.batches) if b.action == "pitr_run"), None)
        return back if back is not None and back.ended < len(back.domains) else None

    @property
    def needs(self) -> int:
        """The number of domains that need a person."""
        return sum(domain.needs is not Needs.NOTHING for domain in self.domains)
