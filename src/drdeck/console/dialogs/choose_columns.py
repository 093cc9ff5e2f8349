"""The choice of the list's columns, and of the one by which it is sorted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual.binding import Binding
from textual.widget import Widget

from drdeck.console.format import left
from drdeck.console.widgets.controls import Push, Tick
from drdeck.console.widgets.domain_columns import COLUMNS
from drdeck.console.widgets.text_lines import Lines

from .dialog import CANCEL, NEXT, Dialog

SORTED = "sorted by it"


class ListLook(NamedTuple):
    """Columns and order of the list of domains.

    `columns`: names, empty for the usual ones. `order`: "name", a column's name, or the site's: empty.
    """

    columns: tuple[str, ...]
    order: str


class ColumnsDialog(Dialog[ListLook]):
    """A tick for each column."""

    AUTO_FOCUS = "Tick"
    GUARD = False
    BINDINGS = [
        Binding("up,k", "app.focus_previous", "Up", show=False),
        Binding("down,j", "app.focus_next", "Down", show=False),
        Binding("s", "sort", "Sort by it", show=False),
    ]

    def __init__(self, columns: Sequence[str], order: str) -> None:
        super().__init__("Columns of the list")
        self._columns, self._order = tuple(columns), order

    def body(self) -> Iterable[Widget]:
        for column in COLUMNS:
            ticked = column.name in self._columns
            yield Tick(f"{left(column.head, 11)} {left(column.help, 40)}", ticked, id=column.name.lower())
        yield Lines((), (("Columns that have no room beside the name are left out, from the right.", "dim"),))

    def ready(self) -> None:
        self._tell_order()

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("As usual", id="usual")
        yield Push("Show", id="show")

    def keys(self) -> list[tuple[str, str]]:
        if isinstance(self.focused, Tick):
            return [("space", "Tick"), ("s", "Sort by it"), ("↑ ↓", "Move"), NEXT, CANCEL]
        return super().keys()

    def action_sort(self) -> None:
        """Sort by the column in the focus; once more: as the site has the domains."""
        place = "" if self.focused is None else self.focused.id
        column = next((c for c in COLUMNS if c.name.lower() == place), None)
        if column is not None:
            self._order = "" if self._order == column.name else column.name
            self._tell_order()

    def _tell_order(self) -> None:
        for column in COLUMNS:
            tick = self.query_one(f"#{column.name.lower()}", Tick)
            tick.hint = SORTED if column.name == self._order else ""
            tick.refresh(layout=True)

    def pressed(self, push: Push) -> None:
        ticked = [c.name for c in COLUMNS if self.query_one(f"#{c.name.lower()}", Tick).value]
        self.dismiss(ListLook(() if push.id == "usual" else tuple(ticked), self._order))
