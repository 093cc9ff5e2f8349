"""Figures and lines as the screens write them: pure functions, measured in terminal cells.

Every text is made harmless here, where its width is still to be measured: a screen cannot forget to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size

from drdeck.model.text import clean, in_ascii

Piece = tuple[str, str]
"""Text and the name of its style (see looks)."""
Line = tuple[Piece, ...]
UNKNOWN = "-"
as_typed: ContextVar[Callable[[str], str]] = ContextVar("as_typed", default=str)
"""A text with its commands of drdeck as they must be typed in a shell to reach the site of this console."""


def plain_of(line: Line) -> str:
    """The text of a line without its styles."""
    return "".join(text for text, _ in line)


def width_of(line: Line) -> int:
    return sum(cell_len(clean(text)) for text, _ in line)


def cut(text: str, width: int) -> str:
    """At most `width` cells, with "…" at the end of what was cut."""
    text = clean(text)
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    if cell_len(text.rstrip(" ")) <= width:
        return set_cell_size(text, width)  # only blanks are cut
    return set_cell_size(text, width - 1).rstrip() + "…"


def cut_middle(text: str, width: int) -> str:
    """At most `width` cells, cut in the middle: the ends of a name tell it from its likes."""
    text = clean(text)
    if cell_len(text) <= width:
        return text
    if width < 5:
        return cut(text, width)
    head = set_cell_size(text, width // 2).rstrip()
    tail, room = "", width - 1 - cell_len(head)
    for char in reversed(text):
        if cell_len(char + tail) > room:
            break
        tail = char + tail
    return f"{head}…{tail}"


def left(text: str, width: int) -> str:
    """Cut or padded to exactly `width` cells."""
    return set_cell_size(cut(text, width), width)


def name(text: str, width: int) -> str:
    """A name in exactly `width` cells."""
    return set_cell_size(cut_middle(text, width), width)


def arrows(key: str) -> str:
    """Keys as they can be read: in ASCII an arrow would look like another key, as "<" does."""
    if not in_ascii.get():
        return key
    return key.replace("← →", "left/right").replace("↑ ↓", "up/down").replace("↓", "down")


def right(text: str, width: int) -> str:
    """Flush right in `width` cells; too long a text is cut."""
    text = cut(text, width)
    return " " * (width - cell_len(text)) + text


def faded(header: Line) -> Line:
    """A header of which only the heads of the columns stand out: what it counts may be out of date."""
    return tuple((text, style if style == "head" else "dim") for text, style in header)


def fit(line: Line, width: int) -> Line:
    """A line cut to `width` cells."""
    pieces: list[Piece] = []
    room = width
    for raw, style in line:
        text = clean(raw)
        cells = cell_len(text)
        if cells > room:
            if room > 0:
                pieces.append((cut(text, room), style))
            break
        pieces.append((text, style))
        room -= cells
    return tuple(pieces)


def spread(start: Line, end: Line, width: int) -> Line:
    """Two lines in one, the second flush right; the first gives way."""
    end = fit(end, width)
    room = width - width_of(end)
    start = fit(start, max(0, room - 1))
    return (*start, (" " * (room - width_of(start)), ""), *end)


def wrap(text: str, width: int) -> list[str]:
    """Words laid into lines of at most `width` cells; a longer word is broken, nothing is lost."""
    width = max(2, width)  # a wide character must have room
    lines: list[str] = []
    for paragraph in clean(text, lines=True).split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if cell_len(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            *full, line = _broken(word, width)
            lines += full
        lines.append(line)
    return lines


def folded(line: Line, width: int) -> list[Line]:
    """A line laid into lines of at most `width` cells by words, each piece in its style; nothing is lost. The
    first one stands out to the left."""
    if width_of(line) <= width:
        return [line]
    text = clean(plain_of(line))
    hang = min(len(text) - len(text.lstrip(" ")) + 2, max(0, width - 20))
    lines: list[list[Piece]] = [[]]
    used = 0
    for raw, style in line:
        for word in re.findall(r" +|[^ ]+", clean(raw)):
            if used + cell_len(word) <= width:
                lines[-1].append((word, style))
                used += cell_len(word)
                continue
            if word.isspace():  # at the end of a line
                used = width
                continue
            for part in _broken(word, width - hang):
                lines.append([(" " * hang, ""), (part, style)])
                used = hang + cell_len(part)
    return [tuple(pieces) for pieces in lines if pieces]


def marked(sign: str, lines: Sequence[str], style: str) -> list[Line]:
    """Wrapped lines with a sign before the first of them."""
    return [((f" {sign if place == 0 else ' '} {text}", style),) for place, text in enumerate(lines)]


def wrap_some(text: str, width: int, most: int) -> list[str]:
    """The first `most` lines of the wrapped text; "…" at the end says that there is more than blanks."""
    lines = wrap(text.rstrip(), width)
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], cut(f"{lines[most - 1]} {lines[most]}", width)]


def _broken(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells; the last one may be short."""
    pieces = [""]
    for char in word:
        if cell_len(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def age(seconds: float | None) -> str:
    """A length of time: "4s", "12m", "1h38", from ten days on "12d"; "-" when unknown."""
    if seconds is None:
        return UNKNOWN
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}h{minutes:02}" if hours < 240 else f"{hours // 24}d"


def window(seconds: float) -> str:
    """A PITR window: "3d", "12h", "30m"."""
    whole = int(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= length and whole % length == 0:
            return f"{whole // length}{unit}"
    return age(seconds)


def in_words(seconds: float) -> str:
    """A policy's length in words: "3 days", "15 min"."""
    whole = int(seconds)
    for unit, length in (("day", 86400), ("hour", 3600), ("min", 60)):
        if whole >= length and whole % length == 0:
            count = whole // length
            return f"{count} {unit}{'s' if count != 1 and unit != 'min' else ''}"
    return f"{whole} s"


def percent(progress: float | None) -> str:
    return UNKNOWN if progress is None else f"{int(min(100.0, max(0.0, progress)))}%"


def bar(progress: float | None, width: int) -> str:
    """A progress bar; an unknown progress is an empty one."""
    share = 0.0 if progress is None else min(100.0, max(0.0, progress)) / 100
    full = int(share * width)
    return "█" * full + "░" * (width - full)


def hour(instant: datetime) -> str:
    """hh:mmZ"""
    return instant.astimezone(UTC).strftime("%H:%MZ")


def second(instant: datetime) -> str:
    """hh:mm:ssZ"""
    return instant.astimezone(UTC).strftime("%H:%M:%SZ")


def stamp(instant: datetime) -> str:
    """yyyy-mm-dd hh:mm:ssZ, the form of lists."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def local_stamp(instant: datetime) -> str:
    """The same as `stamp` by this terminal's clock, with its zone."""
    here = instant.astimezone()
    return f"{here:%Y-%m-%d %H:%M:%S} {here:%Z}"


def local(instant: datetime) -> str:
    """hh:mm:ss and the zone, at this terminal."""
    here = instant.astimezone()
    return f"{here:%H:%M:%S} {here:%Z}"
