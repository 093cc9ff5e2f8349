"""Reading the logs of one site as one, oldest line first, and following them while they are rotated."""

from __future__ import annotations

import heapq
import os
import re
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .logs import CONSOLE_LOG, CONTROLLER_LOG, KEPT_PARTS

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")


class LogLine(NamedTuple):
    """A line of a log.

    `text`: the line as it stands there; `time`: the latest in its log so far, "" before any.
    """

    time: str
    source: str
    text: str


class LogFile:
    """One log with the parts that were set aside."""

    def __init__(self, path: Path, source: str) -> None:
        self._parts = [*(path.with_name(f"{path.name}.{n}") for n in range(KEPT_PARTS, 0, -1)), path]
        self._source = source
        self._open: BinaryIO | None = None
        self._begun = b""
        """a line whose end is not written yet"""
        self._latest = ""

    def exists(self) -> bool:
        return any(part.exists() for part in self._parts)

    def read(self) -> list[LogLine]:
        """Lines added since the last call, the first time all. Raises OSError."""
        lines: list[LogLine] = []
        while True:
            newer = self._newer()  # before the rest is read: what was rotated grows no more
            if self._open is not None:
                lines += self._take(self._open)
            if not newer:
                return lines
            if self._begun:
                lines += [self._line(self._begun)]
                self._begun = b""
            self._switch(newer[0])

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _newer(self) -> list[Path]:
        """Parts after the one that is read, oldest first; all where that is none of them any more."""
        parts = [(part, part.stat().st_ino) for part in self._parts if part.is_file()]
        current = os.fstat(self._open.fileno()).st_ino if self._open is not None else None
        numbers = [number for _, number in parts]
        after = numbers.index(current) + 1 if current in numbers else 0
        return [part for part, _ in parts[after:]]

    def _switch(self, part: Path) -> None:
        """Go on with `part`, which may be renamed at this moment: then the next round finds it."""
        try:
            handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return
        self.close()
        self._open = os.fdopen(handle, "rb")

    def _take(self, file: BinaryIO) -> list[LogLine]:
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)  # somebody has emptied it
        *whole, self._begun = (self._begun + file.read()).split(b"\n")
        return [self._line(line) for line in whole]

    def _line(self, data: bytes) -> LogLine:
        text = data.decode("utf-8", "replace")
        if match := _TIME.match(text):
            self._latest = max(self._latest, match[1])
        # by the latest time so far: a clock that was set back does not shuffle the lines of one log
        return LogLine(self._latest, self._source, text)


class SiteLogs:
    """The logs in a site's state directory."""

    def __init__(self, state: Path) -> None:
        self._files = [LogFile(state / CONTROLLER_LOG, "controller"), LogFile(state / CONSOLE_LOG, "console")]

    def exist(self) -> bool:
        return any(file.exists() for file in self._files)

    def read(self) -> list[LogLine]:
        """Lines of all logs since the last call, oldest first. Raises OSError."""
        return list(heapq.merge(*(file.read() for file in self._files), key=attrgetter("time")))

    def close(self) -> None:
        for file in self._files:
            file.close()
