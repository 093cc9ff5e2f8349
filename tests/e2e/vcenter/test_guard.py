"""The guard of a PITR session: what somebody else does to its VMs is an alarm, what drdeck does never is."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from drdeck.model.times import show
from drdeck.sites.vsphere.guard.attribution_windows import LATE
from tests.support.stopwatch import Stopwatch
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter

WITHIN_S = 5.0
"""an alarm is there after so long at the latest"""
JOE, DESK = "j.doe@corp.example", "10.0.0.7"
TWELVE = [f"vm{i:02}" for i in range(12)]
THREE = TWELVE[:3]


def in_session(make_flow: MakeFlow, recovery: VCenter, vms: list[str], toml: str = "") -> Flow:
    """A forced failover whose PITR session is active."""
    flow = make_flow(recovery, None, {DOMAIN: vms}, toml or settings())
    flow.start()
    flow.complete("force", "--run-pitr")
    flow.deck.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    return flow


def alarms(domain: dict[str, Any], kind: str = "", vm: str = "") -> list[dict[str, Any]]:
    """Those of the guard."""
    guards = [a for a in domain["alarms"] if a["kind"].startswith(("foreign_", "guard"))]
    return [a for a in guards if kind in ("", a["kind"]) and vm in ("", a["vm"])]


def alarm_on(
    flow: Flow, kind: str, vm: str, user: str | None = JOE, pid: int = 0
) -> tuple[dict[str, Any], float]:
    """The one alarm of a kind on a VM once it names the user, and how long that took the controller `pid`."""
    watch = Stopwatch(pid, flow.recovery.pid)
    domain = flow.until(lambda d: any(a["user"] == user for a in alarms(d, kind, vm)))
    took = watch.seconds()
    (alarm,) = alarms(domain, kind, vm)
    return alarm, took


class Case(NamedTuple):
    kind: str
    does: Callable[[Somebody, str], None]
    says: tuple[str, ...]


def _unregister(joe: Somebody, vm: str) -> None:
    joe.power_off(vm)
    joe.unregister(vm)


CASES = (
    Case(
        "foreign_snapshot", lambda joe, vm: joe.make_snapshot(vm, "nightly"), ('made the snapshot "nightly"',)
    ),
    Case("foreign_snapshot_removed", lambda joe, vm: joe.remove_snapshot(vm, "replica 1"), ('"replica 1"',)),
    Case("foreign_revert", lambda joe, vm: joe.revert(vm, "replica 0"), ('"replica 0"',)),
    Case("foreign_host", lambda joe, vm: joe.migrate(vm), ("moved it from host DC0_C0_H", " to DC0_C0_H")),
    Case("foreign_datastore", lambda joe, vm: joe.relocate(vm), ("moved it from datastore LocalDS_",)),
    Case("foreign_clone", lambda joe, vm: joe.clone(vm, "copy of it"), ('clone it to "copy of it"',)),
    Case("foreign_config", lambda joe, vm: joe.reconfigure(vm), ("changed its configuration (memoryMB)",)),
    Case("foreign_power", lambda joe, vm: joe.power_off(vm), ("powered it off",)),
    Case(
        "foreign_move",
        lambda joe, vm: joe.move(vm, joe.vcenter.datacenter.vmFolder),
        ('moved it out of its domain to the folder "vm"',),
    ),
)


def test_each_kind_is_an_alarm_at_once_with_who_it_was(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = in_session(make_flow, recovery, TWELVE)
    assert alarms(flow.show()) == []
    joe = Somebody(recovery, JOE, DESK)
    took, pid = {}, flow.pid()
    for case, vm in zip(CASES, TWELVE, strict=False):
        case.does(joe, vm)
        alarm, took[case.kind] = alarm_on(flow, case.kind, vm, pid=pid)
        assert alarm["text"].startswith(f"{JOE} (from {DESK}) ") and alarm["address"] == DESK
        for part in case.says:
            assert part in alarm["text"], alarm
    last = TWELVE[-1]
    joe.power_off(last)
    alarm_on(flow, "foreign_power", last)
    joe.unregister(last)
    alarm, took["foreign_removal"] = alarm_on(flow, "foreign_removal", last, pid=pid)
    assert "took it out of the vCenter's inventory" in alarm["text"] and alarm["severity"] == "critical"
    joe.rename_snapshot(TWELVE[9], "replica 2", "keep")
    alarm, took["foreign_snapshot_changed"] = alarm_on(flow, "foreign_snapshot_changed", TWELVE[9], None, pid)
    assert 'renamed the snapshot "replica 2" to "keep"' in alarm["text"]
    recovery.slow("CreateSnapshot_Task", TWELVE[10], 2500, times=1)
    joe.begin_snapshot(TWELVE[10])
    alarm_on(flow, "foreign_snapshot", TWELVE[10])
    domain = flow.show()
    assert len(alarms(domain)) == len(CASES) + 4, "one alarm a change"
    assert max(took.values()) < WITHIN_S, took

    # they are shown, and nobody acknowledges them; they stay in the audit trail when the session is over
    journaled = [e["data"] for e in flow.journal("alarm")]
    assert {(d["vm"], d["kind"]) for d in journaled} == {(a["vm"], a["kind"]) for a in alarms(domain)}
    assert {d["domain"] for d in journaled} == {DOMAIN} and len(journaled) == len(alarms(domain))
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    assert alarms(flow.show()) == []


def test_points_that_others_made_or_changed_are_marked(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = in_session(make_flow, recovery, THREE)
    joe = Somebody(recovery, JOE, DESK)
    joe.remove_snapshot("vm00", "replica 1")
    joe.make_snapshot("vm01", "nightly")
    alarm_on(flow, "foreign_snapshot_removed", "vm00")
    alarm_on(flow, "foreign_snapshot", "vm01")
    points = flow.deck.json("pitr", "points", DOMAIN)
    hints = {p["time"]: p["hint"] for p in points["points"]}
    removed_at = show(flow.points[1])
    assert hints.pop(removed_at) == f'changed by {JOE}: vm00 (removed the snapshot "replica 1")'
    assert not any(hints.values()), hints
    (point,) = points["disturbed"]
    assert point["vm"] == "vm01" and f'{JOE} (from {DESK}) made the snapshot "nightly"' in point["text"]
    assert point["time"] not in hints
    plain = flow.deck.run("pitr", "points", DOMAIN).stdout
    assert f"cannot be picked: {point['time']} of vm01: {JOE}" in plain
    refused = flow.deck.run("pitr", "run", DOMAIN, "--to", point["time"], code=3)
    assert "PITR session was active" in refused.stderr
    # a VM that stands on somebody's snapshot still shows where it was rolled back to
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[2]), "--wait")
    joe.make_snapshot("vm02", "again")
    alarm_on(flow, "foreign_snapshot", "vm02")
    assert {vm["rolled_back_to"] for vm in flow.show()["vms"]} == {show(flow.points[2])}


def test_ha_consolidation_and_backup_proxies_are_noticed(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V19: what harms a rollback is an alarm each, vMotions are one line that counts."""
    flow = in_session(make_flow, recovery, TWELVE[:5])
    proxy = recovery._make(recovery.datacenter.vmFolder, "backup-proxy", [], "DC0_DVPG0", False)
    joe, tool = Somebody(recovery, JOE, DESK), Somebody(recovery, "backup@corp.example", "10.0.0.9")
    recovery.tell("vm00", "VmRestartedOnAlternateHostEvent")
    alarm, _ = alarm_on(flow, "foreign_ha", "vm00", "")
    assert "restarted it on another host (vSphere HA)" in alarm["text"]
    recovery.tell("vm01", "com.vmware.vc.VmDiskFailedToConsolidateEvent")
    alarm_on(flow, "foreign_consolidation", "vm01", "")
    file = tool.hot_add(proxy, "vm02")
    alarm, _ = alarm_on(flow, "foreign_disk", "vm02", "backup@corp.example")
    assert f'attached its disk "{file}" to the VM "backup-proxy"' in alarm["text"]
    for _ in range(2):
        joe.migrate("vm03")
    joe.migrate("vm04")
    domain = flow.until(lambda d: any("3 moves" in a["text"] for a in alarms(d, "foreign_host")))
    (moves,) = alarms(domain, "foreign_host")
    assert "(vm03 2 times, vm04)" in moves["text"] and moves["vm"] is None
    assert len(alarms(domain)) == 4


def test_snapshots_of_others_are_named_before_an_exit(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V5: counted and named in what is said first, and where pruning may take them."""
    toml = settings(extra='ready_timeout = "60s"\nprune_also = ["nightly*"]')
    flow = in_session(make_flow, recovery, THREE, toml)
    joe = Somebody(recovery, JOE, DESK)
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    joe.make_snapshot("vm00", "nightly 1")
    joe.make_snapshot("vm01", "before the audit")
    alarm_on(flow, "foreign_snapshot", "vm00")
    alarm_on(flow, "foreign_snapshot", "vm01")
    before = flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[2]), "--wait").stderr
    assert "2 snapshots by others from this session stay" in before and '"before the audit" of vm01' in before
    findings = [f["text"] for f in flow.deck.json("doctor", code=None)["findings"]]
    assert any(
        "prune_also matches 1 snapshots" in text and '"nightly 1" of vm00' in text for text in findings
    )
    warnings = flow.deck.run("pitr", "exit", DOMAIN, "--wait").stderr
    assert 'as prune_also allows: "nightly 1" of vm00.' in warnings
    assert (
        '1 snapshot by others from this session stays; its owner removes it: "before the audit"' in warnings
    )
    assert "nightly 1" not in flow.names("vm00") and "before the audit" in flow.names("vm01")


def _reached(recovery: VCenter, method: str, before: int, domain: dict[str, Any]) -> bool:
    """A call of that method has been made, or there was none any more."""
    return recovery.calls()[method] > before or domain["session"]["state"] == "active"


def test_a_whole_flow_is_no_alarm(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Rollbacks, retries, a kill in the middle of one, exit, group points, a second session by hand."""
    every = settings(pitr='enabled = true, interval = "1s"')
    flow = in_session(make_flow, recovery, THREE, every)
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    recovery.fail_revert("vm01")
    recovery.fail_power_on("vm02")
    ident = flow.deck.run(
        "pitr", "run", DOMAIN, "--to", show(flow.points[0]), "--wait", code=4
    ).stdout.strip()
    flow.deck.run("answer", ident, "retry")
    flow.until(lambda d: d["question"] and "power on" in d["question"]["text"])
    flow.deck.run("answer", ident, "retry")
    flow.until(lambda d: d["session"]["state"] == "active")

    # killed while each act runs for a while at the vCenter
    for method in ("PowerOffVM_Task", "RevertToSnapshot_Task", "PowerOnVM_Task"):
        recovery.slow(method, "vm00", 1500, times=1)
        recovery.slow(method, "vm01", 400, times=1)
    entry = flow.deck.json("pitr", "points", DOMAIN)["points"][0]["time"]
    flow.deck.run("pitr", "run", DOMAIN, "--to", entry)
    for method in ("PowerOffVM_Task", "RevertToSnapshot_Task", "PowerOnVM_Task"):
        flow.until(functools.partial(_reached, recovery, method, recovery.calls()[method]))
        flow.kill()
        assert alarms(flow.show()) == []
    flow.until(lambda d: d["session"]["state"] == "active")
    flow.kill()
    domain = flow.show()
    assert domain["session"]["rolled_back_to"] and alarms(domain) == []

    recovery.slow("RemoveSnapshot_Task", "vm00", 1200, times=1)
    flow.deck.run("pitr", "exit", DOMAIN)
    eventually(lambda: recovery.calls()["RemoveSnapshot_Task"] > 0)
    flow.kill()
    flow.deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")

    # points are made while the domain is owned here; then a session by hand, of one VM
    eventually(lambda: any(name.startswith("drdeck-") for name in flow.names("vm02")))
    flow.deck.run("pitr", "start", DOMAIN, "--vm", "vm00", "--wait")
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[0]), "--wait")
    Somebody(recovery, JOE, DESK).reconfigure("vm02")
    assert alarms(flow.show()) == [], "it is not in the session"
    flow.deck.run("pitr", "exit", DOMAIN, "--wait")
    assert flow.journal("alarm") == []


def test_the_same_account_by_hand_is_somebody_else(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = in_session(make_flow, recovery, THREE)
    hand = Somebody(recovery)
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    hand.power_off("vm00")
    alarm, _ = alarm_on(flow, "foreign_power", "vm00", recovery.user)
    assert "(through the vSphere Client)" in alarm["text"], "vCenter's own address is nobody's"
    hand.revert("vm01", "replica 0")
    alarm_on(flow, "foreign_revert", "vm01", recovery.user)


def test_the_same_account_by_hand_in_a_rollback_that_was_gone_on_with(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    """What may still be of the controller that was killed is over soon, long before the rollback is."""
    flow = in_session(make_flow, recovery, THREE)
    recovery.fail_power_on("vm02", times=2)
    ident = flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1])).stdout.strip()
    flow.until(lambda d: d["question"])
    flow.kill()
    power_ons = recovery.calls()["PowerOnVM_Task"]
    flow.deck.run("answer", ident, "retry")
    eventually(lambda: recovery.calls()["PowerOnVM_Task"] > power_ons)
    gone_on_s = time.monotonic()
    flow.until(lambda d: d["question"])
    eventually(lambda: time.monotonic() > gone_on_s + LATE.total_seconds() + 2)
    Somebody(recovery).reconfigure("vm00")
    alarm_on(flow, "foreign_config", "vm00", recovery.user)
    assert len(alarms(flow.show())) == 1 and flow.show()["question"]


def test_nothing_is_lost_by_a_kill(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = in_session(make_flow, recovery, TWELVE[:6])
    joe = Somebody(recovery, JOE, DESK)
    joe.make_snapshot("vm00", "before the kill")
    first, _ = alarm_on(flow, "foreign_snapshot", "vm00")
    flow.kill()
    joe.make_snapshot("vm01", "nobody looks")
    joe.remove_snapshot("vm02", "replica 2")
    joe.migrate("vm03")
    joe.clone("vm04")
    joe.power_off("vm05")  # and on again: nothing is left of it to be seen
    joe.power_on("vm05")
    for kind, vm in (
        ("foreign_snapshot", "vm01"),
        ("foreign_snapshot_removed", "vm02"),
        ("foreign_host", "vm03"),
        ("foreign_clone", "vm04"),
    ):
        alarm_on(flow, kind, vm)
    domain = flow.until(lambda d: len(alarms(d, "foreign_power", "vm05")) == 2)
    assert alarms(domain, "foreign_snapshot", "vm00") == [first]
    assert len(alarms(domain)) == 7, alarms(domain)
    flow.kill()
    assert len(alarms(flow.show())) == 7
    assert len({tuple(e["data"].items()) for e in flow.journal("alarm")}) == len(flow.journal("alarm")) == 7


def test_a_vcenter_that_tells_no_events(make_flow: MakeFlow, recovery: VCenter) -> None:
    recovery.rule("CreateCollectorForEvents", "fail", text="Permission to read events was denied.")
    flow = in_session(make_flow, recovery, TWELVE[:6])
    domain = flow.until(lambda d: alarms(d, "guard"))
    (blind,) = alarms(domain)
    assert "Permission to read events was denied" in blind["text"] and "cloned" in blind["text"]
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    assert alarms(flow.show()) == [blind]
    joe = Somebody(recovery, JOE, DESK)
    joe.make_snapshot("vm00")
    joe.remove_snapshot("vm01", "replica 0")
    joe.revert("vm02", "replica 0")
    joe.migrate("vm03")
    joe.power_off("vm04")
    joe.move("vm05", recovery.datacenter.vmFolder)
    pid = flow.pid()
    for kind, vm in (
        ("foreign_snapshot", "vm00"),
        ("foreign_snapshot_removed", "vm01"),
        ("foreign_revert", "vm02"),
        ("foreign_host", "vm03"),
        ("foreign_power", "vm04"),
        ("foreign_move", "vm05"),
    ):
        alarm, took = alarm_on(flow, kind, vm, None, pid)
        assert alarm["text"].startswith("Somebody whom vCenter does not name ") and took < WITHIN_S
    assert len(alarms(flow.show())) == 7


def test_the_simulator_as_it_is(make_flow: MakeFlow, vcsim_built: None) -> None:
    """The library's own events alone: some kinds are told by them, the others by the VMs' facts."""
    server = VCenter(boot=0.2, events=False)
    try:
        flow = in_session(make_flow, server, TWELVE)
        flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[2]), "--wait")
        assert alarms(flow.show()) == []
        joe = Somebody(server, JOE, DESK)
        pid = flow.pid()
        by_events = {"foreign_clone", "foreign_config", "foreign_power"}
        for case, vm in zip(CASES, TWELVE, strict=False):
            case.does(joe, vm)
            _, took = alarm_on(flow, case.kind, vm, JOE if case.kind in by_events else None, pid)
            assert took < WITHIN_S, (case.kind, took)
        joe.power_off("vm11")
        alarm_on(flow, "foreign_power", "vm11")
        joe.unregister("vm11")
        alarm_on(flow, "foreign_removal", "vm11")
        assert len(alarms(flow.show())) == len(CASES) + 2
    finally:
        server.stop()
