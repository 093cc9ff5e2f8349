"""Reading the journal for people: export, check of the chain, steps of the operations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from drdeck.model.times import show

from .event_store import Journal
from .operations import OperationView, view_of
from .projection import ANSWER, INTENT, OUTCOME, STARTED, read


def export(file: Path) -> Iterator[str]:
    """Each event as a line of JSON, oldest first. Raises JournalError without a readable journal."""
    with contextlib.closing(Journal(file, read_only=True)) as journal:
        for event in journal.events():
            data = {
                "id": event.id,
                "time": show(event.time),
                "actor": event.actor,
                "kind": event.kind,
                "data": event.data,
                "previous": event.previous,
                "hash": event.hash,
            }
            yield msgspec.json.encode(data).decode()


def verify(file: Path) -> tuple[int, list[str]]:
    """The number of events, and a sentence for each that is changed or missing."""
    with contextlib.closing(Journal(file, read_only=True)) as journal:
        return journal.count(), journal.verify()


def operations(file: Path) -> tuple[OperationView, ...]:
    """Every operation in the journal. Raises JournalError without a readable journal."""
    with contextlib.closing(Journal(file, read_only=True)) as journal:
        return tuple(view_of(op) for op in read(journal, every=True).values())


def steps_by_operation(file: Path) -> dict[str, list[dict[str, Any]]]:
    """For each operation its steps: time, what (`says`), `result` and the site's words.

    `result` is that of the journal, or "under way", or "interrupted" when the controller ended first.
    """
    with contextlib.closing(Journal(file, read_only=True)) as journal:
        return steps_of(journal)


def steps_of(journal: Journal) -> dict[str, list[dict[str, Any]]]:
    """Steps as `steps_by_operation` has them, of a journal that is open."""
    steps: dict[str, list[dict[str, Any]]] = {}
    going: dict[tuple[str, str], dict[str, Any]] = {}
    for event in journal.events(STARTED, INTENT, OUTCOME, ANSWER):
        data = event.data
        ident = data.get("operation", "")
        if event.kind == STARTED:
            for step in going.values():
                _interrupt(step)
        elif event.kind == INTENT:
            _interrupt(going.get((ident, data["key"])))
            step = {"time": show(event.time), "says": data["says"], "result": "under way", "text": ""}
            steps.setdefault(ident, []).append(step)
            going[(ident, data["key"])] = step
        elif event.kind == OUTCOME and (ident, data["key"]) in going:
            step = going[(ident, data["key"])]
            step["result"], step["text"] = data["result"], data.get("text", "")
        elif event.kind == ANSWER:
            says = f"{event.actor} answered {data['choice']}"
            steps.setdefault(ident, []).append(
                {"time": show(event.time), "says": says, "result": "done", "text": ""}
            )
    return steps


def _interrupt(step: dict[str, Any] | None) -> None:
    """No outcome was written by the controller that began it; what became of it is seen at the site."""
    if step is not None and step["result"] == "under way":
        step["result"] = "interrupted"
        step["text"] = "the controller ended before the answer came; the next one looked at the site"
