"""A list of domains with the one under the cursor beside it, where the terminal is wide enough."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from drdeck.console.state import State
from drdeck.console.widgets.row_list import RowList

from .filtered_screen import FilteredScreen

if TYPE_CHECKING:
    from .domain_pane import DomainPane

WIDE = 120
"""Columns from which on the domain under the cursor stands beside its list."""


class ListAndPaneScreen(FilteredScreen):
    """A screen whose `_table` has rows with a domain's `name`."""

    def __init__(self) -> None:
        super().__init__()
        self._side = Vertical(id="side")
        self._pane: DomainPane | None = None
        self._follows = False
        """the cursor has moved, and what depends on its row is not drawn yet"""

    def target(self) -> str | None:
        row = self._table.row
        return None if row is None else str(row.name)

    @property
    def wide(self) -> bool:
        """True if the domain under the cursor stands beside the list."""
        return self.has_class("wide")

    def watched(self) -> str | None:
        return self.target() if self.wide else None

    def draw_pane(self, state: State, now: datetime) -> None:
        """Draw the domain under the cursor beside the list, once that stands on the screen."""
        target = self.target()
        if not self.wide or target is None:
            return
        if self._pane is not None:
            self._pane.take(target, state, now)
        elif self.desk.drawing:
            from .domain_pane import DomainPane  # not before there is a first screen

            self._pane = DomainPane(beside=True)
            self._side.mount(self._pane)  # draws again when it is there

    def action_turn(self, by: int) -> None:
        if self.wide and self._pane is not None:
            self._pane.turn(by)

    def compose(self) -> ComposeResult:
        self.set_class(self.desk.size.width >= WIDE, "wide")  # now, for later all is laid out twice
        yield from super().compose()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "wide")
        self.follow_target()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """The cursor is seen at its new row first; what follows from that is drawn after it, once."""
        if event.rows is self._table and not self._follows:
            self._follows = True
            self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        self._follows = False
        self.follow_target()
        self.desk.redraw(self, self._draw_row)

    def _draw_row(self) -> None:
        """Only what depends on the row under the cursor."""
        self.draw_keys()
        self.draw_pane(self.state, self.now())
