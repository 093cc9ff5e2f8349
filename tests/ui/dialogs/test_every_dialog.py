"""What holds of every dialog: in a terminal with little room its focus and its buttons are seen, Enter typed
ahead decides nothing, escape leaves nothing."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from textual.events import Key

from drdeck import console
from drdeck.console.dialogs.dialog import Dialog
from drdeck.terminal_info import FULL_HEIGHT, FULL_WIDTH, MIN_HEIGHT, MIN_WIDTH
from tests.support.console.console_deck import Deck, running
from tests.support.console.every_dialog import CASES, Case, kinds_of
from tests.support.console.fake_client import FakeClient, domain
from tests.support.console.in_sight import unseen_in

SIZES = (
    (MIN_WIDTH, MIN_HEIGHT),
    (70, 20),
    (MIN_WIDTH, 24),
    (FULL_WIDTH, MIN_HEIGHT),
    (FULL_WIDTH, FULL_HEIGHT),
)
SMALLEST = pytest.mark.parametrize("size", SIZES[::4], ids=lambda size: f"{size[0]}x{size[1]}")


async def open_on(deck: Deck, case: Case) -> tuple[Dialog[Any], list[Any]]:
    """The dialog as it was opened, and the list into which its answer comes."""
    answers: list[Any] = []
    dialog = await case.make()
    deck.app.push_screen(dialog, answers.append)
    return dialog, answers


async def drawn(deck: Deck, dialog: Dialog[Any]) -> None:
    await deck.until(lambda: dialog.hears, "the dialog is drawn")
    await deck.settle()


def test_every_dialog_is_in_the_table() -> None:
    for module in pkgutil.walk_packages(console.__path__, f"{console.__name__}."):
        importlib.import_module(module.name)
    assert {kind.__name__ for kind in kinds_of()} == {name.partition(" of ")[0] for name in CASES}


@SMALLEST
@pytest.mark.parametrize("name", CASES)
async def test_in_the_smallest_terminal_all_that_is_pressed_is_seen(name: str, size: tuple[int, int]) -> None:
    case = CASES[name]
    client = FakeClient(domain())
    async with running(client, size=size) as deck:
        dialog, answers = await open_on(deck, case)
        await drawn(deck, dialog)
        assert unseen_in(dialog) == [], deck.text
        assert deck.focused() == case.focus
        for other in ((100, 30), *SIZES, size):
            await deck.pilot.resize_terminal(*other)
            await deck.settle()
            assert unseen_in(dialog) == [], f"after a resize to {other}\n{deck.text}"
            assert deck.focused() == case.focus
        await deck.press("escape")
        await deck.until(lambda: answers == [None], "given up")
        assert deck.dialog is None and client.submitted == [] and client.answers == []


@SMALLEST
@pytest.mark.parametrize("name", CASES)
async def test_enter_typed_ahead_of_a_dialog_decides_nothing(name: str, size: tuple[int, int]) -> None:
    """Five times, before the dialog is drawn: it stays, is given up, or has only led on."""
    case = CASES[name]
    async with running(FakeClient(domain()), size=size) as deck:
        dialog, answers = await open_on(deck, case)
        for _ in range(5):
            event = Key("enter", None)
            event.set_sender(deck.app)
            deck.app.post_message(event)
        await deck.settle()
        if case.leads_on:
            await deck.until(lambda: bool(answers), "the answer")
            assert len(answers) == 1
            return
        if not answers:
            await drawn(deck, dialog)
            await deck.settle()
        assert answers in ([], [None]), "five Enters decided something"
