"""From named pieces of text to strips, in the look that the app has."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from ..looks import Looks
from ..show import Line, fit

_FALLBACK = Looks("dark", False)


def looks_of(widget: Widget) -> Looks:
    looks = getattr(widget.app, "looks", _FALLBACK)
    return looks if isinstance(looks, Looks) else _FALLBACK


def strip_of(widget: Widget, line: Line, width: int, under: str = "") -> Strip:
    """`line` in exactly `width` cells; `under` names the style that lies below the pieces' own."""
    looks = looks_of(widget)
    base = widget.rich_style + looks.style(under)
    if under == "cursor":
        # the cursor's colours win, so that the row reads as one
        pieces = [Segment(text, base) for text, _ in fit(line, width)]
    else:
        pieces = [Segment(text, _over(base, looks.style(style))) for text, style in fit(line, width)]
    return Strip(pieces).adjust_cell_length(width, base).simplify()


def _over(base: Style, style: Style) -> Style:
    return base + style if style else base
