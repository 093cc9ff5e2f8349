"""Test Failover by keyboard: begun from More, seen while it lasts, and ended with its result."""

from __future__ import annotations

from datetime import timedelta

from drdeck.controller.ipc.client import ControllerError
from drdeck.model.domains import Mode, Networks
from drdeck.model.facts.trial_facts import LastTrial, Trial, TrialOffer, TrialState, TrialVm
from drdeck.model.pitr import Points
from tests.support.console.console_deck import Deck, running
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


async def opened(deck: Deck) -> None:
    """The form of a test is on the screen, its points are read."""
    await deck.press("m")
    await deck.sees("More", "Test Failover")
    await deck.press("down", "down", "enter")
    await deck.sees("Test Failover of Protected Domain web", "10:40:07Z")


async def test_a_test_is_begun_from_the_more_menu() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=OFFER))
    async with running(client) as deck:
        await opened(deck)
        await deck.sees("> the newest point of each VM", "Isolated Network", "‹ DR-Bubble ›")
        await deck.press("enter", "enter", "enter")
        assert deck.focused() == "begin", "three times on, and the button"
        await deck.press("enter")
        await deck.sees("VM_3510 to DR-Bubble", "within 4h", "from its newest point")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    (request,) = client.submitted
    assert (request.action, request.domain, request.to, request.vms) == ("test_start", "web", None, ())
    assert request.networks == {"VM_3510": "DR-Bubble"}


async def test_point_networks_and_vms_are_chosen() -> None:
    offer = TrialOffer(networks=("BUBBLE10", "DR-Bubble"), mapping={"VM_3510": "DR-Bubble"})
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=offer))
    async with running(client) as deck:
        await opened(deck)
        await deck.sees(" newest point 4s")
        await deck.press("down", "enter")
        assert deck.focused() == "mapping"
        await deck.sees("    as of 2026-11-22 10:40:07Z")
        assert " newest point 4s" not in deck.text
        await deck.press("left", "enter")
        await deck.sees("‹ BUBBLE10 ›")
        assert deck.focused() == "vms"
        await deck.press("space", "enter", "enter")
        await deck.sees("Each of 1 VMs is cloned as of 2026-11-22 10:40:07Z", "VM_3510 to BUBBLE10")
        await deck.press("escape")
        await deck.sees("Cancelled; nothing was started")
        await opened(deck)
        await deck.sees("‹ BUBBLE10 ›", "[ ] erp-app01")
        await deck.press("0")
        await deck.type("9:35")
        await deck.press("enter", "enter", "enter", "enter", "enter", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    (request,) = client.submitted
    assert request.to == NOW - timedelta(minutes=72) and request.vms == ("erp-db01",)
    assert request.networks == {"VM_3510": "BUBBLE10"}


async def test_what_cannot_be_is_said_in_the_form() -> None:
    bare = TrialOffer(networks=("DR-Bubble", "BUBBLE10"))
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=bare))
    async with running(client, size=(80, 22)) as deck:
        await opened(deck)
        await deck.sees("Not possible now: no isolated network is set for")
        await deck.press("9")
        await deck.type("1:99")
        await deck.press("enter")
        await deck.sees("91:99")
        assert deck.focused() == "time"
        await deck.type("88:88")
        await deck.press("enter")
        await deck.sees("'88:88' is not a time")
        await deck.press("tab", "tab", "space", "down", "space", "enter", "enter")
        await deck.sees("no VM is ticked")
        await deck.press("space", "enter", "enter")
        await deck.sees("Choose an isolated network for VM_3510")
        assert deck.focused() == "mapping" and deck.dialog is not None
        await deck.press("right", "enter", "enter", "enter")
        await deck.sees("Each of 1 VMs is cloned")
        await deck.press("escape")
    assert client.submitted == []


async def test_points_that_cannot_be_read_are_told_and_the_newest_is_left() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=OFFER))

    async def unreadable(name: str) -> Points:
        raise ControllerError("unreachable", "the site does not answer")

    client.points = unreadable  # type: ignore[method-assign]
    async with running(client) as deck:
        await deck.press("m", "down", "down", "enter")
        await deck.sees("The restore points could not be read: the site does not answer")
        await deck.press("enter", "enter", "enter", "enter")
        await deck.sees("from its newest point")
        await deck.press("escape")


async def test_one_that_lasts_is_seen_everywhere_and_ended_with_its_result() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=NETWORKS, trial_offer=OFFER, trial=TRIAL))
    async with running(client) as deck:
        await deck.sees("TEST 01:12 of 4h")
        await deck.press("enter")
        await deck.sees("TEST web 01:12 of 4h; 1 test VMs")
        await deck.press("m")
        await deck.sees("End Test")
        await deck.press("down", "down", "enter")
        await deck.sees("End Test", "drdeck-test-web-a", "A note", "End: passed", "End: not said")
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
