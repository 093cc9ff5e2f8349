"""Lines of text as strips in the app's look, and a block of them that redraws only what changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.containers import Horizontal, Vertical
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from drdeck.config.key_names import canonical
from drdeck.console.format import Line, fit, folded, plain_of
from drdeck.console.themes import Looks


def blank_lines(widget: Widget, crop: Region) -> list[Strip]:
    """The lines of a widget that shows its background only: one line, again and again.

    Textual makes each of them anew, though its children cover them all.
    """
    strip = Strip.blank(crop.width, widget.visual_style.rich_style)
    for line_filter in widget.get_line_filters():
        strip = strip.apply_filter(line_filter, widget.background_colors[1])
    return [strip] * crop.height


class Stacked(Vertical):
    """Children one below another, without a border."""

    def render_lines(self, crop: Region) -> list[Strip]:
        return blank_lines(self, crop)


class SideBySide(Horizontal):
    """Children side by side, without a border."""

    def render_lines(self, crop: Region) -> list[Strip]:
        return blank_lines(self, crop)


def in_rows(line: Widget, width: int) -> int:
    """Lay what stands side by side out in rows of two, or of one, where `width` cells have no room for it.

    Returns how many rows there are.
    """
    children = [child for child in line.children if child.display]
    needs = [child.get_content_width(Size(width, 1), Size(width, 1)) + 1 for child in children]
    if sum(needs) - 1 <= width:
        if line.styles.layout is not None and line.styles.layout.name == "grid":
            line.styles.layout, line.styles.height = "horizontal", 1
        return 1
    columns = 2 if max(needs) <= width // 2 else 1
    rows = -(-len(children) // columns)
    line.styles.layout, line.styles.grid_size_columns, line.styles.height = "grid", columns, rows
    line.styles.grid_rows = "1"
    return rows


class Drawn(Widget):
    """A widget whose lines are made by `strip_of`: what is the same in all of them is found once."""

    base: Style | None = None
    """its own style, while its lines are drawn"""

    def render_lines(self, crop: Region) -> list[Strip]:
        self.base = self.rich_style
        try:
            return super().render_lines(crop)
        finally:
            self.base = None


def in_focus(widget: Widget) -> bool:
    """True for a widget to which keys come: it has the focus, and no dialog lies over its screen."""
    return widget.has_focus and not covered(widget)


def covered(widget: Widget) -> bool:
    """True while a dialog lies over the widget's screen: no key comes there then."""
    return widget.app.screen is not widget.screen


def redraw_focus(screen: Screen[Any]) -> None:
    """Draw the mark of the focus and the buttons anew: a dialog has come over the screen, or gone."""
    for button in screen.query("Push"):
        button.refresh()
    widget = screen.focused
    if widget is not None:
        draw: Callable[[], object] = getattr(widget, "draw_focus", widget.refresh)
        draw()


class Lines(Drawn):
    """Draws the lines it was given last. With height auto it is as high as they are many.

    On a screen that `folds` what is too long for it is folded, not cut.
    """

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"

    def __init__(self, *lines: Line, under: str = "", id: str | None = None, classes: str | None = None):
        super().__init__(id=id, classes=classes, markup=False)
        self._lines: tuple[Line, ...] = lines
        self._under = under

    def put(self, lines: Sequence[Line]) -> None:
        """Show these lines from now on."""
        new, old = tuple(lines), self._lines
        if new == old:
            return
        self._lines = new
        if self._folds and self.styles.auto_dimensions:
            self._layout_updates += 1
            self.refresh(layout=True)
            return
        if len(new) != len(old) and self.styles.auto_dimensions:
            # Textual counts one change between two pauses, and else keeps a height it has seen between them
            self._layout_updates += 1
            self.refresh(layout=True)
            return
        width = max(1, self.size.width)
        for y in range(max(len(new), len(old))):
            if y >= len(new) or y >= len(old) or new[y] != old[y]:
                self.refresh(Region(0, y, width, 1))

    @property
    def text(self) -> str:
        """All of it without styles."""
        return "\n".join(plain_of(line) for line in self._lines)

    @property
    def _folds(self) -> bool:
        return self.is_attached and getattr(self.screen, "folds", False) is True

    def _rows(self, width: int) -> tuple[Line, ...]:
        """The lines as they are drawn in so many cells."""
        if not self._folds:
            return self._lines
        return tuple(row for line in self._lines for row in folded(line, width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows(width))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def render_line(self, y: int) -> Strip:
        rows = self._rows(self.size.width)
        line: Line = rows[y] if y < len(rows) else ()
        return strip_of(self, line, self.size.width, self._under)


_BRACKETED = re.compile(r"\[(?P<key>\S+) [^\]]*\]")
_WORD = re.compile(r"/(?= |$)|[^ /]+")
_NAMES = {
    "esc": "escape",
    "←": "left",
    "→": "right",
    "↑": "up",
    "↓": "down",
    "pgup": "pageup",
    "pgdn": "pagedown",
}
_DIGITS = "0-9"
"""which a line of keys says of a field; a click cannot know which one is meant"""


def key_cells(line: Line) -> Iterator[tuple[int, int, str]]:
    """(first cell, cell behind the last, key as it comes from the terminal) of the keys that a line names.

    Those are its pieces in the style "key": " f" with the label behind it, " ← →" without, for each arrow
    stands for itself, and "[f Failover]  [m More]".
    """
    cell = 0
    for number, (text, style) in enumerate(line):
        if style == "key":
            bracketed = list(_BRACKETED.finditer(text))
            words = bracketed or list(_WORD.finditer(text))
            label = line[number + 1][0].rstrip() if len(words) == 1 and number + 1 < len(line) else ""
            for word in words:
                key = word["key"] if bracketed else word[0]
                first, end = (cell + cell_len(text[:place]) for place in word.span())
                if key != _DIGITS:
                    yield first, end + (0 if bracketed else cell_len(label)), _from_terminal(key)
        cell += cell_len(text)


def _from_terminal(key: str) -> str:
    """A key as it comes from the terminal, of one as it is written: "^q" is "ctrl+q"."""
    return f"ctrl+{key[1]}" if len(key) == 2 and key[0] == "^" else _NAMES.get(key) or canonical(key)


class KeyedLines(Lines):
    """Lines that name keys. Where the mouse is wanted a click on one is that key."""

    def on_click(self, event: events.Click) -> None:
        rows = self._rows(self.size.width)
        line: Line = rows[event.y] if event.y < len(rows) else ()
        for first, end, key in key_cells(line):
            if first <= event.x < end:
                event.stop()
                self.app.post_message(events.Key(key, None))


_FALLBACK = Looks("dark", False)


def strip_of(widget: Widget, line: Line, width: int, under: str = "") -> Strip:
    """`line` in exactly `width` cells; `under` names the style that lies below the pieces' own."""
    looks: Looks = getattr(widget.app, "looks", _FALLBACK)
    own = widget.base if isinstance(widget, Drawn) else None
    base = (own or widget.rich_style) + looks.style(under)
    if under == "cursor":
        # the cursor's colours win, so that the row reads as one
        pieces = [Segment(text, base) for text, _ in fit(line, width)]
    else:
        pieces = [Segment(text, _over(base, looks.style(style))) for text, style in fit(line, width)]
    return Strip(pieces).adjust_cell_length(width, base).simplify()


def _over(base: Style, style: Style) -> Style:
    return base + style if style else base
