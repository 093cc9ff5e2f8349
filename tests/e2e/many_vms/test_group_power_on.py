"""VMs of a cluster that are started together, each told for itself, with or without a task of its own."""

from __future__ import annotations

import pytest

from tests.support.vcenter.flow import Flow, MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

ALL = [f"web{number}" for number in range(6)]


def flow_of(make_flow: MakeFlow, recovery: VCenter, how: str = 'power_on = "group"') -> Flow:
    site = f"{how}\n"
    flow = make_flow(recovery, None, {DOMAIN: ALL}, settings(extra='ready_timeout = "60s"'), site=site)
    flow.start()
    return flow


@pytest.mark.parametrize("tasks", [True, False])
def test_a_group_is_started_by_one_call(make_flow: MakeFlow, recovery: VCenter, tasks: bool) -> None:
    recovery.hostile("drstasks", not tasks)
    flow = flow_of(make_flow, recovery)
    before = recovery.calls()["PowerOnMultiVM_Task"]
    ident = flow.complete("force", "--wait")
    assert 1 <= recovery.calls()["PowerOnMultiVM_Task"] - before <= 2
    assert flow.power() == {"on"}
    assert flow.operation(ident)["result"]["recovery_status"] == "Success"
    started = [
        e["data"]["key"] for e in flow.journal("intent") if e["data"]["says"].startswith("power on web")
    ]
    assert len(started) == len(ALL), "each VM has its own line in the journal"


def test_one_that_is_not_attempted_has_vcenters_words_and_the_others_run(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = flow_of(make_flow, recovery)
    recovery.fail_power_on((DOMAIN, "web3"), text="Insufficient resources to satisfy HA.")
    ident = flow.complete("force", "--wait", code=4)
    question = flow.operation(ident)["question"]
    assert "web3" in question["text"] and "Insufficient resources to satisfy HA" in question["text"]
    assert {vm: recovery.power((DOMAIN, vm)) for vm in ALL} == {
        vm: "off" if vm == "web3" else "on" for vm in ALL
    }
    flow.deck.run("answer", ident, "retry")
    eventually(lambda: flow.operation(ident)["state"] == "done", lambda: str(flow.operation(ident)))
    assert flow.power() == {"on"}


def test_a_recommendation_that_nobody_applies_is_asked_about(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = flow_of(make_flow, recovery)
    recovery.hostile("drsmanual", True, (DOMAIN, "web1"))
    ident = flow.complete("force", "--wait", code=4)
    text = flow.operation(ident)["question"]["text"]
    assert "only recommends where to start it (Place" in text and "power_on_override" in text
    recovery.power_on((DOMAIN, "web1"))
    eventually(lambda: flow.operation(ident)["state"] in ("done", "open"))
    flow.until(lambda d: d["mode"] == "running_in_failover")


def test_an_automation_level_of_the_settings_starts_what_drs_would_only_recommend(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    recovery.control("drs", text="manual")
    recovery.hostile("drsmanual")
    flow = flow_of(make_flow, recovery, 'power_on_override = "fullyAutomated"')
    before = recovery.calls()
    ident = flow.complete("force", "--wait")
    assert flow.power() == {"on"} and flow.operation(ident)["result"]["recovery_status"] == "Success"
    assert (recovery.calls() - before)["PowerOnMultiVM_Task"], "by the group's call"


def test_one_that_drs_leaves_to_a_person_is_started_by_itself(make_flow: MakeFlow, recovery: VCenter) -> None:
    """A VM's own level of automation (ClusterDrsVmConfigInfo) outdoes its cluster's."""
    recovery.hostile("drsauto")
    flow = flow_of(make_flow, recovery, "")
    recovery.control("drs", target=recovery.vm((DOMAIN, "web4"))._moId, text="manual")
    ident = flow.complete("force", "--wait")
    assert flow.power() == {"on"} and flow.operation(ident)["result"]["recovery_status"] == "Success"


def test_a_call_that_is_refused_as_a_whole_stops_nobody(make_flow: MakeFlow, recovery: VCenter) -> None:
    """One VM of it may be the reason: one that was just removed, say. The others start by themselves."""
    flow = flow_of(make_flow, recovery)
    recovery.rule("PowerOnMultiVM_Task", "fail", text="The object has already been deleted.")
    recovery.fail_power_on((DOMAIN, "web3"), text="The object has already been deleted.")
    ident = flow.complete("force", "--wait", code=4)
    assert flow.operation(ident)["question"]["text"].count("web") >= 1
    eventually(lambda: sum(recovery.power((DOMAIN, vm)) == "on" for vm in ALL) == 5, lambda: "others wait")
    assert recovery.power((DOMAIN, "web3")) == "off"
    flow.deck.run("answer", ident, "retry")
    eventually(lambda: flow.operation(ident)["state"] == "done", lambda: str(flow.operation(ident)))


@pytest.mark.parametrize("automated", [True, False])
def test_without_a_word_in_the_settings_it_is_done_where_drs_starts_vms_itself(
    make_flow: MakeFlow, recovery: VCenter, automated: bool
) -> None:
    recovery.hostile("drsauto", automated)
    flow = flow_of(make_flow, recovery, "")
    before = recovery.calls()
    flow.complete("force", "--wait")
    calls = recovery.calls() - before
    assert flow.power() == {"on"} and bool(calls["PowerOnMultiVM_Task"]) == automated


def test_who_may_not_start_vms_together_starts_them_one_by_one(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    """The privilege on the datacenter is one that a role for single starts never needed."""
    flow = flow_of(make_flow, recovery)
    recovery.rule("PowerOnMultiVM_Task", "deny")
    before = recovery.calls()
    ident = flow.complete("force", "--wait")
    assert flow.power() == {"on"} and flow.operation(ident)["question"] is None
    assert (recovery.calls() - before)["PowerOnMultiVM_Task"] <= 2
