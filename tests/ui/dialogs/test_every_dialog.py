"""What holds of every dialog: in the smallest terminal its focus and its buttons are seen, Enter typed ahead
decides nothing, escape leaves nothing."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from textual.events import Key
from textual.geometry import Region
from textual.widget import Widget

from drdeck import console
from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.screen_frame import KeyLine
from drdeck.terminal_info import MIN_HEIGHT, MIN_WIDTH
from tests.support.console.console_deck import Deck, running
from tests.support.console.every_dialog import CASES, Case, kinds_of
from tests.support.console.fake_client import FakeClient, domain

SMALLEST = (MIN_WIDTH, MIN_HEIGHT)


def visible(widget: Widget) -> Region:
    """The part of a widget that is on the screen: within all that it stands in, and above the last line."""
    part = widget.region
    for outer in widget.ancestors:
        if isinstance(outer, Widget):
            part = part.intersection(outer.region)
    return part


def unseen_in(dialog: Dialog[Any]) -> list[str]:
    """Buttons that are not whole on the screen, and the focus where nothing of it is."""
    last = dialog.query_one(KeyLine).region
    unseen = []
    for push in dialog.query(Push):
        if push.display and push.parent is not None and push.parent.display:
            part = visible(push)
            if part != push.region or part.height != 1 or part.overlaps(last):
                unseen.append(f"[ {push.label} ]")
    focused = dialog.focused
    if focused is None or not visible(focused).area or visible(focused).overlaps(last):
        unseen.append(f"the focus, {focused}")
    return unseen


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


@pytest.mark.parametrize("name", CASES)
async def test_in_the_smallest_terminal_all_that_is_pressed_is_seen(
    name: str,
) -> None:
    case = CASES[name]
    client = FakeClient(domain())
    async with running(client, size=SMALLEST) as deck:
        dialog, answers = await open_on(deck, case)
        await drawn(deck, dialog)
        assert unseen_in(dialog) == [], deck.text
        assert deck.focused() == case.focus
        await deck.pilot.resize_terminal(100, 30)
        await deck.settle()
        await deck.pilot.resize_terminal(*SMALLEST)
        await deck.settle()
        assert unseen_in(dialog) == [], f"after a resize\n{deck.text}"
        assert deck.focused() == case.focus
        await deck.press("escape")
        await deck.until(lambda: answers == [None], "given up")
        assert deck.dialog is None and client.submitted == [] and client.answers == []


@pytest.mark.parametrize("name", CASES)
async def test_enter_typed_ahead_of_a_dialog_decides_nothing(name: str) -> None:
    """Five times, before the dialog is drawn: it stays, is given up, or has only led on."""
    case = CASES[name]
    async with running(FakeClient(domain())) as deck:
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
