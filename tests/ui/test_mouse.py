"""The mouse, where it is wanted: what names a key is that key, and a tab turns."""

from __future__ import annotations

import pytest

from drdeck.console.key_bindings import keys_of, shown_key
from drdeck.console.widgets.text_lines import key_cells
from drdeck.model.actions.action_table import ACTIONS
from drdeck.model.domains import Mode
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import FakeClient, domain, in_session

WITH_KEY = [action.name for action in ACTIONS if action.key]


async def click(deck: Deck, text: str, after_s: float = 1.0) -> None:
    """Press the mouse on the first place where the screen shows these words."""
    y, line = next((y, line) for y, line in enumerate(deck.text.splitlines()) if text in line)
    deck.pass_time(after_s)
    await deck.pilot.click(offset=(line.index(text), y))
    await deck.settle()


@pytest.mark.parametrize("name", WITH_KEY)
def test_every_key_that_is_written_is_the_key_that_is_meant(name: str) -> None:
    key_text = shown_key(name)
    (_, end, key), *others = key_cells(((f" {key_text}", "key"), (" What it does ", "")))
    assert key == keys_of(name)[0] and not others and end == len(f" {key_text} What it does")
    (_, _, key), _ = key_cells(((f"[{key_text} Here]  [m More: Cancel it, Test] ", "key"),))
    assert key == keys_of(name)[0]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (" ← →", ["left", "right"]),
        (" left/right", ["left", "right"]),
        (" up/down", ["up", "down"]),
        (" 1 2 3", ["1", "2", "3"]),
        (" enter ↓", ["enter", "down"]),
        (" pgup pgdn", ["pageup", "pagedown"]),
        (" 0-9", []),
    ],
)
def test_each_of_several_keys_stands_for_itself(text: str, keys: list[str]) -> None:
    cells = list(key_cells(((text, "key"), (" Tabs ", ""))))
    assert [key for _, _, key in cells] == keys
    assert all(text[first:end].strip() == text[first:end] for first, end, _ in cells)


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_the_keys_of_a_screen_are_pressed_where_they_are_written(size: tuple[int, int]) -> None:
    client = FakeClient(domain("web", mode=Mode.SYNCHRONISED))
    async with running(client, size=size) as deck:
        await click(deck, "Help")
        await deck.sees("This screen")
        await click(deck, "enter Dismiss")
        await deck.sees("enter Open")
        await click(deck, "Open")
        await deck.sees("[Protected VMs]")
        await click(deck, "→")
        await deck.sees("[PITR]")
        await click(deck, "Settings")
        await deck.sees("[Settings]")
        await click(deck, "[f Failover]")
        await deck.sees("Complete Continuous Failover")
        await click(deck, "3 Type")
        await deck.sees("(•) Force Failover")
        await click(deck, "esc Cancel")
        await deck.sees("[Settings]")
        await click(deck, "[m More")
        await deck.sees("Failover Plan ...")


async def test_what_cannot_be_done_and_what_is_said_are_no_keys() -> None:
    client = FakeClient(domain("web", mode=Mode.RUNNING_IN_FAILOVER))
    async with running(client) as deck:
        await click(deck, "f Failover")
        assert deck.dialog is None
        deck.app.say("web: f Failover")
        await deck.settle()
        await click(deck, "f Failover")
        assert deck.dialog is None


async def test_a_dialog_that_just_opened_takes_no_click_on_enter() -> None:
    """As it takes no key (`DEAF_S`): the hand was on its way to something else."""
    async with running(FakeClient(in_session("web"))) as deck:
        await click(deck, "Open")
        await deck.sees("[Protected VMs]")
        await deck.press("m", "down", "enter")
        await deck.sees("Exit PITR Session", "enter Press")
        exit_dialog = deck.dialog
        await click(deck, "enter Press", after_s=0.0)
        assert deck.dialog is exit_dialog and "enter Press" not in deck.text, "what was dropped is said"
        await deck.press("tab", "shift+tab")
        await click(deck, "enter Press")
        assert deck.dialog is None
