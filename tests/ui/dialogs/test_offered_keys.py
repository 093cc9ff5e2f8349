"""The last line offers only keys that do what it says where the focus is."""

from __future__ import annotations

from drdeck.console.dialogs.add_site import AddSiteDialog
from drdeck.console.dialogs.ask_password import PasswordDialog
from drdeck.console.dialogs.confirmation import ConfirmByName
from drdeck.console.state import State
from drdeck.console.widgets.screen_frame import beside_typing
from drdeck.model.passwords import OWN, PasswordWanted
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import FakeClient, domain, in_session


def offers(deck: Deck) -> str:
    """The last line."""
    return " ".join(deck.text.splitlines()[-1].split())


async def test_run_pitr() -> None:
    async with running(FakeClient(in_session())) as deck:
        await deck.press("m", "enter")
        await deck.sees("Run PITR of files", "2/2")
        assert offers(deck) == "enter Run PITR 0-9 Time tab Next g Last good esc Back m More ? Help"
        await deck.press("tab")
        assert (deck.focused(), offers(deck)) == ("time", "enter Go there tab Next esc Back")
        await deck.press("m", "question_mark")
        assert deck.app.screen.query_one("#time").value == "m?"  # type: ignore[attr-defined]
        assert deck.dialog is None, "letters are letters there"
        await deck.press("tab")
        assert deck.focused() == "choose"
        assert offers(deck) == "enter Tick 0-9 Time tab Next space Tick g Last good esc Back m More"
        await deck.press("m")
        assert deck.dialog is not None


async def test_the_filter() -> None:
    async with running(FakeClient(domain(), in_session())) as deck:
        await deck.sees("erp-prod")
        whole = offers(deck)
        assert "m More" in whole and "d Detach" in whole
        await deck.press("slash")
        assert (deck.focused(), offers(deck)) == ("filter", "enter ↓ To the list esc Show all")
        await deck.type("files")
        await deck.press("enter")
        assert "m More" in offers(deck)
        await deck.press("slash", "escape")
        assert "m More" in offers(deck) and "d Detach" in offers(deck)


async def test_a_name_to_type() -> None:
    async with running(FakeClient(domain())) as deck:
        deck.app.push_screen(ConfirmByName("Sure?", ["It goes."], "Do it", "erp"))
        await deck.sees("Sure?")
        assert offers(deck) == "tab Next ↓ To Do it enter Press esc Cancel"
        await deck.type("erp")
        assert (deck.focused(), offers(deck)) == ("typed", "tab Next enter To Do it esc Cancel")
        await deck.press("down")
        assert (deck.focused(), offers(deck)) == ("yes", "tab Next ↓ To Do it enter Press esc Cancel")


class LastingPasswordDialog(PasswordDialog):
    """Nobody else gives it meanwhile."""

    def take(self, state: State) -> None:
        pass


async def test_a_password() -> None:
    async def send(password: str) -> None:
        raise AssertionError("not sent")

    async with running(FakeClient(domain())) as deck:
        deck.app.push_screen(LastingPasswordDialog("dr", PasswordWanted(of=OWN, user="u", why=""), send))
        await deck.sees("memory only")
        assert (deck.focused(), offers(deck)) == ("password", "enter Log in tab Next esc Cancel")
        await deck.press("tab")
        assert (deck.focused(), offers(deck)) == ("cancel", "enter Press tab Next esc Cancel")


async def test_a_new_site() -> None:
    async def add(answers: object) -> str:
        raise AssertionError("not added")

    async with running(FakeClient(domain())) as deck:
        deck.app.push_screen(AddSiteDialog(add))
        await deck.sees("Test and add")
        stops = set()
        for _ in range(16):
            stops.add((type(deck.app.screen.focused).__name__, offers(deck)))
            await deck.press("tab")
    assert stops == {
        ("Field", "enter Go on tab Next esc Cancel"),
        ("Tick", "space Tick tab Next esc Cancel"),
        ("Push", "enter Press tab Next esc Cancel"),
    }


async def test_what_a_field_takes() -> None:
    keys = [
        ("m", "More"),
        ("0-9", "Time"),
        ("1 2 3", "Type"),
        ("space", "Tick"),
        ("← →", "Tabs"),
        ("=", "Same"),
    ]
    others = [
        ("enter", "Go"),
        ("esc", "Back"),
        ("↓", "To"),
        ("", "closed"),
        ("f5", "Own"),
        ("pgup pgdn", "Read on"),
    ]
    async with running(FakeClient(domain())) as deck:
        assert beside_typing([*keys, *others], deck.app.screen.focused) == [*keys, *others]
        await deck.press("slash")
        assert beside_typing([*keys, *others], deck.app.screen.focused) == others
