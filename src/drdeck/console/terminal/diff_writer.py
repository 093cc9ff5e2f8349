"""Writes to the terminal only what differs from what stands there already.

Textual draws a whole screen anew whenever a dialog comes or goes; over a thin line those are
seconds. Here the last frame is kept, and of a new one only the runs of cells that changed go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

Cell = tuple[str, Style | None]
"""A character and its style; the right half of a wide character is an empty string."""
_RESET = "\x1b[0m"
_GAP = 10
"""Cells that are cheaper to write again than to jump over."""


def cells_of(strip: Strip) -> list[Cell]:
    """A strip cell by cell; what has no width joins the cell before it."""
    cells: list[Cell] = []
    for text, style, control in strip:
        if control:
            continue
        if text.isascii():
            cells.extend((char, style) for char in text)
            continue
        for char in text:
            width = cell_len(char)
            if width == 0 and cells:
                before, its_style = cells[-1]
                cells[-1] = (before + char, its_style)
            else:
                cells.append((char, style))
                cells.extend([("", style)] * (width - 1))
    return cells


def runs(old: list[Cell], new: list[Cell]) -> Iterator[tuple[int, int]]:
    """(start, end) of the stretches of `new` that must be written; no wide character is halved."""
    differs = [i for i in range(len(new)) if i >= len(old) or old[i] != new[i]]
    if not differs:
        return
    start = last = differs[0]
    for place in [*differs[1:], None]:
        if place is not None and place - last <= _GAP:
            last = place
            continue
        first, end = start, last + 1
        while first > 0 and (new[first][0] == "" or (first < len(old) and old[first][0] == "")):
            first -= 1
        while end < len(new) and (new[end][0] == "" or (end < len(old) and old[end][0] == "")):
            end += 1
        yield first, end
        if place is not None:
            start = last = place


@dataclass(frozen=True)
class Patch(CompositorUpdate):
    """Pieces of lines with their places."""

    pieces: tuple[tuple[int, int, Strip], ...]

    def render_segments(self, console: Console) -> str:
        """The bytes; what one piece leaves set is not set again for the next one that looks the same."""
        written: list[str] = []
        standing = _RESET
        for x, y, strip in self.pieces:
            written.append(Control.move_to(x, y).segment.text)
            for text, style, control in strip:
                if control or not text:
                    continue
                codes = _RESET if style is None else codes_of(style, console)
                if codes != standing:
                    written += [codes if _RESET in (standing, codes) else _RESET + codes]
                    standing = codes
                written.append(text)
        if standing != _RESET:
            written.append(_RESET)
        return "".join(written)


@lru_cache(1024)
def codes_of(style: Style, console: Console) -> str:
    """The codes that set a style on this terminal; a style that sets nothing is a reset."""
    return Strip([Segment("x", style)]).render(console).partition("x")[0] or _RESET


class Frame:
    """The terminal's contents, as far as this program wrote them."""

    def __init__(self) -> None:
        self._size = Size(0, 0)
        self._strips: list[Strip] = []
        self._of: object = None

    def forget(self) -> None:
        """Somebody else may have written: the next frame is written in full."""
        self._size = Size(0, 0)

    def doubt(self) -> None:
        """An update was not drawn: what comes next is not taken for all that is new."""
        self._of = None

    def after(
        self, update: CompositorUpdate, of: object, size: Size, whole: Callable[[], list[Strip]]
    ) -> Patch | None:
        """The difference that an update of the screen `of` makes; None: there is none.

        `whole` draws that screen anew, which takes as long again, and is done where the update does not do.
        """
        strips = self._updated(update, size) if of is self._of or isinstance(update, LayoutUpdate) else None
        self._of = of
        return self.patch(whole() if strips is None else strips, size)

    def _updated(self, update: CompositorUpdate, size: Size) -> list[Strip] | None:
        """The lines of the screen with what an update has drawn of them; None where that cannot be told."""
        if isinstance(update, LayoutUpdate):
            return [Strip.join(parts) for parts in update.strips] if update.region == size.region else None
        if not isinstance(update, ChopsUpdate) or size != self._size:
            return None
        strips = list(self._strips)
        for y, start, end in update.spans:
            if y >= len(strips):
                return None
            parts, at = [strips[y].crop(0, start)], start
            for (x, strip), its_end in zip(update.chops[y].items(), update.chop_ends[y], strict=False):
                if x < end and its_end > start:
                    if strip is None or max(x, start) != at:
                        return None
                    at = min(its_end, end)
                    parts.append(strip.crop(max(x, start) - x, at - x))
            if at != end:
                return None
            strips[y] = Strip.join([*parts, strips[y].crop(end)])
        return strips

    def patch(self, strips: list[Strip], size: Size) -> Patch | None:
        """The difference between `strips` and what stands there; None when they are the same."""
        standing = self._strips if size == self._size else []
        pieces: list[tuple[int, int, Strip]] = []
        for y, strip in enumerate(strips):
            if y >= len(standing):
                pieces.append((0, y, strip))
            elif standing[y] is not strip:
                for start, end in runs(cells_of(standing[y]), cells_of(strip)):
                    pieces.append((start, y, strip.crop(start, end)))
        self._size, self._strips = size, strips
        return Patch(tuple(pieces)) if pieces else None
