"""Messages about failover plans and their runs."""

from __future__ import annotations

from typing import Literal

import msgspec

from drdeck.model.actions.request import Name
from drdeck.model.plans.common_instant import CommonInstant, RunPoints
from drdeck.model.plans.plan_check import PlanCheck, PlanSummary
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest, RunRequest
from drdeck.model.plans.run_views import RunView

from .message_base import Call, Message, Word


class PlanAsk(Call, frozen=True, kw_only=True, tag="plan_ask"):
    """A question about plans that changes nothing. `what`: list (PlansAnswer), check (`request`;
    PlanCheckAnswer), status (`run`; RunAnswer), points (`run`; RunPointsAnswer), instant (`pitr`;
    CommonInstantAnswer), exits (`exit`; RunExitsAnswer), runs (RunsAnswer)."""

    what: Literal["list", "check", "status", "runs", "points", "instant", "exits"]
    run: Word = ""
    request: RunRequest | None = None
    pitr: RunPitrRequest | None = None
    exit: RunExitRequest | None = None


class PlanRun(Call, frozen=True, kw_only=True, tag="plan_run"):
    """Begin a run. Answered with RunBegun once it is in the journal, before any domain is begun."""

    request: RunRequest


class RunChange(Call, frozen=True, kw_only=True, tag="run_act"):
    """Change how a run goes on; answered with RunStatusAnswer.

    `change`: pause, resume (passes a gate, too), leave_out (`domain`), begin (a stopped domain of it, anew;
    `confirm`: its name, where its protected site answers again), release (the barrier, from `domain`),
    take_over (from another controller; `confirm`: the run's id, where that is at work).
    """

    run: Word
    change: Literal["pause", "resume", "leave_out", "begin", "release", "take_over"] = msgspec.field(
        name="act"
    )
    domain: Name | None = None
    confirm: Name | None = None


class RunAnswerAll(Call, frozen=True, kw_only=True, tag="run_answer_all"):
    """Answer the same question of all domains of a run: those of `kind`. Answered with OperationsAnswer."""

    run: Word
    kind: Word
    choice: Word


class RunPitr(Call, frozen=True, kw_only=True, tag="run_pitr"):
    """Roll the sessions of a run back to one instant. Answered with OperationsAnswer once it is in the
    journal: `refused` are the domains that cannot reach it; the operations follow, see RunView.pitr."""

    request: RunPitrRequest


class RunExit(Call, frozen=True, kw_only=True, tag="run_exit"):
    """Leave sessions of a run. Answered with OperationsAnswer once it is in the journal: `refused` are those
    of the other list, which stay."""

    request: RunExitRequest


class PlansAnswer(Message, frozen=True, kw_only=True, tag="plans"):
    id: int
    plans: tuple[PlanSummary, ...]


class PlanCheckAnswer(Message, frozen=True, kw_only=True, tag="plan_check"):
    id: int
    check: PlanCheck


class RunBegun(Message, frozen=True, kw_only=True, tag="run_begun"):
    id: int
    run: str


class RunStatusAnswer(Message, frozen=True, kw_only=True, tag="run_status"):
    id: int
    run: RunView


class RunsAnswer(Message, frozen=True, kw_only=True, tag="runs"):
    """The open runs and the recent ones, newest first."""

    id: int
    runs: tuple[RunView, ...]


class RunPointsAnswer(Message, frozen=True, kw_only=True, tag="run_points"):
    id: int
    points: RunPoints


class CommonInstantAnswer(Message, frozen=True, kw_only=True, tag="common_instant"):
    """The effect that a common rollback to an instant would have.

    `confirm`: what must be typed to roll back to it; empty: nothing. `says`: what to read before.
    """

    id: int
    instant: CommonInstant
    confirm: str = ""
    says: tuple[str, ...] = ()


class RunExitsAnswer(Message, frozen=True, kw_only=True, tag="run_exits"):
    """The domains whose sessions an exit leaves, and those that stay in theirs."""

    id: int
    leaving: tuple[str, ...]
    stays: tuple[str, ...]


class OperationsAnswer(Message, frozen=True, kw_only=True, tag="operations"):
    """Domain -> id of its operation; `refused`: domain -> why there is none."""

    id: int
    operations: dict[str, str]
    refused: dict[str, str] = {}
