"""The results that this console has seen, to choose one from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from textual.widget import Widget

from drdeck.console.format import Line, cut, left, name, second
from drdeck.console.state import describe
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.row_list import RowList
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.model.text import clean

from .dialog import Dialog

MOST_ROWS = 12
_ROOMY = 66
"""Cells from which on names and acts have all the room that they want."""


def outcome_of(operation: OperationView) -> tuple[str, str]:
    """The end of an operation in a word or two, and its style; VMs that fail their check come first."""
    failing = operation.result.get("vms_failing", "0")
    if failing not in ("", "0"):
        return f"{failing} VMs FAIL", "bad"
    if operation.state is OperationState.DONE:
        return operation.result.get("recovery_status", "done"), "ok"
    return clean(operation.error) if operation.error else str(operation.state), "bad"


class ResultsDialog(Dialog[OperationView]):
    """Newest first; those that nobody has looked at are marked."""

    AUTO_FOCUS = "RowList"
    GUARD = False

    def __init__(self, results: Sequence[OperationView], unread: Collection[str], before: str = "") -> None:
        super().__init__("Results")
        self._results, self._unread, self._before = tuple(results), frozenset(unread), before

    def body(self) -> Iterable[Widget]:
        rows: RowList[OperationView] = RowList(self._line, lambda operation: operation.id, id="results")
        rows.styles.height = min(MOST_ROWS, len(self._results), self.app.size.height - 6)
        yield rows

    def _line(self, operation: OperationView, width: int) -> Line:
        text, style = outcome_of(operation)
        start: Line = (
            ("* " if operation.id in self._unread else "  ", "accent"),
            (second(operation.ended_at or operation.asked_at), ""),
            (f" {name(operation.domain, 18 if width >= _ROOMY else 12)} ", "bold"),
            (f"{left(describe(operation), 24 if width >= _ROOMY else 14)} ", ""),
        )
        used = sum(len(piece) for piece, _ in start)
        return (*start, (cut(text, max(0, width - used)), style))

    def ready(self) -> None:
        super().ready()
        rows: RowList[OperationView] = self.query_one("#results", RowList)
        rows.put(self._results)
        rows.select_key(self._before)

    def buttons(self) -> Iterable[Push]:
        return ()

    def keys(self) -> list[tuple[str, str]]:
        return [("↑ ↓", "Move"), ("enter", "Open"), ("esc", "Close")]

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        event.stop()
        if isinstance(event.rows.row, OperationView):
            self.dismiss(event.rows.row)
