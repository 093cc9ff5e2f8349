"""What is typed into a field, also where the locale is not UTF-8: the value is what was typed, and it is
shown as names are shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.events import Paste

from drdeck.console.widgets.input_field import Field
from drdeck.terminal_info import typed
from tests.support import deck as decks
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import FakeClient, domain
from tests.support.console.terminal import Terminal

C, UTF8 = {"LANG": "C"}, {"LANG": "en_US.UTF-8"}


def field(deck: Deck) -> Field:
    return deck.app.screen.query_one(Field)


def field_text(deck: Deck) -> str:
    """The field's row, from its first column on."""
    region = field(deck).region
    return deck.text.splitlines()[region.y][region.x :].rstrip()


def cursor(deck: Deck) -> str:
    """What stands under the cursor."""
    style = field(deck).get_component_rich_style("input--cursor")
    strip = field(deck).render_line(0)
    return "".join(s.text for s in strip if s.style and s.style.bgcolor == style.bgcolor)


@pytest.mark.parametrize(
    ("environ", "text", "shows"),
    [
        (C, "é漢a", "<U+00E9><U+6F22>a"),
        (UTF8, "é漢a", "é漢a"),
    ],
)
async def test_the_value_is_right_and_seen(environ: dict[str, str], text: str, shows: str) -> None:
    async with running(FakeClient(domain()), environ=environ) as deck:
        await deck.press("slash")
        await deck.type(text)
        assert field(deck).value == text
        assert field_text(deck) == shows


async def test_what_hides_in_a_paste_is_seen() -> None:
    async with running(FakeClient(domain()), environ=UTF8) as deck:
        await deck.press("slash")
        deck.app.post_message(Paste("a\u202eb"))
        await deck.until(lambda: field(deck).value == "a\u202eb", "pasted")
        await deck.sees("a<U+202E>b")
        assert field_text(deck) == "a<U+202E>b"


async def test_the_cursor_goes_by_what_was_typed() -> None:
    async with running(FakeClient(domain()), environ=C) as deck:
        await deck.press("slash")
        await deck.type("aéb")
        assert cursor(deck).strip() == ""
        for under in ("b", "<U+00E9>", "a"):
            await deck.press("left")
            assert cursor(deck) == under
        await deck.press("right", "right", "backspace")
        assert field(deck).value == "ab" and field_text(deck) == "ab"
        await deck.type("é" * 30)
        assert cursor(deck) == "b", "it is scrolled to"


async def test_a_click_goes_to_what_is_shown_there() -> None:
    async with running(FakeClient(domain()), environ=C) as deck:
        await deck.press("slash")
        await deck.type("aéb")
        places = [field(deck)._cell_offset_to_index(at) for at in (0, 1, 8, 9, 10, 50)]
        assert places == [0, 1, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("data", "locale", "text"),
    [
        (b"ab", "C", "ab"),
        ("é漢".encode(), "C", "é漢"),
        (b"\xe9a", "C", "\ufffda"),
        (b"\xe9a", "de_DE.ISO-8859-1", "éa"),
        (b"\xa4a", "de_DE.ISO-8859-15@euro", "€a"),
        ("é".encode() + b"\xe9\xe8b", "de_DE.ISO-8859-1", "éé\xe8b"),
        (b"\xe9", "de_DE.hex", "\ufffd"),
        (b"\xe9", "de_DE.idna", "\ufffd"),
        (b"", "C", ""),
    ],
)
def test_bytes_that_are_no_utf8(data: bytes, locale: str, text: str) -> None:
    assert typed(data, {"LANG": locale}) == text


@pytest.fixture
def training(tmp_path: Path) -> Iterator[decks.Deck]:
    deck = decks.Deck(tmp_path)
    yield deck
    deck.stop()


@pytest.mark.parametrize(("locale", "shows"), [("C", "<U+FFFD>a"), ("de_DE.ISO-8859-1", "<U+00E9>a")])
def test_a_terminal_that_sends_no_utf8(training: decks.Deck, locale: str, shows: str) -> None:
    """It ended the console, with a traceback."""
    training.env |= {"LANG": locale, "LC_ALL": locale}
    terminal = Terminal(training.argv(), training.env)
    try:
        terminal.wait_for("erp-prod")
        terminal.press("/")
        terminal.wait_for("Show all")
        os.write(terminal.fd, b"\xe9a")
        terminal.wait_for(f'no domain matches "{shows}"')
        terminal.press("b")
        terminal.wait_for(f'no domain matches "{shows}b"')
    finally:
        terminal.close()
