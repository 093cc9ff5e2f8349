"""Each objective and each mistake, judged on facts made by hand."""

from __future__ import annotations

import dataclasses
import itertools
import tomllib
from typing import Any

import msgspec
import pytest

from drdeck.coach.judge import attached, current, judge
from drdeck.coach.lesson import Lesson
from drdeck.coach.lesson_facts import JournaledAnswer, LessonFacts
from drdeck.coach.progress import Progress
from drdeck.coach.result import figures, lines
from drdeck.coach.scoring import unprotected_s
from drdeck.controller.journal.operations import OperationState
from drdeck.model.domains import Failover, FailoverType, Health, Mode, SessionState
from drdeck.model.times import show_clock
from tests.support.training.lesson_build import (
    HEAD,
    LAST_GOOD,
    NEVER_MET,
    T0,
    at,
    completion,
    course,
    domain,
    facts,
    judged,
    mistake,
    objective,
    operation,
    period,
    rollback,
    session,
    vm,
)

ERP = 'domain = "erp-prod"'
IN_SESSION: dict[str, Any] = {"session": session(), "excluded": (period(10, None),)}
AFTER: dict[str, Any] = {"excluded": (period(10, 30),)}
EXIT = operation("pitr_exit", 29)
GOOD = rollback(15, LAST_GOOD)
BACK: dict[str, Any] = {
    "vms": (vm("erp-app03", rolled_back_to=LAST_GOOD), vm("erp-web06", rolled_back_to=LAST_GOOD))
}
SICK: dict[str, Any] = {
    "vms": (vm("erp-app03", rolled_back_to=LAST_GOOD, health=Health.FAILED), vm("erp-web06"))
}

OBJECTIVES: list[tuple[str, LessonFacts, bool]] = [
    ('kind = "mode", mode = "synchronised"', facts(domain(Mode.REHYDRATING)), False),
    ('kind = "mode", mode = "synchronised"', facts(domain(Mode.SYNCHRONISED)), True),
    ('kind = "mode", mode = "synchronised"', facts(domain(Mode.COMPLETING)), True),
    ('kind = "mode", mode = "completing"', facts(domain(Mode.SYNCHRONISED), completion()), False),
    ('kind = "mode", mode = "pitr_session"', facts(domain()), False),
    ('kind = "mode", mode = "pitr_session"', facts(domain(**AFTER)), True),
    ('kind = "mode", mode = "running_in_failover"', facts(domain(Mode.PITR_SESSION)), False),
    ('kind = "mode", mode = "running_in_failover"', facts(domain()), True),
    ('kind = "operation", action = "cfo_complete"', facts(), False),
    ('kind = "operation", action = "cfo_complete"', facts(None, completion()), True),
    ('kind = "operation", action = "cfo_complete", type = "force"', facts(None, completion()), False),
    ('kind = "operation", action = "cfo_complete", run_pitr = false', facts(None, completion()), False),
    ('kind = "operation", action = "cfo_complete", run_pitr = true', facts(None, completion()), True),
    (
        'kind = "operation", action = "pitr_run"',
        facts(None, operation("pitr_run", 9, OperationState.FAILED, to=LAST_GOOD)),
        False,
    ),
    (
        'kind = "operation", action = "pitr_run", state = "asked"',
        facts(None, operation("pitr_run", 9, OperationState.OPEN, to=LAST_GOOD)),
        True,
    ),
    ('kind = "session"', facts(domain(session=session(SessionState.WAITING))), False),
    ('kind = "session"', facts(domain(**IN_SESSION)), True),
    ('kind = "session"', facts(domain(**AFTER)), True),
    ('kind = "rolled_back"', facts(domain(**IN_SESSION)), False),
    ('kind = "rolled_back"', facts(domain(**IN_SESSION, **BACK)), True),
    (
        'kind = "rolled_back"',
        facts(domain(session=session(SessionState.ROLLING_BACK), **AFTER, **BACK)),
        False,
    ),
    ('kind = "rolled_back", healthy = true', facts(domain(**IN_SESSION, **SICK)), False),
    ('kind = "rolled_back", healthy = true', facts(domain(**AFTER, **BACK)), True),
    (
        'kind = "rolled_back", at_or_after = "2026-01-16T22:42:00Z", at_or_before = "2026-01-16T22:42:00Z"',
        facts(domain(**AFTER, **BACK)),
        True,
    ),
    ('kind = "rolled_back", at_or_before = "2026-01-16T22:41:59Z"', facts(domain(**BACK)), False),
    ('kind = "rolled_back", at_or_after = "2026-01-16T22:42:01Z"', facts(domain(**BACK)), False),
    ('kind = "exited"', facts(domain(**IN_SESSION), GOOD), False),
    ('kind = "exited"', facts(domain(**AFTER), GOOD, EXIT), True),
    ('kind = "exited"', facts(domain(**AFTER), EXIT), False),
    ('kind = "exited", after_rollback = false', facts(domain(**AFTER), EXIT), True),
    ('kind = "exited", after_rollback = false', facts(domain(**AFTER), GOOD, EXIT), False),
    ('kind = "reset"', facts(), False),
    ('kind = "reset"', facts(domain(reset_at=at(30))), True),
    ('kind = "vm_ready", vm = "erp-app03"', facts(domain(vms=(vm("erp-app03", ready=False),))), False),
    ('kind = "vm_ready", vm = "erp-app03"', facts(), True),
]


@pytest.mark.parametrize(("when", "facts", "met"), OBJECTIVES)
def test_an_objective_is_a_fact(when: str, facts: LessonFacts, met: bool) -> None:
    after = judged(course(objective(f"{when}, {ERP}")), facts)
    assert ("it" in after.met) is met
    assert after.finished is met


def test_attaching_again_counts_after_the_completion_was_asked_for() -> None:
    lesson_course = course(objective(f'kind = "attached_again", {ERP}'))
    completing = facts(domain(Mode.COMPLETING), completion())
    assert not judged(lesson_course, completing, 0).finished
    assert not judged(lesson_course, facts(domain(Mode.COMPLETING)), 0, 8).finished
    assert judged(lesson_course, completing, 0, 8).finished


@pytest.mark.parametrize(
    ("when", "choice", "text", "met"),
    [
        ('kind = "answered", choice = "retry"', "retry", '"erp-app03" failed', True),
        ('kind = "answered", choice = "retry"', "skip", '"erp-app03" failed', False),
        ('kind = "answered", choice = "retry", vm = "erp-app03"', "retry", '"erp-app03" failed', True),
        ('kind = "answered", choice = "retry", vm = "erp-app03"', "retry", '"erp-app031" failed', False),
        ('kind = "vm_ready", vm = "erp-app03", after_retry = true', "retry", '"erp-app03" failed', True),
        ('kind = "vm_ready", vm = "erp-app03", after_retry = true', "retry", '"erp-db01" failed', False),
    ],
)
def test_an_answer_counts_for_the_vm_that_it_was_about(when: str, choice: str, text: str, met: bool) -> None:
    bare = course(NEVER_MET)
    # the scenario has nothing that asks, so the lesson itself would be refused
    tables = {"objectives": tomllib.loads(objective(f"{when}, {ERP}"))["objectives"]}
    lesson = msgspec.convert({**tomllib.loads(HEAD), **tables}, Lesson)
    lesson_course = dataclasses.replace(bare, lesson=lesson)
    answer = JournaledAnswer(operation="op-1", choice=choice, text=text)
    assert judged(lesson_course, facts(None, completion(), answers=(answer,))).finished is met


FORCE = completion(FailoverType.FORCE)
MISTAKES: list[tuple[str, str, LessonFacts, int]] = [
    ("exit_without_rollback", "", facts(domain(**AFTER), EXIT), 0),
    ("exit_without_rollback", "", facts(domain(**AFTER, reset_at=at(30)), EXIT), 1),
    ("exit_without_rollback", "", facts(domain(**AFTER, reset_at=at(30)), GOOD, EXIT), 0),
    ("exit_after_rollback", "", facts(domain(**AFTER), EXIT), 0),
    ("exit_after_rollback", "", facts(domain(**AFTER), GOOD, EXIT), 1),
    ("exit_after_rollback", "", facts(domain(**AFTER, reset_at=at(5)), GOOD, EXIT), 0),
    ("exit_after_rollback", "", facts(domain(**AFTER, reset_at=at(30)), EXIT), 0),
    ("force_while_reachable", "", facts(None, FORCE, against={"op-1": ()}), 0),
    ("force_while_reachable", "", facts(None, FORCE, against={"op-1": ("It answers.",)}), 1),
    ("force_while_reachable", "", facts(None, completion(), against={"op-1": ("It answers.",)}), 0),
    ("session_left_open", 'longer = "1h"', facts(domain(**IN_SESSION), now=69), 0),
    ("session_left_open", 'longer = "1h"', facts(domain(**IN_SESSION), now=71), 1),
    ("session_left_open", 'longer = "10m"', facts(domain(**AFTER)), 1),
    ("rollback_fails_health", "", facts(domain(**AFTER), GOOD), 0),
    ("rollback_fails_health", "", facts(domain(**AFTER), rollback(15, LAST_GOOD.replace(second=59))), 0),
    ("rollback_fails_health", "", facts(domain(**AFTER), rollback(15, LAST_GOOD.replace(minute=43))), 1),
    (
        "rollback_fails_health",
        "",
        facts(domain(**AFTER), rollback(15, LAST_GOOD.replace(minute=43), ("erp-web06",))),
        0,
    ),
    ("point_too_old", 'allow = "5m"', facts(domain(**AFTER), rollback(15, LAST_GOOD.replace(minute=37))), 0),
    ("point_too_old", 'allow = "5m"', facts(domain(**AFTER), rollback(15, LAST_GOOD.replace(minute=36))), 1),
    ("point_too_old", "", facts(domain(**AFTER), rollback(12, LAST_GOOD.replace(hour=20)), GOOD), 0),
    ("point_too_old", "", facts(domain(**IN_SESSION), rollback(12, LAST_GOOD.replace(hour=20))), 0),
    (
        "vm_skipped",
        "",
        facts(None, completion(), answers=(JournaledAnswer(operation="op-1", choice="skip", text="x"),)),
        1,
    ),
    (
        "vm_skipped",
        "",
        facts(None, completion(), answers=(JournaledAnswer(operation="op-1", choice="retry", text="x"),)),
        0,
    ),
]


@pytest.mark.parametrize(("kind", "extra", "facts", "count"), MISTAKES)
def test_a_mistake_is_noticed_once_for_each_occasion(
    kind: str, extra: str, facts: LessonFacts, count: int
) -> None:
    lesson_course = course(NEVER_MET, mistake(kind, extra))
    after = judged(lesson_course, facts)
    assert [m.kind for m in after.mistakes] == [kind] * count
    assert judge(lesson_course, after, facts).mistakes == after.mistakes


def test_any_order_counts_and_what_was_met_stays_met() -> None:
    tables = [
        objective(f'kind = "mode", mode = "synchronised", {ERP}', "sync"),
        objective(f'kind = "session", {ERP}', "session"),
        objective(f'kind = "reset", {ERP}', "reset"),
    ]
    looks = [facts(domain(Mode.SYNCHRONISED)), facts(domain(**IN_SESSION)), facts(domain(reset_at=at(1)))]
    for order in itertools.permutations(tables):
        lesson_course = course(*order)
        progress = Progress(lesson="made", begun_at=T0)
        for number, look in enumerate(looks, 1):
            progress = judge(lesson_course, progress, look)
            assert len(progress.met) >= number
        assert progress.finished
        assert current(lesson_course, progress) is None


def test_a_finished_lesson_stays_as_it_is() -> None:
    lesson_course = course(
        objective(f'kind = "session", {ERP}'), mistake("session_left_open", 'longer = "1h"')
    )
    done = judged(lesson_course, facts(domain(**IN_SESSION), now=20))
    assert done.result is not None and done.result.finished and not done.result.mistakes
    assert judge(lesson_course, done, facts(domain(**IN_SESSION), now=600)) == done
    assert attached(done, at(99)) == done


def test_the_figures_of_a_result() -> None:
    lesson_course = course(objective(f'kind = "exited", {ERP}'))
    failover = Failover(id="op-1", type=FailoverType.PLANNED, run_pitr=True, recovered_at=at(8))
    early = LAST_GOOD.replace(minute=40)
    vms = (vm("erp-app03", rolled_back_to=early), vm("erp-web06", rolled_back_to=LAST_GOOD))
    erp = domain(**AFTER, failover=failover, vms=vms)
    result = judged(lesson_course, facts(erp, completion(), rollback(15, early), EXIT)).result
    assert result is not None
    assert result.rto_s == 180
    assert result.rolled_back_to == early
    assert result.data_lost_s == 120
    entered = erp.excluded[0].start
    assert result.data_given_up_s is not None
    assert result.data_given_up_s == (entered - early).total_seconds() > 120, "the bad data counts too"
    assert f"data given up {show_clock(result.data_given_up_s)}, of which good 00:02:00" in figures(result)
    assert result.vms_failing == 0 and "success" not in lines(result)[0]
    assert result.unprotected_s == 20 * 60
    none = msgspec.structs.replace(result, finished=True, rto_s=None, data_given_up_s=None, data_lost_s=None)
    assert figures(none) == "unprotected 00:20:00, hints 0, mistakes 0", "a lesson without a failover"


def test_a_failover_that_was_undone_is_no_time_in_a_session() -> None:
    """Its period is excluded all the same; a session before it counts."""
    erp = domain(excluded=(period(10, 12), period(20, 26)))
    undo = operation("failover_undo", 25)
    for undone, minutes in (((undo,), 2), ((), 8)):
        assert unprotected_s(erp, facts(erp, *undone)) == minutes * 60


def test_without_a_rollback_bad_data_has_no_distance() -> None:
    lesson_course = course(objective(f'kind = "exited", after_rollback = false, {ERP}'))
    failover = Failover(id="op-1", type=FailoverType.PLANNED, run_pitr=True)
    before = domain(Mode.SYNCHRONISED, points=4000, oldest_point=at(-4000), newest_point=at(-1))
    progress = judge(lesson_course, Progress(lesson="made", begun_at=T0), facts(before))
    erp = domain(**AFTER, failover=failover, reset_at=at(30), vms=(vm("erp-app03", health=Health.FAILED),))
    result = judge(lesson_course, progress, facts(erp, completion(), EXIT)).result
    assert result is not None
    assert result.data_lost_s is None and result.data_given_up_s == 0
    assert result.finished and "finished, but no success: 1 of 1 VMs FAIL their check" in lines(result)[0]
    assert [(c.points, c.start, c.end, c.vms_failing) for c in result.cost] == [(4000, at(-4000), at(-1), 1)]


def test_data_that_fails_its_check_is_no_data_kept() -> None:
    lesson_course = course(objective(f'kind = "rolled_back", {ERP}'))
    failover = Failover(id="op-1", type=FailoverType.PLANNED, run_pitr=True)
    sick = vm("erp-app03", health=Health.FAILED, rolled_back_to=at(40))
    for other, lost in ((sick, None), (vm("erp-app03", rolled_back_to=LAST_GOOD), 0)):
        erp = domain(**AFTER, failover=failover, reset_at=at(30), vms=(vm("erp-web06"), other))
        result = judged(lesson_course, facts(erp, completion())).result
        assert result is not None and result.data_lost_s == lost


def test_the_link_drops_once() -> None:
    drop = '\n[drop]\nsays = "Gone."\nwhen = { kind = "mode", mode = "completing", domain = "erp-prod" }\n'
    lesson_course = course(objective(f'kind = "reset", {ERP}'), drop)
    assert judged(lesson_course, facts(domain(Mode.SYNCHRONISED))).dropped_at is None
    once = judged(lesson_course, facts(domain(Mode.COMPLETING), completion(), now=6))
    assert once.dropped_at == at(6)
    assert judge(lesson_course, once, facts(domain(Mode.COMPLETING), completion(), now=7)).dropped_at == at(6)
