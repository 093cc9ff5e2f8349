"""The layout of dialogs: no text touches the scroll bar, and another size is as if opened in it."""

from __future__ import annotations

import pytest

from drdeck.console.actions.palette import help_dialog
from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.dialogs.plan_answers import AnswerDialog
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.domains import Networks
from drdeck.model.pitr import Points
from drdeck.terminal_info import FULL_HEIGHT, FULL_WIDTH, MIN_HEIGHT, MIN_WIDTH
from tests.support.console.console_deck import Deck, running
from tests.support.console.every_dialog import CASES
from tests.support.console.fake_client import FakeClient, domain, in_session

SIZES = ((MIN_WIDTH, MIN_HEIGHT), (FULL_WIDTH, FULL_HEIGHT))
LONG = '"erp-app04" did not power on: the host had no resources for it. Retry, or skip it: it stays off then.'


def offers(deck: Deck) -> str:
    """The last line."""
    return " ".join(deck.text.splitlines()[-1].split())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", CASES)
async def test_no_text_touches_the_scroll_bar(name: str, size: tuple[int, int]) -> None:
    async with running(FakeClient(domain()), size=size) as deck:
        dialog = await CASES[name].make()
        deck.app.push_screen(dialog)
        await deck.until(lambda: dialog.hears, "the dialog is drawn")
        await deck.settle()
        body = dialog.query_one("#body")
        if body.max_scroll_y <= 0:
            return
        bar = body.region.right - 1
        rows = deck.text.splitlines()[body.region.y : body.region.bottom]
        assert all(row[bar] in "│█" for row in rows), deck.text
        assert {row[bar - 1] for row in rows} == {" "}, deck.text


@pytest.mark.parametrize("kind", ["help", "answer"])
async def test_another_size_is_laid_out_as_if_it_was_opened_there(kind: str) -> None:
    def opened(deck: Deck) -> Dialog[None]:
        return help_dialog(deck.app) if kind == "help" else AnswerDialog("erp", LONG, ["retry"], ())  # type: ignore[return-value]

    drawn = []
    for first in ((FULL_WIDTH, 24), (MIN_WIDTH, MIN_HEIGHT)):
        async with running(FakeClient(domain()), size=first) as deck:
            dialog = opened(deck)
            deck.app.push_screen(dialog)
            await deck.until(lambda d=dialog: d.hears, "the dialog is drawn")  # type: ignore[misc]
            await deck.pilot.resize_terminal(MIN_WIDTH, MIN_HEIGHT)
            await deck.settle()
            drawn.append(deck.text)
    assert drawn[0] == drawn[1]


async def test_how_to_choose_is_said_until_all_is_chosen() -> None:
    networks = Networks(protected=("VM_3510",), recovery=("DRSeg", "DRTest"))
    async with running(FakeClient(domain(networks=networks))) as deck:
        await deck.press("f")
        await deck.sees("VM Network Mapping   enter lists, left/right choose, = same for all")
        await deck.press("right")
        await deck.sees("VM Network Mapping   left/right choose another")


async def test_what_was_accepted_is_said_for_some_seconds() -> None:
    async with running(FakeClient(domain())) as deck:
        keys = offers(deck)
        deck.app.say_briefly("Failover of erp: accepted")
        deck.app._tick()
        assert offers(deck) == "Failover of erp: accepted"
        deck.pass_time(4.0)
        deck.app._tick()
        assert offers(deck) == keys
        deck.app.say_briefly("Failover of erp: accepted")
        deck.app.say("Failover of erp: done")
        deck.pass_time(4.0)
        deck.app._tick()
        assert offers(deck) == "Failover of erp: done", "what was said since then stays"


@pytest.mark.parametrize("error", [True, False], ids=["an error", "no point"])
async def test_without_a_point_no_key_rolls_back(error: bool) -> None:
    class Pointless(FakeClient):
        async def points(self, name: str) -> Points:
            if error:
                raise ControllerError("unreachable", "the site does not answer")
            return Points(points=())

    async with running(Pointless(in_session())) as deck:
        await deck.press("m", "enter")
        await deck.sees("could not be read" if error else "no restore point can be picked")
        await deck.settle()
        assert "enter" not in offers(deck) and offers(deck).startswith("0-9 Time")
