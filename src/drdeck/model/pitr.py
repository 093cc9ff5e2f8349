"""Restore points, which instants may be reached, and writing that is out of the ordinary."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from .domains import Domain, Period
from .frozen import Frozen
from .text import some
from .times import show_seconds, show_spaced

CLOCKS_DIFFER = timedelta(seconds=1)
"""By so much "now" may differ between who asks and who decides."""


class RestorePoint(Frozen, frozen=True, kw_only=True):
    """An instant that a domain can be rolled back to.

    `vms`: how many VMs have data for it; `missing`: names of those that have none; `skew_s`: the
    largest distance between the instant and what a VM really goes back to.
    """

    time: datetime
    kind: str
    """group (made over all VMs), entry (made on entering the session), foreign (another tool's), site"""
    vms: int
    missing: tuple[str, ...] = ()
    skew_s: float = 0.0
    written_bytes: int | None = None
    hint: str | None = None
    """of abnormal writing before it, or another remark of the site's"""
    abnormal_since: datetime | None = None
    """since when its data was written abnormally; None where nothing tells so"""
    changed: str | None = None
    """what somebody else did to it in the session"""

    @property
    def remarks(self) -> str:
        """All that there is to say of it."""
        return "; ".join(text for text in (self.changed, self.hint) if text)


class Disturbed(Frozen, frozen=True, kw_only=True):
    """A point of one VM that somebody else made in a PITR session, or took away: it cannot be picked.

    `text` says who did what, and goes on after the VM's name.
    """

    time: datetime
    vm: str
    text: str


class Points(Frozen, frozen=True, kw_only=True):
    """Answer to "which points may be picked": newest first, with what may not be reached.

    `disturbed`: what others made in a session, and what they left of points.
    """

    points: tuple[RestorePoint, ...]
    excluded: tuple[Period, ...] = ()
    disturbed: tuple[Disturbed, ...] = ()
    window_from: datetime | None = None
    window_to: datetime | None = None


def excluded_by(instant: datetime, excluded: Iterable[Period]) -> Period | None:
    """The period, if any, that makes an instant unreachable."""
    return next((p for p in excluded if p.covers(instant)), None)


def window_start(domain: Domain, now: datetime) -> datetime:
    """The oldest instant that policy and resets leave."""
    start = now - domain.pitr.window
    if domain.reset_at is not None and domain.reset_at > start:
        return domain.reset_at
    return start


def why_unreachable(domain: Domain, instant: datetime, now: datetime) -> str | None:
    """The reason why a domain cannot be rolled back to `instant`, or None when it can.

    Sources: the workflow's rules on the PITR window, on resets, and that no instant at which a
    session was active may ever be returned to.
    """
    if instant > now + CLOCKS_DIFFER:
        return f"{show_spaced(instant)} is in the future; it is {show_spaced(now)} at the site"
    if domain.reset_at is not None and instant <= domain.reset_at:
        reset = show_spaced(domain.reset_at)
        return f"all PITR data up to {reset} was reset; {show_spaced(instant)} cannot be reached any more"
    period = excluded_by(instant, domain.excluded)
    if period is not None:
        end = "now" if period.end is None else show_spaced(period.end)
        return (
            f"a PITR session was active from {show_spaced(period.start)} to {end};"
            " no instant in it can be chosen later"
        )
    start = now - domain.pitr.window
    if instant < start:
        return f"{show_spaced(instant)} is before the PITR window, which begins at {show_spaced(start)}"
    return None


ABNORMAL = 5.0
"""Times a VM's own median from which a measured interval is abnormal.

Measured growth swings by two to four between idle and busy hours, nightly jobs included; encrypting
a disk from within writes tens of times the usual, and growth counts a block that is written twice
only once, so that what is measured is rather too little.
"""
ENOUGH = 4
"""Intervals without which nothing is known of what is usual."""


class Interval(NamedTuple):
    """Bytes that one VM wrote between two instants."""

    start: datetime
    end: datetime
    written: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def usual(intervals: Sequence[Interval]) -> float | None:
    """A VM's median rate in bytes per second; None where there are too few intervals to tell."""
    rates = sorted(one.written / one.seconds for one in intervals if one.seconds > 0)
    if len(rates) < ENOUGH:
        return None
    half = len(rates) // 2
    return rates[half] if len(rates) % 2 else (rates[half - 1] + rates[half]) / 2


def times_usual(interval: Interval, rate: float, least: int) -> float:
    """Written bytes as a multiple of the usual; less than `least` bytes in an interval count as those."""
    return interval.written / max(rate * interval.seconds, least)


class Run:
    """Points told one after another, oldest first: since when the writing has been abnormal."""

    def __init__(self) -> None:
        self._since: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """Since when the writing of the point told last is abnormal."""
        return self._since

    def tell(self, names: Sequence[str], factor: float, start: datetime) -> str | None:
        """The hint of a point; `names` are the VMs that wrote abnormally before it, from `start` on."""
        if not names:
            self._since = None
            return None
        if self._since is None:
            self._since = start.astimezone(UTC)
        since = self._since.strftime("%H:%M:%SZ" if self._since.second else "%H:%MZ")
        return f"write rate x{round(factor)} from {since} ({some(names, most=1)})"


class Writing(Frozen, frozen=True, kw_only=True):
    """The newest stretch of abnormal writing of a domain; all empty where there is none.

    `since`: when it began; `last_good`: the last point before it that may be picked, None where there is
    none; `until`: the first normal point after it, None while it lasts; `hint`: how much, and whose.
    """

    since: datetime | None = None
    last_good: datetime | None = None
    until: datetime | None = None
    hint: str = ""


STEADY = Writing()


def point_for(points: Sequence[RestorePoint], instant: datetime) -> RestorePoint | None:
    """The point that a rollback to `instant` would take: the newest at or before it; newest first."""
    return next((point for point in points if point.time <= instant), None)


def place_before(points: Sequence[RestorePoint], place: int = 0) -> int | None:
    """The place of the last good point before the abnormal writing at or before `place`; newest first.

    None where no point at or before it is abnormal, or none older than the abnormal ones is good.
    """
    abnormal = next((i for i in range(place, len(points)) if points[i].abnormal_since), None)
    if abnormal is None:
        return None
    return next((i for i in range(abnormal, len(points)) if not points[i].abnormal_since), None)


def writing_of(points: Points) -> Writing:
    """The newest stretch of abnormal writing, by the restore points."""
    offered = points.points
    newest = next((i for i, point in enumerate(offered) if point.abnormal_since), None)
    if newest is None:
        return STEADY
    good = place_before(offered)
    oldest = offered[(len(offered) if good is None else good) - 1]
    return Writing(
        since=oldest.abnormal_since,
        last_good=None if good is None else offered[good].time,
        until=offered[newest - 1].time if newest else None,
        hint=oldest.hint or "",
    )


def abnormal_says(points: Points, instant: datetime) -> str | None:
    """A warning of a rollback to data that was written abnormally; None for a point with no sign of it."""
    point = point_for(points.points, instant)
    if point is None or point.abnormal_since is None:
        return None
    good = place_before(points.points, points.points.index(point))
    before = (
        "no point before it can be picked"
        if good is None
        else f"last point before it: {show_seconds(points.points[good].time)}"
    )
    sign = f" ({point.hint})" if point.hint else ""
    return f"{show_seconds(point.time)} lies in abnormal writing{sign}; {before}"


def after_abnormal_says(points: Points, instant: datetime) -> str | None:
    """A remark on a point that is normal itself, but younger than abnormal writing."""
    point = point_for(points.points, instant)
    if point is None or point.abnormal_since is not None:
        return None
    place = points.points.index(point)
    good = place_before(points.points, place)
    abnormal = next((p for p in points.points[place:] if p.abnormal_since), None)
    if abnormal is None:
        return None
    last = "" if good is None else f"; last point before it: {show_seconds(points.points[good].time)}"
    return f"abnormal writing precedes {show_seconds(point.time)} ({abnormal.hint}){last}"
