"""Lines of text as strips in the app's look, and a block of them that redraws only what changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from drdeck.console.format import Line, fit, plain_of
from drdeck.console.themes import Looks


class Lines(Widget):
    """Draws the lines it was given last. With height auto it is as high as they are many."""

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

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def render_line(self, y: int) -> Strip:
        line: Line = self._lines[y] if y < len(self._lines) else ()
        return strip_of(self, line, self.size.width, self._under)


_FALLBACK = Looks("dark", False)


def strip_of(widget: Widget, line: Line, width: int, under: str = "") -> Strip:
    """`line` in exactly `width` cells; `under` names the style that lies below the pieces' own."""
    looks: Looks = getattr(widget.app, "looks", _FALLBACK)
    base = widget.rich_style + looks.style(under)
    if under == "cursor":
        # the cursor's colours win, so that the row reads as one
        pieces = [Segment(text, base) for text, _ in fit(line, width)]
    else:
        pieces = [Segment(text, _over(base, looks.style(style))) for text, style in fit(line, width)]
    return Strip(pieces).adjust_cell_length(width, base).simplify()


def _over(base: Style, style: Style) -> Style:
    return base + style if style else base
