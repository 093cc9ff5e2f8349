"""Whose change it was after a take-over, or a restart: what the driver before had asked for is drdeck's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drdeck.model.domains import SessionState
from drdeck.model.guard import Change
from drdeck.model.planned import PlannedCall
from drdeck.sites.vsphere.guard.attribution_windows import LATE
from tests.support.vcenter.guard_bench import ANNA, JOE, OWN, VM, Bench, single

LATE_S = LATE.total_seconds()
TAKEN = [  # user, change, to, seconds after the take-over, ours
    (OWN, Change.POWER, "off", -1, True),
    (ANNA, Change.POWER, "off", -1, True),
    (None, Change.POWER, "off", -1, True),
    ("", Change.HOST, "host-2", -1, True),
    (JOE, Change.POWER, "off", -1, False),
    (OWN, Change.REVERTED, "", -1, True),
    (OWN, Change.POWER, "off", LATE_S - 1, True),
    (JOE, Change.POWER, "off", LATE_S - 1, False),
    (OWN, Change.POWER, "off", LATE_S + 1, False),
    (ANNA, Change.POWER, "off", LATE_S + 1, False),
    (None, Change.POWER, "off", LATE_S + 1, False),
    (OWN, Change.CLONE, "", -1, False),
    (OWN, Change.SNAPSHOT_REMOVED, "snap-1", -1, False),
    (OWN, Change.POWER, "off", -70, False),  # before that rollback
]


@pytest.mark.parametrize("how", ["followed", "seen first when driven", "restarted"])
@pytest.mark.parametrize(("user", "change", "to", "after_s", "ours"), TAKEN)
def test_what_the_driver_before_did_in_a_rollback(
    how: str, user: str | None, change: Change, to: str, after_s: float, ours: bool
) -> None:
    bench = Bench(drives=how == "restarted")
    bench.began["op-2"] = bench.now()
    if how != "seen first when driven":
        bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(60)
    if how == "restarted":
        bench.post.memory.windows.forget_calls()
    bench.take_over()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    at = bench.now() + timedelta(seconds=after_s)
    bench.on(max(0, after_s))
    bench.observe("facts" if user is None else "event", change, user, to, since=at, until=at)
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert (bench.wait() == []) == ours


@pytest.mark.parametrize("driven", [True, False])
@pytest.mark.parametrize(("state", "n"), [
    (SessionState.ROLLING_BACK, 1), (SessionState.ACTIVE, 2), (SessionState.EXITING, 2),
])  # fmt: skip
def test_rollbacks_of_another_driver_that_were_never_seen(state: SessionState, n: int, driven: bool) -> None:
    bench = Bench(drives=False)
    bench.never_seen()
    bench.observe("event", Change.POWER, OWN, "off")
    bench.on(60)
    if driven:
        bench.take_over()
    bench.follow("op-9", state, n=n)
    assert bench.wait() == []
    bench.on(LATE_S)
    bench.observe("task", Change.SNAPSHOT, OWN)
    bench.follow("op-9", state, n=n)
    assert single(bench.wait()).change is Change.SNAPSHOT


@pytest.mark.parametrize("followed", [True, False])
def test_a_session_that_another_drove_for_long_explains_nothing(followed: bool) -> None:
    bench = Bench(drives=False)
    if not followed:
        bench.never_seen()
    bench.observe("event", Change.POWER, OWN, "off")
    bench.on(60)
    bench.take_over()
    bench.follow(None)
    assert single(bench.wait()).user == OWN


@pytest.mark.parametrize(("begun", "ours"), [({"op-2"}, False), (set[str](), True)])
def test_a_driver_that_has_just_begun_knows_its_own_operation(begun: set[str], ours: bool) -> None:
    bench = Bench(drives=False, begun=begun)
    bench.take_over()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(1)
    bench.observe("event", Change.POWER, OWN, "off")
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert (bench.wait() == []) == ours


@pytest.mark.parametrize(("user", "after_s", "ours"), [
    (OWN, 0, True), (OWN, LATE_S - 1, True), (OWN, LATE_S + 1, False), (JOE, 0, False),
])  # fmt: skip
def test_what_was_inside_vcenter_at_the_take_over(user: str, after_s: float, ours: bool) -> None:
    """`after_s`: since its task has ended."""
    bench = Bench(drives=False, running={"task-9"})
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.take_over()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(600)
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.running.clear()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(after_s)
    bench.observe("event", Change.POWER, user, "off")
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert (bench.wait() == []) == ours


def test_an_event_may_come_before_it_is_seen_that_its_task_is_over() -> None:
    bench = Bench(drives=False, running={"task-9"})
    bench.take_over()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(600)
    bench.observe("event", Change.POWER, OWN, "off")
    assert bench.settle() == []
    bench.running.clear()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert bench.wait() == []


def test_a_task_of_somebody_that_begins_later_explains_nothing() -> None:
    bench = Bench(drives=False)
    bench.take_over()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(LATE_S + 1)
    bench.running.add("task-9")
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(60)
    bench.observe("event", Change.POWER, OWN, "off")
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert single(bench.wait()).user == OWN


def test_a_task_of_ours_after_the_take_over_explains_no_more_than_it_does() -> None:
    bench = Bench(drives=False)
    bench.take_over()
    bench.call("power_off")
    bench.running.add("task-9")
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(60)
    bench.observe("event", Change.POWER, OWN, "on")
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert single(bench.wait()).to == "on"


def test_an_act_of_the_driver_before_uses_up_none_of_ours() -> None:
    """Of the same kind, and told only while ours goes on."""
    bench = Bench(drives=False)
    bench.follow("op-2", SessionState.ROLLING_BACK)
    at = bench.now()
    bench.take_over()
    with bench.own_calls.remember(PlannedCall(key="off", kind="power_off", vm=VM)):
        bench.follow("op-2", SessionState.ROLLING_BACK)
        bench.on(1)
        bench.observe("event", Change.POWER, OWN, "off", since=at, until=at)
        assert bench.wait() == []
        bench.on(LATE_S)
        bench.observe("event", Change.POWER, OWN, "off")
    assert bench.wait() == []
    bench.observe("event", Change.POWER, OWN, "off")
    assert single(bench.wait()).user == OWN


@pytest.mark.parametrize("by", ["event", "facts"])
def test_what_was_told_before_an_act_did_not_come_of_it(by: str) -> None:
    bench = Bench()
    user, began = None if by == "facts" else OWN, bench.now()
    bench.observe(by, Change.POWER, user, "off")
    bench.on(0.1)
    bench.call("power_off")
    bench.observe(by, Change.POWER, user, "off")
    assert single(bench.wait()).until == began


def test_a_driver_that_is_taken_over_from_and_takes_over_again() -> None:
    bench = Bench(begun={"op-2"})
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(60)
    bench.observe("event", Change.POWER, ANNA, "off")  # by whoever drove meanwhile, unseen
    bench.on(1)
    bench.take_over()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert bench.wait() == []
    bench.on(LATE_S)
    bench.observe("event", Change.POWER, ANNA, "off")
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert single(bench.wait()).user == ANNA


def test_a_rollback_that_was_over_long_ago_explains_nothing_since() -> None:
    """The controller was down meanwhile."""
    bench = Bench(drives=False)
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.over["op-2"] = bench.now() + timedelta(seconds=10)
    bench.on(5)
    bench.observe("event", Change.POWER, OWN, "off")
    bench.on(600)
    bench.observe("event", Change.POWER, OWN, "on")
    bench.follow("op-2", n=1)
    assert single(bench.wait()).to == "on"
