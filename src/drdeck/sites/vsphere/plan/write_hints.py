"""Bytes written before each restore point, and hints where they are out of the ordinary."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from drdeck.model.pitr import ABNORMAL, Interval, RestorePoint, Run, times_usual, usual
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.record.domain_record import Record

from .restore_points import instant_of, usable

LEAST = 16 << 20
"""A delta disk grows by so many bytes at once: what a VM usually writes is never taken for less."""


def with_growth(
    points: Iterable[RestorePoint], vms: Sequence[VmFacts], record: Record, since: datetime
) -> tuple[RestorePoint, ...]:
    """The points, newest first, with the bytes written since the one before each, and hints.

    Rates are compared over the window, which begins at `since`.
    """
    lines = [_Line(vm, record, since) for vm in vms]
    run, hinted = Run(), list[RestorePoint]()
    before: datetime | None = None
    for point in sorted(points, key=lambda p: p.time):
        odd = [(line.name, *ratio) for line in lines if (ratio := line.odd(point.time)) is not None]
        hint = run.tell(
            [name for name, _, _ in odd],
            max((factor for _, _, factor in odd), default=0.0),
            min((start for _, start, _ in odd), default=point.time),
        )
        written = None if before is None else _together(lines, before, point.time)
        hinted.append(
            msgspec.structs.replace(
                point, written_bytes=written, hint=hint or point.hint, abnormal_since=run.since
            )
        )
        before = point.time
    return tuple(reversed(hinted))


def _together(lines: Sequence[_Line], start: datetime, end: datetime) -> int | None:
    """The sum over all VMs that have a point at `end`; None where one of them is unknown."""
    total = 0
    for line in lines:
        at = line.at(end)
        if at is None:
            continue  # it is named as missing
        written = line.between(line.at(start), at)
        if written is None:
            return None
        total += written
    return total


class _Line:
    """One VM's snapshots in time, with what each of them gained."""

    def __init__(self, vm: VmFacts, record: Record, since: datetime) -> None:
        self.name = vm.name
        self._by_id = {s.id: s for s in vm.snapshots}
        self._points: list[SnapshotFact] = []
        self._instants: list[datetime] = []
        for snapshot in sorted((s for s in vm.snapshots if usable(s, record)), key=instant_of):
            if not self._instants or instant_of(snapshot) != self._instants[-1]:
                self._points.append(snapshot)
                self._instants.append(instant_of(snapshot))
        spans = {s.id: span for s in vm.snapshots if (span := self._interval(s, record, since))}
        rate = usual(list(spans.values()))
        times = {} if rate is None else {i: times_usual(span, rate, LEAST) for i, span in spans.items()}
        self._odd = {i: (spans[i].start, factor) for i, factor in times.items() if factor >= ABNORMAL}

    def _interval(self, snapshot: SnapshotFact, record: Record, since: datetime) -> Interval | None:
        """The interval that a snapshot ends; None where it is unknown, or tells nothing of the usual work."""
        parent = self._by_id.get(snapshot.parent_id or "")
        if parent is None or snapshot.written is None:
            return None
        start, end = instant_of(parent), instant_of(snapshot)
        if end <= start or end <= since:
            return None
        if any(p.start < end and (p.end is None or start < p.end) for p in record.periods):
            return None  # it began anew within a session: nobody knows when
        return Interval(start, end, snapshot.written)

    def at(self, instant: datetime) -> SnapshotFact | None:
        """The snapshot that the VM goes back to for an instant, as restore_points.target says."""
        i = bisect_right(self._instants, instant)
        return self._points[i - 1] if i else None

    def odd(self, instant: datetime) -> tuple[datetime, float] | None:
        """(since when, how many times the usual) where its data of an instant ends with abnormal writing."""
        at = self.at(instant)
        return None if at is None else self._odd.get(at.id)

    def between(self, older: SnapshotFact | None, newer: SnapshotFact) -> int | None:
        """Bytes from one snapshot to a later one; None where it does not stand on it, or one is unknown."""
        total, at = 0, newer
        while older is None or at.id != older.id:
            parent = self._by_id.get(at.parent_id or "")
            if older is None or parent is None or at.written is None:
                return None
            total, at = total + at.written, parent
        return total
