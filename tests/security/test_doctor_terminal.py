"""What the doctor says of the terminal, and of a tmux around it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck import terminal_info
from drdeck.config.settings import ConsoleSettings
from tests.support.console.terminal import Terminal
from tests.support.deck import Deck


def test_on_a_terminal_that_is_too_small_and_poor(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    env = {**deck.env, "TERM": "xterm", "LANG": "C", "LC_ALL": "C", "COLORTERM": ""}
    env.pop("TMUX", None)
    terminal = Terminal(deck.argv("doctor"), env, columns=59, rows=40)
    try:
        assert terminal.ended() == 0
    finally:
        terminal.close()
        deck.stop()
    text = " ".join(terminal.text().split())
    assert "warn terminal: 59 x 40, TERM xterm -> make it 60 x 16 or" in text
    assert 'warn colours: 16, theme dark -> set theme = "ansi"' in text
    assert "warn characters: drawn in ASCII only -> set LANG" in text


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"TERM": "linux"}, "standard"),
        ({"TERM": "dumb"}, None),
        ({}, None),
    ],
)
def test_how_many_colours(environ: dict[str, str], colours: str | None) -> None:
    assert terminal_info.colours_of(environ) == colours


@pytest.mark.parametrize(
    ("passthrough", "level", "remedy"),
    [
        ("on", "ok", ""),
        ("all", "ok", ""),
        ("off", "warn", "tmux set -g allow-passthrough on"),
        (None, "ok", "if"),
    ],
)
def test_what_tmux_does_with_copies(passthrough: str | None, level: str, remedy: str) -> None:
    environ = {"TERM": "tmux-256color", "LANG": "C.UTF-8", "TMUX": "/tmp/x,1,0"}
    findings = terminal_info.findings((80, 24), ConsoleSettings(), environ, "256", passthrough)
    [finding] = [f for f in findings if f.subject == "tmux"]
    assert finding.level == level and finding.remedy.startswith(remedy) and "OSC 52" in finding.text


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("tmux") is None:
        pytest.skip("no tmux on this machine")
    command = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    subprocess.run(
        [*command, "new-session", "-d", "-s", "x"], check=True, env={"PATH": "/usr/bin:/bin", "TERM": "xterm"}
    )
    yield command
    subprocess.run([*command, "kill-server"], check=False)


@pytest.mark.parametrize("value", ["on", "off"])
def test_a_real_tmux_is_asked(tmux: list[str], value: str) -> None:
    subprocess.run([*tmux, "set", "-g", "allow-passthrough", value], check=True)
    answer = subprocess.run(
        [*tmux, "display-message", "-p", "#{socket_path},#{pid},0 #{pane_id}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    at, pane = answer.stdout.split()
    environ = {"PATH": "/usr/bin:/bin", "TMUX": at, "TMUX_PANE": pane}
    assert terminal_info.tmux_passthrough(environ) == value
    began = time.monotonic()
    assert terminal_info.tmux_passthrough({"PATH": "/usr/bin:/bin", "TMUX": "/nowhere,1,0"}) is None
    assert terminal_info.tmux_passthrough({}) is None and time.monotonic() - began < 10
