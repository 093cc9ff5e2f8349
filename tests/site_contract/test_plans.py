"""A run of a failover plan at any site: looked at, decided, rolled back to one instant, left."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from drdeck.controller.journal.runs import RunRecord
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.domains import FailoverType, Mode
from drdeck.model.plans.plan_check import Possible
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest, RunRequest
from drdeck.model.plans.run_views import RunState
from drdeck.sites.contract import LooksAtRoom
from tests.site_contract.bench import ANNA, DOMAIN, Bench, MakeBench

FORCE = RunRequest(plan="all", type=FailoverType.FORCE, run_pitr=True, confirm="all 1")


def run_of(bench: Bench, ident: str) -> RunRecord:
    return bench.controller.plans.runs.run(ident)


async def refused(bench: Bench, what: Any, code: str, says: str) -> None:
    with pytest.raises(NotAccepted, match=says) as refusal:
        await what
    assert refusal.value.code == code


async def test_the_look_names_who_can_begin_and_why_others_cannot(make: MakeBench) -> None:
    bench = await make(state="imported", behind=True)
    check = await bench.controller.plans.inquiry.check(RunRequest(plan="all", type=FailoverType.FORCE))
    (domain,) = check.domains
    assert (domain.name, domain.possible, check.number) == (DOMAIN, Possible.NO, 0)
    assert "only while it is in progress" in domain.reason
    await refused(bench, bench.controller.plans.begin(FORCE, ANNA), "rule", "no domain of")
    assert bench.controller.recorder.runs == {}


async def test_a_force_is_confirmed_with_plan_and_number_and_again_where_vms_run(make: MakeBench) -> None:
    bench = await make(protected="on")
    begin = bench.controller.plans.begin
    check = await bench.controller.plans.inquiry.check(FORCE)
    assert (check.tier, check.type_confirm, check.running_confirm) == (3, "all 1", "RUNNING 1")
    assert bool(check.room) == isinstance(bench.controller.site, LooksAtRoom)
    assert set(check.room) <= set(check.says) and any("free memory" in t for t in check.not_checked) != bool(
        check.room
    )
    unconfirmed = RunRequest(plan="all", type=FailoverType.FORCE)
    await refused(bench, begin(unconfirmed, ANNA), "unconfirmed", '"all 1"')
    await refused(bench, begin(FORCE, ANNA), "unconfirmed", "RUNNING 1")
    stale = {**check.facts, "domains": "other (3 VMs)"}
    wrong = RunRequest(
        plan="all", type=FailoverType.FORCE, confirm="all 1", confirm_running="RUNNING 1", preview=stale
    )
    await refused(bench, begin(wrong, ANNA), "stale", "domains")
    assert bench.controller.recorder.runs == {} and bench.controller.recorder.open_operations() == []


async def test_fail_over_roll_back_to_one_instant_and_leave(make: MakeBench) -> None:
    bench = await make(protected="lost")
    plans = bench.controller.plans
    ident = await plans.begin(FORCE, ANNA)
    await refused(bench, plans.begin(FORCE, ANNA), "rule", "in use by|still open|no domain")
    await bench.active()
    await bench.until_true(lambda: run_of(bench, ident).ended)
    run_view = plans.runs.view_of(run_of(bench, ident))
    assert run_view.state is RunState.DONE and [row.state.value for row in run_view.domains] == [
        "pitr_session"
    ]
    operation = bench.operation(run_of(bench, ident).begun[DOMAIN])
    assert operation.run == ident and operation.request.run_pitr

    (point, *_) = sorted((await bench.group_points()), reverse=True)
    await plans.sessions.roll_back(RunPitrRequest(run=ident, to=point), ANNA)
    await bench.until_true(lambda: len(run_of(bench, ident).batches[0].ends) == 1, bench.state_text)
    kinds = [event.kind for event in bench.controller.journal.events()]
    assert "barrier_lifted" in kinds, "nothing started before all was reverted"
    truth = bench.truth()
    assert set(truth.power.values()) == {"on"} and set(truth.standing.values()) == {point}

    plans.sessions.leave_sessions(RunExitRequest(run=ident), ANNA)
    await bench.until(lambda d: d.mode is Mode.RUNNING_IN_FAILOVER)


async def test_sessions_that_were_not_rolled_back_want_their_own_words(make: MakeBench) -> None:
    bench = await make(protected="lost")
    plans = bench.controller.plans
    ident = await plans.begin(FORCE, ANNA)
    await bench.active()
    for confirm, reset in ((None, False), (None, True), ("RESET 2", True)):
        with pytest.raises(NotAccepted, match='"RESET 1"') as refusal:
            plans.sessions.leave_sessions(RunExitRequest(run=ident, reset=reset, confirm=confirm), ANNA)
        assert refusal.value.code == "unconfirmed"
    plans.sessions.leave_sessions(RunExitRequest(run=ident, reset=True, confirm="RESET 1"), ANNA)
    await bench.until(lambda d: d.mode is Mode.RUNNING_IN_FAILOVER)
    assert bench.domain.reset_at is not None


async def test_a_paused_run_begins_nothing(make: MakeBench) -> None:
    bench = await make(protected="lost")
    plans = bench.controller.plans
    ident = await plans.begin(FORCE, ANNA)
    plans.pause(ident, ANNA)  # before the run has had its turn
    await bench.look()
    paused = plans.runs.view_of(run_of(bench, ident))
    assert run_of(bench, ident).begun == {} and paused.state is RunState.PAUSED
    plans.resume(ident, ANNA)
    await bench.until_true(lambda: DOMAIN in run_of(bench, ident).begun)


async def test_a_run_goes_on_at_another_host_from_what_the_site_keeps(make: MakeBench) -> None:
    bench = await make(protected="lost")
    ident = await bench.controller.plans.begin(FORCE, ANNA)
    await bench.until_true(lambda: bench.domain.failover is not None, bench.state_text)
    begun = run_of(bench, ident).begun
    await bench.succeed()
    plans = bench.controller.plans
    await bench.until_true(lambda: ident in plans.keeper.keeping.at_site(), bench.state_text)
    other = run_of(bench, ident)
    assert bench.controller.recorder.runs == {} and other.handed_to and other.begun == begun
    assert (other.frozen.number, other.actor, other.since) == (1, ANNA, other.since)
    with pytest.raises(NotAccepted, match="plan takeover"):
        plans.pause(ident, ANNA)
    await refused(bench, plans.begin(FORCE, ANNA), "rule", f"in use by {ident}")

    assert await plans.take_over(ident, ident, "bob@jump2") == ident
    await refused(bench, plans.take_over(ident, ident, "bob@jump2"), "rule", "driven from here")
    await bench.active()
    await bench.until_true(lambda: run_of(bench, ident).ended, bench.state_text)
    assert run_of(bench, ident).begun == begun and run_of(bench, ident).end_state is RunState.DONE
    (point, *_) = sorted((await bench.group_points()), reverse=True)
    await plans.sessions.roll_back(RunPitrRequest(run=ident, to=point), ANNA)
    await bench.until_true(lambda: run_of(bench, ident).batches[0].begun, bench.state_text)
    plans.sessions.runs.own(ident)
    await bench.until_true(lambda: len(run_of(bench, ident).batches[0].ends) == 1, bench.state_text)
    plans.sessions.leave_sessions(RunExitRequest(run=ident), ANNA)
    await bench.until_true(lambda: ident not in plans.keeper.keeping.at_site(), bench.state_text)


async def test_a_rollback_behind_the_barrier_stays_there_at_another_host(make: MakeBench) -> None:
    bench = await make(protected="lost")
    plans = bench.controller.plans
    ident = await plans.begin(FORCE, ANNA)
    await bench.active()
    await bench.until_true(lambda: run_of(bench, ident).ended)
    (point, *_) = sorted((await bench.group_points()), reverse=True)
    to = RunPitrRequest(run=ident, to=point)
    with mock.patch.object(plans.keeper, "lift"):  # as if another domain held the barrier
        await plans.sessions.roll_back(to, ANNA)
        await bench.until_true(lambda: bench.controller.loop.at_barrier, bench.state_text)
        (row,) = plans.runs.view_of(run_of(bench, ident)).domains
        assert (row.words, row.operation) == (
            "rolling back",
            run_of(bench, ident).batches[0].operations[DOMAIN],
        )
        await bench.until_true(
            lambda: plans.keeper.keeping.at_site()[ident].marks[DOMAIN].batch, bench.state_text
        )
        await bench.succeed()
    plans = bench.controller.plans
    await bench.until_true(lambda: ident in plans.keeper.keeping.at_site(), bench.state_text)
    with mock.patch.object(plans.keeper, "lift"):
        await plans.take_over(ident, ident, "bob@jump2")
        await bench.until_true(lambda: bench.controller.loop.at_barrier, bench.state_text)
        assert set(bench.truth().power.values()) == {"off"}
    await bench.until_true(lambda: len(run_of(bench, ident).batches[0].ends) == 1, bench.state_text)
    truth = bench.truth()
    assert set(truth.power.values()) == {"on"} and set(truth.standing.values()) == {point}
