"""The next begins of a run: as a table, and as rules that hold of every run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.controller.journal.runs import RunLeave, RunStop
from drdeck.controller.plans.decide import KeptRows, RunDecision, decide
from drdeck.model.domains import Domain, FailoverType, Mode
from drdeck.model.plans.failover_plan import Gate, OnFailure
from drdeck.model.plans.run_views import InRunState, Needs, RunState
from tests.support.plans.plan_build import NOW, ago, domain, end, frozen, in_session, operation, run

TWO = {"foundation": ["ad", "pki"], "business": ["erp", "files"]}


def by_name(*things: Any) -> dict[str, Any]:
    return {thing.name: thing for thing in things}


def all_waiting(waves: dict[str, list[str]] = TWO) -> dict[str, Domain]:
    return by_name(*(domain(name) for names in waves.values() for name in names))


def states(decision: RunDecision) -> dict[str, InRunState]:
    return {row.name: row.state for row in decision.domains}


def test_the_first_wave_begins_and_the_next_is_held() -> None:
    decision = decide(run(frozen(TWO)), all_waiting(), {}, NOW)
    assert decision.begins == ("ad", "pki")
    assert states(decision)["erp"] is InRunState.HELD
    assert [wave.state for wave in decision.waves] == ["running", "held"]
    assert decision.state is RunState.RUNNING and not decision.over


def test_only_so_many_domains_are_under_way() -> None:
    plan = frozen({"1": ["a", "b", "c", "d"]}, domains_at_once=2)
    started = run(plan, "a")
    domains = {**all_waiting({"1": ["b", "c", "d"]}), "a": domain("a", Mode.COMPLETING)}
    decision = decide(started, domains, {"op-a": operation("a")}, NOW)
    assert decision.begins == ("b",)
    assert states(decision)["c"] is InRunState.WAITS_FOR_PLACE


def test_rows_are_made_anew_only_of_what_has_changed_or_counts_time() -> None:
    started, kept = run(frozen({"1": ["a", "b", "c"]}), "a", "b", "c"), KeptRows()
    domains = by_name(*(domain(name, Mode.COMPLETING) for name in "abc"))
    operations = {"op-a": operation("a"), "op-b": operation("b"), "op-c": operation("c", ago(299))}
    before = decide(started, domains, operations, NOW, kept)
    assert before.domains[2].state is InRunState.QUESTION and not before.domains[2].settled
    domains["b"] = domain("b", Mode.COMPLETING, vms_recovered=2)
    later = NOW + timedelta(seconds=1)
    after = decide(started, domains, operations, later, kept)
    assert after == decide(started, domains, operations, later), "as without anything kept"
    assert after.domains[0] is before.domains[0]
    assert after.domains[1].recovered == 2 and after.domains[2].settled
    ended = run(frozen({"1": ["a", "b", "c"]}), "a", "b", "c", ends={"op-a": end()})
    over = decide(ended, domains, operations, later, kept)
    assert over == decide(ended, domains, operations, later) != after


@pytest.mark.parametrize(("asks_since", "begins"), [(ago(59), ()), (ago(60), ("b",))])
def test_a_domain_that_waits_for_a_person_gives_its_place_back(asks_since: Any, begins: Any) -> None:
    started = run(frozen({"1": ["a", "b"]}, domains_at_once=1), "a")
    domains = by_name(domain("a", Mode.COMPLETING), domain("b"))
    assert decide(started, domains, {"op-a": operation("a", asks_since)}, NOW).begins == begins


@pytest.mark.parametrize(
    ("kind", "asks_since", "begins"),
    [
        (FailoverType.FORCE, ago(299), ()),
        (FailoverType.FORCE, ago(300), ("erp", "files")),
        (FailoverType.REGULAR, ago(300), ("erp", "files")),
        (FailoverType.PLANNED, ago(86400), ()),
    ],
)
def test_a_question_holds_the_next_wave_for_its_patience(
    kind: FailoverType, asks_since: Any, begins: Any
) -> None:
    started = run(frozen(TWO, type=kind), "ad", "pki", ends={"op-ad": end()})
    domains = {
        **all_waiting(),
        **by_name(domain("ad", Mode.RUNNING_IN_FAILOVER), domain("pki", Mode.COMPLETING)),
    }
    decision = decide(started, domains, {"op-pki": operation("pki", asks_since)}, NOW)
    assert decision.begins == begins
    row = next(row for row in decision.domains if row.name == "pki")
    assert (row.state, row.needs, row.choices) == (InRunState.QUESTION, Needs.ANSWER, ("retry", "skip"))


def test_a_wave_that_waits_is_told_of_only_where_there_is_one() -> None:
    waits = run(frozen(TWO), "ad", "pki", ends={"op-ad": end()})
    last = run(frozen({"one": ["ad", "pki"]}), "ad", "pki", ends={"op-ad": end()})
    here = by_name(domain("ad", Mode.RUNNING_IN_FAILOVER), domain("pki", Mode.COMPLETING))
    asks = {"op-pki": operation("pki", ago(30))}
    assert (
        decide(waits, {**all_waiting(), **here}, asks, NOW).why == "1 domain; the next wave waits 5m at most"
    )
    assert decide(last, here, asks, NOW).why == "1 domain"


def test_an_active_session_settles_a_domain() -> None:
    started = run(frozen(TWO, run_pitr=True), "ad", "pki")
    domains = {**all_waiting(), **by_name(in_session("ad"), in_session("pki"))}
    operations = {op.id: op for op in map(operation, ("ad", "pki"))}
    decision = decide(started, domains, operations, NOW)
    assert decision.begins == ("erp", "files") and decision.waves[0].state == "settled"


def test_a_gate_waits_for_a_word_and_a_wave_that_has_begun_goes_on() -> None:
    plan = frozen(TWO, gates={"business": Gate.CONFIRM}, domains_at_once=1)
    ends = {"op-ad": end(), "op-pki": end()}
    started = run(plan, "ad", "pki", ends=ends)
    domains = {**all_waiting(), "ad": domain("ad", Mode.RUNNING_IN_FAILOVER)}
    waiting = decide(started, domains, {}, NOW)
    assert waiting.begins == () and waiting.state is RunState.WAITING
    assert waiting.waves[1].state == "gate" and "plan resume run-1" in waiting.waves[1].begins
    assert decide(run(plan, "ad", "pki", ends=ends, gates=frozenset({1})), domains, {}, NOW).begins == (
        "erp",
    )
    begun = run(plan, "ad", "pki", "erp", ends={**ends, "op-erp": end()})
    assert decide(begun, domains, {}, NOW).begins == ("files",)


def test_a_pause_begins_nothing() -> None:
    paused = run(frozen(TWO), "ad", paused="paused by ann")
    domains = {**all_waiting(), "ad": domain("ad", Mode.COMPLETING)}
    decision = decide(paused, domains, {"op-ad": operation("ad")}, NOW)
    assert (decision.begins, decision.state) == ((), RunState.PAUSING)
    assert decide(run(frozen(TWO), paused="x"), all_waiting(), {}, NOW).state is RunState.PAUSED


@pytest.mark.parametrize(
    ("on_failure", "state", "begins"),
    [
        (OnFailure.GO_ON, OperationState.FAILED, ("erp", "files")),
        (OnFailure.HOLD, OperationState.FAILED, ()),
        (OnFailure.HOLD, OperationState.ABORTED, ("erp", "files")),
    ],
)
def test_a_failure_goes_on_or_holds(on_failure: OnFailure, state: OperationState, begins: Any) -> None:
    started = run(
        frozen(TWO, on_failure=on_failure),
        "ad",
        "pki",
        ends={"op-ad": end(), "op-pki": end(state, "no host")},
    )
    decision = decide(started, all_waiting(), {}, NOW)
    assert decision.begins == begins
    assert states(decision)["pki"] is InRunState.FAILED


def test_one_that_is_here_already_is_skipped_whoever_brought_it() -> None:
    domains = {**all_waiting(), "ad": domain("ad", Mode.RUNNING_IN_FAILOVER)}
    decision = decide(run(frozen(TWO)), domains, {}, NOW)
    assert states(decision)["ad"] is InRunState.SKIPPED and decision.begins == ("pki",)


def test_what_stopped_is_not_tried_again_by_itself() -> None:
    stop = RunStop(why="driven by bob@jump2", code="rule", at=ago(10))
    decision = decide(run(frozen(TWO), stopped={"ad": stop}), all_waiting(), {}, NOW)
    row = decision.domains[0]
    assert (row.state, row.reason, row.needs) == (
        InRunState.QUESTION,
        "driven by bob@jump2",
        Needs.BEGIN_ANEW,
    )
    assert decision.begins == ("pki",)


def test_the_end_counts_what_was_left_out() -> None:
    waves = {"1": ["a", "b", "c"]}
    plan = frozen(waves, impossible={"c": "it has no VM"})
    domains = by_name(domain("a", Mode.RUNNING_IN_FAILOVER), domain("b"), domain("c"))
    done = run(plan, "a", ends={"op-a": end()}, left_out={"b": RunLeave(by="ann", at=ago(5))})
    decision = decide(done, domains, {}, NOW)
    assert decision.over and decision.state is RunState.DONE_WITH_EXCEPTIONS
    clean = run(frozen({"1": ["a"]}), "a", ends={"op-a": end()})
    assert decide(clean, domains, {}, NOW).state is RunState.DONE


def test_an_unknown_result_is_no_end() -> None:
    started = run(frozen({"1": ["a"]}), "a")
    asking = operation("a", ago(9000), kind="unknown")
    decision = decide(started, by_name(domain("a", Mode.COMPLETING)), {"op-a": asking}, NOW)
    assert not decision.over and states(decision) == {"a": InRunState.UNKNOWN}
    assert decision.domains[0].needs is Needs.LOOK


# -- rules of every run

NAMES = [f"d{number}" for number in range(8)]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, dict[str, Domain], dict[str, Operation]]:
    """A run of some waves with every domain in some state."""
    cut = draw(st.integers(0, len(NAMES)))
    plan = frozen(
        {"1": NAMES[:cut], "2": NAMES[cut:]},
        type=draw(st.sampled_from(FailoverType)),
        on_failure=draw(st.sampled_from(OnFailure)),
        domains_at_once=draw(st.integers(1, 4)),
        gates={"2": draw(st.sampled_from(Gate))},
        impossible=dict.fromkeys(draw(st.sets(st.sampled_from(NAMES), max_size=3)), "no"),
    )
    possible = [d.name for d in plan.domains if d.begins]
    begun = draw(st.sets(st.sampled_from(possible))) if possible else set()
    ends, operations, domains = {}, {}, dict[str, Domain]()
    for name in NAMES:
        mode = draw(st.sampled_from([Mode.SYNCHRONISED, Mode.RUNNING_IN_FAILOVER, Mode.COMPLETING]))
        if draw(st.booleans()) or name in begun:
            domains[name] = domain(name, mode)
        if name not in begun:
            continue
        if draw(st.booleans()):
            ends[f"op-{name}"] = end(draw(st.sampled_from([*OperationState][2:])))
        else:
            since = draw(st.sampled_from([None, ago(1), ago(100), ago(1000)]))
            operations[f"op-{name}"] = operation(name, since, draw(st.sampled_from(["site", "unknown"])))
    left = {n: RunLeave(by="ann", at=ago(1)) for n in draw(st.sets(st.sampled_from(NAMES), max_size=2))}
    stop = RunStop(why="in use", code="rule", at=draw(st.sampled_from([ago(1), ago(1000)])))
    stopped = {n: stop for n in draw(st.sets(st.sampled_from(NAMES), max_size=2)) if n not in begun}
    paused = draw(st.sampled_from([None, "paused"]))
    started = run(plan, *begun, ends=ends, left_out=left, stopped=stopped, paused=paused)
    return started, domains, operations


@given(cases())
def test_none_twice_none_forgotten_and_the_same_again(case: Any) -> None:
    started, domains, operations = case
    decision = decide(started, domains, operations, NOW)
    assert decision == decide(
        started, dict(reversed(domains.items())), dict(reversed(operations.items())), NOW
    )
    assert [row.name for row in decision.domains] == [d.name for d in started.frozen.domains]
    assert len(set(decision.begins)) == len(decision.begins)
    touched = {*started.begun, *started.left_out, *started.stopped}
    assert not touched & set(decision.begins), "what was begun, left out or stopped does not begin by itself"
    assert not {d.name for d in started.frozen.domains if d.impossible} & set(decision.begins)
    if started.paused:
        assert decision.begins == ()
    under_way = sum(row.state is InRunState.RUNNING for row in decision.domains)
    assert under_way + len(decision.begins) <= max(under_way, started.frozen.domains_at_once)
    if decision.over:
        assert decision.begins == () and all(row.settled for row in decision.domains)


@given(cases())
def test_no_wave_begins_before_the_one_before_is_settled(case: Any) -> None:
    started, domains, operations = case
    decision = decide(started, domains, operations, NOW)
    first = [row for row in decision.domains if row.wave == 0]
    later_begun = any(row.wave == 1 and row.name in started.begun for row in decision.domains)
    if not all(row.settled for row in first) and not later_begun:
        assert all(row.wave == 0 for row in decision.domains if row.name in decision.begins)
