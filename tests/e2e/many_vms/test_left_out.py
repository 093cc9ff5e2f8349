"""Force with what is there, and VMs that an operator leaves out: named before, and never touched; what can be
used again joins by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.vcenter.flow import Flow, MakeFlow, eventually, group, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

WEB, DB = [f"web{number}" for number in range(3)], ["db0", "db1"]
ALL = sorted([*WEB, *DB])
QUICK = 'ready_timeout = "60s"\nundo = false'


def flow_of(
    make_flow: MakeFlow,
    recovery: VCenter,
    protected: VCenter | None = None,
    delay: str = "0s",
    more: str = "",
) -> Flow:
    runbook = group("database", ["db*"], delay) + group("web", ["web*"])
    flow = make_flow(
        recovery, protected, {DOMAIN: [*DB, *WEB]}, settings(extra=QUICK + more, runbook=runbook)
    )
    flow.start()
    return flow


def lose(flow: Flow, vm: str, state: str = "inaccessible") -> None:
    flow.recovery.set_connection((DOMAIN, vm), state)
    flow.until(lambda d: d["vms_recoverable"] < len(ALL))


def row(domain: dict[str, Any], vm: str) -> dict[str, Any]:
    return next(row for row in domain["vms"] if row["name"] == vm)


@pytest.mark.parametrize("state", ["inaccessible", "disconnected", "orphaned"])
def test_force_goes_with_what_is_there_and_the_rest_joins_its_session(
    make_flow: MakeFlow, recovery: VCenter, state: str
) -> None:
    flow = flow_of(make_flow, recovery)
    lose(flow, "db1", state)
    assert f"db1: {state}" in flow.refused("cfo", "complete", DOMAIN, "--type", "regular")
    ident = flow.complete("force", "--run-pitr")
    domain = flow.until(lambda d: (d["session"] or {}).get("state") == "active")
    assert domain["left_out"] == ["db1"]
    assert (domain["vms_recovered"], domain["vms_total"]) == (len(ALL) - 1, len(ALL))
    assert row(domain, "db1")["status"] == "left_out"
    assert any(a["kind"] == "left_out" and a["vm"] == "db1" for a in domain["alarms"])
    assert recovery.power((DOMAIN, "db1")) == "off"
    accepted = next(e for e in flow.journal("accepted") if e["data"]["operation"] == ident)
    assert accepted["data"]["request"]["left_out"] == ["db1"]

    recovery.set_connection((DOMAIN, "db1"), "connected")
    domain = flow.until(lambda d: not d["left_out"])
    assert recovery.power((DOMAIN, "db1")) == "on"
    assert domain["vms_recovered"] == len(ALL)
    entries = {vm: [name for name in flow.names(vm) if name.startswith("drdeck-")] for vm in ALL}
    assert len({tuple(names) for names in entries.values()}) == 1, entries
    flow.deck.run("pitr", "run", DOMAIN, "--to", flow.points[-1].isoformat(), "--wait")
    assert flow.standing()["db1"] == "replica 2", "it is rolled back like the others"


def test_a_vm_that_comes_back_in_time_is_started_with_its_group(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = flow_of(make_flow, recovery)
    lose(flow, "web0")
    recovery.slow("PowerOnVM_Task", (DOMAIN, "db0"), 600_000, times=1)
    ident = flow.complete("force", "--network", "DC0_DVPG0=VM Network")
    eventually(lambda: recovery.calls()["PowerOnVM_Task"] >= len(DB))
    recovery.set_connection((DOMAIN, "web0"), "connected")
    flow.until(lambda d: row(d, "web0")["error"] is None and "joins" in str(d["alarms"]))
    assert recovery.power((DOMAIN, "web0")) == "off", "its group is still to come"
    recovery.release()
    domain = flow.until(lambda d: d["mode"] == "running_in_failover" and not d["left_out"])
    assert flow.operation(ident)["state"] == "done"
    assert domain["vms_recovered"] == len(ALL)
    assert recovery.networks((DOMAIN, "web0")) == recovery.networks((DOMAIN, "web1"))


def test_a_vm_that_comes_back_after_the_failover_is_started_on_its_network(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = flow_of(make_flow, recovery)
    lose(flow, "web0")
    flow.complete("force", "--wait", "--network", "DC0_DVPG0=VM Network")
    assert recovery.power((DOMAIN, "web0")) == "off"
    recovery.set_connection((DOMAIN, "web0"), "connected")
    flow.until(lambda d: not d["left_out"])
    assert recovery.power((DOMAIN, "web0")) == "on"
    assert recovery.networks((DOMAIN, "web0")) == recovery.networks((DOMAIN, "web1"))


@pytest.mark.parametrize(
    ("method", "says"),
    [("PowerOnVM_Task", "power on web0"), ("CreateSnapshot_Task", "make the entry point of web0")],
)
def test_a_task_of_a_late_joiner_that_does_not_end_holds_nobody_up(
    make_flow: MakeFlow, recovery: VCenter, method: str, says: str
) -> None:
    """It stays left out, with the reason beside it, and joins once the task has ended; the session is rolled
    back without it meanwhile."""
    flow = flow_of(make_flow, recovery, more='\ntask_timeout = "3s"')
    lose(flow, "web0")
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: (d["session"] or {}).get("state") == "active")
    recovery.slow(method, (DOMAIN, "web0"), 3_600_000, times=1)
    recovery.set_connection((DOMAIN, "web0"), "connected")
    eventually(lambda: any(e["data"]["result"] == "unknown" for e in flow.journal("upkeep_outcome")))
    words = flow.journal("upkeep_outcome")[-1]["data"]["text"]
    assert says in words and words.endswith("it has not ended within 3s")
    domain = flow.until(lambda d: row(d, "web0")["error"])
    assert says in row(domain, "web0")["error"] and domain["left_out"] == ["web0"]
    flow.deck.run("pitr", "run", DOMAIN, "--to", flow.points[-1].isoformat(), "--wait")
    assert flow.show()["left_out"] == ["web0"]
    recovery.release()
    flow.until(lambda d: not d["left_out"])
    assert recovery.power((DOMAIN, "web0")) == "on"
    assert len([name for name in flow.names("web0") if name.startswith("drdeck-")]) == 1, "made once"


def test_a_replica_that_is_missing_joins_when_there_is_one(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(recovery, protected_vcenter, {DOMAIN: [*DB, *WEB]}, settings(extra=QUICK))
    recovery.remove_vm((DOMAIN, "db1"))
    flow.deck.run("cfo", "start", DOMAIN)
    flow.until(lambda d: d["mode"] == "rehydrating" and d["vms_total"] == len(ALL))
    protected_vcenter.stop()
    flow.protected = None
    flow.complete("force", "--wait")
    domain = flow.show()
    assert domain["left_out"] == ["db1"] and domain["vms_total"] == len(ALL)
    recovery.add_vm(DOMAIN, "db1", [("replica", flow.points[-1])])
    domain = flow.until(lambda d: not d["left_out"])
    assert domain["vms_recovered"] == domain["vms_total"] == len(ALL)
    assert recovery.power((DOMAIN, "db1")) == "on"


def test_deselected_vms_stay_as_they_are_on_both_sides(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = flow_of(make_flow, recovery, protected_vcenter)
    lose(flow, "db1")
    assert "no VM named" in flow.refused(
        "cfo", "complete", DOMAIN, "--type", "planned", "--without-vm", "nobody", code=2
    )
    everybody = [word for vm in ALL for word in ("--without-vm", vm)]
    assert "would be left" in flow.refused("cfo", "complete", DOMAIN, "--type", "planned", *everybody)
    flow.complete("planned", "--without-vm", "db1", "--without-vm", "web2")
    moving = [vm for vm in ALL if vm not in ("db1", "web2")]
    eventually(lambda: {protected_vcenter.power((DOMAIN, vm)) for vm in moving} == {"off"})
    for vm in moving:
        recovery.make_snapshot((DOMAIN, vm), "last data")
    domain = flow.until(lambda d: d["mode"] == "running_in_failover")
    assert domain["left_out"] == ["db1", "web2"]
    recovery.set_connection((DOMAIN, "db1"), "connected")
    flow.until(lambda d: not any(a["kind"] == "connection" for a in d["alarms"]))
    assert {protected_vcenter.power((DOMAIN, vm)) for vm in ("db1", "web2")} == {"on"}
    assert {recovery.power((DOMAIN, vm)) for vm in ("db1", "web2")} == {"off"}
    assert {recovery.power((DOMAIN, vm)) for vm in moving} == {"on"}


def test_a_regular_failover_may_leave_out_what_runs_at_the_protected_site(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = flow_of(make_flow, recovery, protected_vcenter)
    for vm in ALL[1:]:
        protected_vcenter.power_off((DOMAIN, vm))
    flow.until(lambda d: d["mode"] == "synchronised")
    assert "still run" in flow.refused("cfo", "complete", DOMAIN, "--type", "regular")
    flow.complete("regular", "--without-vm", ALL[0], "--wait")
    assert protected_vcenter.power((DOMAIN, ALL[0])) == "on"
    assert recovery.power((DOMAIN, ALL[0])) == "off"
    assert {recovery.power((DOMAIN, vm)) for vm in ALL[1:]} == {"on"}


def test_a_skip_names_whom_it_leaves_out_and_counts_nobody_as_recovered(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = flow_of(make_flow, recovery)
    for vm in WEB:
        recovery.fail_power_on((DOMAIN, vm), times=-1)
    ident = flow.complete("force")
    eventually(lambda: flow.operation(ident)["state"] == "asking", lambda: str(flow.operation(ident)))
    question = flow.operation(ident)["question"]
    assert question["vms"] == WEB and "Skip would leave out web0, web1, web2" in question["text"]
    before = recovery.calls()["SetField"]
    answered = flow.deck.run("answer", ident, "skip")
    assert "Left out: web0, web1, web2." in answered.stderr
    domain = flow.until(lambda d: d["mode"] == "running_in_failover")
    assert recovery.calls()["SetField"] - before <= 6, "the record is written once, not once for each VM"
    assert domain["left_out"] == WEB and domain["vms_recovered"] == len(DB)
    assert {row(domain, vm)["status"] for vm in WEB} == {"left_out"}
    assert flow.operation(ident)["result"]["vms_recovered"] == str(len(DB))
    assert flow.operation(ident)["result"]["recovery_status"] == "Partial"
    assert flow.journal("answer")[-1]["data"]["vms"] == WEB
