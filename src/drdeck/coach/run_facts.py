"""Runs of Failover Plans as lessons judge them: conditions and figures, out of the same facts. Pure."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.domains import Domain
from drdeck.model.plans.run_views import DomainInRun, InRunState, Needs, RunView
from drdeck.model.times import parse_duration

from . import lesson as spec
from .lesson_facts import LessonFacts
from .scenario_truth import Ground

_TROUBLE = frozenset({InRunState.FAILED, InRunState.UNKNOWN, InRunState.QUESTION})


def run_of(facts: LessonFacts, plan: str) -> RunView | None:
    """The newest run of a plan."""
    return max((run for run in facts.runs if run.plan == plan), key=lambda run: run.since, default=None)


def run_holds(when: spec.RunCondition, facts: LessonFacts) -> bool:
    """True if the newest run of the plan meets a condition."""
    run = run_of(facts, when.plan)
    if run is None:
        return False
    match when:
        case spec.RunStarted():
            return when.type in (None, run.type) and when.run_pitr in (None, run.run_pitr)
        case spec.WaveRecovered():
            return _recovered(wave_rows(run, when.wave))
        case spec.RunSettled():
            return all(domain.settled and domain.needs is Needs.NOTHING for domain in run.domains)
        case spec.OneInstant():
            return _one_instant(when, run)
        case spec.NothingLeft():
            return not left_behind(run, facts) and all(domain.settled for domain in run.domains)
    return False


def wave_rows(run: RunView, name: str) -> list[DomainInRun]:
    """The domains of a wave."""
    number = next((n for n, wave in enumerate(run.waves) if wave.name == name), None)
    return [domain for domain in run.domains if domain.wave == number]


def _recovered(rows: list[DomainInRun]) -> bool:
    return bool(rows) and all(row.settled and row.state not in _TROUBLE for row in rows)


def _one_instant(when: spec.OneInstant, run: RunView) -> bool:
    """A rollback of many that is over, to an instant within the bounds, with no more spread than allowed."""
    pitr = run.pitr
    batch = next((b for b in reversed(run.batches) if b.action == "pitr_run"), None)
    if pitr is None or batch is None or not batch.over or batch.failed or batch.asking or batch.unknown:
        return False
    if when.at_or_before is not None and pitr.to > when.at_or_before:
        return False
    if when.at_or_after is not None and pitr.to < when.at_or_after:
        return False
    return not when.spread or (pitr.spread_s or 0) <= parse_duration(when.spread)


def left_behind(run: RunView, facts: LessonFacts) -> list[str]:
    """Domains of a run that still need somebody, or whose session nobody has left."""
    sessions = {domain.name for domain in facts.listed if domain.session is not None}
    return [row.name for row in run.domains if row.name in sessions or row.needs is not Needs.NOTHING]


def wave_rto_s(run: RunView, facts: LessonFacts, number: int = 0) -> float | None:
    """From the decision until every domain of a wave served again; None while one does not."""
    begun = [row.name for row in run.domains if row.wave == number and row.operation is not None]
    ends = [_recovered_at(domain) for domain in facts.listed if domain.name in begun]
    if not ends or len(ends) < len(begun):
        return None
    times = [end for end in ends if end is not None]
    return round((max(times) - run.since).total_seconds(), 1) if len(times) == len(ends) else None


def _recovered_at(domain: Domain) -> datetime | None:
    return None if domain.failover is None else domain.failover.recovered_at


def unprotected_of_run_s(run: RunView, facts: LessonFacts) -> float:
    """Time that the domains of a run spent in sessions, in seconds; ended operations tell of theirs."""
    names = {row.name for row in run.domains if row.operation is not None}
    operations = {row.operation for row in run.domains}
    over = [
        op.result.get("unprotected_s", "") for op in facts.operations if op.id in operations and op.ended_at
    ]
    going = [domain.unprotected_s(facts.now) for domain in facts.listed if domain.name in names]
    return round(sum(float(text) for text in over if text) + sum(length for length in going if length), 1)


def lost_with_run_s(run: RunView, ground: Ground) -> float | None:
    """Good data that the common instant gave up: up to the first harm in any domain of the run."""
    if run.pitr is None:
        return None
    names = {row.name for row in run.domains if row.operation is not None}
    harm = min(
        (min(g.bad_after.values()) for n, g in ground.items() if n in names and g.bad_after), default=None
    )
    return None if harm is None else round(max(0.0, (harm - run.pitr.to).total_seconds()), 1)
