"""Scoring of a lesson: its figures, out of its progress and the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from drdeck.model.domains import Domain, FailoverType, Health
from drdeck.model.plans.run_views import RunView

from .lesson_facts import LessonFacts
from .progress import DomainMemory, Progress
from .result import Cost, MistakeResult, ObjectiveResult, Result
from .run_facts import left_behind, lost_with_run_s, run_of, unprotected_of_run_s, wave_rto_s
from .scenario_truth import DomainGround

if TYPE_CHECKING:
    from .lesson_file import Course

_T = TypeVar("_T")


def result_of(course: Course, progress: Progress, facts: LessonFacts) -> Result:
    """The result as things are at these facts."""
    lesson = course.lesson
    domains = [d for d in facts.domains if d.name in lesson.domains]
    grounds = course.ground
    memories = progress.memories
    result = Result(
        lesson=lesson.name,
        number=lesson.number,
        title=lesson.title,
        scenario=course.scenario.name,
        finished=len(progress.met) == len(lesson.objectives),
        begun_at=progress.begun_at,
        at=facts.now,
        objectives_met=len(progress.met),
        objectives_total=len(lesson.objectives),
        objectives=tuple(
            ObjectiveResult(id=o.id, text=o.text, met_at=progress.met.get(o.id)) for o in lesson.objectives
        ),
        rto_s=_most(rto_s(d, facts) for d in domains),
        data_lost_s=_most(data_lost_s(d, facts, grounds[d.name], memories.get(d.name)) for d in domains),
        data_given_up_s=_most(data_given_up_s(d, facts, memories.get(d.name)) for d in domains),
        vms_failing=sum(vm.health is Health.FAILED for d in domains for vm in d.vms),
        vms_total=sum(len(d.vms) for d in domains),
        rolled_back_to=_pick(min, (rolled_back_to(d) for d in domains)),
        unprotected_s=sum(unprotected_s(d, facts) for d in domains),
        hints=len(progress.hints),
        mistakes=tuple(
            MistakeResult(kind=m.kind, domain=m.domain, at=m.at, why=m.why, detail=m.detail)
            for m in progress.mistakes
        ),
        cost=tuple(_cost(d, memories.get(d.name)) for d in domains if d.reset_at is not None),
    )
    run = run_of(facts, lesson.plan) if lesson.plan else None
    return result if run is None else _with_run(result, run, course, facts)


def _with_run(result: Result, run: RunView, course: Course, facts: LessonFacts) -> Result:
    """The figures of a whole run instead of those of single domains."""
    rtos = [wave_rto_s(run, facts, number) for number in range(len(run.waves))]
    return msgspec.structs.replace(
        result,
        rto_s=_most(rtos),
        wave_rto_s=rtos[0] if rtos else None,
        data_lost_s=lost_with_run_s(run, course.ground),
        rolled_back_to=None if run.pitr is None else run.pitr.to,
        unprotected_s=unprotected_of_run_s(run, facts),
        spread_s=None if run.pitr is None else run.pitr.spread_s,
        left_behind=len(left_behind(run, facts)),
    )


def _pick(choose: Callable[[list[_T]], _T], values: Iterable[_T | None]) -> _T | None:
    present = [value for value in values if value is not None]
    return choose(present) if present else None


def _most(values: Iterable[float | None]) -> float | None:
    return _pick(max, values)


def rto_s(domain: Domain, facts: LessonFacts) -> float | None:
    """From the decision until every VM served again."""
    failover = domain.failover
    if failover is None or failover.recovered_at is None:
        return None
    op = next((op for op in facts.operations_of(domain.name, "cfo_complete") if op.id == failover.id), None)
    return None if op is None else round((failover.recovered_at - op.asked_at).total_seconds(), 1)


def rolled_back_to(domain: Domain) -> datetime | None:
    """The oldest data that a VM was taken back to, and stays at."""
    return min((vm.rolled_back_to for vm in domain.vms if vm.rolled_back_to is not None), default=None)


def data_lost_s(
    domain: Domain, facts: LessonFacts, ground: DomainGround, memory: DomainMemory | None
) -> float | None:
    """Good data given up: from the instant chosen to the incident, or to the decision without one."""
    decisions = facts.operations_of(domain.name, "cfo_complete")
    if domain.failover is None or not decisions:
        return None
    incident = ground.incident or decisions[-1].asked_at
    kept_until = rolled_back_to(domain)
    if any(vm.health is Health.FAILED for vm in domain.vms):
        return None
    if kept_until is None and domain.failover.type is FailoverType.FORCE:
        kept_until = memory.consistent_at if memory is not None else None
        if kept_until is None:
            return None
    if kept_until is None:
        return 0
    return round(max(0.0, (incident - kept_until).total_seconds()), 1)


def data_given_up_s(domain: Domain, facts: LessonFacts, memory: DomainMemory | None) -> float | None:
    """All data given up, good or bad: from the instant chosen to the session's start, or to the decision."""
    decisions = facts.operations_of(domain.name, "cfo_complete")
    if domain.failover is None or not decisions:
        return None
    decided = decisions[-1].asked_at
    kept_until = rolled_back_to(domain)
    if kept_until is not None:
        entered = [period.start for period in domain.excluded if period.start >= kept_until]
        return round(max(0.0, (min(entered, default=decided) - kept_until).total_seconds()), 1)
    if domain.failover.type is FailoverType.FORCE:
        if memory is None or memory.consistent_at is None:
            return None
        return round(max(0.0, (decided - memory.consistent_at).total_seconds()), 1)
    return 0


def unprotected_s(domain: Domain, facts: LessonFacts) -> float:
    """Time that its VMs spent in sessions, in seconds; an undone failover's period is no session."""
    undone = [op.asked_at for op in facts.done(domain.name, "failover_undo")]
    lengths = [
        (period.end or facts.now) - period.start
        for period in domain.excluded
        if not any(period.start <= at <= (period.end or facts.now) for at in undone)
    ]
    return round(sum(length.total_seconds() for length in lengths), 1)


def _cost(domain: Domain, memory: DomainMemory | None) -> Cost:
    failing = sum(vm.health is Health.FAILED for vm in domain.vms)
    if memory is None or memory.oldest_point is None:
        return Cost(domain=domain.name, points=0, end=domain.reset_at, vms_failing=failing)
    return Cost(
        domain=domain.name,
        points=memory.points,
        start=memory.oldest_point,
        end=memory.newest_point,
        vms_failing=failing,
    )
