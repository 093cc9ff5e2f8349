"""Restore points out of snapshots: which instants there are, and where each VM would go back to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from drdeck.config.backup_names import is_backup_under_way, may_prune
from drdeck.model.pitr import RestorePoint, excluded_by
from drdeck.model.planned import PlannedCall
from drdeck.model.text import names
from drdeck.model.times import show
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.vcenter.calls.call_arguments import RemovalArguments

from .parts.planned_calls import on_vm, once_free, wait_for_backup

_OURS = re.compile(r"drdeck-(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z)")
CHAIN_MAX = 31
"""Snapshots of one VM; vSphere's own limit is 32."""
CLUSTER_S = 60.0
"""Other tools' snapshots of different VMs this close together count as one instant."""


OUR_DESCRIPTION = "drdeck: "
"""Every snapshot of drdeck's own is described in words that begin so; its name alone anybody may give."""
WITH_MEMORY = "with memory, which is discarded: VMs boot"
AHEAD = timedelta(seconds=60)
"""By so much a host's clock, which dates snapshots, may be ahead of vCenter's without a word."""
_OLDEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


REMOVALS = 12.0
"""A removal copies what the VM has written: minutes to hours (VMware, "Delete Snapshots"). A person is asked
so many times later than for other tasks."""


def entry_words(session: str) -> str:
    """The description of the entry points of a PITR session, by its id."""
    return f"drdeck: entry point of PITR session {session}"


def point_name(instant: datetime) -> str:
    """The name that a group point has on every VM."""
    return f"drdeck-{show(instant)}"


def ours(snapshot: SnapshotFact) -> bool:
    """Tell by name and description whether drdeck made it."""
    return snapshot.description.startswith(OUR_DESCRIPTION) and _OURS.fullmatch(snapshot.name) is not None


def entry_name(failover: str) -> str:
    """The name of the entry point that a failover makes of each VM before its first power on here."""
    return f"drdeck-before-{failover}"


def is_entry_point(snapshot: SnapshotFact) -> bool:
    """Tell by name and description whether it is a failover's entry point, which no rollback may use."""
    return snapshot.description.startswith(OUR_DESCRIPTION) and snapshot.name.startswith(entry_name(""))


def entry_point(vm: VmFacts, failover: str) -> SnapshotFact | None:
    """The entry point of a VM that a failover has made."""
    name = entry_name(failover)
    return next((x for x in vm.snapshots if x.name == name and is_entry_point(x)), None)


def instant_of(snapshot: SnapshotFact) -> datetime:
    """The instant that the data is from: our name says it, else the vCenter's own time."""
    named = _named_instant(snapshot.name) if snapshot.description.startswith(OUR_DESCRIPTION) else None
    return named or snapshot.created


@lru_cache(maxsize=50_000)
def _named_instant(name: str) -> datetime | None:
    """The instant in a name of ours; None too where it is shaped like ours, but no date."""
    match = _OURS.fullmatch(name)
    try:
        return datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def misdated(snapshot: SnapshotFact, now: datetime) -> bool:
    """Tell whether a snapshot is dated in the future, or before any data: by a host whose clock is wrong.

    A host's clock dates snapshots, not vCenter's (API reference: VirtualMachineSnapshotTree.createTime).
    """
    instant = instant_of(snapshot)
    return instant > now + AHEAD or instant < _OLDEST


def usable(snapshot: SnapshotFact, record: Record, now: datetime | None = None) -> bool:
    """Not from before a reset, not from within a session (the workflow's rules), and by `now` not
    misdated."""
    if is_entry_point(snapshot):
        return False
    instant = instant_of(snapshot)
    if now is not None and misdated(snapshot, now):
        return False
    if record.pitr.reset is not None and instant <= record.pitr.reset:
        return False
    return excluded_by(instant, record.periods) is None


def target(vm: VmFacts, to: datetime, record: Record) -> SnapshotFact | None:
    """The VM's newest usable snapshot at or before `to`."""
    candidates = [s for s in vm.snapshots if instant_of(s) <= to and usable(s, record)]
    # of equal instants the later in the tree, which stands on the other
    return max(reversed(candidates), key=instant_of, default=None)


def newest(vm: VmFacts, record: Record, now: datetime | None = None) -> datetime | None:
    """The instant of the VM's newest usable snapshot, no later than `now`."""
    latest = max((instant_of(s) for s in vm.snapshots if usable(s, record, now)), default=None)
    return latest if latest is None or now is None else min(latest, now)


def newest_number(vms: Iterable[VmFacts]) -> int:
    """The highest number of a snapshot's id; a snapshot with a higher one was not there yet."""
    return max((_number(s) for vm in vms for s in vm.snapshots), default=0)


def has_newer(vm: VmFacts, number: int, record: Record) -> bool:
    """Tell whether a VM has a usable snapshot that was not there when `number` was the highest.

    By ids, not by times: the clocks of two hosts and of vCenter are three clocks. A tool that gives ids in
    another order is never taken for one that brought new data.
    """
    return any(_number(s) > number and usable(s, record) for s in vm.snapshots)


def _number(snapshot: SnapshotFact) -> int:
    digits = snapshot.id.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else -1


def instants(
    vms: Iterable[VmFacts], record: Record, now: datetime | None = None
) -> list[tuple[datetime, str]]:
    """The instants worth offering, newest first, with their kind: group, entry or foreign."""
    kinds: dict[datetime, str] = {}
    foreign: list[tuple[datetime, str]] = []
    entry = record.session.entry if record.session else None
    for vm in vms:
        for snapshot in vm.snapshots:
            if not usable(snapshot, record, now):
                continue
            instant = instant_of(snapshot)
            if ours(snapshot):
                kinds[instant] = "entry" if instant == entry else "group"
            else:
                foreign.append((instant, vm.id))
    for instant in _clusters(sorted(foreign)):
        kinds.setdefault(instant, "foreign")
    return sorted(kinds.items(), reverse=True)


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


def has_point(snapshot: SnapshotFact | None, to: datetime) -> bool:
    """Tell whether what a VM would go back to is of the instant `to` itself, and not an older one."""
    if snapshot is None:
        return False
    if ours(snapshot):
        return instant_of(snapshot) == to
    return (to - instant_of(snapshot)).total_seconds() <= CLUSTER_S


def describe(vms: Sequence[VmFacts], to: datetime, kind: str, record: Record) -> RestorePoint:
    """A restore point over `vms`: who has a snapshot of that instant, and how far the others would go
    back."""
    targets = [(vm, target(vm, to, record)) for vm in vms]
    # by the vCenter's time, not by our name: a VM may have joined a group point late
    skews = [abs((to - t.created).total_seconds()) for _, t in targets if t is not None]
    return RestorePoint(
        time=to,
        kind=kind,
        vms=sum(1 for _, t in targets if has_point(t, to)),
        missing=tuple(vm.name for vm, t in targets if not has_point(t, to)),
        skew_s=max(skews, default=0.0),
        hint=WITH_MEMORY if any(t is not None and t.memory for _, t in targets) else None,
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


def descendants(vm: VmFacts, ident: str) -> set[str]:
    """Ids of the snapshots that stand on another, by its id."""
    above = {ident}
    for snapshot in vm.snapshots:  # parents come before children
        if snapshot.parent_id in above:
            above.add(snapshot.id)
    return above - {ident}


def removal_order(vm: VmFacts, ids: set[str]) -> list[SnapshotFact]:
    """Some snapshots of a VM in the order in which their removal copies least.

    A removal merges a snapshot's delta into what it stands on (VMware, "Delete Snapshots"). Abandoned
    branches go leaf by leaf, which copies nothing that is kept; of the chain that the disks stand on the
    oldest goes first, so that each block is copied once: 30 points of 1 GiB cost 30 GiB, and 465 the
    other way round.
    """
    standing = ancestors(vm)
    abandoned = [s for s in reversed(vm.snapshots) if s.id in ids and s.id not in standing]
    return [*abandoned, *(s for s in vm.snapshots if s.id in ids and s.id in standing)]


def prunable(vm: VmFacts, patterns: Collection[str]) -> list[SnapshotFact]:
    """A VM's snapshots that drdeck may remove: its own, and others' whose names the settings allow."""
    return [x for x in vm.snapshots if ours(x) or (may_prune(x.name, patterns) and not is_entry_point(x))]


def removal(vm: VmFacts, ids: set[str], limit_s: float) -> PlannedCall:
    """Remove snapshots of a VM: by one call where all go and each is drdeck's, or else the next one.

    What others made is never in a call for all: `prune_also` gives such ones away one by one.
    """
    order = removal_order(vm, ids)
    if len(order) == 1 or len(order) < len(vm.snapshots) or not all(map(_drdecks, vm.snapshots)):
        return removal_of(vm, order[0], limit_s=limit_s)
    args = RemovalArguments(snapshots=" ".join(x.id for x in order), name=order[0].name).as_text()
    says = f"remove all {len(order)} points of {vm.name}, which are drdeck's"
    return on_vm(vm, "remove", f"remove-all:{order[0].id}", says, args, limit_s=limit_s)


def next_removal(vm: VmFacts, ids: set[str], limit_s: float, now: datetime) -> PlannedCall:
    """Remove the next of some snapshots of a VM; or, before that, wait for a task or a backup of others.

    A revert needs no such wait: it leaves every snapshot and the disks below it as they are.
    """
    backup = None if vm.running_tasks else backup_of(vm, now)
    if backup is not None:
        return wait_for_backup(vm, backup, limit_s)
    return once_free(vm, removal(vm, ids, limit_s=REMOVALS * limit_s), limit_s)


def removals_wait(vms: Sequence[VmFacts], now: datetime, points: str = "points") -> str:
    """The wait for removals in words, with the VMs that a backup works on; empty without VMs."""
    if not vms:
        return ""
    backed_up = [vm for vm in vms if backup_of(vm, now) is not None]
    behind = f" (a backup works on {names(backed_up)})" if backed_up else ""
    return f"removing {points} of {names(vms)}{behind}"


def backup_of(vm: VmFacts, now: datetime) -> SnapshotFact | None:
    """The snapshot that a backup tool works with on a VM, and removes when it is done; None: none does.

    A point or a removal beside it may break the job, or meet disks that a proxy has locked: a removal merges
    the disk that the job reads into the one below.
    """
    return next(
        (x for x in vm.snapshots if is_backup_under_way(x.name, x.created, now) and not ours(x)), None
    )


def _drdecks(snapshot: SnapshotFact) -> bool:
    return ours(snapshot) or is_entry_point(snapshot)


def removal_of(
    vm: VmFacts, snapshot: SnapshotFact, verb: str = "remove", limit_s: float = 0.0
) -> PlannedCall:
    """Remove one snapshot of a VM."""
    args = RemovalArguments(snapshot=snapshot.id, name=snapshot.name).as_text()
    says = f'{verb} "{snapshot.name}" of {vm.name}'
    return on_vm(vm, "remove", f"{verb}:{snapshot.id}", says, args, limit_s=limit_s)
