"""Whole numbers for time and data, so that every machine computes the same.

Instants are microseconds since 1970 (UTC); amounts are micro-bytes (bytes x 1,000,000), because a
rate in bytes per second times microseconds is exactly that.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MICRO = 1_000_000
"""micro-bytes in a byte"""

NEVER = 1 << 62
"""later than anything that is computed"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def ticks(instant: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (instant - _EPOCH) // _TICK


def instant(at: int) -> datetime:
    """The datetime of `ticks`, in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def seconds(length: float) -> int:
    """A duration in seconds as microseconds."""
    return round(length * SECOND)


def ceil_div(amount: int, by: int) -> int:
    """Whole division rounded up; `by` is positive."""
    return -(-amount // by)


def percent(part: int, whole: int) -> float:
    """Percent with one decimal, rounded down so that 100 means done; 100 of nothing."""
    if whole <= 0:
        return 100.0
    return min(1000, max(0, part * 1000 // whole)) / 10
