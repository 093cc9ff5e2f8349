"""Facts as a site and a journal would show them, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from drdeck.coach.judge import judge
from drdeck.coach.lesson_facts import LessonFacts
from drdeck.coach.lesson_file import Course, parse
from drdeck.coach.progress import Progress
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.model.actions.request import Request
from drdeck.model.domains import (
    Domain,
    FailoverType,
    Health,
    Mode,
    Owner,
    Period,
    PitrPolicy,
    Session,
    SessionState,
    Vm,
)

T0 = datetime(2026, 1, 16, 23, 25, tzinfo=UTC)
"""where the clock of the ransomware scenario stands at first"""
LAST_GOOD = datetime(2026, 1, 16, 22, 42, tzinfo=UTC)
DOMAIN = "erp-prod"
HEAD = """
name = "made"
title = "Made"
scenario = "ransomware"
situation = "Something is the matter."
"""


def at(minutes: float) -> datetime:
    """So many minutes into the lesson."""
    return T0 + timedelta(minutes=minutes)


def objective(when: str, ident: str = "it") -> str:
    """An [[objectives]] table."""
    return f"""
[[objectives]]
id = "{ident}"
text = "Do it."
hint = "Think."
key = "Press."
when = {{ {when} }}
"""


NEVER_MET = objective('kind = "attached_again", domain = "erp-prod"', "never")


def mistake(kind: str, extra: str = "") -> str:
    """A [[mistakes]] table."""
    return f"""
[[mistakes]]
kind = "{kind}"
domain = "erp-prod"
why = "It does harm."
{extra}
"""


def course(*tables: str) -> Course:
    return parse(HEAD + "".join(tables))


def domain(mode: Mode = Mode.RUNNING_IN_FAILOVER, **changes: Any) -> Domain:
    fields: dict[str, Any] = {
        "id": "d1",
        "name": DOMAIN,
        "mode": mode,
        "owner": Owner.LOCAL,
        "vms_total": 2,
        "pitr": PitrPolicy(enabled=True, window_s=3 * 86400, interval_s=60),
        "vms": (vm("erp-app03"), vm("erp-web06")),
    }
    return Domain(**{**fields, **changes})


def vm(name: str, **changes: Any) -> Vm:
    fields: dict[str, Any] = {"id": name, "name": name, "power": "on", "ready": True, "health": Health.OK}
    return Vm(**{**fields, **changes})


def session(state: SessionState = SessionState.ACTIVE) -> Session:
    return Session(id="op-1", state=state, started_at=at(10))


def period(start: float, end: float | None) -> Period:
    return Period(start=at(start), end=None if end is None else at(end))


def operation(
    action: str,
    asked_min: float,
    state: OperationState = OperationState.DONE,
    ident: str = "",
    **request: Any,
) -> OperationView:
    return OperationView(
        id=ident or f"op-{action}-{asked_min:g}",
        action=action,
        domain=DOMAIN,
        actor="somebody@somewhere",
        asked_at=at(asked_min),
        state=state,
        request=Request(action=action, domain=DOMAIN, **request),
    )


def rollback(asked_min: float, to: datetime, vms: tuple[str, ...] = ()) -> OperationView:
    return operation("pitr_run", asked_min, to=to, vms=vms)


def completion(kind: FailoverType = FailoverType.PLANNED, run_pitr: bool = True) -> OperationView:
    return operation("cfo_complete", 5, ident="op-1", type=kind, run_pitr=run_pitr)


def facts(
    state: Domain | None = None, *operations: OperationView, now: float = 60, **more: Any
) -> LessonFacts:
    return LessonFacts(now=at(now), domains=(state or domain(),), operations=operations, **more)


def judged(course: Course, look: LessonFacts, *attaches: float) -> Progress:
    """The progress of a new lesson after one look."""
    begun = Progress(lesson="made", begun_at=T0, attaches=tuple(at(a) for a in attaches))
    return judge(course, begun, look)
