"""From a typed time to the restore point that it means, or a sentence that says why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from drdeck.model.domains import Domain
from drdeck.model.pitr import Points, why_unreachable
from drdeck.model.text import clean
from drdeck.model.times import parse_instant

from .format import stamp


@dataclass(frozen=True)
class Picked:
    """An instant that was typed, as it was understood.

    `place` of the newest point at or before `instant`; `assumed` when the zone was not typed.
    """

    place: int
    instant: datetime
    assumed: bool


def pick(text: str, domain: Domain, points: Points, now: datetime) -> Picked:
    """The newest point at or before what was typed.

    Raises ValueError with a sentence: what was typed is no time, cannot be reached by the workflow's
    rules (outside the window, reset, inside a PITR session), or has no point before it.
    """
    try:
        instant, assumed = parse_instant(text, now)
    except ValueError as error:
        raise ValueError(clean(str(error))) from None
    domain = msgspec.structs.replace(domain, excluded=points.excluded or domain.excluded)
    closed = why_unreachable(domain, instant, now)
    if closed is not None:
        raise ValueError(clean(closed))
    place = next((i for i, point in enumerate(points.points) if point.time <= instant), None)
    if place is None:
        oldest = f"; the oldest is of {stamp(points.points[-1].time)}" if points.points else ""
        raise ValueError(f"no point at or before {stamp(instant)}{oldest}")
    return Picked(place, instant, bool(assumed))
