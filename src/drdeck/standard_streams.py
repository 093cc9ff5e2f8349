"""The three streams as whoever starts drdeck left them: missing, full, broken, or not waited for."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
from typing import Any, TextIO


class WaitingFile(io.RawIOBase):
    """Writes to a descriptor that may be non-blocking: whoever shares it can set that, at any time."""

    def __init__(self, number: int, name: str) -> None:
        super().__init__()
        self._number, self.name = number, name

    def fileno(self) -> int:
        return self._number

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        while True:
            try:
                return os.write(self._number, data)
            except BlockingIOError:
                poller = select.poll()
                poller.register(self._number, select.POLLOUT)
                poller.poll()


def prepare() -> None:
    """Put something where a stream is missing, so that no file that is opened later takes its place.

    Reading ends at once, messages are lost, and writing data fails, for nobody would get them.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            handle = os.open(os.devnull, flags)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
    if sys.stdin is None:
        sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc] # noqa: SIM115
    sys.stdout = sys.__stdout__ = _waiting(1, "<stdout>", sys.stdout)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _waiting(2, "<stderr>", sys.stderr)  # type: ignore[misc]


def _waiting(number: int, name: str, before: TextIO | None) -> Any:
    """A text stream that writes all; a name that the locale has no letters for is no error."""
    raw = WaitingFile(number, name)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=raw.isatty() or number == 2,
    )


def settle(code: int) -> int:
    """Write what is left; the exit code, 1 instead of 0 where data could not go out."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or number % 2
            with contextlib.suppress(OSError):  # Python tries once more at its end, and complains
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return code
