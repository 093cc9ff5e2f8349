"""How many bytes the console writes at 80x24, in a real terminal; and that frugality loses nothing."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from drdeck.console.terminal.diff_writer import Frame
from tests.support import ROOT
from tests.support.console.terminal import Terminal


@pytest.fixture
def passed(tmp_path: Path) -> Path:
    """Where the console tells how many seconds have passed for it."""
    return tmp_path / "passed"


@pytest.fixture
def terminal(passed: Path) -> Iterator[Terminal]:
    env = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}", "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
    for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE"):
        env.pop(name, None)
    new_terminal = Terminal(
        [sys.executable, "-m", "tests.support.console.live_news"], {**env, "PASSED": str(passed)}
    )
    yield new_terminal
    new_terminal.close()


def test_bytes_on_the_line(terminal: Terminal) -> None:
    terminal.wait_for("erp-prod")
    terminal.settle()
    assert len(terminal.raw) <= 3_400, "a whole start"
    assert terminal.written_by("j") <= 600
    terminal.written_by("k")
    assert terminal.written_by("m") <= 6000
    terminal.wait_for("More")
    terminal.written_by("escape")
    terminal.written_by("enter")
    terminal.wait_for("erp-app02")
    terminal.kill(signal.SIGUSR1)
    assert terminal.written_by() <= 118, "a row"
    assert "Rehydrating" in terminal.text()
    terminal.kill(signal.SIGUSR1)
    assert terminal.written_by() <= 52, "a count in it"


SCREENS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "list": ((), "web-tier", 160),
    "domain": (("enter",), "erp-app02", 260),
    "PITR": (("enter", "right"), "write rate x30", 60),
    "steps": (("t",), "Task Steps of", 60),
    "log": (("l",), "Task Log", 60),
    "More menu": (("m",), "Choose", 60),
    "Complete dialog": (("f",), "Not checked", 60),
}
"""Keys that lead there, what is seen then, and the bytes at most when the minute turns: the clock, and
in lists the ages that are another minute older."""


@pytest.mark.parametrize("screen", SCREENS)
def test_an_idle_minute_costs_the_clock_and_nothing_else(
    screen: str, terminal: Terminal, passed: Path
) -> None:
    """Sixty seconds of the clock that the console reads, each with its tick: 10:42:07 to 10:43:07."""
    keys, words, most = SCREENS[screen]
    terminal.wait_for("erp-prod")
    for key in keys:
        terminal.written_by(key)
    terminal.wait_for(words)
    terminal.settle()
    assert half_a_minute(terminal, passed, 30) == 0
    assert 0 < half_a_minute(terminal, passed, 60) <= most
    assert "10:43Z" in terminal.text()
    assert half_a_minute(terminal, passed, 90) == 0


def half_a_minute(terminal: Terminal, passed: Path, until: int) -> int:
    """Let thirty seconds pass for the console; the bytes that it wrote in them."""
    before = len(terminal.raw)
    terminal.kill(signal.SIGUSR2)
    terminal.wait_for(until=lambda: passed.exists() and passed.read_text() == str(until))
    terminal.settle()
    return len(terminal.raw) - before


def test_the_mouse_is_left_alone(terminal: Terminal) -> None:
    """A mouse that is listened to costs a kilobyte a move, and copying by hand."""
    terminal.wait_for("erp-prod")
    terminal.settle()
    assert not re.search(rb"\x1b\[\?(9|100[0-35-6]|1015)h", terminal.raw)


def test_a_copy_goes_to_the_terminal(terminal: Terminal) -> None:
    terminal.wait_for("erp-prod")
    terminal.settle()
    terminal.press("y")
    terminal.wait_for("Copied the domain's name: erp-prod")
    assert b"\x1b]52;c;ZXJwLXByb2Q=\x07" in terminal.raw


def test_fast_typing_loses_nothing(terminal: Terminal) -> None:
    """Keys that come in one burst, as over a line that was stuck, go where the first one led."""
    terminal.wait_for("erp-prod")
    terminal.press("/intra")
    terminal.wait_gone("web-tier")
    assert "intra" in terminal.text()
    terminal.press("escape")
    terminal.wait_for("web-tier")
    terminal.press("kkk")
    terminal.press("f3\t\r")
    terminal.wait_for("Complete Continuous Failover")


def test_detach_ends_the_program(terminal: Terminal) -> None:
    terminal.wait_for("erp-prod")
    terminal.press("d")
    assert terminal.ended() == 0


STYLES = [None, Style.parse("bold"), Style.parse("red on blue")]
Pieces = list[tuple[str, Style | None]]
LINE = st.lists(st.tuples(st.text("ab 漢字x", max_size=12), st.sampled_from(STYLES)), max_size=6)


def strip_of(line: Pieces, width: int) -> Strip:
    return Strip([Segment(text, style) for text, style in line]).adjust_cell_length(width)


@given(st.lists(st.tuples(LINE, LINE), min_size=1, max_size=4))
def test_a_patched_screen_is_the_screen(
    lines: list[tuple[Pieces, Pieces]],
) -> None:
    size = Size(30, len(lines))
    console = Console(force_terminal=True, color_system="truecolor")

    def drawn_rows(*frames: list[Strip]) -> list[list[tuple[str, bool]]]:
        screen = pyte.Screen(size.width, size.height)
        stream = pyte.Stream(screen)
        frame = Frame()
        for strips in frames:
            patch = frame.patch(strips, size)
            if patch is not None:
                stream.feed(patch.render_segments(console))
        return [
            [(screen.buffer[y][x].data, screen.buffer[y][x].bold) for x in range(size.width)]
            for y in range(size.height)
        ]

    old = [strip_of(before, size.width) for before, _ in lines]
    new = [strip_of(after, size.width) for _, after in lines]
    assert drawn_rows(old, new) == drawn_rows(new)


def test_an_unchanged_screen_writes_nothing() -> None:
    frame, size = Frame(), Size(10, 1)
    assert frame.patch([strip_of([("same", None)], 10)], size) is not None
    assert frame.patch([strip_of([("same", None)], 10)], size) is None
    frame.forget()
    assert frame.patch([strip_of([("same", None)], 10)], size) is not None
