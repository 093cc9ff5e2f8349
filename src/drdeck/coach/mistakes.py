"""Steps that did harm, found in the same facts as the objectives. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from drdeck.model.domains import Domain, FailoverType, Period
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.text import some
from drdeck.model.times import parse_duration, show, show_duration

from . import lesson as spec
from .lesson_facts import LessonFacts, rollbacks_in, session_of
from .scenario_truth import Ground

Found = tuple[str, str]
"""(occasion, what happened in a few words)"""


def occasions(mistake: spec.AnyMistake, facts: LessonFacts, ground: Ground) -> Iterator[Found]:
    """Every occasion on which a mistake was made, as far as these facts show it."""
    domain = facts.domain(mistake.domain)
    if domain is None:
        return
    match mistake:
        case spec.ExitWithoutRollback():
            yield from _exits_without(domain, facts)
        case spec.ExitAfterRollback():
            yield from _exits_after(domain, facts)
        case spec.ForceWhileReachable():
            for op in facts.operations_of(domain.name, "cfo_complete"):
                against = facts.against.get(op.id, ())
                if op.request.type is FailoverType.FORCE and against:
                    yield op.id, " ".join(against)
        case spec.SessionLeftOpen():
            yield from _left_open(domain, facts.now, parse_duration(mistake.longer))
        case spec.RollbackFailsHealth():
            yield from _fails(domain, facts, ground)
        case spec.PointTooOld():
            allow = timedelta(seconds=parse_duration(mistake.allow))
            yield from _too_old(domain, facts, ground, allow)
        case spec.TrialUnjudged():
            for op in facts.done(domain.name, "test_end"):
                if not op.request.result:
                    yield op.id, f"the test that ended with {op.id} proves nothing"
        case spec.TrialOverdue():
            trial = domain.trial
            if trial is not None and trial.state is TrialState.OVERDUE and trial.ends_at is not None:
                yield show(trial.ends_at), f"it was to end at {show(trial.ends_at)}"
        case spec.VmSkipped():
            for number, answer in enumerate(facts.answers_of(domain.name)):
                if answer.choice == "skip":
                    yield f"{answer.operation}:{number}", answer.text


def _exits_without(domain: Domain, facts: LessonFacts) -> Iterator[Found]:
    for op in facts.done(domain.name, "pitr_exit"):
        period = session_of(domain, op)
        if period is None or rollbacks_in(facts, domain, period):
            continue
        if domain.reset_at is not None and period.start < domain.reset_at:
            yield op.id, f"all PITR data up to {show(domain.reset_at)} is gone"


def _exits_after(domain: Domain, facts: LessonFacts) -> Iterator[Found]:
    for op in facts.done(domain.name, "pitr_exit"):
        period = session_of(domain, op)
        if period is None or not rollbacks_in(facts, domain, period):
            continue
        if domain.reset_at is None or period.start < domain.reset_at:
            yield op.id, "the points from before it are still there"


def _left_open(domain: Domain, now: datetime, longest: float) -> Iterator[Found]:
    for period in domain.excluded:
        length = ((period.end or now) - period.start).total_seconds()
        if length > longest:
            yield show(period.start), f"{show_duration(length)} without protection"


def _fails(domain: Domain, facts: LessonFacts, ground: Ground) -> Iterator[Found]:
    truth = ground.get(domain.name)
    for op in facts.done(domain.name, "pitr_run"):
        if truth is None or op.request.to is None:
            continue
        bad = truth.fails(op.request.to, op.request.vms)
        if bad:
            yield op.id, f"at {show(op.request.to)} the check of {some(bad, most=1)} fails"


def _too_old(domain: Domain, facts: LessonFacts, ground: Ground, allow: timedelta) -> Iterator[Found]:
    truth = ground.get(domain.name)
    if truth is None:
        return
    for period in _ended(domain):
        latest: dict[str, datetime] = {}
        for op in rollbacks_in(facts, domain, period):
            if op.request.to is not None:
                latest.update(dict.fromkeys(op.request.vms or truth.vms, truth.point(op.request.to)))
        if not latest:
            continue
        good = truth.last_good(tuple(latest))
        oldest = min(latest.values())
        if good is not None and good - oldest > allow:
            lost = show_duration((good - oldest).total_seconds())
            yield show(period.start), f"{show(oldest)} instead of {show(good)}: {lost} of good data given up"


def _ended(domain: Domain) -> list[Period]:
    return [period for period in domain.excluded if period.end is not None]
