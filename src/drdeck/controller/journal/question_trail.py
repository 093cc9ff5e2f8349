"""Questions and answers of operations, read out of the journal for a report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from drdeck.model.plans.run_report import QuestionReport

from . import projection as facts
from .event_store import Event


def event_at(event: Event) -> datetime:
    """The site's time of an event; the journal's where an older drdeck wrote none."""
    return datetime.fromisoformat(event.data["at"]) if "at" in event.data else event.time


class QuestionTrail:
    """Questions of operations with their answers, the same question of one once until it was answered."""

    def __init__(self) -> None:
        self.rows: list[QuestionReport] = []
        self._open: dict[str, int] = {}

    def follow(self, event: Event, domain: str) -> None:
        data = event.data
        ident = data["operation"]
        if event.kind == facts.QUESTION:
            asks = data["question"]
            row = QuestionReport(
                at=event_at(event),
                domain=domain,
                operation=ident,
                kind=asks["kind"],
                text=asks["text"],
            )
            index = self._open.get(ident)
            if index is not None and self.rows[index].kind == row.kind:  # more VMs ask, or fewer
                self.rows[index] = msgspec.structs.replace(row, at=self.rows[index].at)
                return
            self._close(ident, over="it asked something else")
            self._open[ident] = len(self.rows)
            self.rows.append(row)
        elif event.kind == facts.SETTLED:
            self._close(ident, over="settled without an answer")
        else:
            self._close(ident, choice=data["choice"], by=event.actor, answered_at=event_at(event))

    def ended(self, data: dict[str, Any]) -> None:
        """No question outlives its operation."""
        self._close(data["operation"], over=f"the operation ended: {data['state']}")

    def _close(self, ident: str, **changes: Any) -> None:
        index = self._open.pop(ident, None)
        if index is not None:
            self.rows[index] = msgspec.structs.replace(self.rows[index], **changes)
