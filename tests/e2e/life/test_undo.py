"""`drdeck failover undo`: what is found at the protected site is said, and typed over by name only."""

from __future__ import annotations

from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter


def test_what_is_at_the_protected_site_is_said_and_typed_over(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(recovery, protected_vcenter)
    undo = ("failover", "undo", DOMAIN)

    def refused(*words: str) -> str:
        return flow.deck.run(*undo, *words, code=3).stderr

    for vm in VMS:
        protected_vcenter.power_off(vm)
    flow.start()
    flow.complete("regular", "--wait")
    for vm in VMS:
        protected_vcenter.power_on(vm)
    assert "3 of its 3 VMs run already: both copies run" in refused()

    for vm in VMS:
        protected_vcenter.power_off(vm)
        protected_vcenter.remove_vm(vm)
    words = refused("--confirm", DOMAIN)
    assert "None of its VMs is at the protected site" in words and "--even-though no-vms" in words
    assert "--even-though no-vms" in refused("--confirm", DOMAIN, "--even-though", "no-answer")
    assert flow.show()["mode"] == "running_in_failover" and flow.show()["operation"] is None
    flow.deck.run(*undo, "--confirm", DOMAIN, "--even-though", "no-vms", "--wait")
    domain = flow.show()
    assert domain["mode"] == "imported" and domain["owner"] == "remote"
    assert {recovery.vm(vm).runtime.powerState for vm in VMS} == {"poweredOff"}
