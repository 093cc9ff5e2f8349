"""Where the locale is not UTF-8, names that have no letters there can still be told apart."""

from __future__ import annotations

import pytest

from drdeck.console.dialogs.confirmation import ConfirmByName
from drdeck.model.text import clean, in_ascii
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain, vm

ERP, CRM = "漢字", "漢学"
C, UTF8 = {"LANG": "C"}, {"LANG": "en_US.UTF-8"}


@pytest.mark.parametrize("width", [80, 140])
async def test_two_names_stay_apart(width: int) -> None:
    vms = (vm("éa"), vm("èa"))
    client = FakeClient(domain(ERP, vms=vms), domain(CRM))
    async with running(client, size=(width, 30), environ=C) as deck:
        await deck.sees("5B57>", "5B66>")  # or cut in the middle
        await deck.press("enter")
        await deck.sees("<U+00E9>a", "<U+00E8>a", "<U+6F22><U+5B57>")
        rows = deck.text.splitlines()
        assert all(line.isascii() and len(line) <= width for line in rows)
        assert not [line for line in rows if "??" in line]
        named = [line for line in rows if "<U+00E" in line and "Recoverable" in line]
        assert len({line.index("Recoverable") for line in named}) == 1, "their width is measured as spelled"


async def test_elsewhere_they_are_as_they_are() -> None:
    async with running(FakeClient(domain(ERP)), environ=UTF8) as deck:
        await deck.sees(ERP)
        assert "U+" not in deck.text


async def test_a_name_is_typed_as_it_is_shown() -> None:
    async with running(FakeClient(domain(ERP)), environ=C) as deck:
        deck.app.push_screen(ConfirmByName("Sure?", ["It goes."], "Do it", ERP))
        await deck.sees("Sure?", "<U+6F22><U+5B57>")
        field = deck.app.screen.query_one("#typed")
        for typed, matches in (("<U+6F22><U+5B66>", False), ("<U+6F22><U+5B57>", True), (ERP, True)):
            field.value = typed  # type: ignore[attr-defined]
            await deck.until(lambda m=matches: deck.app.screen.query_one("#yes").disabled != m)  # type: ignore[misc]


def test_only_what_has_no_likeness_is_spelled() -> None:
    before = in_ascii.set(True)
    try:
        assert clean("a─→漢\u202e") == "a->" + "<U+6F22><U+202E>"
    finally:
        in_ascii.reset(before)
    assert clean("a─→漢\u202e") == "a─→漢<U+202E>"
