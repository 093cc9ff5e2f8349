"""Keys that come all at once, as when a terminal stood still: whatever is left of them does no harm."""

from __future__ import annotations

import pytest
from textual.events import Key

from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import FakeClient, domain


async def burst(deck: Deck, *keys: str) -> None:
    """They lie in the queue before the first one is looked at."""
    deck.pass_time(1.0)
    for key in keys:
        deck.app.post_message(Key(key, None))
    await deck.settle()


@pytest.mark.parametrize("keys", [["m"] * 4, ["m", "escape"] * 2, ["escape"] * 4, ["enter"] * 3])
async def test_the_menu_closes_once(keys: list[str]) -> None:
    async with running(FakeClient(domain("erp-prod"))) as deck:
        await deck.press("m")
        await deck.sees("More")
        await burst(deck, *keys)
        assert deck.app.is_running and len(deck.app.screen_stack) >= 1
        await deck.press(*["escape"] * 9)
        await deck.sees("Protected Domains")


@pytest.mark.parametrize("opener", ["m", "question_mark", "colon", "t"])
async def test_many_escapes_end_at_the_list(opener: str) -> None:
    async with running(FakeClient(domain("erp-prod"))) as deck:
        await deck.press("enter")
        await deck.sees("Protected VMs")
        beneath = deck.app.screen
        await deck.press(opener)
        await deck.until(lambda: deck.app.screen is not beneath, opener)
        await burst(deck, *["escape"] * 9)
        await deck.sees("Protected Domains")
        await deck.press("enter")
        await deck.sees("Protected VMs")
