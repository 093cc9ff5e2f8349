"""Planned failover: shut down, have the rest of the data, take over; and every way to stop on the way."""

from __future__ import annotations

from tests.support.vcenter.flow import MakeFlow, eventually, group, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

STUBBORN = "erp-app01"


def test_a_stubborn_vm_then_by_hand_then_the_final_point(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    toml = settings(extra='shutdown_timeout = "4s"')
    flow = make_flow(recovery, protected_vcenter, toml=toml)
    flow.start()
    protected_vcenter.stubborn(STUBBORN)

    ident = flow.complete("planned", "--wait", code=4)
    domain = flow.show()
    assert STUBBORN in domain["question"]["text"]
    assert domain["question"]["choices"] == ["retry", "power-off", "abort"]
    assert domain["mode"] == "completing" and domain["owner"] == "remote"
    assert {vm: protected_vcenter.power(vm) for vm in VMS} == {
        vm: "on" if vm == STUBBORN else "off" for vm in VMS
    }
    assert flow.power() == {"off"}, "nothing is powered on while a protected VM runs"
    assert "does not own" in flow.refused("pitr", "start", DOMAIN)
    assert "can be answered with" in flow.refused("answer", ident, "confirm")

    protected_vcenter.power_off(STUBBORN)
    flow.deck.run("answer", ident, "retry", code=None)  # it may have gone on by itself already
    domain = flow.until(lambda d: d["question"] and "confirm" in d["question"]["choices"])
    assert "No restore point newer than the shutdown" in domain["question"]["text"]
    assert flow.power() == {"off"}
    assert flow.deck.run("watch", DOMAIN, "--until", "running_in_failover", code=4).stderr

    for vm in VMS:
        recovery.make_snapshot(vm, "replica last")
    domain = flow.until(lambda d: d["mode"] == "running_in_failover" and d["operation"] is None)
    assert domain["owner"] == "local" and domain["session"] is None, "the box was not ticked"
    assert flow.power() == {"on"}
    assert flow.operation(ident)["state"] == "done"
    assert flow.operation(ident)["result"]["recovery_status"] == "Success"
    assert flow.session_starts() == 0


def test_abort_and_complete_again_with_confirm(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    toml = settings(extra='shutdown_timeout = "4s"')
    flow = make_flow(recovery, protected_vcenter, toml=toml)
    flow.start()
    protected_vcenter.stubborn(STUBBORN)
    ident = flow.complete("planned", "--run-pitr", "--wait", code=4)
    flow.deck.run("answer", ident, "abort")
    domain = flow.until(lambda d: d["operation"] is None)
    assert domain["mode"] == "synchronised" and domain["owner"] == "remote"
    assert flow.operation(ident)["state"] == "aborted"
    assert flow.power() == {"off"}
    assert "drdeck.failover" not in recovery.attributes(DOMAIN)

    protected_vcenter.clear_rules()
    ident = flow.complete("planned", "--run-pitr", "--wait", code=4)
    assert {protected_vcenter.power(vm) for vm in VMS} == {"off"}
    assert flow.show()["question"]["choices"] == ["confirm", "abort"]
    flow.deck.run("answer", ident, "confirm")
    assert flow.until(lambda d: d["session"] and d["session"]["state"] == "active")["mode"] == "pitr_session"
    assert flow.session_starts() == 1


def test_a_protected_vm_that_is_switched_on_again(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(recovery, protected_vcenter)
    flow.start()
    ident = flow.complete("planned", "--wait", code=4)
    assert "No restore point newer than the shutdown" in flow.show()["question"]["text"]

    protected_vcenter.power_on(STUBBORN)
    question = flow.until(lambda d: d["question"] and "Switched on again" in d["question"]["text"])[
        "question"
    ]
    assert STUBBORN in question["text"] and question["choices"] == ["retry", "abort"]
    for vm in VMS:
        recovery.make_snapshot(vm, "replica too early")
    assert flow.until(lambda d: d["question"])["owner"] == "remote", "new points do not bring it on"
    assert flow.power() == {"off"}

    flow.deck.run("answer", ident, "retry")
    flow.until(lambda d: d["question"] and "No restore point newer" in d["question"]["text"])
    assert {protected_vcenter.power(vm) for vm in VMS} == {"off"}
    for vm in VMS:
        recovery.make_snapshot(vm, "replica last")
    flow.until(lambda d: d["mode"] == "running_in_failover" and d["operation"] is None)
    assert flow.power() == {"on"}
    assert flow.operation(ident)["state"] == "done"


def test_abort_at_the_final_point(make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter) -> None:
    flow = make_flow(recovery, protected_vcenter, toml=settings(pitr="enabled = false"))
    flow.start()
    ident = flow.complete("planned", "--wait", code=4)
    assert flow.show()["question"]["choices"] == ["confirm", "abort"], "also without PITR"
    flow.deck.run("answer", ident, "abort")
    assert flow.until(lambda d: d["operation"] is None)["mode"] == "synchronised"
    assert flow.power() == {"off"}


def test_the_protected_site_is_lost_on_the_way(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    toml = settings(extra='shutdown_timeout = "4s"')
    flow = make_flow(recovery, protected_vcenter, toml=toml)
    flow.start()
    protected_vcenter.stubborn(STUBBORN)
    ident = flow.complete("planned")
    flow.until(lambda d: d["mode"] == "completing")
    protected_vcenter.stop()
    flow.protected = None
    domain = flow.until(lambda d: d["question"] and "out of sight" in d["question"]["text"])
    assert domain["question"]["choices"] == ["retry", "abort"]
    flow.deck.run("answer", ident, "abort")
    assert flow.until(lambda d: d["operation"] is None)["mode"] == "synchronised"
    assert flow.power() == {"off"}


def test_groups_go_down_in_reverse_order_and_the_stubborn_are_powered_off_on_a_word(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    """Database first up is last down: it runs until its clients are off."""
    runbook = group("database", ["erp-db*"]) + group("application", ["erp-app*", "erp-web*"])
    flow = make_flow(
        recovery, protected_vcenter, toml=settings(extra='shutdown_timeout = "4s"', runbook=runbook)
    )
    flow.start()
    protected_vcenter.stubborn(STUBBORN)
    ident = flow.complete("planned", "--wait", code=4)
    domain = flow.show()
    assert domain["question"]["vms"] == [STUBBORN]
    assert protected_vcenter.power("erp-web01") == "off"
    assert protected_vcenter.power("erp-db01") == "on", "its clients are not off yet"

    assert "must be confirmed" in flow.refused("answer", ident, "power-off")
    assert "is not its name" in flow.refused("answer", ident, "power-off", "--confirm", "erp")
    assert protected_vcenter.power(STUBBORN) == "on"
    flow.deck.run("answer", ident, "power-off", "--confirm", DOMAIN)
    eventually(lambda: protected_vcenter.power("erp-db01") == "off")
    assert protected_vcenter.power(STUBBORN) == "off"
    assert flow.journal("answer")[-1]["data"]["vms"] == [STUBBORN]
    flow.until(lambda d: d["question"] and "confirm" in d["question"]["choices"])
