"""Whose change it was: events, facts and tasks beside what drdeck does itself, with a moved clock."""

from __future__ import annotations

import pytest

from drdeck.model.domains import SessionState
from drdeck.model.guard import Change
from drdeck.sites.contract import Refused, ResultUnknown
from drdeck.sites.vsphere.guard.observations import Observation
from drdeck.sites.vsphere.guard.session_memory import KEPT, NAME_S
from tests.support.vcenter.guard_bench import ANNA, JOE, OWN, START, VM, Bench, single

# -- the three tellings of one change


@pytest.mark.parametrize(
    "order",
    [("facts", "event"), ("event", "facts"), ("event",), ("facts",), ("task", "event", "facts")],
    ids="+".join,
)
def test_one_deed_is_one_alarm_however_it_is_told(order: tuple[str, ...]) -> None:
    bench = Bench()
    for by in order:
        bench.observe(by, Change.HOST, None if by == "facts" else JOE, "host-2" if by != "task" else "")
        bench.settle()
        bench.on(0.3)
    alarm = single(bench.wait())
    assert alarm.name == "db01" and alarm.user == (JOE if "event" in order else None)
    assert alarm.did == ("event did" if "event" in order else "facts did")


@pytest.mark.parametrize("order", [("task", "facts"), ("facts", "task")], ids="+".join)
def test_of_a_snapshot_the_task_says_who_and_the_facts_what(order: tuple[str, ...]) -> None:
    bench = Bench()
    for by in order:
        bench.observe(by, Change.SNAPSHOT, None if by == "facts" else JOE, "nightly" if by == "facts" else "")
        bench.settle()
        bench.on(0.3)
    alarm = single(bench.wait())
    assert (alarm.user, alarm.did) == (JOE, "facts did")


def test_a_task_that_runs_is_waited_for() -> None:
    bench = Bench(running={"task-9"})
    bench.observe("task", Change.SNAPSHOT, JOE, task="task-9")
    for _ in range(20):
        bench.on(1)
        assert bench.settle() == []
    bench.observe("facts", Change.SNAPSHOT, to="nightly")
    bench.running.clear()
    assert single(bench.wait()).did == "facts did" and single(bench.settle()).user == JOE


def test_a_task_of_which_nothing_comes_is_told_as_begun() -> None:
    bench = Bench()
    bench.observe("task", Change.SNAPSHOT, JOE)
    assert bench.settle() == []
    assert single(bench.wait()).did == "task did"


def test_a_name_that_comes_late_is_added() -> None:
    bench = Bench()
    bench.observe("facts", Change.SNAPSHOT_REMOVED, to="snap-1")
    assert single(bench.wait()).user is None
    bench.on(3)
    bench.observe("task", Change.SNAPSHOT_REMOVED, JOE)
    alarm = single(bench.settle())
    assert (alarm.user, alarm.address) == (JOE, None)


def test_two_deeds_are_two_alarms() -> None:
    bench = Bench()
    for to in ("off", "on", "off"):
        bench.observe("event", Change.POWER, JOE, to)
        bench.observe("facts", Change.POWER, None, to)
        bench.settle()
        bench.on(0.5)
    assert [f.to for f in bench.wait()] == ["off", "on", "off"]


def test_a_revert_explains_that_the_vm_is_off() -> None:
    bench = Bench()
    bench.observe("facts", Change.POWER, to="off")
    bench.observe("facts", Change.REVERTED, to="snap-1")
    bench.observe("task", Change.REVERTED, JOE)
    assert single(bench.wait()).change is Change.REVERTED


def test_a_move_between_other_folders_is_nobodys_business() -> None:
    bench = Bench()
    bench.observe("task", Change.MOVED, JOE, "group-v9", vm="")
    assert bench.wait() == [] and not bench.post.unsettled


# -- what is ours

OURS = [
    ("power_off", {}, Change.POWER, "off"),
    ("power_on", {}, Change.POWER, "on"),
    ("power_on", {}, Change.HOST, "host-2"),
    ("revert", {"snapshot": "snap-1"}, Change.REVERTED, "snap-1"),
    ("revert", {"snapshot": "snap-1"}, Change.POWER, "off"),
    ("remove", {"snapshot": "snap-1"}, Change.SNAPSHOT_REMOVED, "snap-1"),
    ("snapshot", {"name": "drdeck-x"}, Change.SNAPSHOT, "drdeck-x"),
    ("connect", {}, Change.CONFIG, ""),
]
NOT_OURS = [
    ("power_off", {}, Change.POWER, "on"),
    ("power_on", {}, Change.POWER, "off"),
    ("power_off", {}, Change.HOST, "host-2"),
    ("revert", {"snapshot": "snap-1"}, Change.REVERTED, "snap-2"),
    ("remove", {"snapshot": "snap-1"}, Change.SNAPSHOT_REMOVED, "snap-2"),
    ("snapshot", {"name": "drdeck-x"}, Change.SNAPSHOT, "nightly"),
    ("snapshot", {"name": "drdeck-x"}, Change.CLONE, ""),
]


@pytest.mark.parametrize(("kind", "args", "change", "to"), OURS)
def test_what_comes_of_our_acts_is_ours(kind: str, args: dict[str, str], change: Change, to: str) -> None:
    for by in ("facts", "event"):
        bench = Bench()
        bench.call(kind, args)
        bench.observe(by, change, None if by == "facts" else OWN, to)
        assert bench.wait() == []


@pytest.mark.parametrize(("kind", "args", "change", "to"), NOT_OURS)
def test_what_does_not_come_of_our_acts_is_not(
    kind: str, args: dict[str, str], change: Change, to: str
) -> None:
    for by in ("facts", "event"):
        bench = Bench()
        bench.call(kind, args)
        bench.observe(by, change, None if by == "facts" else OWN, to)
        assert single(bench.wait()).change is change


@pytest.mark.parametrize(("kind", "args", "change", "to"), OURS)
def test_the_same_by_somebody_else_at_the_same_time_is_not(
    kind: str, args: dict[str, str], change: Change, to: str
) -> None:
    bench = Bench()
    bench.call(kind, args)
    bench.observe("event", change, JOE, to)
    assert single(bench.wait()).user == JOE


def test_an_act_is_done_once() -> None:
    """The same account again, by hand, is another change."""
    bench = Bench()
    bench.call("power_off")
    for by, user in (("event", OWN), ("facts", None)):
        bench.observe(by, Change.POWER, user, "off")
    assert bench.settle() == []
    bench.observe("event", Change.POWER, OWN, "off")
    assert single(bench.wait()).user == OWN


def test_a_revert_of_a_vm_that_is_off_does_not_power_it_off() -> None:
    bench = Bench()
    bench.call("revert", {"snapshot": "snap-1"}, power="off")
    bench.observe("event", Change.POWER, OWN, "off")
    assert single(bench.wait()).change is Change.POWER


@pytest.mark.parametrize(("fails", "later_s", "ours"), [
    (None, 1, True), (None, 30, False), (Refused("no"), 1, True), (Refused("no"), 30, False),
    (ResultUnknown("?"), 30, True), (ResultUnknown("?"), 300, False),
])  # fmt: skip
def test_how_long_an_event_may_be_of_an_act(fails: Exception | None, later_s: float, ours: bool) -> None:
    bench = Bench()
    bench.call("power_off", fails=fails)
    bench.on(later_s)
    bench.observe("event", Change.POWER, OWN, "off")
    assert (bench.wait() == []) == ours


def test_events_by_a_clock_far_off_count_by_when_they_come() -> None:
    bench = Bench()
    bench.call("power_off")
    observation = Observation(
        by="event", vm=VM, change=Change.POWER, did="", since=START, until=START, to="off", user=OWN, key=1
    )
    bench.post.hear([observation], bench.at)
    assert bench.wait() == []
    bench.post.hear([observation], bench.at, live=False)
    assert len(bench.wait()) == 1, "but not what is read back"


def test_what_vcenter_does_by_itself_with_our_act_is_ours() -> None:
    bench = Bench()
    bench.call("power_on")
    bench.observe("event", Change.HOST, "", "host-2")
    assert bench.wait() == []
    bench.on(60)
    bench.observe("event", Change.HOST, "", "host-1")
    assert single(bench.wait()).user == ""


# -- where somebody else drives, or another process did


@pytest.mark.parametrize(
    ("user", "ours"), [(OWN, True), (ANNA, True), ("", True), (None, True), (JOE, False)]
)
def test_a_follower_knows_operations_and_not_acts(user: str | None, ours: bool) -> None:
    bench = Bench(drives=False)
    bench.on(1)
    bench.observe("facts" if user is None else "event", Change.POWER, user, "off")
    alarms = bench.settle()
    assert alarms == [] and bench.post.wants_record, "the record may tell of a rollback by now, and by whom"
    bench.follow("op-2", SessionState.ROLLING_BACK)
    assert (bench.wait() == []) == ours


@pytest.mark.parametrize(
    "change",
    [
        Change.CLONE,
        Change.DATASTORE,
        Change.MOVED,
        Change.SNAPSHOT,
        Change.SNAPSHOT_REMOVED,
    ],
)
def test_what_no_rollback_does_is_not_explained_by_one(change: Change) -> None:
    bench = Bench(drives=False)
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.observe("event", change, ANNA)
    bench.fresh_s = bench.at + 1
    assert single(bench.wait()).change is change


def test_no_operation_explains_nothing() -> None:
    bench = Bench(drives=False)
    bench.observe("event", Change.POWER, ANNA, "off")
    bench.follow(None)
    assert single(bench.wait()).user == ANNA


def test_an_operation_that_is_over_explains_nothing_more() -> None:
    bench = Bench(drives=False)
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(30)
    bench.follow("op-2", SessionState.ACTIVE, n=1)
    bench.on(30)
    bench.follow("op-2", SessionState.ACTIVE, n=1)
    bench.observe("event", Change.POWER, ANNA, "off")
    bench.fresh_s = bench.at + 1
    assert len(bench.wait()) == 1


def test_rollbacks_that_nobody_here_saw_are_the_drivers() -> None:
    """Two of them while this controller was down: the record tells of the last."""
    bench = Bench(drives=False)
    bench.observe("event", Change.POWER, ANNA, "off")  # in the first one
    bench.on(600)
    bench.follow("op-3", SessionState.ACTIVE, n=2)
    assert bench.wait() == []


def test_after_a_restart_the_operation_that_was_begun_explains_its_acts() -> None:
    bench = Bench()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.observe("event", Change.POWER, OWN, "off")
    assert len(bench.wait()) == 1, "this process knows that it was not it"
    bench.post.memory.foreign.clear()
    bench.post.memory.windows.forget_calls()  # the file is read by a new process
    bench.observe("event", Change.POWER, OWN, "off")
    assert bench.wait() == []


def test_a_driver_that_slept_knows_that_another_went_on() -> None:
    bench = Bench()
    bench.follow("op-2", SessionState.ROLLING_BACK)
    bench.on(60)
    bench.drives = False
    bench.observe("event", Change.REVERTED, ANNA)  # by whoever took over
    bench.follow("op-2", SessionState.ACTIVE, n=1)
    assert bench.wait() == []


def test_an_exit_explains_that_points_go() -> None:
    bench = Bench(drives=False)
    bench.follow("op-9", SessionState.EXITING)
    bench.observe("task", Change.SNAPSHOT_REMOVED, ANNA)
    bench.observe("facts", Change.SNAPSHOT_REMOVED, to="snap-1")
    bench.fresh_s = bench.at + 1
    assert bench.wait() == []


# -- what is shown, and kept


def test_an_alarm_waits_a_moment_for_its_address() -> None:
    bench = Bench()
    bench.observe("event", Change.CLONE, JOE)
    (foreign,) = bench.settle()
    assert bench.post.memory.alarms(bench.at) == () and bench.post.unnamed(bench.at)
    foreign.address = "10.0.0.7"
    (alarm,) = bench.post.memory.alarms(bench.at)
    assert alarm.text.startswith(f"{JOE} (from 10.0.0.7) event did. ") and alarm.address == "10.0.0.7"
    foreign.address = None
    (alarm,) = bench.post.memory.alarms(bench.at + NAME_S)
    assert alarm.text.startswith(f"{JOE} event did. ") and alarm.user == JOE


def test_what_is_not_settled_is_judged_again_by_the_next_controller() -> None:
    bench = Bench()
    bench.observe("event", Change.CLONE, JOE)
    bench.on(1)
    bench.observe("task", Change.SNAPSHOT, JOE)
    newest = int(bench.at * 1000)
    bench.settle()
    assert bench.post.memory.key == newest - 1
    bench.wait()
    assert bench.post.memory.key == newest


def test_many_alarms_are_bounded() -> None:
    bench = Bench()
    for _ in range(130):
        bench.observe("event", Change.CLONE, JOE)
        bench.settle()
        bench.on(20)
    alarms = bench.post.memory.alarms(bench.at)
    assert len(bench.settle()) == 130 and len(alarms) == 101
    assert alarms[0].kind == "guard" and alarms[0].text.startswith("30 earlier changes")


# -- what is one line, and what is another change's


def test_moves_to_other_hosts_are_one_line_that_counts() -> None:
    bench = Bench()
    for number in range(3):
        bench.observe("event", Change.HOST, "", f"host-{number}", did=f"moved it to host {number}")
        bench.wait()
        bench.on(30)
    bench.observe("event", Change.POWER, JOE, "off")
    bench.wait()
    bench.on(NAME_S)
    moved, power = bench.post.memory.alarms(bench.at)
    assert moved.text.startswith("3 moves to other hosts in this session (db01 3 times). The last one, at ")
    assert "vCenter itself moved it to host 2" in moved.text and moved.vm == "db01"
    assert power.kind == "foreign_power"


def test_moves_are_forgotten_first_and_counted_all_the_same() -> None:
    bench = Bench()
    bench.observe("event", Change.CLONE, JOE)
    bench.wait()
    for number in range(KEPT + 5):
        bench.observe("event", Change.HOST, "", f"host-{number}")
        bench.settle()
        bench.on(30)
    bench.wait()
    clone, moved = bench.post.memory.alarms(bench.at)
    assert clone.kind == "foreign_clone" and moved.text.startswith(f"{KEPT + 5:} moves ")
    assert len(bench.post.memory.foreign) == KEPT
    while len([f for f in bench.post.memory.foreign if f.change is Change.HOST]) > 1:
        bench.observe("event", Change.CLONE, JOE)
        bench.settle()
        bench.on(30)
    bench.wait()
    (moved,) = [a for a in bench.post.memory.alarms(bench.at) if a.kind == "foreign_host"]
    assert moved.text.startswith(f"{KEPT + 5} moves "), "also of the last one that is not forgotten"


@pytest.mark.parametrize("order", [("ha", "host", "on"), ("host", "on", "ha")], ids="+".join)
def test_what_comes_of_a_restart_by_ha_is_part_of_it(order: tuple[str, ...]) -> None:
    bench = Bench()
    for what in order:
        if what == "ha":
            bench.observe("event", Change.HA, "", did="restarted it")
        elif what == "host":
            bench.observe("facts", Change.HOST, None, "host-2")
        else:
            bench.observe("facts", Change.POWER, None, "on")
        bench.settle()
        bench.on(0.2)
    assert single(bench.wait()).change is Change.HA


def test_consolidation_after_a_removal_of_ours_is_ours() -> None:
    bench = Bench()
    bench.call("remove", {"snapshot": "snap-1"})
    bench.observe("event", Change.CONSOLIDATION, "")
    assert bench.wait() == []
    bench.on(600)
    bench.observe("event", Change.CONSOLIDATION, JOE)
    assert single(bench.wait()).user == JOE
