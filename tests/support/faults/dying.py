"""A journal that takes the controller with it at a chosen write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from drdeck.controller.journal.event_store import Entry, Event, Journal


class Killed(BaseException):
    """As kill -9: nothing that handles errors sees it, and nothing is written after it."""


class Point(NamedTuple):
    """Before or after the write with a number; the first one is 1."""

    when: str
    number: int

    def __str__(self) -> str:
        return f"{self.when} {self.number}"


class DyingJournal(Journal):
    """Counts its writes as `writes`; `told` has the kind of each. `dead` from the chosen one on."""

    def __init__(self, file: Path, point: Point | None = None) -> None:
        super().__init__(file)
        self._db.execute("PRAGMA synchronous = OFF")  # these deaths do not lose what a process wrote
        self.point, self.dead = point, False
        self.kinds: list[str] = []

    @property
    def writes(self) -> int:
        return len(self.kinds)

    def append_all(self, entries: Sequence[Entry]) -> list[Event]:
        if self.dead:
            raise Killed
        numbers = range(self.writes + 1, self.writes + 1 + len(entries))
        self.kinds += [entry.kind for entry in entries]
        if self.point is not None and self.point.when == "before" and self.point.number in numbers:
            self._die()
        events = super().append_all(entries)
        if self.point is not None and self.point.when == "after" and self.point.number in numbers:
            self._die()
        return events

    def _die(self) -> None:
        self.dead = True
        raise Killed
