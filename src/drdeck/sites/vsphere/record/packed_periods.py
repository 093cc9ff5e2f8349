"""Excluded periods in the text of an attribute: "START-LENGTH", in milliseconds since 1970, base 36."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from drdeck.model.domains import Period

OLDEST, NEWEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Instants beyond are nobody's."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def pack_periods(periods: Iterable[Period], most: int) -> str:
    """The text of those that are over, at most `most` characters; widened rather than narrowed.

    When they do not fit, the two that lie closest together become one, so that nothing excluded is ever
    forgotten.
    """
    spans = sorted((_floor(p.start), _ceil(p.end)) for p in periods if p.end is not None)
    while True:
        text = ",".join(f"{_base36(start)}-{_base36(end - start)}" for start, end in spans)
        if len(text) <= most:
            return text
        gaps = [(spans[i + 1][0] - spans[i][1], i) for i in range(len(spans) - 1)]
        _, i = min(gaps)
        spans[i : i + 2] = [(spans[i][0], max(spans[i][1], spans[i + 1][1]))]


def unpack_periods(text: str) -> tuple[Period, ...]:
    """Raises ValueError that names the part that is no period."""
    periods = []
    for part in filter(None, text.split(",")):
        try:
            start, length = (int(digits, 36) for digits in part.split("-"))
            period = Period(start=_instant(start), end=_instant(start + length))
            if not OLDEST <= period.start <= (period.end or NEWEST) <= NEWEST:
                raise ValueError
            periods.append(period)
        except (ValueError, OverflowError):
            raise ValueError(f"{part!r} is no period") from None
    return tuple(periods)


def _instant(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MS


def _floor(instant: datetime) -> int:
    return (instant - _EPOCH) // _MS


def _ceil(instant: datetime) -> int:
    return -((_EPOCH - instant) // _MS)


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
        if number == 0:
            return digits
