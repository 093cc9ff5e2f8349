"""One instant for many sessions: the timeline, the instants that are offered, where each takes a domain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.cells import cell_len

from drdeck.console.format import UNKNOWN, Line, cut, left, name, right, second, spread, stamp
from drdeck.console.widgets.timeline import Span
from drdeck.model.plans.common_instant import (
    BEFORE_ABNORMAL,
    GOOD,
    GROUP,
    CommonInstant,
    DomainAtInstant,
    points_apart,
)
from drdeck.model.text import clean
from drdeck.model.times import show_duration


def instant_header(width: int) -> Line:
    oldest = "  Oldest point" if width >= _ROOMY else ""
    return ((f"{left('Instant (UTC)', 21)} {'Kind':8} {'Reach':>9} {'Spread':>9}{oldest}", "head"),)


def instant_row(instant: CommonInstant, width: int) -> Line:
    """An instant that is offered."""
    total, reaching = len(instant.domains), len(instant.reaching)
    apart = UNKNOWN if instant.spread_s is None else show_duration(instant.spread_s)
    oldest = UNKNOWN if instant.oldest is None else stamp(instant.oldest)
    return (
        (f"{stamp(instant.to):21} ", "bold"),
        (f"{KINDS.get(instant.kind, clean(instant.kind)) or 'any':8} ", "ok" if instant.kind else "dim"),
        (right(f"{reaching}/{total}", 9), "bad" if reaching < total else ""),
        (f" {right(apart, 9)}  ", ""),
        (cut(oldest, width - 52) if width >= _ROOMY else "", "dim"),
    )


_ROOMY = 70
"""Cells from which on there is room for the oldest point, and for long names."""


def _first(width: int) -> int:
    """Cells of a domain's name."""
    return 24 if width >= _ROOMY else 14


def member_header(width: int) -> Line:
    return ((f"{left('Domain', _first(width))} {'Point (UTC)':20} {'Age at T':>9}  Remark", "head"),)


def member_row(domain: DomainAtInstant, width: int) -> Line:
    """The place where an instant takes a domain, or why it cannot."""
    first = _first(width)
    if domain.cannot:
        return (
            (name(domain.name, first), "bad"),
            (cut(f" cannot reach it: {clean(domain.cannot)}", width - first), "bad"),
        )
    point = UNKNOWN if domain.point is None else stamp(domain.point)
    remark = f"no point of {', '.join(map(clean, domain.missing))}" if domain.missing else ""
    return (
        (name(domain.name, first), ""),
        (f" {point:20} ", "bold"),
        (right(show_duration(domain.age_s), 9), ""),
        (cut(f"  {remark}", max(0, width - first - 31)), "warn"),
    )


def by_reach(instant: CommonInstant) -> list[DomainAtInstant]:
    """Those that cannot reach it first, then the oldest points."""
    first = datetime.max.replace(tzinfo=instant.to.tzinfo)
    return sorted(instant.domains, key=lambda d: (not d.cannot, d.point or first))


def instants_line(
    instants: Sequence[CommonInstant], pick: CommonInstant | None, good: datetime | None, width: int
) -> list[Line]:
    """One timeline for all: what is offered, where the chosen instant's points lie, the last good one."""
    times = [instant.to for instant in instants]
    if pick is not None:
        times += [t for t in (pick.to, pick.oldest) if t is not None]
    if not times:
        return [(), (), ()]
    inner = width - 2
    span = Span(max(min(times), _start(max(times), pick)), max(times), inner)
    cells = ["·"] * inner
    if pick is not None:
        for domain in pick.reaching:
            if domain.point is not None and domain.point >= span.start:
                cells[span.cell(domain.point)] = "│"
    for instant in instants:
        if instant.kind == GROUP and instant.to >= span.start:
            cells[span.cell(instant.to)] = "┼"
    if good is not None and span.start <= good <= span.end:
        cells[span.cell(good)] = "★"
    pointer: Line = ()
    if pick is not None:
        place, text = span.cell(pick.to), f"▲ {second(pick.to)}"
        start = place if place + cell_len(text) <= inner else max(0, inner - cell_len(text))
        text = text if start == place else f"{second(pick.to)} ▲"
        pointer = (
            (" " * (start if start == place else max(0, place - cell_len(text) + 1)), ""),
            (text, "bold"),
        )
    ends = spread(((stamp(span.start), "dim"),), ((stamp(span.end), "dim"),), inner)
    return [
        ((" ", ""), *ends),
        ((" ", ""), ("".join(cells), "accent")),
        ((" ", ""), *pointer),
    ]


NEAR = timedelta(hours=6)
"""The stretch that is drawn while the instant lies in it: of days, two hours would be one cell."""


def _start(end: datetime, pick: CommonInstant | None) -> datetime:
    oldest = end if pick is None else min(pick.to, pick.oldest or pick.to)
    return end - NEAR if oldest >= end - NEAR else datetime.min.replace(tzinfo=end.tzinfo)


LEGEND = "│ points it goes back to  ┼ made for all at once"
KINDS = {BEFORE_ABNORMAL: "before"}
"""The words of the list for kinds that JSON names at length."""


def legend(good: CommonInstant | None) -> str:
    """The signs of the timeline; `good`: the instant that its last one marks."""
    if good is None or good.kind == GOOD:
        return f"{LEGEND}  ★ last at which all were good"
    return f"{LEGEND}  ★ before abnormal writing"


def spread_lines(instant: CommonInstant) -> list[Line]:
    """The spread, in words that claim nothing."""
    if instant.oldest is None or instant.newest is None:
        return [((" no domain can reach this instant", "bad"),)]
    spread_s = instant.spread_s or 0.0
    words = f"spread {show_duration(spread_s)}" if spread_s >= 1 else f"points {points_apart(spread_s)}"
    return [
        (
            (f" {len(instant.reaching)} of {len(instant.domains)} go back", "bold"),
            (f", each for itself, to points from {second(instant.oldest)} to {second(instant.newest)}", ""),
        ),
        (
            (f" {words}", "warn" if spread_s else "ok"),
            (": what one sent another in that time may be missing or doubled" if spread_s else "", ""),
        ),
    ]
