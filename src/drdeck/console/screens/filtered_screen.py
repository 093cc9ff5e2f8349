"""A screen whose list can be filtered by words: the field's keys, the same on every such screen."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.key_bindings import keys_of
from drdeck.console.widgets.row_list import RowList

from .screen import ConsoleScreen


class FilteredScreen(ConsoleScreen):
    """A screen whose `_table` shows what matches `_filter_text`, which its only Input holds."""

    FILTER_STAYS = True
    """whether the field stays in sight while it filters, once the list has the focus"""
    _table: RowList[Any]
    _filter_text = ""

    @property
    def filter_row(self) -> Widget:
        """The widget that is hidden while nothing is filtered."""
        return self.query_one(Input)

    def before_key(self, event: events.Key) -> bool:
        """The filter takes what is typed right behind its key."""
        if event.key not in keys_of("filter", self.desk.remapped) or self.focused is self.query_one(Input):
            return False
        self.action_filter()
        return True

    def action_filter(self) -> None:
        self.filter_row.display = True
        self.set_focus(self.query_one(Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter_text = event.value
        self.desk.redraw(self)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._table.focus()
        if not (self.FILTER_STAYS and self._filter_text):
            self.filter_row.display = False

    def on_key(self, event: events.Key) -> None:
        """From the filter, the arrows go to the list."""
        if event.key == "down" and self.query_one(Input).has_focus:
            self._table.focus()
            event.stop()

    def end_filter(self) -> bool:
        """Take the filter away and show all; False where there was none."""
        if not self.filter_row.display and not self._filter_text:
            return False
        self.query_one(Input).value, self.filter_row.display = "", False
        self._filter_text = ""
        self._table.focus()
        self.desk.redraw(self)
        return True
