"""The session starts by itself: exactly once, only when every VM is ready, and with nobody looking."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.stopwatch import Stopwatch
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, group, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter

ENTRY = "drdeck-"


def entries(recovery: VCenter, vm: str) -> list[str]:
    return [s.name for s in recovery.snapshots(vm) if "entry point of PITR session" in s.description]


def session_of(recovery: VCenter) -> str:
    return recovery.attributes(DOMAIN).get("drdeck.session", "")


def test_only_when_every_vm_is_ready_and_with_nobody_attached(make_flow: MakeFlow, vcenter: VCenter) -> None:
    """This vCenter's guests do not boot by themselves: the test says when Tools run."""
    flow = make_flow(vcenter, None)
    flow.start()
    ident = flow.complete("force", "--run-pitr")
    pid = flow.pid()
    # nothing of drdeck but its controller runs from here on: only vCenter is asked
    eventually(lambda: flow.power() == {"on"})
    for vm in VMS[:-1]:
        vcenter.set_tools(vm, True)
    vcenter.slow("ReconfigVM_Task", VMS[0], 300)
    vcenter.set_tools(VMS[0], True)  # time passes, and with it several looks of the controller
    assert session_of(vcenter) == "" and not entries(vcenter, VMS[0])
    watch = Stopwatch(pid, vcenter.pid)
    vcenter.set_tools(VMS[-1], True)
    eventually(lambda: '"active"' in session_of(vcenter))
    assert watch.seconds() < 5
    assert [len(entries(vcenter, vm)) for vm in VMS] == [1, 1, 1]
    assert len({entries(vcenter, vm)[0] for vm in VMS}) == 1

    assert flow.deck.json("controller", "status")["operations"] == [ident]
    assert flow.session_starts() == 1


def test_a_vm_that_is_never_ready(make_flow: MakeFlow, vcenter: VCenter) -> None:
    runbook = group("database", ["erp-db*"])
    flow = make_flow(vcenter, None, toml=settings(extra='ready_timeout = "1s"', runbook=runbook))
    flow.start()
    ident = flow.complete("force", "--run-pitr", "--wait", code=4)
    domain = flow.show()
    assert "erp-db01" in domain["question"]["text"] and domain["question"]["choices"] == ["retry", "skip"]
    assert flow.power() == {"on", "off"}, "the groups after it are not started"
    flow.deck.run("answer", ident, "skip")
    eventually(lambda: flow.power() == {"on"})
    domain = flow.until(lambda d: d["question"])
    assert "erp-app01" in domain["question"]["text"] and "erp-db01" not in domain["question"]["text"]
    assert session_of(vcenter) == "", "the operator left out the first group, not those after it"
    flow.deck.run("answer", ident, "retry")
    for vm in VMS[1:]:
        vcenter.set_tools(vm, True)
    domain = flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    assert flow.session_starts() == 1
    assert [vm["ready"] for vm in domain["vms"] if vm["name"] == "erp-db01"] == [False]


def test_a_task_on_a_vm_holds_the_session_back(make_flow: MakeFlow, vcenter: VCenter) -> None:
    """It waits for consistency, and is not refused."""
    flow = make_flow(vcenter, None)
    flow.start()
    flow.complete("force", "--run-pitr")
    eventually(lambda: flow.power() == {"on"})
    vcenter.slow("CreateSnapshot_Task", VMS[0], 6000, times=1)
    vcenter.vm(VMS[0]).CreateSnapshot_Task(name="backup", description="", memory=False, quiesce=False)
    for vm in VMS:
        vcenter.set_tools(vm, True)
    domain = flow.until(lambda d: d["session"] and d["session"]["state"] == "waiting")
    assert domain["mode"] == "completing" and domain["session"]["unprotected_s"] is None
    eventually(lambda: flow.vm(VMS[0])["restore_points"] and "backup" not in flow.names(VMS[0]))
    flow.until(lambda d: any("tasks under way" in step["detail"] for step in d["steps"]))
    assert '"entry"' not in session_of(vcenter), "the instant of consistency is after the last task"
    flow.until(lambda d: d["session"]["state"] == "active")
    names = flow.names(VMS[0])
    assert names[-2] == "backup" and names[-1].startswith(ENTRY)


KILL_AT: dict[str, Callable[[Flow], bool]] = {
    "after it was accepted": lambda flow: True,
    "ownership taken": lambda flow: '"take"' not in flow.recovery.attributes(DOMAIN)["drdeck.failover"],
    "a VM runs": lambda flow: "on" in flow.power(),
    "all VMs run": lambda flow: flow.power() == {"on"},
    "recovered": lambda flow: '"recovered"' in flow.recovery.attributes(DOMAIN)["drdeck.failover"],
    "session waits": lambda flow: session_of(flow.recovery) != "",
    "an entry point is there": lambda flow: any(entries(flow.recovery, vm) for vm in VMS),
}


@pytest.mark.parametrize("when", KILL_AT)
def test_exactly_once_after_a_kill(make_flow: MakeFlow, recovery: VCenter, when: str) -> None:
    flow: Flow = make_flow(recovery, None)
    flow.start()
    for vm in VMS[1:]:
        recovery.slow("CreateSnapshot_Task", vm, 150)
    pid = flow.pid()
    ident = flow.complete("force", "--run-pitr")
    eventually(lambda: "drdeck.failover" in recovery.attributes(DOMAIN) and KILL_AT[when](flow))
    flow.kill(pid)
    flow.deck.run("controller", "start")
    eventually(lambda: '"active"' in session_of(recovery))
    assert [len(entries(recovery, vm)) for vm in VMS] == [1, 1, 1]
    assert flow.power() == {"on"}
    domain = flow.show()
    assert domain["operation"] == ident and domain["question"] is None
    assert domain["session"]["id"] == ident
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    assert flow.until(lambda d: d["operation"] is None)["mode"] == "running_in_failover"
    assert flow.deck.json("audit", "verify")["sound"] is True


def test_a_replication_tool_is_asked_about_before_the_domain_is_taken(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    """register V11: with tool = "manual" a person says that its jobs are stopped, which is kept."""
    flow = make_flow(recovery, None, toml=settings(extra='ready_timeout = "60s"\ntool = "manual"'))
    flow.start()
    ident = flow.complete("force", "--run-pitr")
    question = flow.until(lambda d: d["question"])["question"]
    assert "replication tool's jobs" in question["text"] and question["choices"] == ["confirm", "abort"]
    assert flow.show()["owner"] == "remote" and flow.power() == {"off"}
    flow.deck.run("answer", ident, "abort")
    eventually(lambda: flow.operation(ident)["state"] != "open")
    assert flow.power() == {"off"} and not recovery.attributes(DOMAIN).get("drdeck.tool")
    ident = flow.complete("force", "--run-pitr")
    flow.until(lambda d: d["question"])
    flow.deck.run("answer", ident, "confirm")
    domain = flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    (stopped,) = [a for a in domain["alarms"] if a["kind"] == "tool_stopped"]
    assert stopped["severity"] == "info" and f"by the word of {getpass.getuser()}@" in stopped["text"]
    tool = Somebody(recovery, "replica@corp.example", "10.0.0.9")
    tool.make_snapshot(VMS[0], "HBR 7")
    tool.reconfigure(VMS[1])
    kinds = {"tool_returned", "foreign_snapshot", "foreign_config"}
    domain = flow.until(lambda d: kinds <= {a["kind"] for a in d["alarms"]})
    assert {a["severity"] for a in domain["alarms"] if a["kind"] in kinds} == {"critical"}
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    left = {a["kind"] for a in flow.show()["alarms"]}
    assert {"tool_returned", "tool_stopped"} <= left
    # outside of a session too, also after a restart, until somebody looks; drdeck's own points are no sign
    tool.remove_snapshot(VMS[0], "HBR 7")
    flow.until(lambda d: "tool_returned" not in {a["kind"] for a in d["alarms"]})
    tool.reconfigure(VMS[2])
    tool.revert(VMS[1], recovery.snapshots(VMS[1])[0].name)
    returned = {VMS[1]: "reverted it", VMS[2]: "changed its configuration"}

    def signs(domain: dict[str, Any]) -> dict[str, str]:
        return {a["vm"]: a["text"] for a in domain["alarms"] if a["kind"] == "tool_returned"}

    def named(domain: dict[str, Any]) -> bool:
        texts = signs(domain)
        return all(f"replica@corp.example {did}" in texts.get(vm, "") for vm, did in returned.items())

    for _ in range(2):
        domain = flow.until(named)
        assert signs(domain).keys() == returned.keys()
        assert len([a for a in domain["alarms"] if a["kind"] == "tool_returned"]) == len(returned)
        flow.kill()
