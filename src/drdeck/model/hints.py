"""When writing is out of the ordinary, and how that is said of a restore point."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

ABNORMAL = 5.0
"""Times a VM's own median from which a measured interval is abnormal.

Measured growth swings by two to four between idle and busy hours, nightly jobs included; encrypting
a disk from within writes tens of times the usual, and growth counts a block that is written twice
only once, so that what is measured is rather too little.
"""
ENOUGH = 4
"""Intervals without which nothing is known of what is usual."""


class Interval(NamedTuple):
    """What one VM wrote between two instants, in bytes."""

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
    """How many times the usual was written; less than `least` bytes in an interval count as those."""
    return interval.written / max(rate * interval.seconds, least)


class Run:
    """Points told one after another, oldest first: since when the writing has been abnormal."""

    def __init__(self) -> None:
        self._since: datetime | None = None

    def tell(self, names: Sequence[str], factor: float, start: datetime) -> str | None:
        """The hint of a point; `names` are the VMs that wrote abnormally before it, from `start` on."""
        if not names:
            self._since = None
            return None
        if self._since is None:
            self._since = start.astimezone(UTC)
        shown = self._since.strftime("%H:%M:%SZ" if self._since.second else "%H:%MZ")
        who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        return f"write rate x{round(factor)} from {shown} ({who})"
