"""A failover of a hundred VMs of which some ask, are busy, have no Tools, no room, or cannot be used: it ends
by itself but for those that need a person, who is told which and why."""

from __future__ import annotations

from pyVmomi import vim

from tests.support.vcenter.flow import MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN, instants
from tests.support.vcenter.vcsim import VCenter

MOVED, FULL, BUSY, MUTE = ["moved0", "moved1"], ["full0", "full1"], ["busy0"], ["mute0"]
GONE = ["gone0"]
ALL = [*MOVED, *FULL, *BUSY, *MUTE, *GONE, *(f"web{number:02}" for number in range(93))]
LONG_MS = 3_600_000


def test_a_hundred_vms_end_but_for_those_that_need_a_person(make_flow: MakeFlow, recovery: VCenter) -> None:
    toml = settings(extra='ready_timeout = "5s"')
    flow = make_flow(recovery, None, {DOMAIN: ALL}, toml, points=instants((20,)))
    flow.start()
    for vm in MOVED:
        recovery.will_ask((DOMAIN, vm), "uuid")
    for vm in FULL:
        recovery.will_ask((DOMAIN, vm), "space")
    for vm in BUSY:  # somebody else's task, for a while
        recovery.slow("ReconfigVM_Task", (DOMAIN, vm), LONG_MS, times=1)
        recovery.vm((DOMAIN, vm)).ReconfigVM_Task(vim.vm.ConfigSpec(annotation="busy"))
    for vm in GONE:
        recovery.set_connection((DOMAIN, vm), "inaccessible")
    flow.until(lambda d: d["vms_recoverable"] == len(ALL) - len(GONE))

    ident = flow.complete("force")
    eventually(
        lambda: recovery.power((DOMAIN, MUTE[0])) == "on",
        lambda: str(flow.show()["operation"]) + flow.deck.run("show", DOMAIN).stdout,
    )
    tools = recovery.vm((DOMAIN, MUTE[0]))
    eventually(lambda: recovery.read(tools, "guest.toolsRunningStatus").get("guest.toolsRunningStatus")
               == "guestToolsRunning")  # fmt: skip
    recovery.set_tools((DOMAIN, MUTE[0]), False)

    waiting = sorted([*MOVED, *FULL, *BUSY, *MUTE])
    domain = flow.until(lambda d: d["question"] and d["question"]["vms"] == waiting)
    assert domain["vms_recovered"] == len(ALL) - len(GONE) - len(waiting), "all others serve"
    assert domain["left_out"] == GONE
    choices_by_vm = {a["vm"]: a["choices"] for a in domain["alarms"] if a["kind"] == "vm_question"}
    assert sorted(choices_by_vm) == sorted([*MOVED, *FULL]) and all(choices_by_vm.values())
    screen = flow.deck.run("show", DOMAIN).stdout
    assert all(vm in screen for vm in [*waiting, *GONE])

    recovery.release()  # the task of somebody else ends
    for vm, choices in choices_by_vm.items():
        choice = next((c for c in choices if c.endswith("movedTheVM")), choices[0])
        flow.deck.run("answer", ident, choice, "--vm", vm)
    flow.until(lambda d: d["question"] and d["question"]["vms"] == MUTE)
    flow.deck.run("answer", ident, "skip")
    domain = flow.until(lambda d: d["mode"] == "running_in_failover")
    assert domain["left_out"] == sorted([*GONE, *MUTE])
    assert domain["vms_recovered"] == len(ALL) - len(GONE) - len(MUTE)
    assert flow.operation(ident)["result"]["recovery_status"] == "Partial"
