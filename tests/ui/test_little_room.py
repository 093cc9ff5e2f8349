"""Terminals between the smallest and the full size: every screen is drawn, and what has the focus is seen."""

from __future__ import annotations

import itertools

import pytest
from textual.events import Key

from drdeck.console.widgets.screen_frame import KeyLine
from drdeck.model.domains import ProtectedSite
from drdeck.terminal_info import FULL_HEIGHT, FULL_WIDTH, MIN_HEIGHT, MIN_WIDTH
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, domain, in_session, operation, vm
from tests.support.console.in_sight import focus_unseen, unseen_in

WIDTHS, HEIGHTS = (MIN_WIDTH, 61, 70, 79, FULL_WIDTH, 119, 120), (MIN_HEIGHT, 17, 20, 21, FULL_HEIGHT, 24, 40)
SIZES = list(itertools.product(WIDTHS, HEIGHTS))
WALK = (
    ("the list", ()),
    ("the menu", ("m",)),
    ("the help", ("escape", "question_mark")),
    ("the palette", ("escape", "colon")),
    ("the columns", ("escape", "c")),
    ("the alarms", ("escape", "A")),
    ("the log", ("escape", "l")),
    ("a task", ("enter",)),
    ("a domain", ("escape", "escape", "home", "enter")),
    ("its points", ("right",)),
    ("its settings", ("right",)),
    ("its alarms", ("right",)),
    ("its steps", ("t",)),
    ("its completion", ("escape", "f")),
    ("the word on a session", ("3", "i", "tab", "enter")),
    ("the word on rehydration", ("y",)),
    ("the word on force", ("y",)),
    ("the points of a session", ("escape", "escape", "escape", "down", "p")),
    ("the exit", ("escape", "m", "down", "enter")),
    ("the end", ("escape", "ctrl+q")),
)


def crowded() -> FakeClient:
    """A site with more than a small terminal has room for."""
    many = tuple(vm(f"erp-app{number:02}") for number in range(30))
    domains = [domain(vms=many), in_session(), *(domain(f"domain-of-a-long-name-{n:02}") for n in range(30))]
    client = FakeClient(*domains, operations=(operation(),), warnings=("the certificate is not checked",))
    client.protected = ProtectedSite(state="lost", checked_at=NOW)
    return client


def unseen(deck: Deck) -> list[str]:
    wide = [line for line in deck.text.splitlines() if len(line) > deck.app.size.width]
    return wide + (unseen_in(deck.dialog) if deck.dialog is not None else focus_unseen(deck.app.screen))


@pytest.mark.parametrize("place", range(len(WALK)), ids=[name for name, _ in WALK])
async def test_in_every_size_the_focus_is_seen(place: int) -> None:
    """Drawn in the smallest size first, then in all others, to and fro; back in it nothing has changed."""
    async with running(crowded(), size=(MIN_WIDTH, MIN_HEIGHT)) as deck:
        await deck.press("escape")
        for name, keys in WALK[: place + 1]:
            await deck.press(*keys)
            assert unseen(deck) == [], f"{name}\n{deck.text}"
        first = deck.text
        for size in (*SIZES[place % 3 :: 3], (MIN_WIDTH, MIN_HEIGHT)):
            await deck.pilot.resize_terminal(*size)
            await deck.settle()
            assert unseen(deck) == [], f"{size}\n{deck.text}"
        if deck.dialog is None:
            assert deck.text == first


@pytest.mark.parametrize("size", [(MIN_WIDTH, MIN_HEIGHT), (70, 20), (FULL_WIDTH, FULL_HEIGHT)])
async def test_the_key_of_the_help_is_the_last_to_go(size: tuple[int, int]) -> None:
    async with running(crowded(), size=size) as deck:
        await deck.press("escape")
        last = deck.app.screen.query_one(KeyLine).text
        assert "? Help" in last and "m More" in last
        await deck.press("enter")
        assert "? Help" in deck.app.screen.query_one(KeyLine).text


async def test_two_enters_behind_each_other_complete_nothing_in_a_small_terminal() -> None:
    client = crowded()
    async with running(client, size=(MIN_WIDTH, MIN_HEIGHT)) as deck:
        await deck.press("escape", "f")
        for _ in range(5):
            event = Key("enter", None)
            event.set_sender(deck.app)
            deck.app.post_message(event)
        await deck.settle()
        assert client.submitted == []
