"""Lessons: a situation, objectives that are facts, and mistakes; `lesson_file` reads them from TOML."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from drdeck.model.domains import FailoverType, Mode
from drdeck.model.frozen import Frozen

MOST_TITLE = 30
MOST_SITUATION = 220
MOST_TEXT = 150
MOST_HELP = 220
"""Characters that the console's panel has room for, at 80 columns."""


class LessonError(ValueError):
    """A lesson that cannot be used, in one sentence: file, line where known, key, what would be right."""


class LessonStruct(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of a lesson; a key that it does not have is refused."""


class Condition(LessonStruct, frozen=True, kw_only=True, tag_field="kind"):
    """A fact about `domain`, seen at the site or in the journal, that makes an objective met."""

    domain: str


class ModeReached(Condition, frozen=True, kw_only=True, tag="mode"):
    """The domain has come as far as `mode` in the workflow, or farther."""

    mode: Mode


class OperationAsked(Condition, frozen=True, kw_only=True, tag="operation"):
    """An operation stands in the journal, with this type and tick where they are given.

    `state`: "asked" is enough, or it must have ended "done".
    """

    action: Literal[
        "cfo_start", "cfo_complete", "cfo_cancel", "cfo_resume", "pitr_start", "pitr_run", "pitr_exit",
        "failover_undo", "failover_commit", "domain_failback", "domain_restore", "domain_release",
    ]  # fmt: skip
    type: FailoverType | None = None
    run_pitr: bool | None = None
    state: Literal["asked", "done"] = "done"


class SessionStarted(Condition, frozen=True, kw_only=True, tag="session"):
    """A PITR session is active, or was."""


class RolledBack(Condition, frozen=True, kw_only=True, tag="rolled_back"):
    """VMs were rolled back, each to data within the bounds, which both belong to what is right.

    `healthy`: and now every VM of the domain runs and passes its health check.
    """

    at_or_before: datetime | None = None
    at_or_after: datetime | None = None
    healthy: bool = False


class SessionExited(Condition, frozen=True, kw_only=True, tag="exited"):
    """A PITR session was exited, after a rollback or without one."""

    after_rollback: bool = True


class PitrReset(Condition, frozen=True, kw_only=True, tag="reset"):
    """All PITR data was reset."""


class AttachedAgain(Condition, frozen=True, kw_only=True, tag="attached_again"):
    """Somebody attached after the completion of the domain's failover was asked for."""


class VmReady(Condition, frozen=True, kw_only=True, tag="vm_ready"):
    """A VM runs here and is ready; with `after_retry`, after its failure was answered with a retry."""

    vm: str
    after_retry: bool = False


class Answered(Condition, frozen=True, kw_only=True, tag="answered"):
    """A question of an operation was answered; `vm`: one that names this VM."""

    choice: Literal["retry", "skip", "abort", "confirm"]
    vm: str | None = None


class TrialRuns(Condition, frozen=True, kw_only=True, tag="test_runs"):
    """A test of the domain runs, with every VM of the domain, and all of them are ready.

    `at_or_before`: it is of an instant that was chosen, no later than this.
    """

    at_or_before: datetime | None = None


class Tested(Condition, frozen=True, kw_only=True, tag="tested"):
    """A test of the domain was ended with this result, and nothing is left over of it.

    `noted`: a note was kept with it; `at_or_before`: as of `TrialRuns`.
    """

    result: Literal["passed", "failed"]
    noted: bool = False
    at_or_before: datetime | None = None


class RunCondition(Condition, frozen=True, kw_only=True):
    """A fact about the newest run of a Failover Plan, and not about one domain."""

    domain: str = ""
    plan: str


class RunStarted(RunCondition, frozen=True, kw_only=True, tag="run_begun"):
    """A run of the plan was begun, with this type and tick where they are given."""

    type: FailoverType | None = None
    run_pitr: bool | None = None


class WaveRecovered(RunCondition, frozen=True, kw_only=True, tag="wave_recovered"):
    """Every domain of a wave runs here, or was settled by a person's word; none failed or asks."""

    wave: str


class RunSettled(RunCondition, frozen=True, kw_only=True, tag="run_settled"):
    """Every domain of the run is settled, and none needs anybody: patience that is over answers nothing."""


class OneInstant(RunCondition, frozen=True, kw_only=True, tag="one_instant"):
    """The sessions of the run were rolled back to one instant within the bounds; `spread`: at most."""

    at_or_before: datetime | None = None
    at_or_after: datetime | None = None
    spread: str = ""


class NothingLeft(RunCondition, frozen=True, kw_only=True, tag="nothing_left"):
    """No session of the run is open and nothing of it waits for a person."""


When = (
    ModeReached
    | OperationAsked
    | SessionStarted
    | RolledBack
    | SessionExited
    | PitrReset
    | AttachedAgain
    | VmReady
    | Answered
    | TrialRuns
    | Tested
    | RunStarted
    | WaveRecovered
    | RunSettled
    | OneInstant
    | NothingLeft
)


class Objective(LessonStruct, frozen=True, kw_only=True):
    """One thing that a lesson wants done.

    `hint` says how to think, `key` what to press; `command` is one way by command line.
    """

    id: str
    text: str
    hint: str
    key: str
    command: str = ""
    when: When


class Mistake(LessonStruct, frozen=True, kw_only=True, tag_field="kind"):
    """A step that did harm; `why` is told when it is noticed. `fatal`: the lesson is best begun anew."""

    domain: str
    why: str
    fatal: bool = False


class ExitWithoutRollback(Mistake, frozen=True, kw_only=True, tag="exit_without_rollback"):
    """A session that followed a failover was exited with no rollback, so that all PITR data is gone."""


class ExitAfterRollback(Mistake, frozen=True, kw_only=True, tag="exit_after_rollback"):
    """A session was exited after a rollback, with no PITR data reset before; for drills of the contrary."""


class ForceWhileReachable(Mistake, frozen=True, kw_only=True, tag="force_while_reachable"):
    """A Force Failover was asked for although the protected site answered."""


class SessionLeftOpen(Mistake, frozen=True, kw_only=True, tag="session_left_open"):
    """A session was active for longer than `longer` of the site's time."""

    longer: str


class RollbackFailsHealth(Mistake, frozen=True, kw_only=True, tag="rollback_fails_health"):
    """A rollback took a VM to data in which its health check fails."""


class PointTooOld(Mistake, frozen=True, kw_only=True, tag="point_too_old"):
    """A session was left at data older, by more than `allow`, than the last that was good."""

    allow: str = "5m"


class VmSkipped(Mistake, frozen=True, kw_only=True, tag="vm_skipped"):
    """A VM was left off on the operator's word."""


class TrialUnjudged(Mistake, frozen=True, kw_only=True, tag="test_unjudged"):
    """A test was ended without a word on what came of it."""


class TrialOverdue(Mistake, frozen=True, kw_only=True, tag="test_overdue"):
    """A test ran longer than it was to."""


AnyMistake = (
    ExitWithoutRollback
    | ExitAfterRollback
    | ForceWhileReachable
    | SessionLeftOpen
    | RollbackFailsHealth
    | PointTooOld
    | VmSkipped
    | TrialUnjudged
    | TrialOverdue
)


class Drop(LessonStruct, frozen=True, kw_only=True):
    """A lost link: when this becomes true the console's process ends. `says` is told then."""

    when: When
    says: str


class Lesson(LessonStruct, frozen=True, kw_only=True):
    """A walkthrough. `speed`: seconds of the site per second; `minutes`: how long it takes at the desk,
    about; `scenario`: a shipped one, or a file."""

    name: str
    title: str
    scenario: str
    situation: str
    number: int = 0
    speed: float = 10
    minutes: int = 0
    objectives: tuple[Objective, ...]
    mistakes: tuple[AnyMistake, ...] = ()
    drop: Drop | None = None
    end: str = ""
    """said when every objective is met"""

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that it is about, in order."""
        conditions = [o.when for o in self.objectives] + ([self.drop.when] if self.drop else [])
        names = [c.domain for c in conditions if c.domain] + [m.domain for m in self.mistakes]
        return tuple(dict.fromkeys(names))

    @property
    def plan(self) -> str:
        """The Failover Plan that it is about; empty without one."""
        conditions = [o.when for o in self.objectives]
        return next((c.plan for c in conditions if isinstance(c, RunCondition)), "")
