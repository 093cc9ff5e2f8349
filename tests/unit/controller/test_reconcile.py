"""The next step as a table: what was asked, what the site shows, what follows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.controller.next_steps import AskOperator, Complete, Fail, GiveCommands, NextStep, WaitFor
from drdeck.controller.reconcile import next_step
from drdeck.model.commands import (
    AbortCompletion,
    BeginCompletion,
    ExitSession,
    FinishFailover,
    Resolve,
    RollBack,
    Skip,
    StartContinuousFailover,
    StartSession,
)
from drdeck.model.domains import Domain, Failover, FailoverType, Mode, SessionState
from drdeck.model.planned import Phase, PlannedCall, SiteQuestion
from tests.support.operation_build import OP, commands, domain, operation, session


def failover(**changes: Any) -> Failover:
    return Failover(**{"id": OP, "type": FailoverType.FORCE, "run_pitr": True, **changes})


def completing(**changes: Any) -> Domain:
    return domain(Mode.COMPLETING, **{"failover": failover(), **changes})


def recovered(**changes: Any) -> Domain:
    return completing(vms_recovered=2, **changes)


@pytest.mark.parametrize(
    ("at", "command"),
    [
        (domain(Mode.SYNCHRONISED), BeginCompletion),
        (recovered(), StartSession),
        (recovered(failover=failover(run_pitr=False)), FinishFailover),
    ],
)
def test_a_completion_goes_on_with(at: Domain, command: type) -> None:
    assert commands(next_step(operation(), at, 1)) == [command]


def test_the_session_follows_the_failover_and_carries_its_id() -> None:
    step = next_step(operation(), recovered(), 1)
    assert isinstance(step, GiveCommands)
    (start,) = step.commands
    assert start == StartSession(operation=OP, domain="erp", session=OP, after_failover=True)


@pytest.mark.parametrize("done", range(2))
def test_no_session_before_every_vm_is_recovered(done: int) -> None:
    assert isinstance(next_step(operation(), completing(vms_recovered=done), 1), WaitFor)


def test_no_session_for_a_domain_without_vms() -> None:
    assert isinstance(next_step(operation(), completing(vms_total=0, vms_recovered=0), 1), WaitFor)


@pytest.mark.parametrize("state", list(SessionState))
def test_no_second_session_beside_one(state: SessionState) -> None:
    at = recovered(session=session(state))
    assert isinstance(next_step(operation(), at, 1), WaitFor)


def test_no_second_session_while_the_first_is_being_started() -> None:
    op = operation(going=frozenset({"StartSession"}))
    assert isinstance(next_step(op, recovered(), 1), WaitFor)
    op = operation(done={"StartSession": 5})
    assert isinstance(next_step(op, recovered(), 5), WaitFor)


def test_a_lost_answer_is_never_followed_by_the_same_request_before_a_new_look() -> None:
    op = operation(lost={"StartSession": 5})
    assert isinstance(next_step(op, recovered(), 5), WaitFor)
    assert commands(next_step(op, recovered(), 6)) == [StartSession]
    entered = recovered(session=session())
    assert isinstance(next_step(op, entered, 6), WaitFor)


def test_a_completion_is_over_only_when_its_session_was_exited() -> None:
    active = domain(Mode.PITR_SESSION, failover=failover(), session=session())
    assert isinstance(next_step(operation(), active, 1), WaitFor)
    over = domain(Mode.RUNNING_IN_FAILOVER, failover=failover())
    assert isinstance(next_step(operation(), over, 1), Complete)


def test_what_the_site_confirmed_and_does_not_show_is_for_a_person() -> None:
    op = operation(done={"BeginCompletion": 3})
    step = next_step(op, domain(Mode.SYNCHRONISED), 4)
    assert isinstance(step, AskOperator)
    assert step.question.choices == ("retry", "abort")


def test_a_refused_beginning_is_the_end() -> None:
    op = operation(failed={"BeginCompletion": "no permission"})
    step = next_step(op, domain(Mode.SYNCHRONISED), 4)
    assert step == Fail("no permission")


def test_a_refused_session_start_asks() -> None:
    step = next_step(operation(failed={"StartSession": "disk full"}), recovered(), 4)
    assert isinstance(step, AskOperator)
    assert "disk full" in step.question.text


def test_abort_goes_to_the_site_first() -> None:
    op = operation(answers={"abort": "abort"})
    assert commands(next_step(op, completing(), 1)) == [AbortCompletion]
    step = next_step(op, domain(Mode.SYNCHRONISED), 2)
    assert isinstance(step, Fail)
    assert step.aborted


def test_a_question_of_the_site_is_asked_and_its_answer_given() -> None:
    question = SiteQuestion(id="ready:1", operation=OP, text="not ready", choices=("retry", "skip"))
    step = next_step(operation(), completing(question=question), 1)
    assert isinstance(step, AskOperator)
    assert step.question.text == "not ready"
    op = operation(answers={"ready:1": "skip"})
    assert commands(next_step(op, completing(question=question), 1)) == [Resolve]
    other = SiteQuestion(id="ready:1", operation="op-2", text="not ready", choices=("retry",))
    assert isinstance(next_step(operation(), completing(question=other), 1), WaitFor)


# --- phases


def call(key: str, **changes: Any) -> PlannedCall:
    return PlannedCall(**{"key": key, "kind": "power_on", "vm": key, "name": key, **changes})


def phase(*calls: PlannedCall, wait: str = "", then: PlannedCall | None = None) -> Phase:
    return Phase(operation=OP, name="power", calls=calls, wait=wait, then=then)


THEN = call("then", kind="step", vm=None, after_loss="repeat")


def taken(step: NextStep) -> list[str]:
    assert isinstance(step, GiveCommands), step
    return [command.key for command in step.commands]


def test_acts_that_are_due_are_taken_side_by_side_once() -> None:
    at = completing(phase=phase(call("a"), call("b"), call("c"), then=THEN))
    assert taken(next_step(operation(), at, 1)) == ["a", "b", "c"]
    op = operation(going=frozenset({"a"}), done={"b": 1})
    assert taken(next_step(op, at, 1)) == ["c"]
    op = operation(going=frozenset({"a", "c"}), done={"b": 1})
    assert isinstance(next_step(op, at, 1), WaitFor)


def test_the_next_phase_waits_until_the_site_shows_what_was_done() -> None:
    done = operation(done={"a": 1})
    assert isinstance(next_step(done, completing(phase=phase(call("a"), then=THEN)), 9), WaitFor)
    assert taken(next_step(done, completing(phase=phase(then=THEN)), 9)) == ["then"]
    assert isinstance(next_step(done, completing(phase=phase(wait="booting", then=THEN)), 9), WaitFor)


def test_an_act_that_the_site_cannot_show_counts_by_its_outcome() -> None:
    revert = call("a", after_loss="repeat")
    at = completing(phase=phase(revert, then=THEN))
    assert taken(next_step(operation(done={"a": 1}), at, 1)) == ["then"]
    assert taken(next_step(operation(lost={"a": 1}), at, 2)) == ["a"]


def test_acts_of_another_operation_are_left_to_it() -> None:
    other = Phase(operation="op-2", name="power", calls=(call("a"),))
    assert isinstance(next_step(operation(), completing(phase=other), 1), WaitFor)


def test_failures_are_asked_about_together_once_the_others_are_through() -> None:
    skippable = [call(k, choices=("retry", "skip")) for k in "ab"]
    at = completing(phase=phase(*skippable, call("c"), then=THEN))
    failed = {"a": "no host", "b": "no room"}
    op = operation(failed=failed, going=frozenset({"c"}))
    assert isinstance(next_step(op, at, 1), WaitFor)
    op = operation(failed=failed, done={"c": 1})
    step = next_step(op, at, 1)
    assert isinstance(step, AskOperator)
    assert step.question.choices == ("retry", "skip")
    assert "no host" in step.question.text


def test_a_skipped_vm_is_told_to_the_site() -> None:
    at = completing(phase=phase(call("a"), then=THEN))
    op = operation(skipped={"a": "db01"})
    assert commands(next_step(op, at, 1)) == [Skip]
    skip = Skip(operation=OP, domain="erp", vms={"a": "db01"})
    op = operation(skipped={"a": "db01"}, done={skip.key: 1})
    assert taken(next_step(op, completing(phase=phase(then=THEN)), 2)) == ["then"]


def test_what_nobody_can_tell_is_unknown_and_asked() -> None:
    blind = call("a", after_loss="ask")
    at = completing(phase=phase(blind, then=THEN))
    assert isinstance(next_step(operation(lost={"a": 3}), at, 3), WaitFor)
    step = next_step(operation(lost={"a": 3}), at, 4)
    assert isinstance(step, AskOperator)
    assert step.question.kind == "unknown"
    assert step.question.choices == ("retry", "confirm")


# --- sessions by hand, rollbacks, exits


@pytest.mark.parametrize(
    ("action", "at", "command"),
    [
        ("cfo_start", domain(Mode.IMPORTED), StartContinuousFailover),
        ("pitr_start", domain(Mode.RUNNING_IN_FAILOVER), StartSession),
        ("pitr_run", domain(Mode.PITR_SESSION, session=session()), RollBack),
        ("pitr_exit", domain(Mode.PITR_SESSION, session=session()), ExitSession),
    ],
)
def test_each_operation_begins_with(action: str, at: Domain, command: type) -> None:
    assert commands(next_step(operation(action), at, 1)) == [command]


@pytest.mark.parametrize(
    ("action", "at"),
    [
        ("cfo_start", domain(Mode.SYNCHRONISED)),
        ("pitr_start", domain(Mode.PITR_SESSION, session=session())),
        ("pitr_run", domain(Mode.PITR_SESSION, session=session(last_operation=OP))),
    ],
)
def test_each_operation_is_done_when_the_site_shows_it(action: str, at: Domain) -> None:
    assert isinstance(next_step(operation(action), at, 1), Complete)


def test_an_exit_is_done_when_the_session_is_gone_and_was_asked_to_go() -> None:
    ended = domain(Mode.RUNNING_IN_FAILOVER)
    assert isinstance(next_step(operation("pitr_exit"), ended, 1), Fail)
    assert isinstance(next_step(operation("pitr_exit", lost={"ExitSession": 0}), ended, 1), Complete)
    assert isinstance(next_step(operation("pitr_exit", done={"ExitSession": 0}), ended, 1), Complete)


def test_a_rollback_is_under_way_until_the_session_is_active_again() -> None:
    rolling = session(SessionState.ROLLING_BACK, last_operation=OP)
    at = domain(Mode.PITR_SESSION, session=rolling, phase=phase(call("a"), then=THEN))
    assert taken(next_step(operation("pitr_run"), at, 1)) == ["a"]
    assert isinstance(next_step(operation("pitr_run"), domain(Mode.PITR_SESSION), 1), Fail)


def test_nothing_is_done_to_a_domain_that_is_gone_or_broken() -> None:
    for action in ("cfo_start", "cfo_complete", "pitr_start", "pitr_run", "pitr_exit"):
        assert isinstance(next_step(operation(action), None, 1), WaitFor)
        assert isinstance(next_step(operation(action), domain(Mode.IMPORTED, broken="nonsense"), 1), WaitFor)


KEYS = st.sampled_from(["BeginCompletion", "StartSession", "FinishFailover", "a", "b", "then"])


@given(
    mode=st.sampled_from(list(Mode)),
    done=st.dictionaries(KEYS, st.integers(0, 5)),
    lost=st.dictionaries(KEYS, st.integers(0, 5)),
    going=st.frozensets(KEYS),
    recovered_vms=st.integers(0, 2),
    has_session=st.booleans(),
    ticked=st.booleans(),
    serial=st.integers(0, 6),
)
def test_a_session_is_started_in_no_other_case(
    mode: Mode,
    done: dict[str, int],
    lost: dict[str, int],
    going: frozenset[str],
    recovered_vms: int,
    has_session: bool,
    ticked: bool,
    serial: int,
) -> None:
    at = domain(
        mode,
        failover=failover(run_pitr=ticked),
        vms_recovered=recovered_vms,
        session=session() if has_session else None,
        phase=phase(call("a"), call("b"), then=THEN) if recovered_vms < 2 else None,
    )
    op = operation(done=done, lost=lost, going=going)
    step = next_step(op, at, serial)
    if isinstance(step, GiveCommands):
        keys = [command.key for command in step.commands]
        assert not set(keys) & going, "nothing is given twice at a time"
        assert not any(k in lost and serial <= lost[k] for k in keys), "nothing is repeated unseen"
        if "StartSession" in keys:
            assert ticked
            assert recovered_vms == 2
            assert not has_session


def test_what_is_due_beside_a_question_is_given() -> None:
    """A VM that is busy no more is started, whoever is asked about others."""
    question = SiteQuestion(id="ready:1", operation=OP, text="not ready", choices=("retry", "skip"))
    step = next_step(operation(), completing(question=question, phase=phase(call("a"))), 1)
    assert isinstance(step, AskOperator) and step.question.id == "ready:1"
    assert [command.key for command in step.commands] == ["a"]
    step = next_step(operation(), completing(question=question), 1)
    assert isinstance(step, AskOperator) and not step.commands


@pytest.mark.parametrize(
    ("mode", "ends"),
    [(Mode.SYNCHRONISED, Complete), (Mode.REHYDRATING, Fail), (Mode.COMPLETING, Fail)],
)
@pytest.mark.parametrize("action", ["cfo_start", "cfo_resume"])
def test_a_start_that_a_completion_takes_over_from_ends(action: str, mode: Mode, ends: type) -> None:
    step = next_step(operation(action, answers={"abort": "abort"}), domain(mode), 1)
    assert isinstance(step, ends)
    assert not isinstance(step, Fail) or step.aborted
