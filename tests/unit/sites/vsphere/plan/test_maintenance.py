"""Group points and their pruning: when, for whom, and never in a session."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.model.domains import Period, SessionState, VmQuestion
from drdeck.model.planned import PlannedCall
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, SnapshotFact
from drdeck.sites.vsphere.plan.domain_alarms import alarms
from drdeck.sites.vsphere.plan.maintenance import answers, chain_stuck, due, is_point
from drdeck.sites.vsphere.plan.restore_points import CHAIN_MAX, entry_name
from drdeck.sites.vsphere.record.attribute_names import FAILOVER
from drdeck.sites.vsphere.record.attributes import write
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import CommittedRecord, PitrRecord
from drdeck.sites.vsphere.view.site_state import SiteState
from drdeck.sites.vsphere.view.site_views import SiteViews
from tests.support.vcenter.domain_states import at, chain, domain_state, failover, session, settings, snap, vm

FINISHED: dict[str, Any] = {"failover": failover("finished")}


def what(*vms: Any, minutes: float, rules: Any = None, pending: datetime | None = None, **record: Any) -> Any:
    s = domain_state(
        *vms, record=Record(**{**FINISHED, **record}), rules=rules or settings(), minutes=minutes
    )
    return [(call.kind, call.name, call.args["name"]) for call in due(s, s.now, pending)]


def point(minutes: float) -> str:
    return f"drdeck-{at(minutes):%Y-%m-%dT%H:%M:%SZ}"


def test_every_interval_one_name_over_all() -> None:
    assert what(vm("a"), vm("b"), minutes=7) == [("snapshot", "a", point(7)), ("snapshot", "b", point(7))]
    vms = [vm(n, **chain(snap("1", 0, "ours"))) for n in "ab"]
    assert what(*vms, minutes=14.9) == []
    assert what(*vms, minutes=15) == [("snapshot", "a", point(15)), ("snapshot", "b", point(15))]


def test_a_point_is_told_from_the_step_of_that_name() -> None:
    s = domain_state(vm("a"), record=Record(**FINISHED), minutes=7)
    (call,) = due(s, s.now)
    assert is_point(call) and call.args["unasked"] == "yes", "not made where there is little room"
    assert not is_point(PlannedCall(key="point:op-1", kind="record", says="note that it is off"))


def test_a_late_vm_joins_for_a_while() -> None:
    a, b = vm("a", **chain(snap("1", 15, "ours"))), vm("b", **chain(snap("1", 0, "ours")))
    assert what(a, b, minutes=15.5) == [("snapshot", "b", point(15))]
    assert what(a, b, minutes=16.1) == [], "too late: its data would be from another time"
    assert what(a, vm("b"), minutes=15.1, pending=at(15)) == [("snapshot", "b", point(15))]
    assert what(vm("a"), minutes=15.1, pending=at(15)) == [("snapshot", "a", point(15))]
    assert [name for _, name, _ in what(a, b, minutes=30)] == ["b", "a"], "who waited longest comes first"


@pytest.mark.parametrize(
    "record",
    [
        {"failover": None},
        {"failover": failover("take")},
        {"failover": failover("recovered")},
        {"session": session(SessionState.WAITING)},
        {"session": session()},
        {"session": session(SessionState.ROLLING_BACK)},
        {"session": session(SessionState.EXITING)},
    ],
)
def test_only_while_owned_and_never_in_a_session(record: Any) -> None:
    old = chain(*(snap(str(i), i - 10_000, "ours") for i in range(CHAIN_MAX)))
    assert what(vm("a", **old), minutes=60, **record) == []


def test_not_without_pitr() -> None:
    assert what(vm("a"), minutes=60, rules=settings(pitr=False)) == []


def test_after_a_session_or_reset_the_interval_counts_anew() -> None:
    period = Period(start=at(20), end=at(40))
    a = vm("a", **chain(snap("1", 0, "ours")))
    assert what(a, minutes=50, excluded=(period,)) == []
    assert what(a, minutes=55, excluded=(period,)) == [("snapshot", "a", point(55))]
    assert what(vm("a"), minutes=50, pitr=PitrRecord(reset=at(40))) == []


def test_busy_and_lost_vms_are_left_alone() -> None:
    vms = (vm("a", running_tasks=("task-1",)), vm("b", connection="inaccessible"), vm("c"))
    assert [name for _, name, _ in what(*vms, minutes=7)] == ["c"]


def test_past_the_window_ours_go_oldest_first() -> None:
    rules = settings(window_s=3600)
    a = vm(
        "a", **chain(snap("f", -90), snap("1", -61, "ours"), snap("2", -60.5, "ours"), snap("3", 0, "ours"))
    )
    assert what(a, minutes=0.1, rules=rules) == [("remove", "a", point(-61))]
    every = settings(window_s=3600, prune_also=["replica*"])
    assert what(a, minutes=0.1, rules=every) == [("remove", "a", "replica f")]


def test_a_chain_is_kept_short() -> None:
    some = [snap(str(i), i - 1000, "ours" if i % 2 else "") for i in range(CHAIN_MAX)]
    a = vm("a", **chain(*some))
    rules = settings(window_s=10**6)
    assert what(a, minutes=60, rules=rules) == [("remove", "a", point(-999))]
    shorter = vm("a", **chain(*some[:-1]))
    assert [kind for kind, _, _ in what(shorter, minutes=60, rules=rules)] == ["snapshot"]


def test_a_chain_full_of_others_points_takes_no_more() -> None:
    full = vm("a", **chain(*(snap(str(i), i - 1000) for i in range(CHAIN_MAX))))
    s = domain_state(full, record=Record(failover=failover("finished")), minutes=60)
    assert due(s, s.now) == [] and chain_stuck(s, full)
    assert not chain_stuck(s, vm("a"))


@pytest.mark.parametrize(
    ("minutes", "record", "kinds"),
    [
        (23 * 60, {}, []),
        (25 * 60, {}, ["not_committed"]),
        (25 * 60, {"session": session()}, []),
        (25 * 60, {"failover": failover("power")}, []),
        (25 * 60, {"committed": CommittedRecord(by="op-9", of="op-1", at=at(0))}, []),
    ],
)
def test_what_a_failover_can_be_undone_with_is_not_kept_unsaid(
    minutes: float, record: dict[str, Any], kinds: list[str]
) -> None:
    kept = SnapshotFact("1", entry_name(FINISHED["failover"].id), "drdeck: entry point", at(0), None)
    s = domain_state(vm("a", **chain(kept)), record=Record(**{**FINISHED, **record}), minutes=minutes)
    reminders = alarms(s, [], lambda kind, vm: at(0))
    assert [alarm.kind for alarm in reminders if alarm.kind == "not_committed"] == kinds


def test_a_vm_says_how_often_it_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    erp, root = FolderFacts(id="erp", name="erp", parent="root"), FolderFacts("root", "drdeck", "vm")
    there = Inventory(
        serial=1, root=root, folders={"erp": erp}, vms={"vm-a": vm("a", parent="erp")}, networks={}
    )
    state = SiteState(
        "dr", VSphereSettings(url="https://vcsa/sdk", username="u", root="/DC0/vm/drdeck"), None
    )
    monkeypatch.setattr(state, "now", lambda: at(0))
    views = SiteViews(state)

    def alarms_told() -> str | None:
        return views.view(there, 1).domains[0].vms[0].error

    state.failed("vm-a", "snapshot", "vCenter refused to make point 1: no room")
    assert alarms_told() == "vCenter refused to make point 1: no room"
    for n in (2, 3):
        state.failed("vm-a", "snapshot", f"vCenter refused to make point {n}: no room")
    assert (
        alarms_told() == "vCenter refused to make point 3: no room (failed 3 times since 2026-11-22 10:00Z)"
    )
    state.failed("vm-a", "remove", "vCenter refused to prune: no rights")
    assert alarms_told() == "vCenter refused to prune: no rights", "something else"


def test_a_point_that_not_all_vms_have_joined_is_not_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"erp": settings()}
    state = SiteState(
        "dr",
        VSphereSettings(url="https://vcsa/sdk", username="u", root="/DC0/vm/drdeck", domains=rules),
        None,
    )
    views, record = SiteViews(state), {FAILOVER: write(FINISHED["failover"])}
    erp = FolderFacts(id="erp", name="erp", parent="root", attributes=record)
    root = FolderFacts("root", "drdeck", "vm")
    vms = {f"vm-{n}": vm(n, parent="erp", **chain(snap("1", 0, "ours"))) for n in "ab"}

    def newest(minutes: float, **changed: Any) -> Any:
        vms.update({one.id: one for one in changed.values()})
        there = Inventory(serial=1, root=root, folders={"erp": erp}, vms=dict(vms), networks={})
        monkeypatch.setattr(state, "now", lambda: at(minutes))
        return views.view(there, 1).domains[0].newest_point

    both = chain(snap("1", 0, "ours"), snap("2", 15, "ours"))
    assert newest(1) == at(0)
    assert newest(15.1, a=vm("a", parent="erp", **both)) == at(0)
    assert newest(15.2, b=vm("b", parent="erp", **both)) == at(15)
    third = chain(snap("1", 0, "ours"), snap("2", 15, "ours"), snap("3", 30, "ours"))
    assert newest(30.1, a=vm("a", parent="erp", **third)) == at(15)
    assert newest(31.1) == at(30), "the other one has missed it"
    assert newest(30.2, b=vm("b", parent="erp", connection="disconnected", **both)) == at(30)
    old = chain(snap("1", 0, "ours"), *(snap(str(i), i - 100) for i in range(2, CHAIN_MAX + 1)))
    assert newest(30.3, b=vm("b", parent="erp", **old)) == at(30), (
        "one that can take no more is not waited for"
    )


@pytest.mark.parametrize(
    ("setting", "message", "keys"),
    [
        ("moved", "msg.uuid.altered", ["1"]),
        ("copied", "msg.uuid.altered", ["0"]),
        ("ask", "msg.uuid.altered", []),
        ("moved", "msg.cdromdisconnect.locked", []),
    ],
)
def test_moved_or_copied_is_answered_by_label(setting: str, message: str, keys: list[str]) -> None:
    """register V4: told by the message's id, and never by a position."""
    labels = {"button.uuid.copiedTheVM": "0", "button.uuid.movedTheVM": "1", "button.uuid.cancel": "2"}
    asking = vm("a", question=VmQuestion(id="7", text="moved?", message=message, choices=labels))
    s = domain_state(asking, vm("b"), record=Record(failover=failover("power")))
    calls = answers(s, setting)
    assert [(call.vm, call.args["question"], call.args["choice"]) for call in calls] == [
        ("vm-a", "7", key) for key in keys
    ]


def test_of_the_points_so_many_are_kept_and_foreign_ones_do_not_count() -> None:
    rules = settings(keep=3)
    three = [snap(str(i), 15 * i, "ours") for i in range(3)]
    theirs = [snap(f"x{i}", 1 + i) for i in range(4)]
    assert what(vm("a", **chain(*theirs, *three)), minutes=31, rules=rules) == []
    four = [*three, snap("3", 45, "ours")]
    ((kind, name, _),) = what(vm("a", **chain(*theirs, *four)), minutes=46, rules=rules)
    assert (kind, name) == ("remove", "a")
    s = domain_state(vm("a", **chain(*theirs, *four)), record=Record(**FINISHED), rules=rules, minutes=46)
    assert due(s, s.now)[0].args["snapshot"] == "0", "the oldest of ours"


def test_points_are_made_for_a_while_and_pruned_for_ever() -> None:
    rules = settings(points_for_s=3600)
    assert what(vm("a"), minutes=59, rules=rules) == [("snapshot", "a", point(59))]
    assert what(vm("a"), minutes=61, rules=rules) == []
    again: dict[str, Any] = {"excluded": (Period(start=at(100), end=at(120)),)}
    assert what(vm("a"), minutes=179, rules=rules, **again) == [("snapshot", "a", point(179))]
    assert what(vm("a"), minutes=181, rules=rules, **again) == []
    old = vm("a", **chain(snap("1", 0, "ours")))
    assert [kind for kind, _, _ in what(old, minutes=1500, rules=rules)] == ["remove"], "past the window"


def alarms_told(*vms: Any, minutes: float, rules: Any) -> dict[str, str]:
    s = domain_state(*vms, record=Record(**FINISHED), rules=rules, minutes=minutes)
    return {alarm.kind: alarm.text for alarm in alarms(s, [], lambda kind, vm: s.now)}


def test_it_is_told_when_points_end_and_when_a_round_takes_too_long() -> None:
    fresh, late = vm("a", **chain(snap("1", 15, "ours"))), vm("b", **chain(snap("2", 0, "ours")))
    assert "points_late" not in alarms_told(fresh, late, minutes=15.9, rules=settings()), "the round goes on"
    text = alarms_told(fresh, late, minutes=17, rules=settings())["points_late"]
    assert "at 2026-11-22 10:15:00Z was not complete: b missed it" in text and "up to 00:17:00 old" in text
    assert "points_late" not in alarms_told(late, minutes=17, rules=settings()), (
        "no round was made without it"
    )
    text = alarms_told(late, minutes=44, rules=settings())["points_late"]
    assert text.startswith(
        "a restore point is due since 2026-11-22 10:15:00Z and was not made: the newest is"
    )
    assert "there is none yet" in alarms_told(vm("c"), minutes=3, rules=settings())["points_late"]
    busy = vm("c", running_tasks=("task-1",))
    assert "points_late" not in alarms_told(busy, minutes=44, rules=settings()), "it waits for others"
    assert "points_late" not in alarms_told(fresh, vm("c"), minutes=17, rules=settings()), "it has just come"
    next_one = vm("a", **chain(snap("1", 15, "ours"), snap("3", 30, "ours")))
    caught_up = vm("b", **chain(snap("2", 0, "ours"), snap("3", 30, "ours")))
    assert "points_late" in alarms_told(next_one, late, minutes=30.5, rules=settings()), "of the round before"
    assert "points_late" not in alarms_told(next_one, caught_up, minutes=31.5, rules=settings())
    question = VmQuestion(id="7", text="moved?", choices={"yes": "1"})
    asks = vm("b", question=question, **chain(snap("2", 0, "ours")))
    assert "points_late" in alarms_told(fresh, asks, minutes=17, rules=settings())
    for excuse in ({"running_tasks": ("task-1",)}, {"connection": "disconnected"}):
        away = vm("b", **{**chain(snap("2", 0, "ours")), **excuse})
        assert "points_late" not in alarms_told(fresh, away, minutes=17, rules=settings())
    assert "points_over" in alarms_told(fresh, minutes=61, rules=settings(points_for_s=3600))
    assert "points_over" not in alarms_told(fresh, minutes=61, rules=settings(points_for_s=0)), (
        "asked for none"
    )


@pytest.mark.parametrize(
    ("name", "age_min", "respected"),
    [
        ("VEEAM BACKUP TEMPORARY SNAPSHOT", 20, True),
        ("NBU_SNAPSHOT_7", 20, True),
        ("VEEAM BACKUP TEMPORARY SNAPSHOT", 25 * 60, False),
        ("Restore Point 2026-11-22 10:00:00", 20, False),
        ("before the update", 20, False),
    ],
)
def test_a_backup_that_is_under_way_is_left_alone(name: str, age_min: float, respected: bool) -> None:
    rules = settings(window_s=60)
    old, theirs = snap("1", -2000, "ours"), snap("2", 60 - age_min, name)
    backed_up = vm("a", **chain(old, theirs) if age_min < 2000 else chain(theirs, old))
    calls = what(backed_up, vm("b", **chain(old)), minutes=60, rules=rules)
    assert [(kind, vm_name) for kind, vm_name, _ in calls] == [
        *([] if respected else [("remove", "a")]),
        ("remove", "b"),
    ]
