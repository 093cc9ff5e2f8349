"""The console on every kind of terminal: its name, the size it tells, what the environment says."""

from __future__ import annotations

import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck

Open = Callable[..., Terminal]
NONE_SET = {"COLUMNS": "", "LINES": ""}


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path)
    new_deck.config.unlink()
    new_deck.env["DRDECK_CONFIG"] = ""
    yield new_deck
    new_deck.stop()


@pytest.fixture
def opened(deck: Deck) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def run(
        *words: str,
        env: dict[str, str],
        size: tuple[int, int] = (80, 24),
        window: tuple[int, int] | None = None,
    ) -> Terminal:
        argv = [*deck.argv()[:3], "--state", str(deck.state), *words]
        terminals.append(Terminal(argv, {**deck.env, **env}, *size, window=window))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize("term", ["dumb", "unknown", "", "nobodys-terminal", "wyse50", "hp2392"])
@pytest.mark.parametrize("window", [(80, 24), (80, 0)])
def test_where_no_cursor_can_be_placed_the_commands_are_named(
    opened: Open, term: str, window: tuple[int, int]
) -> None:
    t = opened(env={"TERM": term, **NONE_SET}, size=(300, 24), window=window)
    assert t.ended(within=20) == 2
    text = t.text()
    assert "TERM" in text and (term or "not set") in text and "xterm-256color" in text
    assert "commands: domains, watch" in text and "`drdeck --help`" in text
    assert b"\x1b" not in t.raw and len(t.raw) < 600


@pytest.mark.parametrize(
    ("term", "env", "window", "bottom"),
    [
        ("xterm-256color", {"COLUMNS": "132", "LINES": "50"}, (80, 24), 24),
        ("linux", {"COLUMNS": "40", "LINES": "10"}, (80, 24), 24),
        ("xterm-kitty", NONE_SET, (80, 22), 22),
        ("screen", NONE_SET, (80, 23), 23),
        ("vt100", NONE_SET, (0, 0), 24),
        ("xterm", {"COLUMNS": "x", "LINES": "-1"}, (80, 0), 24),
        ("xterm", {"COLUMNS": "80", "LINES": "22"}, (0, 0), 22),
        ("tmux-256color", {"LINES": "0"}, (0, 24), 24),
    ],
)
def test_it_is_drawn_for_the_size_that_the_terminal_tells(
    opened: Open, term: str, env: dict[str, str], window: tuple[int, int], bottom: int
) -> None:
    t = opened(env={"TERM": term, **env}, window=window)
    t.wait_for("Protected Domains", "erp")
    t.settle()
    assert "? Help" in t.screen.display[bottom - 1], t.text()
    assert t.settle(1.5) < 2000, "nothing changes, so next to nothing is written"
    t.press("?")
    t.wait_for("Keys of this screen")
    t.press("escape")
    t.wait_gone("Keys of this screen")
    t.press("d")
    assert t.ended() == 0


def test_sizes_change_while_it_is_drawn(opened: Open) -> None:
    t = opened(env={"TERM": "xterm", "COLUMNS": "132", "LINES": "50"})
    t.wait_for("Protected Domains", "erp")
    t.resize(59, 20)
    t.wait_for("Terminal too small: 59 x 20")
    t.resize(0, 0)
    t.wait_gone("Terminal too small")
    t.resize(80, 15)
    t.wait_for("Terminal too small: 80 x 15, needs 60 x 16.")
    t.resize(80, 22)
    t.wait_for("Protected Domains", "erp")
    t.press("d")
    assert t.ended() == 0
    text = " ".join(t.raw.decode().rpartition("drdeck: left")[2].split())
    assert text.startswith("training; its controller (process "), text
    assert "continues, and no operation is open; `drdeck --state " in text
    assert "` attaches again" in text


def test_a_size_without_a_terminal_is_the_environments(deck: Deck) -> None:
    script = "from drdeck.terminal_info import *; print(terminal_size(), size_without_terminal(os.environ))"
    done = subprocess.run(
        [deck.argv()[0], "-c", script], env={**deck.env, "COLUMNS": "132", "LINES": "50"}, check=True,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "None (132, 50)\n"


@pytest.mark.parametrize("state", ["the list", "a dialog", "too small"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_end_gives_the_terminal_back(opened: Open, number: signal.Signals, state: str) -> None:
    """register F21, also where a dialog is open, and where nothing but leaving is possible."""
    t = opened(env={"TERM": "xterm"})
    before = termios.tcgetattr(t.fd)
    t.wait_for("Protected Domains", "erp")
    assert termios.tcgetattr(t.fd)[3] != before[3]
    if state == "a dialog":
        t.press("?")
        t.wait_for("Keys of this screen")
    elif state == "too small":
        t.resize(59, 20)
        t.wait_for("Terminal too small: 59 x 20")
    t.kill(number)
    assert t.ended(within=20) == (0 if number == signal.SIGINT else 128 + number)
    assert t.raw.rfind(b"\x1b[?1049l") > t.raw.rfind(b"\x1b[?1049h")
    assert t.raw.rfind(b"\x1b[?25h") > t.raw.rfind(b"\x1b[?25l")
