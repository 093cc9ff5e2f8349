"""Instants that the sessions of a run can be rolled back to together."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from drdeck.model.domains import Domain, SessionState
from drdeck.model.pitr import Points, why_unreachable, writing_of
from drdeck.model.plans.common_instant import GROUP, CommonInstant, common_instant

SLICES, TRIED = 100, 5
"""So many stretches of the window offer an instant each, the best of a few that lie in it."""


def session_closed(domain: Domain | None) -> str | None:
    """The reason why a domain of a run has no session to roll back or leave now; None when it has."""
    if domain is None:
        return "the site does not show it"
    if domain.session is None:
        return f'it has no PITR session; it is "{domain.mode_label}"'
    if domain.session.state is not SessionState.ACTIVE:
        return f"its PITR session is {domain.session.state.words}"
    if domain.holder:
        return f"it is driven by {domain.holder}"
    return None


class PointTable:
    """The points of several domains, sorted once, so that many instants can be tried."""

    def __init__(self, points: Mapping[str, Points]) -> None:
        self.points = {
            name: Points(points=tuple(sorted(p.points, key=lambda point: point.time)))
            for name, p in points.items()
        }
        self._times = {name: [point.time for point in p.points] for name, p in self.points.items()}
        self.before_abnormal = _before_abnormal(self.points)

    def at(self, to: datetime, domains: Mapping[str, Domain], now: datetime, kind: str = "") -> CommonInstant:
        """Each domain at an instant, with its newest point up to it, and those that cannot reach it."""
        near: dict[str, Points] = {}
        cannot: dict[str, str] = {}
        for name, p in self.points.items():
            closed = why_unreachable(domains[name], to, now)
            if closed is not None:
                cannot[name] = closed
            index = bisect.bisect_right(self._times[name], to)
            near[name] = Points(points=p.points[max(0, index - 1) : index])
        return common_instant(to, near, cannot, kind)

    async def instants(self, domains: Mapping[str, Domain], now: datetime) -> tuple[CommonInstant, ...]:
        """Instants over the whole window, newest first: of each stretch that of the least spread."""
        times = sorted({time for own in self._times.values() for time in own})
        if not times:
            return ()
        instants: list[CommonInstant] = []
        for part in reversed(_slices(times)):
            instants.append(self._best(part, domains, now))
            await asyncio.sleep(0)  # others have their turn
        return tuple(instants)

    def _best(self, times: Sequence[datetime], domains: Mapping[str, Domain], now: datetime) -> CommonInstant:
        """The instant that most domains reach, with the least spread; the newest of several."""
        stride = max(1, len(times) // TRIED)
        tried = [self.at(time, domains, now, self._kind(time)) for time in reversed(times[::-1][::stride])]
        return max(tried, key=lambda i: (len(i.reaching), -(i.spread_s or 0.0), i.to))

    def _kind(self, time: datetime) -> str:
        """ "group" where every domain has a point of this very instant."""
        everywhere = all(
            own and own[bisect.bisect_left(own, time) % len(own)] == time for own in self._times.values()
        )
        return GROUP if everywhere else ""


def _before_abnormal(points: Mapping[str, Points]) -> datetime | None:
    """The newest instant before the abnormal writing of every domain; None where none wrote so, or where one
    has no point from before."""
    writing = [writing_of(Points(points=p.points[::-1])) for p in points.values()]
    abnormal = [w for w in writing if w.since is not None]
    good = [w.last_good for w in abnormal if w.last_good is not None]
    return min(good) if good and len(good) == len(abnormal) else None


def _slices(times: Sequence[datetime]) -> list[list[datetime]]:
    """Equal stretches of time with what lies in each; empty ones are left out."""
    first, last = times[0], times[-1]
    length = max((last - first) / SLICES, timedelta(microseconds=1))
    parts: dict[int, list[datetime]] = {}
    for time in times:
        parts.setdefault(int((time - first) / length), []).append(time)
    return [parts[number] for number in sorted(parts)]
