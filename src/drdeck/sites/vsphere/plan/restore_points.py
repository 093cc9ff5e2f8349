"""Restore points out of snapshots: which instants there are, and where each VM would go back to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from drdeck.model.pitr import RestorePoint, excluded_by
from drdeck.model.times import show
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.record.attributes import Record

_OURS = re.compile(r"drdeck-(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z)")
CHAIN_MAX = 31
"""Snapshots of one VM; vSphere's own limit is 32."""
CLUSTER_S = 60.0
"""Other tools' snapshots of different VMs this close together count as one instant."""


def point_name(instant: datetime) -> str:
    """The name that a group point has on every VM."""
    return f"drdeck-{show(instant)}"


def ours(snapshot: SnapshotFact) -> bool:
    """Whether drdeck made it."""
    return _OURS.fullmatch(snapshot.name) is not None


def instant_of(snapshot: SnapshotFact) -> datetime:
    """When the data is from: our name says it, else the vCenter's own time."""
    match = _OURS.fullmatch(snapshot.name)
    if match:
        try:
            return datetime.fromisoformat(match[1])
        except ValueError:
            pass  # shaped like ours, but no date: vCenter's word counts
    return snapshot.created


def usable(snapshot: SnapshotFact, record: Record) -> bool:
    """Not from before a reset, and not from within a session (the workflow's rules)."""
    instant = instant_of(snapshot)
    if record.pitr.reset is not None and instant <= record.pitr.reset:
        return False
    return excluded_by(instant, record.periods) is None


def target(vm: VmFacts, to: datetime, record: Record) -> SnapshotFact | None:
    """The VM's newest usable snapshot at or before `to`."""
    candidates = [s for s in vm.snapshots if instant_of(s) <= to and usable(s, record)]
    return max(candidates, key=instant_of, default=None)


def newest(vm: VmFacts, record: Record) -> datetime | None:
    """The instant of the VM's newest usable snapshot."""
    return max((instant_of(s) for s in vm.snapshots if usable(s, record)), default=None)


def instants(vms: Iterable[VmFacts], record: Record) -> list[tuple[datetime, str]]:
    """The instants worth offering, newest first, with their kind: group, entry or foreign."""
    found: dict[datetime, str] = {}
    foreign: list[tuple[datetime, str]] = []
    entry = record.session.entry if record.session else None
    for vm in vms:
        for snapshot in vm.snapshots:
            if not usable(snapshot, record):
                continue
            instant = instant_of(snapshot)
            if ours(snapshot):
                found[instant] = "entry" if instant == entry else "group"
            else:
                foreign.append((instant, vm.id))
    for instant in _clusters(sorted(foreign)):
        found.setdefault(instant, "foreign")
    return sorted(found.items(), reverse=True)


def _clusters(sorted_pairs: list[tuple[datetime, str]]) -> Iterator[datetime]:
    """One instant, its latest, for snapshots that belong together: near in time, no VM twice."""
    members: set[str] = set()
    start = last = None
    for instant, vm in sorted_pairs:
        if start is None or vm in members or (instant - start).total_seconds() > CLUSTER_S:
            if last is not None:
                yield last
            members, start = set(), instant
        members.add(vm)
        last = instant
    if last is not None:
        yield last


def describe(vms: tuple[VmFacts, ...], to: datetime, kind: str, record: Record) -> RestorePoint:
    """What rolling all `vms` back to an instant would mean."""
    targets = [(vm, target(vm, to, record)) for vm in vms]
    # by the vCenter's time, not by our name: a VM may have joined a group point late
    skews = [abs((to - t.created).total_seconds()) for _, t in targets if t is not None]
    return RestorePoint(
        time=to,
        kind=kind,
        vms=len(skews),
        missing=tuple(vm.name for vm, t in targets if t is None),
        skew_s=max(skews, default=0.0),
    )


def ancestors(vm: VmFacts) -> set[str]:
    """Ids of the snapshots that the VM's disks stand on."""
    parents = {s.id: s.parent_id for s in vm.snapshots}
    chain: set[str] = set()
    at = vm.current_snapshot
    while at is not None and at not in chain:
        chain.add(at)
        at = parents.get(at)
    return chain


def leaves_first(vm: VmFacts, ids: set[str]) -> list[SnapshotFact]:
    """Some snapshots of a VM in an order in which each goes before those it stands on."""
    return [s for s in reversed(vm.snapshots) if s.id in ids]
