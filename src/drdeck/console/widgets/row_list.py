"""A list of rows with a cursor, redrawn row by row; its scroll bar is drawn with characters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip

from drdeck.console.format import Line

from .text_lines import Drawn, in_focus, strip_of

log = logging.getLogger(__name__)
Row = TypeVar("Row")

MARK = 3
"""Cells of a row's mark of the cursor."""
BESIDE = MARK + 1
"""Cells that a row with a cursor does not have: its mark, and the scroll bar's, be there one or not."""


class RowList(ScrollView, Drawn, Generic[Row], can_focus=True):
    """Rows of any kind, made into lines only where they are seen.

    `key` tells rows apart, so that the cursor stays on its row when others come and go; `draw`
    makes a row's line for a width, without the cursor's mark. With `leads` the cursor stays on top until
    somebody moves it.
    """

    DEFAULT_CSS = """
    RowList { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    BINDINGS = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "end(0)", "First", show=False),
        Binding("end,G", "end(1)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, rows: RowList[Any]) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList[Any]:
            return self.rows

    class Opened(Moved):
        """Enter was pressed on the row."""

    def __init__(
        self,
        draw: Callable[[Row, int], Line],
        key: Callable[[Row], str],
        empty: str = "",
        cursor: bool = True,
        leads: bool = False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._draw, self._key = draw, key
        self._rows: Sequence[Row] = ()
        self._drawn: dict[int, Line] = {}
        self._cursor = 0
        self._with_cursor = cursor
        self._leads = leads
        self._empty = empty
        self._scrolled = False
        self.quiet = False
        """no mark of the cursor while the focus is elsewhere"""
        self.faint = False
        """the whole list is dimmed: what it shows may be out of date"""

    @property
    def cursor(self) -> int:
        return self._cursor

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if 0 <= self._cursor < len(self._rows) else None

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def put(self, rows: Sequence[Row], empty: str | None = None) -> None:
        """Show these rows; what looks as before is not drawn again."""
        key = before = None if self.row is None else self._key(self.row)
        if key is not None and self._leads and rows:
            key = self._key(rows[0])
        grown = len(rows) != len(self._rows)
        self._rows = rows
        if empty is not None and empty != self._empty:
            self._empty = empty
            self.refresh()
        moved = key != before
        if key is not None and (self.row is None or self._key(self.row) != key):
            place = next((i for i, row in enumerate(rows) if self._key(row) == key), None)
            self._cursor = place if place is not None else max(0, min(self._cursor, len(rows) - 1))
            moved = True
        if grown:
            self.virtual_size = Size(self.size.width, len(rows))
            self.refresh()
        self._compare()
        if moved or key is None:
            self._show_cursor()
            self.post_message(self.Moved(self))

    def redraw(self) -> None:
        """Draw all anew, because what the rows are drawn from beside themselves has changed."""
        self._drawn.clear()
        self.refresh()

    def select(self, index: int) -> None:
        """Put the cursor on a row."""
        self._leads = False
        index = max(0, min(index, len(self._rows) - 1))
        if index == self._cursor or not self._rows:
            return
        old, self._cursor = self._cursor, index
        self.refresh_line(old)
        self.refresh_line(index)
        self._show_cursor()
        self.post_message(self.Moved(self))

    def select_key(self, key: str) -> None:
        """Put the cursor on the row of that key, if there is one."""
        place = next((i for i, row in enumerate(self._rows) if self._key(row) == key), None)
        if place is not None:
            self.select(place)

    def lead(self) -> None:
        """Have the cursor stay on top, whatever row comes there, until somebody moves it."""
        self._leads = True

    def action_move(self, by: int) -> None:
        if self._with_cursor:
            self.select(self._cursor + by)
        else:
            self._scrolled = True
            self.scroll_relative(y=by, animate=False)

    def follow(self, lines: range) -> None:
        """Keep these rows of a list without a cursor in view, unless it was scrolled by hand."""
        if self._scrolled or not lines or not self.is_attached:
            return
        height = min(len(lines), max(1, self.size.height))
        self.scroll_to_region(
            Region(0, lines.start, 1, height), animate=False, force=True, immediate=True, x_axis=False
        )

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.size.height - 1))

    def action_end(self, last: int) -> None:
        self.action_move(len(self._rows) if last else -len(self._rows))

    def action_open(self) -> None:
        if self.row is not None:
            self.post_message(self.Opened(self))

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, len(self._rows))
        self.redraw()  # its own scroll bar, too, takes a column away
        self._show_cursor()

    def draw_focus(self) -> None:
        """Draw the row of the cursor anew."""
        self.refresh_line(self._cursor)

    def on_focus(self) -> None:
        self.draw_focus()

    def on_blur(self) -> None:
        self.draw_focus()

    def on_click(self, event: events.Click) -> None:
        place = event.y + self.scroll_offset.y
        if place < len(self._rows) and self._with_cursor:
            again = place == self._cursor
            self.select(place)
            if again:
                self.action_open()

    def render_line(self, y: int) -> Strip:
        width, index = self.size.width, y + self.scroll_offset.y
        if not self._rows and y == 0 and self._empty:
            return strip_of(self, ((f"  {self._empty}", "dim"),), width)
        if index >= len(self._rows):
            return strip_of(self, (), width)
        line = self._drawn[index] = self._line(index)
        if not self._with_cursor:
            return strip_of(self, line, width)
        here = index == self._cursor and (self.has_focus or not self.quiet)
        under = ("cursor" if in_focus(self) else "idle-cursor") if here else ""
        if self.faint and not here:
            line = tuple((text, "dim") for text, _ in line)
        return strip_of(self, ((" > " if here else "   ", ""), *line), width, under)

    def _line(self, index: int) -> Line:
        width = self.size.width - (BESIDE if self._with_cursor else 1)
        try:
            return self._draw(self._rows[index], width)
        except Exception:  # one row that cannot be drawn must not take the list away
            log.exception("a row cannot be drawn")
            return (("(this row cannot be drawn; the log says why)", "bad"),)

    def _compare(self) -> None:
        top = self.scroll_offset.y
        for index in range(top, min(len(self._rows), top + self.size.height)):
            if self._drawn.get(index) != self._line(index):
                self.refresh_line(index)
        visible = range(top, top + self.size.height)
        self._drawn = {i: line for i, line in self._drawn.items() if i in visible}

    def _show_cursor(self) -> None:
        if self._with_cursor and self.is_attached:
            self.scroll_to_region(
                Region(0, self._cursor, 1, 1), animate=False, force=True, immediate=True, x_axis=False
            )


LINE, THUMB = "│", "█"


def thumb_of(size: int, virtual_size: float, window_size: float, position: float) -> tuple[int, int]:
    """(first cell, cell behind the last) of the thumb. It touches an end only where the content does."""
    hidden = virtual_size - window_size
    length = max(1, min(size - 1, round(size * window_size / virtual_size)))
    room = size - length
    start = round(room * position / hidden) if hidden > 0 else 0
    if position > 0 and room > 1:
        start = max(1, start)
    if position < hidden and room > 1:
        start = min(room - 1, start)
    return start, start + length


class CharacterBar(ScrollBarRender):
    """Textual's own marks its thumb by a background only. A thicker one begins with blanks."""

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Color = Color.default(),  # noqa: B008  the signature is Textual's
        bar_color: Color = Color.default(),  # noqa: B008
    ) -> Segments:
        start, end = 0, 0
        if window_size and size and virtual_size and size != virtual_size:
            start, end = thumb_of(size, virtual_size, window_size, position)
        segments = []
        for cell in range(int(size)):
            grabs = "scroll_up" if cell < start else "grab" if cell < end else "scroll_down"
            style = Style(color=bar_color, bgcolor=back_color, meta={"@mouse.down": grabs})
            blank = " " * (thickness - 1)
            segments.append(Segment(blank + (THUMB if start <= cell < end else LINE), style))
        return Segments(segments, new_lines=vertical)
