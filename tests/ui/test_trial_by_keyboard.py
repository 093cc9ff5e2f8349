"""Test Failover by keyboard: begun from More, seen while it lasts, and ended with its result."""

from __future__ import annotations

from datetime import timedelta

from drdeck.model.domains import Mode, Networks
from drdeck.model.facts.trial_facts import LastTrial, Trial, TrialOffer, TrialState, TrialVm
from tests.support.console.console_deck import running
from tests.support.console.fake_client import NOW, FakeClient, domain

NETWORKS = Networks(protected=("VM_3510",), recovery=("DRSeg",))
OFFER = TrialOffer(networks=("DR-Bubble",), mapping={"VM_3510": "DR-Bubble"})
TRIAL = Trial(
    operation="op-1",
    state=TrialState.RUNNING,
    since=NOW - timedelta(minutes=72),
    ends_at=NOW + timedelta(minutes=168),
    vms=(TrialVm(id="vm-9", name="drdeck-test-web-a", of="a", power="on", ready=True),),
)


async def test_a_test_is_begun_from_the_more_menu() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=OFFER))
    async with running(client) as deck:
        await deck.press("m")
        await deck.sees("More", "Test Failover")
        await deck.press("down", "down", "enter")
        await deck.sees("Test Failover", "VM_3510 to DR-Bubble", "within 4h")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    (request,) = client.submitted
    assert (request.action, request.domain) == ("test_start", "web")


async def test_one_that_lasts_is_seen_everywhere_and_ended_with_its_result() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=OFFER, trial=TRIAL))
    async with running(client) as deck:
        await deck.sees("TEST 01:12 of 4h")
        await deck.press("enter")
        await deck.sees("TEST web 01:12 of 4h; 1 test VMs")
        await deck.press("m")
        await deck.sees("End Test")
        await deck.press("down", "down", "enter")
        await deck.sees("End Test", "drdeck-test-web-a", "A note", "End: passed")
        await deck.press("shift+tab")
        await deck.type("ok then")
        await deck.press("enter")
        await deck.until(lambda: deck.focused() == "passed", "the yes in the focus")
        deck.pass_time(1)
        await deck.press("enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    (request,) = client.submitted
    assert (request.action, request.result, request.note) == ("test_end", "passed", "ok then")


async def test_the_settings_tell_when_it_was_last_tested() -> None:
    last = LastTrial(at=NOW - timedelta(days=3), result="passed", note="all logins work", vms=1)
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=OFFER, tested=last))
    async with running(client) as deck:
        await deck.press("enter", "right", "right")
        await deck.sees("Last tested", "passed: all logins work")
