"""Write rates of VMs: constant between changes, with exact sums."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from drdeck.sites.training.units import NEVER


class WriteRates:
    """A write rate (bytes per second) over time; before its first change it had always been the same.

    Sums are micro-bytes, counted from its first change ever on and negative before it. It grows with
    the changes of the rate only, and shrinks by what is forgotten.
    """

    __slots__ = ("_rates", "_sums", "_times")

    def __init__(self, start: int, rate: int) -> None:
        self._times = [start]
        self._rates = [rate]
        self._sums = [0]

    def set(self, at: int, rate: int) -> None:
        """From `at` on, which is no earlier than the change before, write at `rate`."""
        if rate == self._rates[-1]:
            return
        if at == self._times[-1] and len(self._times) > 1:
            self._rates[-1] = rate
            return
        self._sums.append(self.upto(at))
        self._times.append(at)
        self._rates.append(rate)

    def forget(self, before: int) -> None:
        """Begin at that instant, as if the rate then had always been the same."""
        i = bisect_right(self._times, before) - 1
        if i < 0:
            return
        first = self.upto(before)
        del self._times[:i], self._rates[:i], self._sums[:i]
        self._times[0], self._sums[0] = before, first

    def rate(self, at: int) -> int:
        """The rate from `at` on."""
        return self._rates[max(0, bisect_right(self._times, at) - 1)]

    def upto(self, at: int) -> int:
        """Micro-bytes written up to `at`."""
        i = max(0, bisect_right(self._times, at) - 1)
        return self._sums[i] + self._rates[i] * (at - self._times[i])

    def between(self, start: int, end: int) -> int:
        """Micro-bytes written after `start` and up to `end`."""
        return self.upto(end) - self.upto(start)

    def next_change(self, after: int) -> int:
        """The first change later than `after`, or NEVER."""
        i = bisect_right(self._times, after)
        return self._times[i] if i < len(self._times) else NEVER

    def when(self, amount: int, until: int) -> int:
        """The last instant, no later than `until`, up to which no more than `amount` was written."""
        i = max(0, bisect_right(self._sums, amount) - 1)
        rate = self._rates[i]
        if rate == 0:
            return until
        return min(until, self._times[i] + (amount - self._sums[i]) // rate)

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """(from, to, rate) pieces that cover `start` to `end`."""
        at = start
        while at < end:
            upto = min(end, self.next_change(at))
            yield at, upto, self.rate(at)
            at = upto

    def changes(self) -> Iterator[tuple[int, int]]:
        """(instant, rate from then on), the first rate included."""
        yield from zip(self._times, self._rates, strict=True)

    def changed_within(self, start: int, end: int) -> bool:
        """True if the rate changes after `start` and before `end`."""
        i = bisect_right(self._times, start)
        return i < bisect_left(self._times, end)


def together(parts: Iterable[WriteRates]) -> WriteRates:
    """The sum of several, all with the same first instant."""
    many = list(parts)
    if not many:
        return WriteRates(0, 0)
    (start, _), *_ = many[0].changes()
    deltas: dict[int, int] = {}
    first = 0
    for part in many:
        before = 0
        for number, (at, rate) in enumerate(part.changes()):
            if number == 0:
                first += rate
            else:
                deltas[at] = deltas.get(at, 0) + rate - before
            before = rate
    total = WriteRates(start, first)
    rate = first
    for at in sorted(deltas):
        rate += deltas[at]
        total.set(at, rate)
    return total
