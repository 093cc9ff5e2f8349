"""A VM on which others' tasks run when networks are mapped holds up itself and no other VM of its domain."""

from __future__ import annotations

from pyVmomi import vim

from tests.support.vcenter.flow import MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

DB, APP, WEB = VMS
SOURCE, TARGET = "DC0_DVPG0", "VM Network"


def test_the_others_start_and_it_is_mapped_when_it_is_powered_on(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = make_flow(recovery)  # undo = false: no entry points are made
    flow.deck.run("cfo", "start", DOMAIN, "--network", f"{SOURCE}={TARGET}", "--wait")
    recovery.slow("ReconfigVM_Task", WEB, ms=600_000, times=1)
    recovery.vm(WEB).ReconfigVM_Task(vim.vm.ConfigSpec(annotation="a backup is at work"))
    ident = flow.complete("force")
    eventually(lambda: {recovery.power(DB), recovery.power(APP)} == {"on"})
    assert recovery.power(WEB) == "off" and TARGET not in recovery.networks(WEB)
    recovery.release()
    eventually(lambda: flow.operation(ident)["state"] == "done")
    assert all(recovery.power(vm) == "on" and TARGET in recovery.networks(vm) for vm in VMS)
