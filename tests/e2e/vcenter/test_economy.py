"""What watching costs: SOAP calls do not grow with the VMs, nor with how often somebody looks."""

from __future__ import annotations

from collections import Counter

from tests.support.vcenter.flow import MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter

POLLS = 2
"""For all that there is, and for what comes; the second stays out until something does."""
WATCHING = {"WaitForUpdatesEx", "RetrievePropertiesEx", "CurrentTime"}


def cost_of_looking(
    make_flow: MakeFlow, server: VCenter, vms: list[str]
) -> tuple[Counter[str], Counter[str]]:
    """(to connect and see all, to be looked at ten times and to show one change)."""
    server.hostile("pieces", False)  # a piece for each 100 objects, by one call each
    flow = make_flow(server, None, {DOMAIN: vms}, settings(), points=[])
    before = server.calls()
    assert len(flow.show()["vms"]) == len(vms)
    eventually(lambda: (server.calls() - before)["WaitForUpdatesEx"] >= POLLS)
    connected = server.calls() - before
    del connected["CurrentTime"]  # the heartbeat's, one every moment
    server.content  # noqa: B018  (the test's own calls are made before counting)
    target = server.vm(vms[0])
    before = server.calls()
    for _ in range(5):
        flow.deck.run("domains")
        flow.show()
    server.power_on(target)
    flow.until(lambda d: any(vm["power"] == "on" for vm in d["vms"]))
    after = server.calls()
    own = Counter({"PowerOnVM_Task": 1})
    looked = after - before - own
    looked.pop("RetrievePropertiesEx", None)  # this test waits for its own task with these
    return connected, looked


def test_two_hundred_cost_what_two_cost(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    few, looked_at_few = cost_of_looking(make_flow, recovery, ["a", "b"])
    many, looked_at_many = cost_of_looking(make_flow, protected_vcenter, [f"vm{i:03}" for i in range(200)])
    for cost in (few, many):
        cost.pop("CurrentTime", None)  # the clock is read now and then, whatever there is to see
    assert few == many
    assert many.total() <= 30, many
    assert many["CreateCollectorForEvents"] == 0, "nobody listens before there is a session to guard"
    for looked in (looked_at_few, looked_at_many):
        assert set(looked) <= WATCHING and looked["WaitForUpdatesEx"] <= 4, looked


def cost_of_plan_check(make_flow: MakeFlow, server: VCenter, vms: list[str]) -> Counter[str]:
    flow = make_flow(server, None, {DOMAIN: vms}, settings(pitr="enabled = false"), points=[])
    flow.start()
    before = server.calls()
    check = flow.deck.json("plan", "check", "all", "--type", "force")
    after = server.calls()
    assert check["vms"] == len(vms) and check["room"], check
    cost = after - before
    for beside in ("CurrentTime", "WaitForUpdatesEx"):
        del cost[beside]
    return cost


def test_the_look_before_a_run_calls_nothing_for_each_vm(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    few = cost_of_plan_check(make_flow, recovery, ["a", "b"])
    many = cost_of_plan_check(make_flow, protected_vcenter, [f"vm{i:03}" for i in range(100)])
    assert few == many and many.total() <= 10, (few, many)
    assert not many["Fetch"], "whose session it is, the login said"


def test_a_completion_reads_no_vm(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Acts cost calls per VM; seeing that they have worked does not."""
    names = [f"vm{i}" for i in range(12)]
    flow = make_flow(recovery, None, {DOMAIN: names}, settings(extra='ready = "power"').replace(
        'ready = "tools"\n', ""))  # fmt: skip
    flow.start()
    before = recovery.calls()
    flow.complete("force", "--run-pitr")
    eventually(lambda: '"active"' in recovery.attributes(DOMAIN).get("drdeck.session", ""))
    calls = recovery.calls() - before
    assert calls["PowerOnVM_Task"] == 12
    assert calls["CreateSnapshot_Task"] == 24  # before the first power on, and on entering the session
    acts = 36
    # short tasks are asked for together, and need no collector
    assert calls["CreatePropertyCollector"] <= 1
    assert calls["RetrievePropertiesEx"] <= 3 * acts
    assert calls["SetField"] < 30


def cost_of_guarding(
    make_flow: MakeFlow, server: VCenter, vms: list[str]
) -> tuple[Counter[str], Counter[str]]:
    """(to begin to guard a session, to tell of one thing that somebody else did)."""
    flow = make_flow(server, None, {DOMAIN: vms}, settings(extra='ready = "power"').replace(
        'ready = "tools"\n', ""))  # fmt: skip
    flow.start()
    before = server.calls()
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    eventually(lambda: (server.calls() - before)["RetrieveEntityScheduledTask"] > 1)
    begun = server.calls() - before
    joe = Somebody(server, "j.doe@corp.example", "10.0.0.7")
    server.vm(vms[0])
    before = server.calls()
    joe.reconfigure(vms[0])
    flow.until(lambda d: any(a["kind"] == "foreign_config" and a["address"] for a in d["alarms"]))
    return begun, server.calls() - before


def test_guarding_forty_costs_what_guarding_two_costs(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    few, told_of_few = cost_of_guarding(make_flow, recovery, ["a", "b"])
    many, told_of_many = cost_of_guarding(make_flow, protected_vcenter, [f"vm{i:03}" for i in range(40)])
    for begun in (few, many):
        assert begun["CreateCollectorForEvents"] == begun["SetCollectorPageSize"] == 1
        assert begun["RetrieveEntityScheduledTask"] == 2, "before the session is asked for, and in it"
        assert begun["QueryEvents"] == 0
    for calls in (told_of_few, told_of_many):
        assert calls["QueryEvents"] == 1, "where its user came from"
        expected = {"QueryEvents", "SetField", "ReconfigVM_Task", "Fetch"}  # the last two: the test's
        extra = set(calls) - WATCHING - expected
        assert calls["SetField"] <= 1, "a renewal of the lease, at the most"
        assert not extra and calls["WaitForUpdatesEx"] <= 6, calls
