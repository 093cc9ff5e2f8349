"""Restore points as arithmetic: one every interval, except where there was none or it is gone.

Nothing here grows with the number of points but the list that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from drdeck.model.domains import Period
from drdeck.model.pitr import STEADY, Points, RestorePoint, Run, Writing, writing_of
from drdeck.sites.training.units import MICRO, instant

from . import other_users
from .data_flow import LAG
from .domain_machine import DomainMachine, SessionSpan
from .write_rates import WriteRates, together

Gap = tuple[int, int]
"""after the first and up to the second"""


@dataclass(frozen=True, slots=True)
class Grid:
    """Points at `origin` plus whole intervals, after `low`, up to `high`, and in no gap."""

    origin: int
    interval: int
    low: int
    high: int
    gaps: tuple[Gap, ...]

    def _number(self, at: int) -> int:
        """Of the newest point at or before `at`, whether or not it is there."""
        return (at - self.origin) // self.interval

    def newest(self, upto: int) -> int | None:
        """The newest point at or before an instant."""
        at = min(upto, self.high)
        for start, end in reversed(self.gaps):
            at = self.origin + self._number(at) * self.interval
            if at > end:
                break
            if at > start:
                at = start
        at = self.origin + self._number(at) * self.interval
        return at if at > self.low else None

    def oldest(self) -> int | None:
        """The oldest point that there still is."""
        at = self._after(self.low)
        for start, end in self.gaps:
            if start < at <= end:
                at = self._after(end)
        return at if at <= self.high else None

    def _after(self, at: int) -> int:
        return self.origin + (self._number(at) + 1) * self.interval

    def count(self) -> int:
        """The number of points."""
        points = self._within(self.low, self.high)
        return points - sum(self._within(max(a, self.low), min(b, self.high)) for a, b in self.gaps)

    def _within(self, start: int, end: int) -> int:
        return max(0, self._number(end) - self._number(start))

    def times(self) -> list[int]:
        """Every point, oldest first."""
        times: list[int] = []
        start = self.low
        for a, b in (*self.gaps, (self.high, self.high)):
            times.extend(range(self._after(start), min(a, self.high) + 1, self.interval))
            start = max(start, b)
        return times


def merged(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """In order and without overlap."""
    gaps_in_order: list[Gap] = []
    for start, end in sorted(gaps):
        if gaps_in_order and start <= gaps_in_order[-1][1]:
            gaps_in_order[-1] = (gaps_in_order[-1][0], max(gaps_in_order[-1][1], end))
        else:
            gaps_in_order.append((start, end))
    return tuple(gaps_in_order)


def _common(lists: Sequence[tuple[Gap, ...]]) -> tuple[Gap, ...]:
    """The time that all the lists cover."""
    common = lists[0]
    for other in lists[1:]:
        common = tuple((max(a, c), min(b, d)) for a, b in common for c, d in other if max(a, c) < min(b, d))
    return common


def _gaps(spans: Iterable[SessionSpan]) -> list[Gap]:
    return [(span.start, span.until) for span in spans]


def grid(machine: DomainMachine, at: int, dropped: Iterable[Gap] = ()) -> Grid:
    """The points that may be picked at an instant, less those dropped."""
    low = at - machine.window - 1
    if machine.reset_at is not None:
        low = max(low, machine.reset_at)
    gaps = [*_gaps(machine.gaps), *_gaps(machine.excluded), *dropped]
    removed = merged((start, end) for start, end in gaps if end > low)
    return Grid(machine.start, machine.interval, low, at - LAG, removed)


def of_vm(machine: DomainMachine, number: int, at: int) -> Grid:
    """The points that a VM has."""
    return grid(machine, at, _gaps(machine.dropped.get(number, ())))


def of_domain(machine: DomainMachine, at: int) -> Grid:
    """The points that at least one VM has."""
    if len(machine.dropped) < len(machine.vms):
        return grid(machine, at)
    return grid(machine, at, _common([merged(_gaps(spans)) for spans in machine.dropped.values()]))


def entry(machine: DomainMachine, at: int) -> int | None:
    """The point made on entering the session, while the session and the window have it."""
    session = machine.session
    if session is None or session.started_at is None or session.started_at < at - machine.window:
        return None
    return session.started_at


def newest_at(machine: DomainMachine, number: int, to: int, at: int) -> int | None:
    """The newest point of a VM at or before `to`."""
    entered = entry(machine, at)
    if entered is not None and entered <= to:
        return entered
    return of_vm(machine, number, at).newest(to)


def listed(machine: DomainMachine, at: int, excluded: tuple[Period, ...]) -> Points:
    """The points that may be picked, newest first, with what was written before each."""
    if not machine.spec.pitr.enabled:
        return Points(points=(), excluded=excluded)
    points_grid = of_domain(machine, at)
    hints = WriteHints([(vm.name, vm.writes) for vm in machine.vms], points_grid.low + 1, at)
    partial = merged(gap for spans in machine.dropped.values() for gap in _gaps(spans))
    points = []
    for time in points_grid.times():
        written, hint = hints.of(time - machine.interval, time)
        uneven = any(start < time <= end for start, end in partial)
        vms, missing, skew = _uneven(machine, time, at) if uneven else (len(machine.vms), (), 0.0)
        points.append(
            RestorePoint(
                time=instant(time), kind="group", vms=vms, missing=missing, skew_s=skew,
                written_bytes=written // MICRO, hint=hint, abnormal_since=hints.since,
            )
        )  # fmt: skip
    entered = entry(machine, at)
    if entered is not None and machine.session is not None:
        written, hint = hints.of(entered - machine.interval, entered)
        points.append(
            RestorePoint(
                time=instant(entered), kind="entry", vms=len(machine.session.vms),
                written_bytes=written // MICRO, hint=hint, abnormal_since=hints.since,
            )
        )  # fmt: skip
    points.reverse()
    return Points(
        points=tuple(points),
        excluded=excluded,
        disturbed=other_users.disturbed(machine, at),
        window_from=instant(points_grid.low + 1),
        window_to=points[0].time if points else None,
    )


def writing(machine: DomainMachine, at: int, excluded: tuple[Period, ...]) -> Writing:
    """The newest stretch of abnormal writing; a domain whose rates never rise is not walked through."""
    if not machine.spec.pitr.enabled:
        return STEADY
    low = of_domain(machine, at).low + 1
    for vm in machine.vms:
        median = _median(vm.writes, low, at)
        rises = (rate >= ABNORMAL * median for _, _, rate in vm.writes.spans(low, at))
        if median > 0 and any(rises):
            return writing_of(listed(machine, at, excluded))
    return STEADY


def _uneven(machine: DomainMachine, time: int, at: int) -> tuple[int, tuple[str, ...], float]:
    """(VMs that have a point, names of those with none, largest skew) where branches were left."""
    missing, skew, exact = [], 0, 0
    for vm in machine.vms:
        point = of_vm(machine, vm.number, at).newest(time)
        if point is None:
            missing.append(vm.name)
        else:
            skew = max(skew, time - point)
            exact += point == time
    return exact, tuple(missing), skew / 1_000_000


def next_made(machine: DomainMachine, at: int) -> int:
    """The time at which the next point is made, if nothing comes between."""
    intervals = (at - LAG - machine.start) // machine.interval + 1
    return machine.start + intervals * machine.interval + LAG


ABNORMAL = 1.5
"""times a VM's median write rate; these rates are exact, and change only for a reason"""


class WriteHints:
    """Asked for one interval after another, oldest first; `low` to `high` is the window.

    Each VM is compared with its own median, so that one small VM is not lost among large ones.
    """

    def __init__(self, vms: Sequence[tuple[str, WriteRates]], low: int, high: int) -> None:
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

    @property
    def since(self) -> datetime | None:
        """Since when the writing of the interval asked for last is abnormal."""
        return self._run.since

    def _factor(self, start: int, end: int) -> tuple[float, tuple[str, ...]]:
        """(largest rate over median, the VMs that are abnormal) within an interval."""
        first, last, factor, names = self._steady
        if first <= start and end <= last:
            return factor, names
        times_usual = {
            name: writes.between(start, end) / (end - start) / median for name, writes, median in self._vms
        }
        names = tuple(name for name, times in times_usual.items() if times >= ABNORMAL)
        factor = max((times_usual[name] for name in names), default=0.0)
        if not self._total.changed_within(start, end):
            # rates stay as they are until the next change, so do these
            self._steady = (start, self._total.next_change(start), factor, names)
        return factor, names


def _median(writes: WriteRates, low: int, high: int) -> int:
    """The median rate over the time in which anything was written."""
    spans = sorted((rate, end - start) for start, end, rate in writes.spans(low, high) if rate > 0)
    half = sum(length for _, length in spans) / 2
    for rate, length in spans:
        half -= length
        if half <= 0:
            return rate
    return 0
