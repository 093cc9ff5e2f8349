"""A real terminal around a program: a pty, an emulated 80x24 screen, and keys as a person presses them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

import pyte

from tests.support.stopwatch import Stopwatch

KEYS = {
    "down": b"\x1b[B",
    "up": b"\x1b[A",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "end": b"\x1b[F",
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "ctrl+q": b"\x11",
    "ctrl+t": b"\x14",
}


class Terminal:
    """Runs `argv`; `press` types, `wait_for` reads until the screen shows something."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        window: tuple[int, int] | None = None,
        instead: Callable[[Sequence[str], Mapping[str, str]], NoReturn] | None = None,
    ) -> None:
        """`window`: the columns and rows that the terminal tells, where they are not those that it has.
        `instead`: what the forked process does in place of running another program.
        """
        columns_told, rows_told = window or (columns, rows)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.pressed = 0
        self.raw = b""
        """all that the program wrote"""
        self._status: int | None = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)  # as a login has them, also where tests run under nohup
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows_told, columns_told, 0, 0))
            env = {"TERM": "xterm-256color", **env}
            if instead is not None:
                instead(argv, env)
            os.execvpe(argv[0], list(argv), dict(env))
        self.resize(columns_told, rows_told)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the program that its window has another size; what is shown of it stays as large."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float) -> bool:
        """Take in what the program writes within some time; False when it has ended."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        with contextlib.suppress(Exception):  # pyte does not know every private sequence
            self.stream.feed(data)
        return bool(data)

    def wait_for(self, *texts: str, within: float = 60, until: Callable[[], bool] | None = None) -> None:
        """Until all `texts` are on the screen (and `until` holds)."""
        deadline = time.monotonic() + within
        while not all(text in self.text() for text in texts) or (until is not None and not until()):
            assert time.monotonic() < deadline, f"{texts} did not come up within {within} s:\n{self.text()}"
            assert self.read(0.05) or all(text in self.text() for text in texts), (
                f"the program ended before {texts} came up:\n{self.text()}"
            )

    def choose(self, item: str) -> int:
        """Choose an item of More, wherever it stands there; how many keys that took."""
        keys = 2
        self.press("m")
        self.wait_for("│ More ", f" {item} ")
        self.pause_for_dialog()
        while f"> {item} " not in (here := self._item()):
            self.press("down")
            self.wait_for(until=lambda here=here: self._item() != here)  # type: ignore[misc]
            keys += 1
        self.press("enter")
        return keys

    def _item(self) -> str:
        """The line of a menu that the cursor is in."""
        return next((line for line in self.text().splitlines() if "│  > " in line), "")

    def wait_gone(self, text: str, within: float = 60) -> None:
        """Until a text has left the screen."""
        deadline = time.monotonic() + within
        while text in self.text():
            assert time.monotonic() < deadline, f"{text!r} is still there after {within} s:\n{self.text()}"
            self.read(0.05)

    def settle(self, quiet: float = 0.8) -> int:
        """Take in what comes until nothing more does for so long; how many bytes it was.

        Time in which the program could not go on, because others had the processors, does not count.
        """
        before = size = len(self.raw)
        watch = Stopwatch(self.pid)
        while watch.seconds() < quiet and self.read(quiet / 10):
            if len(self.raw) > size:
                size, watch = len(self.raw), Stopwatch(self.pid)
        return len(self.raw) - before

    def written_by(self, *keys: str) -> int:
        """Press keys, and count the bytes with which the program answers: at least one."""
        before = len(self.raw)
        self.press(*keys)
        poll(lambda: len(self.raw) > before or not self.read(0.1), 60)
        self.settle()
        return len(self.raw) - before

    def ended(self, within: float = 60) -> int:
        """Wait until the program ends by itself, with all that it wrote; its exit code."""
        deadline = time.monotonic() + within
        while self.read(0.1):
            assert time.monotonic() < deadline, f"it goes on after {within} s:\n{self.text()}"
        _, self._status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(self._status)

    def press(self, *keys: str) -> None:
        """Names of KEYS, or text to type as it is."""
        for key in keys:
            os.write(self.fd, KEYS.get(key, key.encode()))
            self.pressed += 1
            self.read(0.02)

    def pause_for_dialog(self) -> None:
        """Let the half second pass in which a dialog takes no keys."""
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            self.read(0.05)

    def kill(self, number: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        """End the program if it still runs."""
        if self.fd < 0:
            return
        if self._status is None:
            self.kill()
            os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.fd = -1


def poll(holds: Callable[[], object], within_s: float) -> None:
    """Until `holds()` is true, where each asking takes its own time; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"did not come true within {within_s} s"
