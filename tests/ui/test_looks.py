"""Every look can be read: contrast, no colour in mono, 16 colours in ansi, scroll bars of characters."""

from __future__ import annotations

import itertools
from typing import Literal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color

from drdeck.config.settings import ConsoleSettings
from drdeck.console.format import marked, plain_of, wrap, wrap_some
from drdeck.console.site_mark import SiteMark
from drdeck.console.state import State
from drdeck.console.themes import THEMES, looks_for, plain
from drdeck.console.widgets.domain_columns import domain_header, domain_row
from drdeck.console.widgets.domain_tabs import setting_lines
from drdeck.console.widgets.list_rows import vm_row
from drdeck.console.widgets.row_list import BESIDE, LINE, THUMB, CharacterBar, thumb_of
from drdeck.console.widgets.screen_frame import top_line
from drdeck.console.widgets.status_bars import bars
from drdeck.controller.journal.operations import Question
from drdeck.model.domains import Networks
from drdeck.model.text import show_bytes
from tests.support.console.console_deck import running
from tests.support.console.fake_client import NOW, FakeClient, changed, domain, in_session, operation, vm
from tests.support.console.plan_double import mid_run

READABLE = 4.5
"""The contrast that WCAG 2.1 asks of text (AA)."""
UTF8 = {"LANG": "C.UTF-8"}


def colors_of(style: Style, ground: Color, text: Color) -> tuple[Color, Color]:
    """(text, ground) as they are seen."""
    front = Color.from_rich_color(style.color) if style.color else text
    back = Color.from_rich_color(style.bgcolor) if style.bgcolor else ground
    return (back, front) if style.reverse else (front, back)


def contrast(shade: Color, other: Color) -> float:
    """From 1 to 21, as WCAG 2.1 has it."""

    def luminance(colour: Color) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(shade), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_style_can_be_read(theme: Literal["dark", "light"]) -> None:
    theme_colours = THEMES[theme]
    looks = looks_for(ConsoleSettings(theme=theme), UTF8)
    ground, text = Color.parse(str(theme_colours.background)), Color.parse(str(theme_colours.foreground))
    under = {name: looks.style(name) for name in ("", "top", "idle-cursor")}
    for style, (place, below) in itertools.product(looks.styles, under.items()):
        front, back = colors_of(below + looks.style(style), ground, text)
        assert contrast(front, back) >= READABLE, f"{style} on {place or 'the screen'}"
    for variable in ("warning", "error"):
        colour = Color.parse(str(getattr(theme_colours, variable)))
        assert contrast(colour, Color.parse(str(theme_colours.surface))) >= READABLE, variable


def test_ansi_uses_the_terminals_own_sixteen_and_mono_none() -> None:
    for style in looks_for(ConsoleSettings(theme="ansi"), UTF8).styles.values():
        assert all(
            c is None or (c.number is not None and c.number < 16) for c in (style.color, style.bgcolor)
        )
    for style in looks_for(ConsoleSettings(theme="mono"), UTF8).styles.values():
        assert style.color is None and style.bgcolor is None


def test_what_stands_out_by_colour_has_a_second_sign_in_mono() -> None:
    """Focus, cursor and what must not be overlooked differ from plain text without any colour."""
    looks = looks_for(ConsoleSettings(theme="mono"), UTF8)
    for name in ("cursor", "top", "button-focus", "alert", "bad", "warn", "key", "head"):
        assert looks.style(name).reverse or looks.style(name).bold, name
    assert looks.style("top-alert").reverse is False, "it lies on a reversed line"


# -- scroll bars


@given(st.integers(2, 60), st.integers(1, 60), st.integers(1, 20_000), st.data())
def test_the_thumb_touches_an_end_only_where_the_content_does(
    size: int, window: int, more: int, data: st.DataObject
) -> None:
    hidden = more
    position = data.draw(st.integers(0, hidden))
    start, end = thumb_of(size, window + more, window, position)
    assert 0 <= start < end <= size
    if size - (end - start) > 1:
        assert (start == 0) == (position == 0)
        assert (end == size) == (position == hidden)


def test_a_scroll_bar_is_drawn_with_characters() -> None:
    colour = RichColor.default()
    bar = CharacterBar.render_bar(10, 100, 10, 0, 1, True, colour, colour)
    drawn = "".join(segment.text for segment in bar.segments)
    assert drawn == THUMB + LINE * 9


@pytest.mark.parametrize("environ", [{**UTF8, "NO_COLOR": "1"}, {"LANG": "C"}], ids=["mono", "ascii"])
async def test_a_long_list_shows_that_it_goes_on(environ: dict[str, str]) -> None:
    many = [domain(f"d{number:03}") for number in range(60)]
    line, thumb = ("|", "#") if environ.get("LANG") == "C" else (LINE, THUMB)

    def right_edge(text: str) -> str:
        return "".join(row[79] for row in text.splitlines() if len(row) == 80 and "In sync" in row)

    async with running(FakeClient(*many), environ=environ) as deck:
        await deck.until(lambda: right_edge(deck.text).startswith(thumb), "at the start")
        assert right_edge(deck.text).endswith(line)
        await deck.press("end")
        await deck.until(lambda: right_edge(deck.text).endswith(thumb), "at the end")
        assert right_edge(deck.text).startswith(line)


# -- nothing is cut that matters


def test_ten_thousand_vms_push_nothing_aside() -> None:
    head = plain_of(domain_header(76))
    for ready, text in ((10_000, " 10000 "), (9_983, " -17 ")):
        many = domain("many", vms=(vm("a"),), vms_total=10_000, vms_recoverable=ready)
        row = plain_of(domain_row(many, 76, NOW))
        assert text in row and "/" not in row
        assert row.index(" 4s") + 3 == head.index("RPO") + 3


def test_the_largest_sizes_have_room() -> None:
    assert show_bytes(900 * 10**12) == "900 TB"
    huge = domain(processed_bytes=900 * 10**12, remaining_bytes=900 * 10**12)
    assert any("900 TB / 900 TB" in plain_of(line) for line in bars(huge, NOW, 78))


def test_long_networks_are_told_in_full() -> None:
    names = ("n" * 80, "漢字" * 20)
    networks = Networks(protected=names, recovery=("r" * 80,), mapping=dict.fromkeys(names, "r" * 80))
    text = "".join("".join(plain_of(line).split()) for line in setting_lines(domain(networks=networks), 76))
    for name in names:
        assert name in text
    assert text.count("r" * 80) == 2


@given(st.text("ab 漢字", max_size=200), st.integers(10, 40), st.integers(1, 5))
@example("aaaa字字字 ", 10, 1)
def test_a_text_that_goes_on_says_so(text: str, width: int, most: int) -> None:
    lines = wrap_some(text, width, most)
    whole = wrap(text.rstrip(), width)
    assert len(lines) <= most
    assert lines == whole if len(whole) <= most else lines[-1].endswith("…")


def test_ages_of_vms_are_told_to_the_minute() -> None:
    """With seconds in it each row would be written anew with all news."""
    row = changed(vm("a"), newest_point=NOW.replace(minute=40, second=7))
    shown_at = {plain_of(vm_row(row, 76, NOW.replace(second=7 + more))) for more in range(40)}
    assert len(shown_at) == 1 and " 2m " in shown_at.pop()


@pytest.mark.parametrize("width", [80, 120])
def test_warnings_without_room_are_counted_and_told(width: int) -> None:
    warnings = ("clocks differ by 9 s",)
    client = FakeClient(in_session("files"), kind="training", read_only=True, warnings=warnings, stale_s=9.0)
    state = State(listing=client.listing)
    line, hidden = top_line(state, NOW, width)
    assert "TRAINING" in plain_of(line) or "TRN" in plain_of(line)
    for warning in ("READ-ONLY", "clocks differ by 9 s"):
        assert (warning in plain_of(line)) is (warning not in hidden)
    assert (f"+{len(hidden)}" in plain_of(line)) is bool(hidden)


async def test_what_the_top_line_has_no_room_for_is_counted_and_stands_among_all_alarms() -> None:
    warning = "settings changed at 22:41Z; restart the controller to use them"
    client = FakeClient(in_session("a-long-domain-name-indeed"), kind="training", warnings=(warning,))
    async with running(client) as deck:
        await deck.sees("TRN", "UNPROTECTED a-lo", "Protected Domains")
        assert len([line for line in deck.text.splitlines() if "!" in line]) == 0, "no second line for it"
        await deck.press("A")
        await deck.sees("All alarms", "now       WARNING  the site", warning)


COUNTED = [(0, 0, ""), (1, 0, "1 ASK: d0"), (3, 0, "3 ASK"), (0, 1, "UNPROTECTED s0 00:12:31"),
           (2, 32, "2 ASK  32 UNPROTECTED, longest 12m")]  # fmt: skip


@pytest.mark.parametrize(("asks", "sessions", "words"), COUNTED)
@pytest.mark.parametrize("kind", ["vsphere", "training"])
def test_the_top_line_counts(asks: int, sessions: int, words: str, kind: str) -> None:
    question = Question(id="q", kind="failed", text="no", choices=("retry",))
    domains = [domain(f"d{i}") for i in range(asks)] + [in_session(f"s{i}") for i in range(sessions)]
    going = tuple(operation(of=f"d{i}", id=f"op-{i}", question=question) for i in range(asks))
    state = State(listing=FakeClient(*domains, operations=going, kind=kind).listing)
    line = plain_of(top_line(state, NOW, 80)[0])
    assert words in line and cell_len(line) == 80
    assert ("TRAINING" in line or "TRN" in line) is (kind == "training")


def test_a_protected_site_that_answers_again_is_told_with_the_time_however_little_room_there_is() -> None:
    domains = [domain("d0"), domain("d1"), *(in_session(f"s{i}") for i in range(32))]
    question = Question(id="q", kind="failed", text="no", choices=("retry",))
    going = tuple(operation(of=f"d{i}", id=f"op-{i}", question=question) for i in range(2))
    client = FakeClient(*domains, operations=going, kind="training", warnings=("clocks",), read_only=True)
    assert client.listing is not None
    listing = msgspec.structs.replace(client.listing, runs=(mid_run(answers_again=NOW),))
    line = plain_of(top_line(State(listing=listing), NOW, 80)[0])
    assert f"SITE ANSWERS {NOW:%H:%MZ}" in line and "2 ASK  32 UNPROTECTED" in line


def test_a_site_has_a_label_of_its_own() -> None:
    line, _ = top_line(State(listing=FakeClient(domain()).listing), NOW, 80, SiteMark("PROD DR", "red"))
    assert (" PROD DR (recovery) ", "site-red") in line


def test_a_sign_stands_before_the_first_line_only() -> None:
    assert [plain_of(line) for line in marked("!", ["one", "two"], "bad")] == [" ! one", "   two"]


def test_the_scroll_bar_leaves_its_column_free() -> None:
    assert BESIDE == 4
    assert plain(LINE + THUMB) == "|#"
