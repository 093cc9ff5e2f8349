"""Continuous failover started by keyboard, and the networks chosen for it."""

from __future__ import annotations

import pytest

from drdeck.console.widgets.network_mapping import NetworkMapping
from drdeck.model.domains import Mode, Networks
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain

TWO = Networks(protected=("VM_3510",), recovery=("DRSeg", "Other"))


async def test_continuous_failover_is_started_in_eight_keys() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=TWO))
    async with running(client) as deck:
        await deck.press("m")
        await deck.sees("More", "Continuous Failover")
        await deck.press("enter")
        await deck.sees("Continuous Failover Protected Domain", "1. General", "2b. VM Settings", "5. Summary")
        await deck.press("enter")
        await deck.sees("Protected VM Network", "Recovery VM Network", "choose (DRSeg, Other)")
        await deck.press("right", "enter", "enter")
        await deck.sees("VM_3510 → DRSeg", "[ Continuous Failover ]")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
        assert deck.pressed <= 8
    (request,) = client.submitted
    assert (request.action, request.domain, request.networks) == ("cfo_start", "web", {"VM_3510": "DRSeg"})
    assert request.preview


async def test_many_networks_are_chosen_at_once() -> None:
    networks = Networks(protected=("A", "B", "C"), recovery=("x", "y"))
    client = FakeClient(domain("web", Mode.IMPORTED, networks=networks))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Choose a recovery network for A, B, C")
        await deck.press("right", "equals_sign", "enter")
        await deck.sees("A → x", "B → x", "C → x")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
        assert deck.pressed <= 8


async def test_enter_right_behind_the_same_for_all_goes_on() -> None:
    networks = Networks(protected=("A", "B", "C"), recovery=("x", "y"))
    async with running(FakeClient(domain("web", Mode.IMPORTED, networks=networks))) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Choose a recovery network for A, B, C")
        await deck.press("right")
        mapping = deck.app.screen.query_one(NetworkMapping)
        mapping.action_same()
        mapping.action_open()  # as both keys come to it, where the second was typed before the focus moved on
        await deck.sees("A → x", "B → x", "C → x", "[ Continuous Failover ]")
        assert deck.focused() == "cancel"
        await deck.press("left", "enter")
        await deck.sees("left/right choose")
        assert deck.focused() == "next"
        deck.app.screen.query_one(NetworkMapping).focus()
        await deck.press("enter")
        await deck.until(lambda: deck.focused() == "next", "Enter alone goes to the button")


async def test_a_network_must_be_chosen_where_there_is_a_choice() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=TWO))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("choose (DRSeg, Other)")
        await deck.press("tab", "tab", "tab", "enter")
        await deck.sees("Choose a recovery network for VM_3510")
        await deck.press("escape")
    assert client.submitted == []


@pytest.mark.parametrize(
    ("networks", "mapping"),
    [
        (Networks(protected=("A", "B"), recovery=("A", "B", "C")), {"A": "A", "B": "B"}),
        (Networks(protected=("A",), recovery=("only",)), {"A": "only"}),
        (Networks(protected=("A",), recovery=("x", "y"), mapping={"A": "y"}), {"A": "y"}),
        (Networks(), {}),
    ],
)
async def test_network_defaults(networks: Networks, mapping: dict[str, str]) -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=networks))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        if networks.protected:
            await deck.press("enter")
        await deck.sees("[ Continuous Failover ]")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].networks == mapping


@pytest.mark.parametrize(
    ("places", "labels"),
    [
        (
            {
                "DRSeg (dvportgroup-9)": 'of the switch "DVS-A", in /DC0/network',
                "DRSeg (network-7)": "of NSX, in /",
            },
            ('DRSeg of the switch "DVS-A"', "DRSeg of NSX, in /"),
        ),
        (
            dict.fromkeys(
                ("DRSeg (dvportgroup-9)", "DRSeg (network-7)"), "of standard switches, in /DC0/network/a"
            ),
            ("DRSeg (dvportgroup-9)", "DRSeg (network-7)"),
        ),
    ],
    ids=["told apart by their places", "not told apart by those"],
)
async def test_networks_of_one_name_show_switch_and_folder(
    places: dict[str, str], labels: tuple[str, str]
) -> None:
    networks = Networks(protected=("VM_3510",), recovery=(*places, "Other"), places=places)
    client = FakeClient(domain("web", Mode.IMPORTED, networks=networks))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("choose (")
        for text in labels:
            await deck.press("right")
            await deck.sees(f"‹ {text}")
        await deck.press("enter", "enter")
        last = list(places)[-1]
        await deck.sees(f"VM_3510 → {last}", places[last])
