"""The PITR window from left to right: write rate, points, what cannot be reached, where the cursor is."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rich.cells import cell_len

from drdeck.console.format import Line, Piece, cut, left, second, spread, stamp
from drdeck.model.domains import Domain, Period
from drdeck.model.pitr import Points, RestorePoint, place_before, window_start
from drdeck.model.text import clean

from .text_lines import Lines

_BLOCKS = "▁▂▃▄▅▆▇█"
HEIGHT = 5
TICK_CELLS = 3
"""Points that are nearer to each other than this have no ticks of their own."""
GAP = 2.5
"""Longer than so many times the usual, a time between two points is one without points."""
_HOUR_CELLS = 9
"""Cells at least from one hour's label to the next."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR,
    12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY,
)  # fmt: skip
"""Seconds between the labels of the axis."""


@dataclass(frozen=True)
class Span:
    """The stretch that is drawn, in `width` cells."""

    start: datetime
    end: datetime
    width: int

    def cell(self, instant: datetime) -> int:
        """The cell of an instant, clamped to the ends."""
        length = max(1.0, (self.end - self.start).total_seconds())
        return max(0, min(self.width - 1, int((instant - self.start).total_seconds() / length * self.width)))

    @property
    def cell_s(self) -> float:
        """Seconds of a cell."""
        return max(1.0, (self.end - self.start).total_seconds()) / self.width


ZOOMS = (None, 86400.0, 21600.0, 3600.0)
"""Seconds that the timeline can be narrowed to, around the cursor; None is the whole window."""


LONG_S = 12 * 3600.0
"""A window of more than this is not drawn whole at first: an hour of it would be one cell."""


def opening_zoom(domain: Domain, points: Points, now: datetime) -> int:
    """The place in ZOOMS to begin with: the last hours of a long window, so many that a hint is in them."""
    whole = span_of(domain, points, now, 80)
    if (whole.end - whole.start).total_seconds() <= LONG_S:
        return 0
    hinted = min((p.time for p in points.points if p.hint), default=whole.end)
    length = (whole.end - hinted).total_seconds() * 1.25
    fitting = [i for i, zoom in enumerate(ZOOMS) if zoom is not None and max(21600.0, length) <= zoom]
    return max(fitting, default=0)


def span_of(
    domain: Domain,
    points: Points,
    now: datetime,
    width: int,
    zoom: float | None = None,
    around: datetime | None = None,
) -> Span:
    """The window as far as it is known; a window with few points is drawn no longer than they reach.

    With `zoom` only so many seconds of it, `around` an instant where that is given.
    """
    start = points.window_from or window_start(domain, now)
    end = points.window_to or now
    if points.points:
        oldest = points.points[-1].time
        reach = end - oldest
        start = max(start, oldest - max(timedelta(minutes=1), reach / 20))
    if end <= start:
        start = end - timedelta(minutes=1)
    if zoom is not None and (end - start).total_seconds() > zoom:
        length = timedelta(seconds=zoom)
        start = min(max(start, (around or end) - length / 2), end - length)
        end = start + length
    return Span(start, end, max(10, width))


class Stretch(NamedTuple):
    """From one point to the next one, and the bytes written in a second of it."""

    start: datetime
    end: datetime
    rate: float


def stretches(points: Sequence[RestorePoint], excluded: Sequence[Period]) -> list[Stretch]:
    """The stretches of known rate, oldest first. Not across a PITR session: what was written in it is gone,
    with the points of the branch that a rollback left."""
    between = []
    for before, point in itertools.pairwise(sorted(points, key=lambda p: p.time)):
        seconds = (point.time - before.time).total_seconds()
        across = any(p.start < point.time and (p.end is None or p.end > before.time) for p in excluded)
        if point.written_bytes is not None and seconds > 0 and not across:
            between.append(Stretch(before.time, point.time, point.written_bytes / seconds))
    return between


def rates(measured: Sequence[Stretch], span: Span) -> list[float | None]:
    """Bytes written a second, for each cell; None where nothing is known."""
    by_cell: list[float | None] = [None] * span.width
    for start, end, rate in measured:
        if end < span.start or start > span.end:
            continue
        for cell in range(span.cell(start), span.cell(end) + 1):
            before = by_cell[cell]
            by_cell[cell] = rate if before is None else max(before, rate)
    return by_cell


def usual(measured: Sequence[Stretch]) -> float:
    """The median rate of the whole window, so that zooming into an outburst does not make it usual."""
    return statistics.median(rate for _, _, rate in measured) if measured else 0.0


def sparkline(values: Sequence[float | None], median: float) -> str:
    """A steady rate is a low line, an outburst stands out of it; what is unknown stays blank."""
    numbers = [v for v in values if v is not None]
    top = max(max(numbers), median * 5) if numbers else 0.0
    scale = 7.999 / top if top > 0 else 0.0
    return "".join(" " if v is None else _BLOCKS[min(7, int(v * scale))] for v in values)


def marks(
    points: Points, excluded: Sequence[Period], span: Span, rolled_back_to: datetime | None
) -> tuple[Piece, ...]:
    """The row of points, excluded periods hatched; the rollback in force stands out.

    Points less than TICK_CELLS apart are a line with the gaps in it that there are: ticks would show some
    that come of rounding.
    """
    cells = [("─", "dim")] * span.width
    times = sorted(p.time for p in points.points)
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    usually = statistics.median(gaps) if gaps else 0.0
    if usually < span.cell_s * TICK_CELLS:
        for before, gap in zip(times, gaps, strict=False):
            if gap <= usually * GAP and before >= span.start and before + timedelta(seconds=gap) <= span.end:
                last = span.cell(before + timedelta(seconds=gap))
                cells[span.cell(before) : last + 1] = [("═", "")] * (last + 1 - span.cell(before))
    line = [text == "═" for text, _ in cells]
    oldest_first = sorted(points.points, key=lambda p: p.time)
    for point, after in itertools.zip_longest(oldest_first, oldest_first[1:]):
        if not span.start <= point.time <= span.end:
            continue
        cell = span.cell(point.time)
        if not point.abnormal_since:
            cells[cell] = cells[cell] if cells[cell][0] in "═✗" else ("│", "")
            continue
        last = span.cell(min(after.time, span.end)) if after is not None and after.abnormal_since else cell
        for place in range(cell, last + 1):
            if place == cell or line[place]:
                cells[place] = ("✗", "bad")
    good = place_before(points.points)
    if good is not None and span.start <= points.points[good].time <= span.end:
        cells[span.cell(points.points[good].time)] = ("★", "ok")
    for period in excluded:
        end = period.end or span.end
        if end < span.start or period.start > span.end:
            continue
        for cell in range(span.cell(period.start), span.cell(end) + 1):
            cells[cell] = ("▒", "bad")
    if rolled_back_to is not None and span.start <= rolled_back_to <= span.end:
        cells[span.cell(rolled_back_to)] = ("◆", "ok")
    pieces: list[Piece] = []
    for text, style in cells:
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + text, style)
        else:
            pieces.append((text, style))
    return tuple(pieces)


def hours(span: Span) -> str:
    """The axis: round times, or dates (at midnight, or all), each from its cell on (UTC)."""
    step = next((s for s in _STEPS if s / span.cell_s >= _HOUR_CELLS), _STEPS[-1])
    axis = [" "] * span.width
    at = math.ceil(span.start.timestamp() / step) * step
    while at <= span.end.timestamp():
        instant = datetime.fromtimestamp(at, UTC)
        midnight = instant.hour == instant.minute == 0
        of_day = step < _DAY and (not midnight or span.end.date() == span.start.date())
        label = f"╵{instant:%H:%M}" if of_day else f"╵{instant:%m-%d}"
        cell = span.cell(instant)
        if cell + len(label) <= span.width:
            axis[cell : cell + len(label)] = label
        at += step
    return "".join(axis).rstrip()


def hint_of(points: Points) -> str:
    """The hint of the oldest point that has one: there the writing turns abnormal first."""
    first = min((p for p in points.points if p.hint), key=lambda p: p.time, default=None)
    return clean(first.hint or "") if first is not None else ""


def timeline(
    domain: Domain,
    points: Points,
    now: datetime,
    width: int,
    cursor: datetime | None,
    zoom: float | None = None,
) -> list[Line]:
    """Five lines: the ends, write rate, points, hours, cursor. The help has the signs."""
    inner = max(10, width - 2)
    span = span_of(domain, points, now, inner, zoom, cursor)
    rolled = domain.session.rolled_back_to if domain.session is not None else None
    excluded = points.excluded or domain.excluded
    same_day = span.start.astimezone(UTC).date() == span.end.astimezone(UTC).date()
    ends = (second(span.start), second(span.end)) if same_day else (stamp(span.start), stamp(span.end))
    hint = hint_of(points)
    if cell_len(hint) > inner - len(ends[0]) - len(ends[1]) - 4:
        hint = hint.partition(" (")[0]  # since when is more than whose
    head = spread(((ends[0], "dim"),), ((ends[1], "dim"),), inner)
    if hint and inner > len(ends[0]) + len(ends[1]) + 20:
        room = inner - len(ends[0]) - len(ends[1]) - 4
        head = ((ends[0], "dim"), (f"  {left(cut(hint, room), room)}  ", "warn"), (ends[1], "dim"))
    measured = stretches(points.points, excluded)
    rate = sparkline(rates(measured, span), usual(measured))
    if not rate.strip():
        rate = left("write rate unknown", inner)
    pointer = ""
    if cursor is not None:
        cell, text = span.cell(cursor), f"{stamp(cursor)}"
        if cell + 2 + len(text) <= inner:
            pointer = f"{' ' * cell}▲ {text}"
        else:
            pointer = f"{' ' * max(0, cell - len(text) - 1)}{text} ▲"
    lines: list[Line] = [
        head,
        ((rate, "accent"),),
        marks(points, excluded, span, rolled),
        ((hours(span), "dim"),),
        ((pointer, "bold"),),
    ]
    return [((" ", ""), *line) for line in lines]


class Timeline(Lines):
    """Draws the window of one domain."""

    DEFAULT_CSS = f"Timeline {{ height: {HEIGHT}; }}"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._zoom: int | None = None

    def take(self, domain: Domain, points: Points, now: datetime, cursor: datetime | None) -> None:
        """Draw what is known now."""
        if self._zoom is None:
            self._zoom = opening_zoom(domain, points, now)
        self.put(timeline(domain, points, now, self.size.width or 80, cursor, ZOOMS[self._zoom]))

    def turn_zoom(self) -> None:
        """The next narrower stretch; after the narrowest the whole window again. Drawn with the next news."""
        self._zoom = ((self._zoom or 0) + 1) % len(ZOOMS)
