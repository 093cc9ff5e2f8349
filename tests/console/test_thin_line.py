"""How many bytes the console writes at 80x24, in a real terminal; and that frugality loses nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
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

from drdeck.console.frugal import Frame

ROOT = Path(__file__).parents[2]


class Terminal:
    """A pty with the console in it, and what an emulator makes of its bytes."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            env = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}", "TERM": "xterm-256color", **environ}
            env.pop("NO_COLOR", None)
            os.execve(sys.executable, [sys.executable, "-m", "tests.console.live"], env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def read(self, quiet: float = 0.8) -> int:
        """Bytes until nothing more comes for `quiet` seconds."""
        count = 0
        while select.select([self.fd], [], [], quiet)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break  # the program has ended
            count += len(data)
            self.raw += data
            self.stream.feed(data)
        return count

    def until(self, text: str) -> None:
        end = time.monotonic() + 30
        while text not in self.text:
            assert time.monotonic() < end, self.text
            self.read(0.2)

    def press(self, keys: bytes) -> int:
        os.write(self.fd, keys)
        return self.read()

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    found = Terminal({"LANG": "C.UTF-8", "COLORTERM": "truecolor"})
    yield found
    found.close()


def test_bytes_on_the_line(terminal: Terminal) -> None:
    terminal.until("erp-prod")
    terminal.read()
    assert terminal.press(b"j") <= 600
    terminal.press(b"k")
    assert terminal.press(b"m") <= 6000
    terminal.until("More")
    terminal.press(b"\x1b")
    terminal.press(b"\r")
    terminal.until("erp-app02")
    os.kill(terminal.pid, signal.SIGUSR1)
    assert terminal.read() <= 200
    assert "Rehydrating" in terminal.text
    os.kill(terminal.pid, signal.SIGUSR1)
    assert 0 < terminal.read() <= 200
    assert terminal.read(4.0) == 0


def test_a_copy_goes_to_the_terminal(terminal: Terminal) -> None:
    terminal.until("erp-prod")
    terminal.read()
    terminal.press(b"y")
    terminal.until("Copied the domain's name: erp-prod")
    assert b"\x1b]52;c;ZXJwLXByb2Q=\x07" in terminal.raw


def test_fast_typing_loses_nothing(terminal: Terminal) -> None:
    """Keys that come in one burst, as over a line that was stuck, go where the first one led."""
    terminal.until("erp-prod")
    terminal.press(b"/intra")
    terminal.until("intra")
    assert "web-tier" not in terminal.text
    terminal.press(b"\x1b")
    terminal.until("web-tier")
    terminal.press(b"kkk")
    terminal.press(b"f3\t\r")
    terminal.until("Complete Continuous Failover")


def test_detach_ends_the_program(terminal: Terminal) -> None:
    terminal.until("erp-prod")
    os.write(terminal.fd, b"d")
    end = time.monotonic() + 20
    while True:
        pid, status = os.waitpid(terminal.pid, os.WNOHANG)
        if pid:
            break
        assert time.monotonic() < end
        select.select([terminal.fd], [], [], 0.1)
        with_data = select.select([terminal.fd], [], [], 0)[0]
        if with_data:
            with contextlib.suppress(OSError):
                os.read(terminal.fd, 65536)
    assert os.waitstatus_to_exitcode(status) == 0
    terminal.pid = os.spawnv(os.P_NOWAIT, "/bin/true", ["true"])  # for the fixture to reap


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

    def shown(*frames: list[Strip]) -> list[list[tuple[str, bool]]]:
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
    assert shown(old, new) == shown(new)


def test_an_unchanged_screen_writes_nothing() -> None:
    frame, size = Frame(), Size(10, 1)
    assert frame.patch([strip_of([("same", None)], 10)], size) is not None
    assert frame.patch([strip_of([("same", None)], 10)], size) is None
    frame.forget()
    assert frame.patch([strip_of([("same", None)], 10)], size) is not None
