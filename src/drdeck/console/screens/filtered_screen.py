"""A screen whose list can be filtered by words: the field's keys, the same on every such screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.widget import Widget

from drdeck.console.key_bindings import keys_of
from drdeck.console.widgets.row_list import RowList
from drdeck.console.widgets.screen_frame import TypedInto

from .screen import ConsoleScreen

if TYPE_CHECKING:
    from textual.widgets import Input

    from drdeck.console.widgets.input_field import Field


class FilteredScreen(ConsoleScreen):
    """A screen whose `_table` shows what matches `_filter_text`, which its only Field holds."""

    FILTER_STAYS = True
    """whether the field stays in sight while it filters, once the list has the focus"""
    _table: RowList[Any]
    _filter_text = ""

    @property
    def filter_row(self) -> Widget:
        """The widget that is hidden while nothing is filtered."""
        return self.field

    @property
    def field(self) -> Field:
        return cast("Field", self.query_one("#filter"))

    @property
    def filter_seen(self) -> bool:
        return bool(self.filter_row.display)

    @property
    def filtering(self) -> bool:
        """True while the filter has the focus, and takes what is typed."""
        return isinstance(self.focused, TypedInto)

    def set_filter(self, words: str) -> None:
        """List what matches these words; none of them show all, without the field."""
        if words or self.filter_seen:
            self.filter_row.display = bool(words)
            self.field.value = words
        self._filter_text = words

    def before_key(self, event: events.Key) -> bool:
        """The filter takes what is typed right behind its key."""
        if event.key not in keys_of("filter", self.desk.remapped) or self.filtering:
            return False
        self.action_filter()
        return True

    def action_filter(self) -> None:
        self.filter_row.display = True
        self.set_focus(self.field)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter_text = event.value
        self.desk.redraw(self)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._table.focus()
        if not (self.FILTER_STAYS and self._filter_text):
            self.filter_row.display = False

    def on_key(self, event: events.Key) -> None:
        """From the filter, the arrows go to the list."""
        if event.key == "down" and self.filtering:
            self._table.focus()
            event.stop()

    def end_filter(self) -> bool:
        """Take the filter away and show all; False where there was none."""
        if not self.filter_seen and not self._filter_text:
            return False
        self.set_filter("")
        self._table.focus()
        self.desk.redraw(self)
        return True
