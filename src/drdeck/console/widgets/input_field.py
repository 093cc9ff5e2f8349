"""A field of one line to type into."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from drdeck.model.text import clean

from .screen_frame import TypedInto
from .text_lines import in_focus

TIME_CHARACTERS = frozenset("0123456789-")
"""Characters that a typed time begins with."""


def begin_time(event: events.Key, screen: Screen[Any], field: Input) -> bool:
    """Go to the field of a time with a key that begins one; the key is typed there then."""
    if not event.character or event.character not in TIME_CHARACTERS or screen.focused is field:
        return False
    field.value = ""
    screen.set_focus(field)
    return True


class _Spelled(Text):
    """A value as it is shown, styled by the places of its characters in the value."""

    def __init__(self, pieces: Sequence[str]) -> None:
        super().__init__("".join(pieces), no_wrap=True, overflow="ignore", end="")
        self._starts = [0, *itertools.accumulate(map(len, pieces))]

    def _at(self, place: int) -> int:
        """Of a character in the value; what is behind the last one, such as the cursor, has one column."""
        last = len(self._starts) - 1
        return self._starts[place] if place <= last else self._starts[last] + place - last

    def stylize(self, style: str | Style, start: int = 0, end: int | None = None) -> None:
        super().stylize(style, self._at(start), None if end is None else self._at(end))

    def stylize_before(self, style: str | Style, start: int = 0, end: int | None = None) -> None:
        super().stylize_before(style, self._at(start), None if end is None else self._at(end))


class Field(Input, TypedInto):
    """Textual's Input in one row, with a cursor that does not blink: a blink costs bytes for ever.

    Shows what is typed or pasted as names are shown, "<U+202E>"; the value is what it is. With `select` all
    of it is selected when it gets the focus, so that what is typed replaces it.
    """

    def __init__(self, id: str, placeholder: str = "", password: bool = False, select: bool = True) -> None:
        super().__init__(
            id=id, placeholder=placeholder, password=password, compact=True, select_on_focus=select
        )
        self.cursor_blink = False

    def render_line(self, y: int) -> Strip:
        """Without cursor and selection below a dialog: what is typed goes there."""
        if not self.has_focus or in_focus(self):
            return super().render_line(y)
        self.set_reactive(Widget.has_focus, False)
        try:
            return super().render_line(y)
        finally:
            self.set_reactive(Widget.has_focus, True)

    def _pieces(self) -> list[str]:
        """The text that stands for each character of the value."""
        return ["•" if self.password else clean(char) for char in self.value]

    @property
    def _value(self) -> Text:
        return _Spelled(self._pieces())

    def _position_to_cell(self, position: int) -> int:
        return cell_len("".join(self._pieces()[:position]))

    def _cell_offset_to_index(self, offset: int) -> int:
        offset += int(self.scroll_offset.x)
        ends = itertools.accumulate(map(cell_len, self._pieces()))
        return sum(1 for end in ends if end <= offset)

    def action_copy(self) -> None:
        """Textual's own, but a password never goes to a clipboard."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        if not self.password:
            super().action_cut()
