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

import pyte

KEYS = {
    "down": b"\x1b[B",
    "up": b"\x1b[A",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "ctrl+q": b"\x11",
}


class Terminal:
    """Runs `argv`; `press` types, `wait_for` reads until the screen shows something."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.pressed = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(argv[0], list(argv), {"TERM": "xterm-256color", **env})
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
        with contextlib.suppress(Exception):  # pyte does not know every private sequence
            self.stream.feed(data)
        return bool(data)

    def wait_for(self, *texts: str, within: float = 30, until: Callable[[], bool] | None = None) -> None:
        """Until all `texts` are on the screen (and `until` holds)."""
        deadline = time.monotonic() + within
        while not all(text in self.text() for text in texts) or (until is not None and not until()):
            assert time.monotonic() < deadline, f"{texts} did not come up within {within} s:\n{self.text()}"
            assert self.read(0.05) or all(text in self.text() for text in texts), (
                f"the program ended before {texts} came up:\n{self.text()}"
            )

    def wait_gone(self, text: str, within: float = 30) -> None:
        """Until a text has left the screen."""
        deadline = time.monotonic() + within
        while text in self.text():
            assert time.monotonic() < deadline, f"{text!r} is still there after {within} s:\n{self.text()}"
            self.read(0.05)

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

    def close(self) -> int:
        """End the program if it still runs, and say how it ended."""
        self.kill()
        with contextlib.suppress(ChildProcessError):
            _, status = os.waitpid(self.pid, 0)
            os.close(self.fd)
            return status
        return 0


def poll(holds: Callable[[], object], within_s: float) -> None:
    """Until `holds()` is true, where each asking takes its own time; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"did not come true within {within_s} s"
