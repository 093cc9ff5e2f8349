"""Text from outside, and figures, as they are shown."""

from __future__ import annotations

import json

import msgspec
import pytest
from rich.cells import cell_len
from textual.events import Paste

from drdeck.console import format
from drdeck.console.themes import harmless, plain
from drdeck.model.text import clean, in_json, show_bytes
from drdeck.terminal_info import is_utf8
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain
from tests.support.nasty import EVERYTHING, raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("erp-prod", "erp-prod"),
        ("[bold]x[/]", "[bold]x[/]"),
        ("a\x1b[31mb", "a<U+001B>[31mb"),
        ("a\u202eb", "a<U+202E>b"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("tab\there", "tab here"),
        ("two\nlines", "two lines"),
        ("漢字 é", "漢字 é"),
        ("no\u00a0break", "no<U+00A0>break"),
        ("\ufeffbom\u3164", "<U+FEFF>bom<U+3164>"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_nothing_hides_in_a_name(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_everything_nasty_is_seen() -> None:
    assert raw(clean(EVERYTHING)) == [] and raw(clean(EVERYTHING, lines=True)) == []
    assert clean(clean(EVERYTHING)) == clean(EVERYTHING)


def test_marks_without_end_do_not_run_over_their_neighbours() -> None:
    pile = "e" + "\u0301" * 50
    assert clean(pile).startswith("e" + "\u0301" * 3) and clean(pile).count("\u0301") < 8
    assert "U+0301" in clean(pile)


@pytest.mark.parametrize("text", [EVERYTHING, "日本語 é", 'quote " and \\', ""])
def test_json_stays_the_same_and_hides_nothing(text: str) -> None:
    written = in_json(msgspec.json.encode({text: [text]}).decode())
    assert json.loads(written) == {text: [text]} and raw(written) == []


@pytest.mark.parametrize("text", ["erp", "日本語 é\u0301", EVERYTHING])
def test_the_last_filter_keeps_the_width(text: str) -> None:
    assert cell_len(harmless(text)) == cell_len(text)
    assert raw(harmless(text)) == []
    assert text is EVERYTHING or harmless(text) == text


async def test_what_is_pasted_into_a_field_hides_nothing() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("slash")
        deck.app.post_message(Paste(EVERYTHING))
        await deck.until(lambda: "no domain matches" in deck.words(), "pasted")
        assert raw(deck.text) == [], deck.text


def test_line_ends_stay_where_they_may() -> None:
    assert clean("one\r\ntwo", lines=True) == "one\ntwo"


@pytest.mark.parametrize("text", ["erp", "x" * 80, "漢字" * 30, "a漢b字" * 9])
@pytest.mark.parametrize("width", [5, 8, 17, 40])
def test_names_fill_their_column(text: str, width: int) -> None:
    assert cell_len(format.name(text, width)) == width
    assert cell_len(format.left(text, width)) == width
    assert cell_len(format.right(text, width)) == width


def test_a_cut_name_keeps_both_ends() -> None:
    assert format.cut_middle("production-erp-database-01", 15) == "product…base-01"


@pytest.mark.parametrize("text", ["", "one", "a b c", "x" * 50, "漢" * 40, "word " * 20 + "y" * 33])
def test_wrapping_loses_nothing(text: str) -> None:
    lines = format.wrap(text, 20)
    assert all(cell_len(line) <= 20 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize("width", [-30, 0, 1, 2])
def test_wrapping_ends_without_room(width: int) -> None:
    assert "".join("".join(format.wrap("a 漢字 \u3000\u3000 b", width)).split()) == "a漢字b"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (999, "999 B"),
        (4_100_000_000, "4.1 GB"),
        (1_910_000_000_000, "1.91 TB"),
        (900_000_000_000_000, "900 TB"),
        (999_999, "1.0 MB"),
        (512_000, "512 kB"),
    ],
)
def test_sizes(count: int | None, text: str) -> None:
    assert show_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (4, "4s"),
        (75, "1m"),
        (98 * 60, "1h38"),
        (7200, "2h00"),
        (36_720, "10h12"),
        (12 * 86400, "12d"),
    ],
)
def test_ages(seconds: float | None, text: str) -> None:
    assert format.age(seconds) == text


@pytest.mark.parametrize("text", ["│─╭ █░ ●", "漢字", "é…→", "[bold]"])
def test_ascii_keeps_the_width(text: str) -> None:
    assert plain(text).isascii()
    assert cell_len(plain(text)) == cell_len(text)


@pytest.mark.parametrize(
    ("environ", "utf8"),
    [
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "C"}, False),
        ({"LC_ALL": "C", "LANG": "de_DE.utf8"}, False),
        ({"LC_ALL": "", "LANG": "C.utf8"}, True),
        ({}, False),
    ],
)
def test_the_locale_decides_on_ascii(environ: dict[str, str], utf8: bool) -> None:
    assert is_utf8(environ) is utf8
