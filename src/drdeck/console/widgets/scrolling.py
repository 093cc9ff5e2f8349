"""The scroll bar, drawn with characters: a colour alone is not seen in mono or on 16 colours."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

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
    """Textual's own marks its thumb by a background only."""

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
            segments.append(Segment((THUMB if start <= cell < end else LINE) * thickness, style))
        return Segments(segments, new_lines=vertical)
