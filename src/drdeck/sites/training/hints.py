"""What the write rate says of the points: where it is out of the ordinary, and since when."""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.model.hints import Run

from .units import instant
from .writes import Writes, together

ABNORMAL = 1.5
"""times a VM's median write rate; these rates are exact, and change only for a reason"""


class Hints:
    """Asked for one interval after another, oldest first; `low` to `high` is the window.

    Each VM is compared with its own median, so that one small VM is not lost among large ones.
    """

    def __init__(self, vms: Sequence[tuple[str, Writes]], low: int, high: int) -> None:
        self._total = together(writes for _, writes in vms)
        self._vms = [(name, writes, _median(writes, low, high)) for name, writes in vms]
        self._vms = [one for one in self._vms if one[2] > 0]
        self._steady: tuple[int, int, float, tuple[str, ...]] = (0, 0, 0.0, ())
        self._run = Run()

    def of(self, start: int, end: int) -> tuple[int, str | None]:
        """(micro-bytes written in the interval, a hint where that is out of the ordinary)."""
        written = self._total.between(start, end)
        factor, names = self._factor(start, end)
        return written, self._run.tell(names, factor, instant(start))

    def _factor(self, start: int, end: int) -> tuple[float, tuple[str, ...]]:
        """(largest rate over median, the VMs that are abnormal) within an interval."""
        first, last, factor, names = self._steady
        if first <= start and end <= last:
            return factor, names
        found = {
            name: writes.between(start, end) / (end - start) / median for name, writes, median in self._vms
        }
        names = tuple(name for name, times in found.items() if times >= ABNORMAL)
        factor = max((found[name] for name in names), default=0.0)
        if not self._total.changed_within(start, end):
            # rates stay as they are until the next change, so do these
            self._steady = (start, self._total.next_change(start), factor, names)
        return factor, names


def _median(writes: Writes, low: int, high: int) -> int:
    """The median rate over the time in which anything was written."""
    spans = sorted((rate, end - start) for start, end, rate in writes.spans(low, high) if rate > 0)
    half = sum(length for _, length in spans) / 2
    for rate, length in spans:
        half -= length
        if half <= 0:
            return rate
    return 0
