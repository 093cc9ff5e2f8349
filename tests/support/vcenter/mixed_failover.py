"""A failover of many VMs of which some ask, are busy, have no Tools, no room, or cannot be used."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from pyVmomi import vim

from tests.support.vcenter.flow import MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN, instants
from tests.support.vcenter.vcsim import VCenter

LONG_MS = 3_600_000


class Mix(NamedTuple):
    """How many VMs of each kind: `full` stand on a datastore without space, `served` need nobody."""

    moved: int
    full: int
    busy: int
    mute: int
    lost: int
    served: int


def ends_but_for_a_person(make_flow: MakeFlow, recovery: VCenter, mix: Mix, within_s: float = 60.0) -> None:
    """Fail a domain of such VMs over by force, and answer for those that need it: by their names alone.

    `within_s`: how long each step may take.
    """
    kinds = {kind: [f"{kind}{n:03}" for n in range(count)] for kind, count in mix._asdict().items()}
    everybody = [vm for vms in kinds.values() for vm in vms]
    unusable, mute, served = kinds["lost"], kinds["mute"], kinds["served"]
    toml = settings(extra='ready_timeout = "5s"')
    flow = make_flow(recovery, None, {DOMAIN: everybody}, toml, points=instants((20,)))
    flow.start()
    for vm in kinds["moved"]:
        recovery.will_ask((DOMAIN, vm), "uuid")
    for vm in kinds["full"]:
        recovery.will_ask((DOMAIN, vm), "space")
    for vm in kinds["busy"]:  # somebody else's task, for a while
        recovery.slow("ReconfigVM_Task", (DOMAIN, vm), LONG_MS, times=1)
        recovery.vm((DOMAIN, vm)).ReconfigVM_Task(vim.vm.ConfigSpec(annotation="busy"))
    for vm in unusable:
        recovery.set_connection((DOMAIN, vm), "inaccessible")
    flow.until(lambda d: d["vms_recoverable"] == len(everybody) - len(unusable))

    ident = flow.complete("force")
    for vm in mute:
        eventually(partial(_has_tools, recovery, vm), within_s=within_s)
        recovery.set_tools((DOMAIN, vm), False)

    waiting = sorted([*kinds["moved"], *kinds["full"], *kinds["busy"], *mute])
    eventually(lambda: _vms_asked_about(flow.operation(ident)) == waiting, within_s=within_s)
    domain = flow.show()
    assert domain["vms_recovered"] == len(served), "all others serve"
    assert domain["left_out"] == unusable
    choices_by_vm = {a["vm"]: a["choices"] for a in domain["alarms"] if a["kind"] == "vm_question"}
    assert sorted(choices_by_vm) == sorted([*kinds["moved"], *kinds["full"]]) and all(choices_by_vm.values())
    screen = flow.deck.run("show", DOMAIN).stdout
    assert [vm for vm in [*waiting, *unusable] if vm not in screen] == [], (
        "who needs a person stands on one screen"
    )

    recovery.release()  # the tasks of somebody else end
    for vm, choices in choices_by_vm.items():
        choice = next((c for c in choices if c.endswith("movedTheVM")), choices[0])
        flow.deck.run("answer", ident, choice, "--vm", vm)
    eventually(lambda: _vms_asked_about(flow.operation(ident)) == mute, within_s=within_s)
    flow.deck.run("answer", ident, "skip")
    domain = flow.until(lambda d: d["mode"] == "running_in_failover")
    assert domain["left_out"] == sorted([*unusable, *mute])
    assert domain["vms_recovered"] == len(everybody) - len(unusable) - len(mute)
    assert flow.operation(ident)["result"]["recovery_status"] == "Partial"


def _has_tools(recovery: VCenter, vm: str) -> bool:
    path = "guest.toolsRunningStatus"
    return recovery.read(recovery.vm((DOMAIN, vm)), path).get(path) == "guestToolsRunning"


def _vms_asked_about(operation: dict[str, object]) -> object:
    """The VMs that the operation asks about now."""
    question = operation["question"]
    return question["vms"] if isinstance(question, dict) else []
