"""Restore points that others made or changed in a PITR session, marked as such. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from drdeck.model.guard import Change, changed_point, who
from drdeck.model.pitr import Disturbed, RestorePoint, excluded_by
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.restore_points import CLUSTER_S, instant_of, is_entry_point, ours
from drdeck.sites.vsphere.record.domain_record import Record

from .session_memory import CHANGES_POINTS, ForeignChange

IN_SESSION = "made by others while a PITR session was active"


def marked(
    points: Sequence[RestorePoint], foreign: Iterable[ForeignChange]
) -> tuple[tuple[RestorePoint, ...], list[Disturbed]]:
    """The points with what others did to them, and what is left of those that are none any more."""
    marks: dict[datetime, list[str]] = {}
    lost: list[Disturbed] = []
    for other in foreign:
        if other.change not in CHANGES_POINTS or not other.points:
            continue
        at = other.points[0]
        point = _point_of(points, at)
        if point is None:
            lost.append(Disturbed(time=at, vm=other.name, text=_did(other)))
        else:
            marks.setdefault(point.time, []).append(changed_point(other.name, other.did, other.user))
    return tuple(
        msgspec.structs.replace(point, changed="; ".join(marks[point.time])) if point.time in marks else point
        for point in points
    ), lost


def _did(other: ForeignChange) -> str:
    return f"{who(other.user, other.address or '')} {other.did}"


def _point_of(points: Sequence[RestorePoint], at: datetime) -> RestorePoint | None:
    """The point that a VM's snapshot of an instant belonged to: at it, or soon after where others made it."""
    later = [p for p in points if 0 <= (p.time - at).total_seconds() <= CLUSTER_S]
    return min(later, key=lambda p: p.time, default=None)


def foreign_snapshots(
    vms: Iterable[VmFacts], record: Record, foreign: Iterable[ForeignChange]
) -> Iterator[Disturbed]:
    """Snapshots of others from within this session or an earlier one; who made them, where that is known."""
    by_snapshot = {
        (other.vm, other.points[0]): f"{_did(other)} in the PITR session"
        for other in foreign
        if other.change is Change.SNAPSHOT and other.points
    }
    for vm in vms:
        for snapshot in vm.snapshots:
            at = instant_of(snapshot)
            if (
                not (ours(snapshot) or is_entry_point(snapshot))
                and excluded_by(at, record.periods) is not None
            ):
                text = by_snapshot.get((vm.id, at), f'"{snapshot.name}", {IN_SESSION}')
                yield Disturbed(time=at, vm=vm.name, text=text)
