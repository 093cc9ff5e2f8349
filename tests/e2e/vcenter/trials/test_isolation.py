"""Isolated networks: one that a production VM is on is none: to doctor, before a test, before each start."""

from __future__ import annotations

from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

START, END = ("test", "start", DOMAIN, "--vm", VMS[0]), ("test", "end", DOMAIN)


def test_one_with_a_production_vm_is_refused(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    recovery.add_domain("web")
    stranger = recovery.add_vm("web", "web01", network=rehearsing.BUBBLE)
    why = f'the network "{rehearsing.BUBBLE}" is not isolated: other VMs are on it: web01'
    refusal = tests.flow.deck.run(*START, code=3).stderr
    assert why in refusal, refusal
    assert why in str(tests.flow.deck.json(*START, "--dry-run", code=3)["refusal"])
    findings = [f for f in tests.flow.deck.json("doctor", code=1)["findings"] if f["subject"] == "tests"]
    finding = next(f for f in findings if f["text"] == why)
    assert finding["level"] == "fail" and "for test VMs alone" in finding["remedy"], finding
    assert tests.clones() == []

    recovery.when_free(stranger.Destroy_Task)
    eventually(lambda: tests.flow.deck.json(*START, "--dry-run", code=None)["accepted"])


def test_one_that_a_production_vm_comes_to_meanwhile_starts_nothing(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery)
    recovery.slow("CloneVM_Task", VMS[0], 600_000, times=1)
    ident = tests.flow.deck.run(*START).stdout.strip()
    tests.flow.until(lambda _: recovery.calls()["CloneVM_Task"] == 1)
    recovery.add_domain("web")
    recovery.add_vm("web", "web01", network=rehearsing.BUBBLE)
    recovery.release()
    eventually(
        lambda: tests.flow.operation(ident)["state"] == "asking", lambda: str(tests.flow.operation(ident))
    )
    text = tests.flow.operation(ident)["question"]["text"]
    assert "its network is not isolated: other VMs are on it: web01" in text, text
    (clone,) = tests.folder.childEntity
    assert recovery.read(clone, "runtime.powerState")["runtime.powerState"] == "poweredOff"
    tests.flow.deck.run("answer", ident, "abort")
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == []
