"""The journal and what it tells: no operation changes but by an event that is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from . import projection as facts
from . import runs as run_facts
from .event_store import Entry, Event, Journal, JournalError
from .operations import Operation

SELF = "drdeck"
"""The actor of what nobody asked for: points, outcomes, starts and stops."""


MOST_REST_S = 0.02
"""So long at most what has happened waits to be written along with what comes next."""


def _clock_s() -> float:
    """The running loop's clock; 0 where none runs, and nothing can wait."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return 0.0


def _fail(batch: Sequence[tuple[Entry, asyncio.Future[None]]], error: BaseException) -> None:
    for _, written in batch:
        if not written.done():
            written.set_exception(error)


class Recorder:
    """The journal as it is written, and the operations and runs that follow from it.

    `operations` by id, the open and the recent ones; `error`: why the journal cannot be written now.

    `on_change` is called after either changed.
    """

    def __init__(self, journal: Journal) -> None:
        """Raises JournalError for a journal that tells what this drdeck does not understand."""
        self.journal = journal
        self.error: str | None = None
        self.on_change: Callable[[], None] = lambda: None
        self.operations: facts.Operations = facts.read(journal)
        self.runs: run_facts.Runs = run_facts.read(journal)
        self._unwritten: list[tuple[Entry, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        """of the next write of those"""
        self.crowded: Callable[[], bool] = lambda: False
        """tells whether so much is under way that a rest gathers more than it delays"""
        self._written_at = self._write_took_s = 0.0
        """by the loop's clock, when the last write ended; and what it took"""

    @property
    def held_up(self) -> str:
        """The reason why nothing goes on, for people; empty while the journal can be written."""
        if self.error is None:
            return ""
        return f"nothing continues: {self.error}; make room, or end what holds it"

    def open_operations(self) -> list[Operation]:
        return [op for op in self.operations.values() if not op.ended]

    def marks_of_tests(self, operations: Collection[str]) -> tuple[str, ...]:
        """The marks of the test VMs that these operations had cloned, as the journal names them. Raises
        JournalError."""
        marks = list[str]()
        for event in self.journal.events(facts.INTENT):
            call = event.data["command"].get("act") or {}
            if event.data["operation"] in operations and call.get("kind") == "clone":
                marks.append(call["args"]["marker"])
        return tuple(dict.fromkeys(marks))

    def record(self, actor: str, kind: str, data: dict[str, Any]) -> Event:
        """Append, and follow it in the operations. Raises JournalError; then nothing has changed."""
        return self.record_all([Entry(actor, kind, data)])[0]

    def record_all(self, entries: Sequence[Entry]) -> list[Event]:
        """Append several, and follow them. Raises JournalError; then nothing has changed.

        What waits to be written goes with them, before them: a write costs the same whatever is in it.
        """
        batch, self._unwritten = self._unwritten, []
        try:
            events = self._write([*(entry for entry, _ in batch), *entries])
        except JournalError:
            self._unwritten = batch + self._unwritten
            raise
        except BaseException as error:
            _fail(batch, error)  # who waits must not go on
            raise
        for _, written in batch:
            if not written.done():
                written.set_result(None)
        return events[len(batch) :]

    def _write(self, entries: Sequence[Entry]) -> list[Event]:
        began_s = _clock_s()
        try:
            events = self.journal.append_all(entries)
        except JournalError as error:
            self.error = str(error)
            self.on_change()
            raise
        self._written_at = _clock_s()
        self._write_took_s = self._written_at - began_s
        self.error = None
        for event in events:
            self.operations = facts.apply(self.operations, event)
            self.runs = run_facts.apply(self.runs, event)
        if any(event.kind == facts.ENDED for event in events):
            self.operations = facts.recent(self.operations)
        self.on_change()
        return events

    async def record_surely(self, kind: str, data: dict[str, Any], patient: bool = False) -> None:
        """Append what has already happened, however long the disk refuses; what comes at a time is written
        together. `patient`: while much is under way it goes with what comes within MOST_REST_S, for nothing
        stands still until it is written."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._unwritten.append((Entry(SELF, kind, data), written))
        self._write_in(max(self.rest_s, MOST_REST_S) if patient and self.crowded() else self.rest_s)
        await asyncio.shield(written)

    @property
    def rest_s(self) -> float:
        """Seconds until the next write should begin: as long as the last one took nothing else could be done,
        and what comes in as long a time goes by one."""
        if not self.crowded():
            return 0.0
        return max(0.0, self._written_at + min(self._write_took_s, MOST_REST_S) - _clock_s())

    def _write_in(self, rest_s: float) -> None:
        """Write what waits after so long at most."""
        loop = asyncio.get_running_loop()
        at_s = loop.time() + rest_s
        if self._timer is not None and not self._timer.cancelled():
            if self._timer.when() <= at_s:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at_s, self._write_down)

    def _write_down(self) -> None:
        """Write what waits, or try again in a second."""
        self._timer = None
        if not self._unwritten:
            return  # it went with something else
        try:
            self.record_all([])
        except JournalError:
            self._write_in(1.0)
            return
        if self._unwritten:  # it came while others were told
            self._write_in(self.rest_s)

    def waits(self, ident: str, why: str) -> None:
        """Keep what an operation waits for now; the only thing told of it that no journal needs."""
        op = self.operations[ident]
        if op.waits_for != why:
            self.operations = {**self.operations, ident: msgspec.structs.replace(op, waits_for=why)}
            self.on_change()
