"""The replication tool in a test, where the settings name one: paused by a person's word, and let go on."""

from __future__ import annotations

from typing import Any

from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

START, END = ("test", "start", DOMAIN, "--vm", VMS[0]), ("test", "end", DOMAIN)
MANUAL = 'tool = "manual"'


def question(tests: TrialFlow, ident: str) -> dict[str, Any]:
    """What an operation asks, once it does."""
    eventually(
        lambda: tests.flow.operation(ident)["state"] == "asking", lambda: str(tests.flow.operation(ident))
    )
    return dict(tests.flow.operation(ident)["question"])


def paused(tests: TrialFlow) -> list[str]:
    return [str(a["severity"]) for a in tests.flow.show()["alarms"] if a["kind"] == "tool_paused"]


def test_it_is_asked_for_before_the_first_clone_and_let_go_on_at_the_end(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery, extra=MANUAL)
    deck = tests.flow.deck
    ident = deck.run(*START, "--wait", code=4).stdout.strip()
    pending = question(tests, ident)
    assert "retention of the replication tool paused" in pending["text"], pending
    assert pending["choices"] == ["confirm", "abort"] and tests.clones() == [] and paused(tests) == []
    deck.run("answer", ident, "confirm")
    tests.flow.until(lambda domain: domain["test"]["state"] == "running")
    assert paused(tests) == ["info"]

    end = deck.run(*END, "--wait", code=4).stdout.strip()
    pending = question(tests, end)
    assert "Resume the replication tool" in pending["text"] and "root@" in pending["text"], pending
    assert tests.clones() == [] and pending["choices"] == ["confirm"] and paused(tests) == ["warning"]
    deck.run("answer", end, "confirm")
    tests.flow.until(lambda domain: domain["test"] is None)
    assert paused(tests) == [] and tests.flow.operation(end)["state"] == "done"


def test_the_obligation_stays_while_a_test_vm_is_left_over(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, extra=MANUAL)
    deck = tests.flow.deck
    deck.run("answer", deck.run(*START, "--wait", code=4).stdout.strip(), "confirm")
    tests.flow.until(lambda domain: domain["test"]["state"] == "running")
    (clone,) = tests.folder.childEntity
    recovery.make_snapshot(clone, "mine")
    deck.run(*END, "--wait")
    assert tests.trial_json()["test"]["state"] == "left over" and paused(tests) == ["warning"]
    # somebody removes it by hand
    recovery.power_off(clone)
    recovery.when_free(clone.Destroy_Task)
    tests.flow.until(lambda domain: domain["test"]["vms"] == [])
    assert "the replication tool is paused still" in deck.run("test", "show").stdout
    end = deck.run(*END, "--wait", code=4).stdout.strip()
    deck.run("answer", end, "confirm")
    tests.flow.until(lambda domain: domain["test"] is None)
    assert paused(tests) == [] and rehearsing.destroyed(recovery)


def test_a_start_that_is_given_up_owes_nothing(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, extra=MANUAL)
    deck = tests.flow.deck
    ident = deck.run(*START, "--wait", code=4).stdout.strip()
    deck.run("answer", ident, "abort")
    deck.run(*END, "--wait")
    assert tests.trial_json()["test"] is None and paused(tests) == []


def test_the_obligation_stays_while_a_test_vm_is_in_no_list(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, extra=MANUAL)
    deck = tests.flow.deck
    deck.run("answer", deck.run(*START, "--wait", code=4).stdout.strip(), "confirm")
    tests.flow.until(lambda domain: domain["test"]["state"] == "running")
    name = f"drdeck-test-{DOMAIN}-{VMS[0]}-late"
    clone = rehearsing.clone(recovery, VMS[0], tests.folder, name, "replica 2")
    rehearsing.mark(recovery, clone, "op-0000:00112233445566778899aabbccddeeff", VMS[0])
    tests.flow.until(lambda domain: any(a["kind"] == "test_leftover" for a in domain["alarms"]))
    deck.run(*END, "--wait")
    assert tests.clones() == [name] and paused(tests) == ["warning"]
    # somebody removes it by hand
    recovery.when_free(clone.Destroy_Task)
    tests.flow.until(lambda domain: not any(a["kind"] == "test_leftover" for a in domain["alarms"]))
    end = deck.run(*END, "--wait", code=4).stdout.strip()
    deck.run("answer", end, "confirm")
    tests.flow.until(lambda domain: domain["test"] is None)
    assert paused(tests) == []
