"""One instant for the sessions of many domains: per domain the newest point up to it, and the spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from drdeck.model.frozen import Frozen
from drdeck.model.pitr import Points, RestorePoint
from drdeck.model.times import show_duration

GROUP, GOOD, BEFORE_ABNORMAL = "group", "good", "before_abnormal"


class DomainAtInstant(Frozen, frozen=True, kw_only=True):
    """The point that a domain goes back to for an instant; `age_s`: how much before it that lies.

    `cannot`: why it cannot reach the instant; then there is no point. `missing`: VMs without one.
    """

    name: str
    point: datetime | None = None
    age_s: float = 0.0
    missing: tuple[str, ...] = ()
    skew_s: float = 0.0
    cannot: str = ""


class CommonInstant(Frozen, frozen=True, kw_only=True):
    """An instant, and where it takes each domain. `spread_s`: between the oldest and the newest point."""

    to: datetime
    domains: tuple[DomainAtInstant, ...]
    kind: str = ""
    """group: points that were made at this instant; good: the last to which the sessions were rolled back and
    no check failed; before_abnormal: the last before abnormal writing in any of them; empty: any instant"""

    @property
    def reaching(self) -> tuple[DomainAtInstant, ...]:
        return tuple(d for d in self.domains if not d.cannot)

    @property
    def cannot(self) -> tuple[DomainAtInstant, ...]:
        return tuple(d for d in self.domains if d.cannot)

    @property
    def oldest(self) -> datetime | None:
        return min((d.point for d in self.reaching if d.point), default=None)

    @property
    def newest(self) -> datetime | None:
        return max((d.point for d in self.reaching if d.point), default=None)

    @property
    def spread_s(self) -> float | None:
        oldest, newest = self.oldest, self.newest
        return None if oldest is None or newest is None else (newest - oldest).total_seconds()

    def says(self) -> list[str]:
        """Sentences to read before it is done; nothing is claimed of data that lies between two domains."""
        words = ["Each domain goes back for itself."]
        if self.spread_s:
            lie = f"Their points lie {points_apart(self.spread_s)}"
            words.append(f"{lie}; what one sent another in that time may be missing or doubled.")
        words += [f'"{d.name}" cannot reach it: {d.cannot}' for d in self.cannot]
        return words


def points_apart(spread_s: float) -> str:
    """The spread of points in words that go behind "points lie"."""
    if spread_s <= 0:
        return "at the same instant"
    return f"up to {show_duration(spread_s)} apart" if spread_s >= 1 else "less than a second apart"


class RunPoints(Frozen, frozen=True, kw_only=True):
    """The instants that are offered for the sessions of a run, newest first; `kind` says what marks one."""

    run: str
    instants: tuple[CommonInstant, ...] = ()
    domains: tuple[str, ...] = ()
    """that have an active session"""
    without: dict[str, str] = {}
    """domain of the run -> why it has no session to roll back"""

    def last(self, kind: str) -> CommonInstant | None:
        """The newest instant of a kind."""
        return next((instant for instant in self.instants if instant.kind == kind), None)


def newest_before(points: Points, to: datetime) -> RestorePoint | None:
    """The newest point at or before an instant: never a later one, which may hold what one flees from."""
    return max((p for p in points.points if p.time <= to), key=lambda p: p.time, default=None)


def common_instant(
    to: datetime, points: Mapping[str, Points], cannot: Mapping[str, str], kind: str = ""
) -> CommonInstant:
    """The domains at an instant. `cannot`: domain -> why the rules do not let it reach the instant."""
    return CommonInstant(to=to, kind=kind, domains=tuple(_at(n, p, to, cannot) for n, p in points.items()))


def _at(name: str, points: Points, to: datetime, cannot: Mapping[str, str]) -> DomainAtInstant:
    if name in cannot:
        return DomainAtInstant(name=name, cannot=cannot[name])
    point = newest_before(points, to)
    if point is None:
        return DomainAtInstant(name=name, cannot="it has no restore point at or before this instant")
    return DomainAtInstant(
        name=name,
        point=point.time,
        age_s=(to - point.time).total_seconds(),
        missing=point.missing,
        skew_s=point.skew_s,
    )


def with_marked(
    instants: Sequence[CommonInstant], marked: Sequence[CommonInstant]
) -> tuple[CommonInstant, ...]:
    """All of them, newest first; of two at the same instant the marked one."""
    by_time = {instant.to: instant for instant in (*instants, *marked)}
    return tuple(by_time[to] for to in sorted(by_time, reverse=True))
