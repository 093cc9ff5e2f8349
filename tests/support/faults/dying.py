"""A journal that takes the controller with it at a chosen write."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from drdeck.controller.journal.event_store import Event, Journal


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
        self.told: list[str] = []

    @property
    def writes(self) -> int:
        return len(self.told)

    def append(self, actor: str, kind: str, data: dict[str, Any]) -> Event:
        if self.dead:
            raise Killed
        self.told.append(kind)
        if self.point == ("before", self.writes):
            self._die()
        event = super().append(actor, kind, data)
        if self.point == ("after", self.writes):
            self._die()
        return event

    def _die(self) -> None:
        self.dead = True
        raise Killed
