"""Operations: what was asked for and accepted, as projected from the journal."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain
from drdeck.model.frozen import Frozen
from drdeck.model.planned import PlannedCall
from drdeck.model.times import show


class OperationState(StrEnum):
    OPEN = "open"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"


ENDED = frozenset({OperationState.DONE, OperationState.FAILED, OperationState.ABORTED})

UNSEEN = " The site does not show it. Seen now: "
"""Behind it a question whether something was done says what is seen, and how it is answered in words."""


class Question(Frozen, frozen=True, kw_only=True):
    """A need for a person's word. `kind`: failed, unknown, slow, site, or bug (of drdeck's own)."""

    id: str
    kind: str
    text: str
    choices: tuple[str, ...]
    vms: dict[str, str] = {}
    """id -> name of the VMs that it is about: those that a skip leaves out"""


class Operation(Frozen, frozen=True, kw_only=True):
    """One accepted request and what came of it. `actor` is user@host; times are the site's.

    `done`: key of each command that the site confirmed -> serial of the view at that time.
    `failed`: key -> the site's words. `lost`: key -> serial of the view up to which nothing can be
    told of a command whose answer was lost. `unsent`: the same for a command that certainly did not
    reach the site. `going`: keys under way. `answered`: keys whose last try had an answer.
    """

    id: str
    request: Request
    actor: str
    asked_at: datetime
    session: str | None = None
    """the PITR session that it is about, for what is asked of one"""
    after: str | None = None
    """the rollback or exit asked of that session before this one"""
    adopted: bool = False
    """begun at the site by another controller, and gone on with here"""
    taken_over_by: str = ""
    """who wanted that; `actor` is who asked at first where the site tells, else the same"""
    state: OperationState = OperationState.OPEN
    done: dict[str, int] = {}
    skipped: dict[str, str] = {}
    """VM id -> name: the operator said to go on without it"""
    failed: dict[str, str] = {}
    lost: dict[str, int] = {}
    lost_at: dict[str, datetime] = {}
    """key in `lost` -> when that command was requested; not known of what an older drdeck journaled"""
    unsent: dict[str, int] = {}
    going: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    calls: dict[str, PlannedCall] = msgspec.field(name="acts", default_factory=dict)
    """the calls behind the keys in `failed`, so that a question can name them"""
    tasks: dict[str, str] = {}
    """key -> the site's id of the task that a command began whose outcome is not known yet"""
    remarks: dict[str, str] = {}
    """key -> what the site remarked of a command that it confirmed"""
    slow: frozenset[str] = frozenset()
    """keys under way for longer than their limit, of which nobody has said yet to go on waiting"""
    waited_for: dict[str, int] = {}
    """key under way -> how often a person has said to go on waiting for it"""
    question: Question | None = None
    question_at: datetime | None = None
    """since when it has asked, whatever it asks"""
    run: str = ""
    """the run of a failover plan that began it"""
    barrier: bool = False
    """its VMs, once they are reverted, wait for those of other domains"""
    answers: dict[str, str] = {}
    """question id -> choice"""
    answered_vms: dict[str, tuple[str, ...]] = {}
    """question id -> ids of the VMs in it when it was answered"""
    answered_by: str = ""
    """user@host of the last answer"""
    waits_for: str = ""
    ended_at: datetime | None = None
    error: str | None = None
    result: dict[str, str] = {}

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def unseen(self) -> dict[str, int]:
        """Keys whose command must not be given again before the site was seen anew."""
        return self.lost | self.unsent

    def requested_at(self, keys: Iterable[str]) -> datetime | None:
        """The first instant at which one of these commands without an answer was requested; None: unknown."""
        return min((self.lost_at[key] for key in keys if key in self.lost_at), default=None)

    def uncertain(self, key: str) -> bool:
        """True if a command may have reached the site already, and nobody here knows what came of it."""
        return key in self.lost or (self.adopted and key not in self.answered)

    @property
    def domain(self) -> str:
        return self.request.domain

    @property
    def action(self) -> str:
        return self.request.action


class OperationView(Frozen, frozen=True, kw_only=True):
    """An operation as consoles and the command line see it."""

    id: str
    action: str
    domain: str
    actor: str
    asked_at: datetime
    state: OperationState
    request: Request
    question: Question | None = None
    question_at: datetime | None = None
    """since when it has asked, whatever it asks; None where it asks nothing"""
    waits_for: str = ""
    ended_at: datetime | None = None
    error: str | None = None
    unknown: bool = False
    result: dict[str, str] = {}
    taken_over_by: str = ""
    run: str = ""
    """the run of a failover plan that began it"""

    @property
    def asked_by(self) -> str:
        """The user who asked, and the one who took it over, in words."""
        if not self.taken_over_by:
            return self.actor
        if self.taken_over_by == self.actor:
            return f"{self.actor}, who took it over"
        return f"{self.actor}, taken over by {self.taken_over_by}"


ANSWER = "your answer"
SESSION_OPEN = "the PITR session is active: Run PITR, then Exit PITR Session"
"""What an operation that asks waits for, whatever it waited for before."""


def view_of(operation: Operation) -> OperationView:
    return OperationView(
        id=operation.id,
        action=operation.action,
        domain=operation.domain,
        actor=operation.actor,
        asked_at=operation.asked_at,
        state=operation.state,
        request=msgspec.structs.replace(operation.request, preview=None),
        question=operation.question,
        question_at=operation.question_at,
        waits_for=ANSWER if operation.question is not None else operation.waits_for,
        ended_at=operation.ended_at,
        error=operation.error,
        unknown=operation.question is not None and operation.question.kind == "unknown",
        result=operation.result,
        taken_over_by=operation.taken_over_by,
        run=operation.run,
    )


def recovery_status(d: Domain, skipped: bool) -> str:
    """The vendor's row; VMs whose check fails are no success, whatever was recovered."""
    if d.checked.failed:
        return f"Unhealthy: {d.checked.says}"
    return "Success" if d.recovered and not skipped else "Partial"


def result_of(op: Operation, d: Domain, operations: Iterable[Operation], now: datetime) -> dict[str, str]:
    """Figures as text, by name; only those that are known."""
    if op.action == "pitr_run" and op.request.to is not None:
        back = sum(1 for vm in d.vms if vm.rolled_back_to is not None)
        result = {"rolled_back_to": show(op.request.to), "vms_rolled_back": str(back)}
        if d.checked.ok or d.checked.failed:
            result |= {"vms_healthy": str(d.checked.ok), "vms_failing": str(d.checked.failed)}
        if op.remarks:
            result["settings_went_back"] = "; ".join(op.remarks[key] for key in sorted(op.remarks))
        return result
    if op.action != "cfo_complete":
        return {}
    result = {
        "type": str(op.request.type),
        "vms_total": str(d.vms_total),
        "vms_recovered": str(d.vms_recovered),
        "recovery_status": recovery_status(d, bool(op.skipped or d.left_out)),
    }
    if d.left_out:
        result["left_out"] = ", ".join(d.left_out)
    if op.skipped:
        result["skipped"] = ", ".join(sorted(op.skipped.values()))
    if d.failover is not None and d.failover.recovered_at is not None:
        result["rto_s"] = f"{int((d.failover.recovered_at - op.asked_at).total_seconds())}"
    sessions = [p for p in d.excluded if p.end is not None and p.end >= op.asked_at]
    if op.request.run_pitr and sessions:
        length = sum((p.end - p.start).total_seconds() for p in sessions if p.end is not None)
        result["unprotected_s"] = f"{int(length)}"
    rollbacks = [
        o
        for o in operations
        if o.action == "pitr_run"
        and o.domain == op.domain
        and o.state is OperationState.DONE
        and o.asked_at >= op.asked_at
    ]
    if rollbacks:
        last = max(rollbacks, key=lambda o: o.asked_at)
        result["rolled_back_to"] = show(last.request.to) if last.request.to else ""
        if last.request.to is not None and sessions:
            entered = min(p.start for p in sessions)
            result["data_given_up_s"] = f"{max(0, int((entered - last.request.to).total_seconds()))}"
    if d.reset_at is not None and d.reset_at >= op.asked_at:
        result["reset_up_to"] = show(d.reset_at)
    if d.checked.ok or d.checked.failed:
        result |= {"vms_healthy": str(d.checked.ok), "vms_failing": str(d.checked.failed)}
    for group in d.runbook:
        failed = [vm for vm in d.vms if vm.group == group.group and vm.error]
        result[f"runbook:{group.group}"] = "Failed" if failed else "Success"
    return result
