"""Conditions of objectives, tried on the facts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drdeck.controller.journal.operations import OperationView
from drdeck.model.domains import Domain, Health, Mode, Session, SessionState
from drdeck.model.facts.trial_facts import TrialState

from . import lesson as spec
from .lesson_facts import LessonFacts, rollbacks_in, session_of
from .run_facts import run_holds

_WAY = (
    Mode.PROTECTED,
    Mode.IMPORTED,
    Mode.REHYDRATING,
    Mode.SYNCHRONISED,
    Mode.COMPLETING,
    Mode.PITR_SESSION,
    Mode.RUNNING_IN_FAILOVER,
    Mode.RELEASING,
)
"""the modes in the order of the workflow"""


def holds(when: spec.When, facts: LessonFacts, attaches: Sequence[datetime]) -> bool:
    """True if the facts meet a condition. `attaches`: instants at which somebody came to look, site time."""
    if isinstance(when, spec.RunCondition):
        return run_holds(when, facts)
    domain = facts.domain(when.domain)
    if domain is None:
        return False
    match when:
        case spec.ModeReached():
            return _reached(when.mode, domain, facts)
        case spec.OperationAsked():
            operations = facts.done if when.state == "done" else facts.operations_of
            return any(_fits(when, op) for op in operations(domain.name, when.action))
        case spec.SessionStarted():
            return started(domain)
        case spec.RolledBack():
            return _rolled_back(when, domain)
        case spec.SessionExited():
            return any(after == when.after_rollback for after in _exits(domain, facts))
        case spec.PitrReset():
            return domain.reset_at is not None
        case spec.AttachedAgain():
            return any(
                at > op.asked_at for op in facts.operations_of(domain.name, "cfo_complete") for at in attaches
            )
        case spec.VmReady():
            return _vm_ready(when, domain, facts)
        case spec.Answered():
            return _answered(facts, domain, when.choice, when.vm)
        case spec.TrialRuns():
            return _trial_runs(when, domain)
        case spec.Tested():
            return _tested(when, domain)


def started(domain: Domain) -> bool:
    """A PITR session is active, or was."""
    return bool(domain.excluded) or under_way(domain.session)


def under_way(session: Session | None) -> bool:
    return session is not None and session.state is not SessionState.WAITING


def _reached(mode: Mode, domain: Domain, facts: LessonFacts) -> bool:
    if mode is Mode.PITR_SESSION:
        return started(domain)
    if mode is Mode.RUNNING_IN_FAILOVER and facts.done(domain.name, "cfo_complete"):
        return True
    if mode is Mode.COMPLETING and facts.operations_of(domain.name, "cfo_complete"):
        return _WAY.index(domain.mode) >= _WAY.index(mode)
    return _WAY.index(domain.mode) >= _WAY.index(mode)


def _fits(when: spec.OperationAsked, op: OperationView) -> bool:
    request = op.request
    return when.type in (None, request.type) and when.run_pitr in (None, request.run_pitr)


def _rolled_back(when: spec.RolledBack, domain: Domain) -> bool:
    session = domain.session
    if session is not None and session.state is not SessionState.ACTIVE:
        return False
    instants = [vm.rolled_back_to for vm in domain.vms if vm.rolled_back_to is not None]
    if not instants:
        return False
    if when.at_or_before is not None and max(instants) > when.at_or_before:
        return False
    if when.at_or_after is not None and min(instants) < when.at_or_after:
        return False
    return not when.healthy or all(vm.ready and vm.health is Health.OK for vm in domain.vms)


def _exits(domain: Domain, facts: LessonFacts) -> list[bool]:
    """For each session that was exited: True if it was after a rollback."""
    exits = []
    for op in facts.done(domain.name, "pitr_exit"):
        period = session_of(domain, op)
        if period is not None:
            exits.append(bool(rollbacks_in(facts, domain, period)))
    return exits


def _trial_runs(when: spec.TrialRuns, domain: Domain) -> bool:
    trial = domain.trial
    if trial is None or trial.state not in (TrialState.RUNNING, TrialState.OVERDUE):
        return False
    whole = {vm.of for vm in trial.vms if vm.ready} >= {vm.name for vm in domain.vms}
    return whole and _no_later(trial.point, when.at_or_before)


def _tested(when: spec.Tested, domain: Domain) -> bool:
    last = domain.tested
    if last is None or domain.trial is not None or last.result != when.result:
        return False
    return (bool(last.note) or not when.noted) and _no_later(last.point, when.at_or_before)


def _no_later(point: datetime | None, bound: datetime | None) -> bool:
    """True if a test is of an instant within a bound; without one, of any."""
    return bound is None or (point is not None and point <= bound)


def _vm_ready(when: spec.VmReady, domain: Domain, facts: LessonFacts) -> bool:
    vm = next((vm for vm in domain.vms if vm.name == when.vm), None)
    if vm is None or not vm.ready or vm.power != "on":
        return False
    return not when.after_retry or _answered(facts, domain, "retry", when.vm)


def _answered(facts: LessonFacts, domain: Domain, choice: str, vm: str | None) -> bool:
    return any(
        given.choice == choice and (vm is None or f'"{vm}"' in given.text)
        for given in facts.answers_of(domain.name)
    )
