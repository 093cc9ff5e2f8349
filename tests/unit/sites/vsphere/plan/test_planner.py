"""What is due at a domain: a table of domain states."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drdeck.config.settings import Duration, Limit, RunbookSettings
from drdeck.model.domains import FailoverType, SessionState
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact
from drdeck.sites.vsphere.plan.domain_alarms import missing_replicas
from drdeck.sites.vsphere.plan.domain_state import ProtectedVms
from drdeck.sites.vsphere.plan.failover import unready
from drdeck.sites.vsphere.plan.parts.runbook_groups import groups
from drdeck.sites.vsphere.plan.planner import plan
from drdeck.sites.vsphere.plan.restore_points import point_name
from drdeck.sites.vsphere.plan.vm_rows import held_up
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import ShutdownRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import ConnectArguments
from tests.support.vcenter.domain_states import (
    OP,
    at,
    chain,
    domain_state,
    failover,
    rollback,
    session,
    settings,
    snap,
    vm,
)

RUNBOOK = (("db", ["db*"], 30.0), ("app", ["app*"], 0.0))
ROLLING: dict[str, Any] = {
    "failover": failover("finished"),
    "session": session(SessionState.ROLLING_BACK, last="op-2"),
}


def due(*vms: Any, minutes: float = 0, rules: Any = None, protected: Any = None, **record: Any) -> Any:
    """(kinds and VMs of the acts, the wait, what comes then, the question's choices)."""
    s = domain_state(
        *vms, record=Record(**record), rules=rules or settings(), protected=protected, minutes=minutes
    )
    p = plan(s)
    if p.question is not None:
        return ([], p.question.text, "", p.question.choices)
    if p.phase is None:
        return ([], "", "", ())
    calls = [f"{call.kind} {call.name}" for call in p.phase.calls]
    return (calls, p.phase.wait, p.phase.then.args["to"] if p.phase.then else "", ())


def planned(phase: str, **more: Any) -> Any:
    return failover(phase, type=FailoverType.PLANNED, **more)


def test_nothing_is_due_where_nothing_was_asked() -> None:
    records: list[dict[str, Any]] = [
        {},
        {"failover": failover("finished")},
        {"failover": failover("recovered")},
    ]
    for record in records:
        assert due(vm("a"), **record) == ([], "", "", ())
    assert due(vm("a"), failover=failover("finished"), session=session()) == ([], "", "", ())


def test_shutting_down() -> None:
    both = ProtectedVms((vm("a"), vm("b")))
    calls, wait, then, _ = due(vm("a", "off"), failover=planned("shutdown"), protected=both)
    assert calls == ["shutdown_guest a", "shutdown_guest b"] and then == "point" and "a, b" in wait
    half_off = ProtectedVms((vm("a", "off"), vm("b")))
    assert due(failover=planned("shutdown"), protected=half_off)[0] == ["shutdown_guest b"]
    done = ProtectedVms((vm("a", "off"),))
    assert due(failover=planned("shutdown"), protected=done)[:3] == ([], "", "point")
    plan = due(failover=planned("shutdown"), protected=half_off, minutes=6)
    assert "b" in plan[1] and plan[3] == ("retry", "power-off", "abort")
    again = due(failover=planned("shutdown", minutes=5.5, n=2), protected=half_off, minutes=6)
    assert again[0] == ["shutdown_guest b"], "retry gives it as long again"


def _limits(**limits: Any) -> Any:
    """Database first up, last down, with limits of its own; the rest as the domain has it."""
    rules = settings(("db", ["db*"], 0.0), ("app", ["app*"], 0.0))
    database = msgspec.structs.replace(rules.runbook[0], **limits)
    return msgspec.structs.replace(rules, runbook=(database, *rules.runbook[1:]))


def test_shutting_down_goes_in_reverse_order() -> None:
    names = ("app1", "db1", "other")
    every = ProtectedVms(tuple(vm(name) for name in names))
    rules = _limits()
    assert due(failover=planned("shutdown"), protected=every, rules=rules) == (
        ["shutdown_guest other"], "shutting down: other", "down", (),
    )  # fmt: skip
    some_off = ProtectedVms((vm("app1"), vm("db1"), vm("other", "off")))
    assert due(failover=planned("shutdown"), protected=some_off, rules=rules)[:3] == ([], "", "down")
    at_apps = planned("shutdown", g=1)
    assert due(failover=at_apps, protected=some_off, rules=rules)[0] == ["shutdown_guest app1"]
    assert due(failover=at_apps, protected=every, rules=rules)[0] == [
        "shutdown_guest app1", "shutdown_guest other",
    ], "one that was switched on again"  # fmt: skip
    database = ProtectedVms((vm("app1", "off"), vm("db1"), vm("other", "off")))
    last = due(failover=planned("shutdown", g=2), protected=database, rules=rules)
    assert last[0] == ["shutdown_guest db1"] and last[2] == "point"


def test_replicas_of_another_name_order_the_shutdown_too() -> None:
    rules = msgspec.structs.replace(_limits(), replica_name="db-{name}")
    last = ProtectedVms((vm("erp"),))
    assert due(failover=planned("shutdown"), protected=last, rules=rules)[:3] == ([], "", "down")
    assert due(failover=planned("shutdown", g=2), protected=last, rules=rules)[0] == ["shutdown_guest erp"]


def test_a_group_has_limits_of_its_own_and_may_be_powered_off() -> None:
    database = ProtectedVms((vm("db1"),))
    at_last: dict[str, Any] = {"failover": planned("shutdown", g=2), "protected": database}
    long = _limits(shutdown_timeout=Duration(3600))
    assert due(**at_last, rules=long, minutes=50)[0] == ["shutdown_guest db1"]
    off = _limits(power_off_after=Limit(120))
    assert due(**at_last, rules=off, minutes=1)[0] == ["shutdown_guest db1"]
    assert due(**at_last, rules=off, minutes=3)[0] == ["power_off_there db1"]
    assert due(**at_last, rules=off, minutes=8)[3] == ("retry", "power-off", "abort")
    assert due(**at_last, rules=_limits(), minutes=2, power_off=("vm-db1",))[0] == ["power_off_there db1"]


@pytest.mark.parametrize(
    "protected", [None, ProtectedVms((), "gone"), ProtectedVms((vm("a", "off"),), "gone")]
)
def test_nothing_goes_on_while_the_protected_site_is_unseen(protected: Any) -> None:
    calls, wait, _, _ = due(vm("a", "off"), failover=planned("shutdown"), protected=protected)
    assert calls == [] and wait
    if protected is not None:
        late = due(vm("a", "off"), failover=planned("shutdown"), protected=protected, minutes=6)
        assert "out of sight" in late[1] and late[3] == ("retry", "abort")


def test_the_final_point() -> None:
    shutdown: dict[str, Any] = {"shutdown": ShutdownRecord(by=OP, newest=1), "failover": planned("point")}
    old, new = chain(snap("s-1", -5)), chain(snap("s-1", -5), snap("s-2", 1))
    plan = due(vm("a", "off", **old), vm("b", "off", **new), **shutdown, minutes=2)
    assert "a" in plan[1] and "b" not in plan[1].split("for ")[1].split(".")[0]
    assert plan[3] == ("confirm", "abort")
    assert due(vm("b", "off", **new), **shutdown, minutes=2)[2] == "take"


def test_what_was_there_at_the_shutdown_is_never_newer_than_it() -> None:
    """register F1: hosts' clocks date snapshots; what is new is told by what was not there before."""
    ahead, behind = chain(snap("s-1", 10)), chain(snap("s-1", -5), snap("s-2", -90))
    off = ProtectedVms((vm("a", "off"),))
    s = domain_state(
        vm("a", "off", **ahead), record=Record(failover=planned("shutdown")), protected=off, minutes=1
    )
    phase = plan(s).phase
    assert phase is not None and phase.then is not None and phase.then.args["newest"] == "1"
    shutdown: dict[str, Any] = {"shutdown": ShutdownRecord(by=OP, newest=1), "failover": planned("point")}
    assert "newer than the shutdown" in due(vm("a", "off", **ahead), **shutdown, minutes=2)[1]
    assert due(vm("a", "off", **behind), **shutdown, minutes=2)[2] == "take"
    another = {**shutdown, "shutdown": ShutdownRecord(by="op-9", newest=0)}
    assert due(vm("a", "off", **ahead), **another, minutes=2)[3] == ("confirm", "abort"), (
        "another operation's"
    )


@pytest.mark.parametrize("phase", ["point", "take"])
def test_switched_on_again_after_the_shutdown(phase: str) -> None:
    new = chain(snap("s-1", 1))
    noted = {"shutdown": ShutdownRecord(by=OP, newest=0)}
    replicas = (vm("a", "off", **new), vm("b", "off", **new))
    back = ProtectedVms((vm("a"), vm("b", "off")))
    _, question, then, choices = due(*replicas, failover=planned(phase), protected=back, minutes=2, **noted)
    assert (
        "Switched on again" in question and "a." in question and then == "" and choices == ("retry", "abort")
    )
    onwards = {"point": "take", "take": "network"}[phase]
    for unseen in (None, ProtectedVms((vm("a", "off"), vm("b", "off"))), ProtectedVms((vm("a"),), "gone")):
        assert due(*replicas, failover=planned(phase), protected=unseen, minutes=2, **noted)[2] == onwards
    assert due(*replicas, failover=failover("take"), protected=back)[2] == "network", "force contacts nothing"


def test_networks_before_power() -> None:
    mapped: dict[str, Any] = {"networks": {"net-1": "net-2", "net-3": "net-3"}}
    a, b = vm("a", "off", networks=("net-1", "net-3")), vm("b", "off", networks=("net-2",))
    assert due(a, b, failover=failover("network"), **mapped)[:3] == (["prepare a", "prepare b"], "", "power")
    busy = vm("a", "off", networks=("net-1",), running_tasks=("task-1",))
    assert due(busy, failover=failover("network"), **mapped)[:3] == (["prepare a"], "", "power")
    no_undo = msgspec.structs.replace(settings(), undo=False)
    assert due(a, busy, rules=no_undo, failover=failover("network"), **mapped)[:3] == (
        ["connect a", "connect a"], "", "power",
    ), "it is mapped when it is powered on"  # fmt: skip
    listed = vm("e", "off", networks=("net-1", "net-2"))  # register V20: of its card, and of a snapshot
    assert due(listed, rules=no_undo, failover=failover("network"), **mapped)[0] == ["connect e"]
    strange = msgspec.structs.replace(
        domain_state(vm("d", "off"), record=Record(failover=failover("network"), **mapped)), others_to="net-9"
    )
    phase = plan(strange).phase
    assert phase is not None and ConnectArguments.of(phase.calls[0].args).moves == {
        "net-1": "net-2",
        "*": "net-9",
    }
    apart = vm("c", "off", networks=("net-3",))  # its state is kept for an undo all the same
    assert due(apart, failover=failover("network"), **mapped)[:3] == (["prepare c"], "", "power")


@pytest.mark.parametrize(
    "record", [{"failover": failover("power", g=1)}, {**ROLLING, "rollback": rollback("delay", g=1)}]
)
def test_a_vm_says_which_group_it_waits_for(record: Any) -> None:
    vms = vm("db1"), vm("app1", "off"), vm("web1", "off")
    s = domain_state(*vms, record=Record(**record), rules=settings(*RUNBOOK))
    assert [held_up(s, one) for one in vms] == ["", "", "waits: app"]
    over = domain_state(*vms, record=Record(failover=failover("finished")), rules=settings(*RUNBOOK))
    assert [held_up(over, one) for one in vms] == ["", "", ""]


@pytest.mark.parametrize(
    ("record", "over"),
    [
        ({"failover": failover("power")}, "recovered"),
        ({**ROLLING, "rollback": rollback("power")}, "over"),
    ],
)
def test_the_runbook(record: Any, over: str) -> None:
    rules = settings(*RUNBOOK)
    off = (vm("app1", "off"), vm("db1", "off"), vm("web1", "off"))
    key = "rollback" if "rollback" in record else "failover"

    def again(**changes: Any) -> Any:
        build = rollback if key == "rollback" else failover
        return {**record, key: build(changes.pop("phase", "power"), **changes)}

    calls, wait, then, _ = due(*off, rules=rules, **record)
    assert calls == ["power_on db1"] and "db1" in wait and then == "delay"
    booting = (off[0], vm("db1", tools=False), off[2])
    assert due(*booting, rules=rules, **record)[:2] == ([], "not ready yet (tools): db1")
    up = (off[0], vm("db1"), off[2])
    assert due(*up, rules=rules, **record)[:3] == ([], "", "delay")
    assert "before the next group" in due(*up, rules=rules, minutes=0.4, **again(phase="delay"))[1]
    assert due(*up, rules=rules, minutes=0.5, **again(phase="delay"))[:3] == ([], "", "next")
    assert due(*up, rules=rules, **again(g=1))[:1] == (["power_on app1"],)
    assert due(*up, rules=rules, **again(g=2))[:1] == (["power_on web1"],)
    assert due(*up, rules=rules, **again(g=2))[2] == over
    assert due(*up, rules=rules, **again(g=3))[:3] == ([], "", over), "settings that became shorter"

    plan = due(*booting, rules=rules, minutes=11, **record)
    assert "db1" in plan[1] and plan[3] == ("retry", "skip")
    s = domain_state(*booting, record=Record(**record), rules=rules, minutes=11)
    assert [one.name for one in unready(s)] == ["db1"], "a skip never means the groups to come"


@pytest.mark.parametrize(
    ("ready", "machine", "holds"),
    [
        ("power", vm("a", tools=False), True),
        ("tools", vm("a", tools=False, addresses=("10.0.0.1",)), False),
        ("tools", vm("a"), True),
        ("ip", vm("a"), False),
        ("ip", vm("a", addresses=("10.0.0.1",)), True),
        ("ip", vm("a", addresses=("169.254.17.3", "fe80::1%eth0", "172.17.0.1")), False),
        ("ip", vm("a", addresses=("fe80::1", "10.0.0.1")), True),
        ("tcp:22", vm("a", addresses=("10.0.0.1",)), False),
        ("power", vm("a", "suspended"), False),
        ("power", vm("a", connection="inaccessible"), False),
        ("power", vm("a", "off", tools=True), False),
    ],
)
def test_ready(ready: str, machine: Any, holds: bool) -> None:
    assert domain_state(machine, rules=settings(ready=ready)).ready(machine) is holds


def test_what_was_seen_of_a_vm_that_is_not_ready() -> None:
    """register F12."""

    def because(machine: Any, reached: frozenset[str] = frozenset(), **more: Any) -> str:
        rules = msgspec.structs.replace(settings(), **more)
        s = msgspec.structs.replace(domain_state(machine, rules=rules), reached=reached)
        return "" if s.ready(machine) else s.in_words([machine])

    lost, lan = vm("a", addresses=("169.254.17.3",)), vm("a", addresses=("10.0.0.1", "10.20.0.1"))
    assert because(lost, ready="ip") == "a (only 169.254.17.3 (no DHCP?))"
    assert because(vm("a", tools=False), ready="ip") == "a (no address: VMware Tools do not run)"
    assert because(lan, ready="ip", subnet="10.30.0.0/16") == "a (only 10.0.0.1 (not in 10.30.0.0/16))"
    assert because(lan, ready="tcp:22", subnet="10.20.0.0/16") == "a (10.20.0.1 does not answer)"
    assert because(lan, frozenset({"vm-a"}), ready="tcp:22") == ""
    appliance = vm("fw01", tools=False)
    assert because(appliance) == "fw01" and because(appliance, ready_of={"fw*": "power"}) == ""
    group = RunbookSettings(group="edge", vms=("fw*",), ready="power")
    assert because(appliance, runbook=(group,)) == ""


def test_groups() -> None:
    vms = [vm("db [1]"), vm("db1"), vm("other")]
    rules = settings(("first", ["db [1]"], 0), ("db", ["db*"], 0), ("none", ["x*"], 0))
    assert [(g.name, [x.name for x in g.vms]) for g in groups(vms, rules)] == [
        ("first", ["db [1]"]), ("db", ["db1"]), ("none", []), ("other VMs", ["other"]),
    ]  # fmt: skip
    assert [g.name for g in groups(vms, settings())] == ["all VMs"]


def test_entering_a_session() -> None:
    waiting: dict[str, Any] = {"failover": failover("recovered"), "session": session(SessionState.WAITING)}
    assert due(vm("a"), **waiting)[:3] == ([], "", "entry")
    busy = vm("a", running_tasks=("task-1",))
    assert "consistency: tasks under way on a" in due(busy, **waiting)[1]

    entered: dict[str, Any] = {**waiting, "session": session(SessionState.WAITING, entry=at(0))}
    there = vm("b", **chain(snap("e", 0, "ours")))
    calls, wait, then, _ = due(vm("a"), there, **entered)
    assert calls == ["snapshot a"] and "a" in wait and then == "active"
    assert due(there, **entered)[:3] == ([], "", "active")
    assert due(vm("a"), there, skipped=("vm-a",), **entered)[:2] == ([], "")
    assert due(vm("a"), there, session_vms=("vm-b",), **entered)[:2] == ([], "")


def test_rolling_back() -> None:
    points = chain(snap("1", -10), snap("2", -5), snap("e", 0, "ours"))
    a, b = vm("a", **points), vm("b", "off", **points)
    assert due(a, b, rollback=rollback("off"), **ROLLING)[:3] == (
        ["power_off a"], "powering off: a", "revert",
    )  # fmt: skip
    s = domain_state(a, b, record=Record(rollback=rollback("revert", to=at(-5)), **ROLLING))
    phase = plan(s).phase
    assert phase is not None and [call.args["snapshot"] for call in phase.calls] == ["2", "2"]
    busy = vm("a", "off", running_tasks=("task-1",), **points)
    calls, wait, _, _ = due(busy, b, rollback=rollback("revert"), **ROLLING)
    assert calls == ["wait a", "revert b"] and "a" in wait, "no second revert beside one under way"
    some = due(a, b, rollback=rollback("off"), rollback_vms=("vm-b",), **ROLLING)
    assert some[:3] == ([], "", "revert")


@pytest.mark.parametrize("phase", ["off", "revert", "power"])
def test_without_an_entry_point_a_vm_is_not_touched(phase: str) -> None:
    """register F19: what it wrote since the failover could not be had back."""
    points = chain(snap("1", -10), snap("2", -5))
    record = {**ROLLING, "session": session(SessionState.ROLLING_BACK, entry=at(0), last="op-2")}
    a = vm("a", "off", **chain(snap("1", -10), snap("2", -5), snap("e", 0, "ours")))
    b = vm("b", **points)
    calls = due(a, b, rollback=rollback(phase, to=at(-5)), **record)[0]
    assert calls == {"off": [], "revert": ["revert a"], "power": ["power_on a"]}[phase]
    s = domain_state(a, b, record=Record(rollback=rollback(phase, to=at(-5)), **record))
    assert [vm.name for vm in s.rollback_vms()] == ["a"] and s.lacks_entry(b)


def test_a_rollback_maps_the_networks_again() -> None:
    """register V1: a revert takes the cards back to the networks of the snapshot."""
    points = chain(snap("1", -10), snap("e", 0, "ours"))
    record = {**ROLLING, "session": session(SessionState.ROLLING_BACK, entry=at(0), last="op-2")}
    mapped = {"net-1": "net-2", "net-3": "net-3"}
    s = domain_state(
        vm("a", "off", **points), record=Record(rollback=rollback("revert"), networks=mapped, **record)
    )
    phase = plan(s).phase
    assert phase is not None and ConnectArguments.of(phase.calls[0].args).moves == {"net-1": "net-2"}
    assert phase.calls[0].args["entry"] == point_name(at(0))


EXITING = SessionState.EXITING
TREE = {
    "snapshots": (
        snap("1", -30), snap("2", -20, "ours", "1"), snap("3", -10, "ours", "2"),
        snap("e", 0, "ours", "3"), snap("x", 1, "", "e"),
    ),
}  # fmt: skip


def without(snapshots: tuple[SnapshotFact, ...], removed: str) -> tuple[SnapshotFact, ...]:
    """A tree after a removal: what stood on it stands on what it stood on."""
    below = next(x.parent_id for x in snapshots if x.id == removed)
    return tuple(
        msgspec.structs.replace(x, parent_id=below) if x.parent_id == removed else x
        for x in snapshots
        if x.id != removed
    )


@pytest.mark.parametrize(
    ("left", "disks_on", "also", "removals"),
    [
        # rolled back to 2: the entry and the branch that was left go, older ones and others' stay
        ({"n": 1, "after": OP}, "2", (), ["e", "3"]),
        ({"n": 1, "after": OP}, "2", ["replica*"], ["x", "e", "3"]),
        # rolled back to the entry itself
        ({"n": 2}, "e", (), ["e"]),
        # not rolled back, after a failover: all PITR data goes; by hand: the entry only
        ({"after": OP}, "x", (), ["2", "3", "e"]),
        ({"after": OP}, "x", ["replica*"], ["1", "2", "3", "e", "x"]),
        ({}, "x", (), ["e"]),
    ],
)
def test_exiting(left: Any, disks_on: str, also: Any, removals: list[str]) -> None:
    record: dict[str, Any] = {
        "failover": failover("recovered"),
        "session": session(EXITING, entry=at(0), last="op-3", **left),
    }
    tree: dict[str, Any] = dict(TREE)
    for expected in removals:
        a = vm("a", current_snapshot=disks_on, **tree)
        s = domain_state(a, record=Record(**record), rules=settings(prune_also=also))
        phase = plan(s).phase
        assert phase is not None and phase.wait
        assert [call.args["snapshot"] for call in phase.calls] == [expected]
        tree["snapshots"] = without(tree["snapshots"], expected)
    assert due(vm("a", current_snapshot=disks_on, **tree), rules=settings(prune_also=also), **record)[:3] == (
        [], "", "closed",
    )  # fmt: skip


def test_replicas_of_other_names() -> None:
    """register F8, register V11: a name rule, a table for the rest, or the same UUID."""
    there = ProtectedVms((vm("db01"), vm("web01"), vm("app01", instance_uuid="u-1"), vm("new01")))
    rules = msgspec.structs.replace(settings(), replica_name="{name}_replica", replicas={"web01": "web-dr"})
    here = (vm("db01_replica"), vm("web-dr"), vm("something else", instance_uuid="u-1"))
    assert missing_replicas(domain_state(*here, rules=rules, protected=there)) == ["new01"]
    twins = ProtectedVms((vm("web01"), vm("web01")))
    assert missing_replicas(domain_state(vm("web01"), protected=twins)) == ["web01"], "counted"
