"""`drdeck failover undo`: what is found at the protected site is said, and typed over by name only."""

from __future__ import annotations

from pyVmomi import vim

from tests.support.vcenter import rehearsing
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


def test_what_others_changed_of_the_vms_is_said_and_taken_back(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    """A revert takes the configuration back, a disk that was attached since with it; its file stays."""
    flow = make_flow(recovery, protected_vcenter)
    undo = ("failover", "undo", DOMAIN, "--confirm", DOMAIN)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    flow.start()
    flow.complete("regular", "--wait")
    says = flow.deck.json(*undo, "--dry-run")
    assert says["accepted"] and "were changed since" not in str(says), "what drdeck did itself is no change"
    recovery.when_free(lambda: recovery.vm(VMS[0]).ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=64)))
    rehearsing.add_disk(recovery, recovery.vm(VMS[1]))
    words = flow.deck.run(*undo, code=3).stderr
    assert "The VMs were changed since the failover, which is taken back: " in words
    assert f"{VMS[0]}: memory 64 -> 32 MB" in words and f"{VMS[1]}: " in words and " detached" in words
    assert "--even-though others-at-work" in words and VMS[2] not in words
    flow.deck.run(*undo, "--even-though", "others-at-work", "--wait")
    hardware = recovery.read(recovery.vm(VMS[0]), "config.hardware")["config.hardware"]
    assert hardware.memoryMB == 32 and len(rehearsing.disk_files(recovery, VMS[1])) == 1
    assert flow.show()["mode"] == "imported"


def test_what_was_changed_after_the_look_is_not_consented_to(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery)
    undo = ("failover", "undo", DOMAIN, "--confirm", DOMAIN)
    flow.start()
    flow.complete("regular", "--wait")
    assert flow.deck.json(*undo, "--dry-run")["accepted"]
    recovery.when_free(lambda: recovery.vm(VMS[0]).ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=2)))
    assert f"{VMS[0]}: CPUs 2 -> 1" in flow.deck.run(*undo, code=3).stderr
