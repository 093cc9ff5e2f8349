"""Calls whose answer is lost, and sessions that end: observed, never repeated blindly."""

from __future__ import annotations

import pytest

from drdeck.model.times import show
from tests.support.vcenter.flow import MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter


@pytest.mark.parametrize("how", ["lose_answer", "lose_request"])
def test_the_whole_flow_with_lost_answers(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter, how: str
) -> None:
    flow = make_flow(recovery, protected_vcenter, toml=settings(extra='shutdown_timeout = "20s"'))
    lose = getattr(recovery, how)
    lose("SetField", times=1)
    flow.start()
    getattr(protected_vcenter, how)("ShutdownGuest", VMS[1])
    ident = flow.complete("planned", "--run-pitr", "--network", "DC0_DVPG0=VM Network", "--wait", code=4)
    assert {protected_vcenter.power(vm) for vm in VMS} == {"off"}
    for method in ("SetField", "ReconfigVM_Task", "PowerOnVM_Task", "CreateSnapshot_Task"):
        lose(method)
    flow.deck.run("answer", ident, "confirm")
    domain = flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    assert domain["question"] is None
    for vm in VMS:
        described = [s.description for s in recovery.snapshots(vm)]
        assert sum("entry point" in text for text in described) == 1
        assert recovery.networks(vm) == ["VM Network"]

    for method in ("SetField", "PowerOffVM_Task", "RevertToSnapshot_Task", "PowerOnVM_Task"):
        lose(method)
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    assert set(flow.standing().values()) == {"replica 1"} and flow.power() == {"on"}
    assert recovery.expire_sessions() > 0
    for method in ("SetField", "RemoveSnapshot_Task"):
        lose(method)
    flow.deck.run("pitr", "exit", DOMAIN, "--wait")
    assert flow.until(lambda d: d["operation"] is None)["mode"] == "running_in_failover"
    own = {name for vm in VMS for name in flow.names(vm) if name.startswith("drdeck-")}
    assert len(own) == 1 and own.pop().startswith("drdeck-before-"), "what an undo would go back to stays"
    assert {op["state"] for op in flow.deck.json("tasks")["operations"]} == {"done"}


def test_an_answer_lost_for_one_vm_repeats_nothing_for_the_others(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    """The session in which it was lost is ended; what the others began in it is followed nevertheless."""
    flow = make_flow(recovery)
    flow.start()
    flow.complete("force", "--run-pitr", "--wait")
    before = recovery.calls()
    recovery.lose_answer("RevertToSnapshot_Task", VMS[0])
    for vm in VMS[1:]:
        recovery.slow("RevertToSnapshot_Task", vm, 1500)
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    assert set(flow.standing().values()) == {"replica 1"} and flow.power() == {"on"}
    calls = recovery.calls() - before
    assert calls["Login"] >= 1 and calls["RevertToSnapshot_Task"] == len(VMS)
    others = [e for e in flow.journal("outcome") if e["data"]["key"].startswith("revert:vm")]
    assert [e["data"]["result"] for e in others].count("unknown") == 1
