"""Alarms of a domain, which an operator should know unasked; each goes when its cause goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.guard import TOOL_RETURNED
from drdeck.model.life.commit_reminder import commit_reminder
from drdeck.model.points_budget import JOIN_S
from drdeck.model.text import composed, names, some
from drdeck.model.times import show, show_duration, show_spaced
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts

from .domain_state import DomainState
from .failover_undo import kept_since
from .late_joiners import left_out_because
from .maintenance import chain_stuck, due_since, full, is_free, points_until
from .restore_points import instant_of, is_entry_point, misdated, ours

LATE_SHARE = 0.1
"""Of an interval: so much later than it was due, and than VMs may join, a round is late."""
FirstSeen = Callable[[str, str | None], datetime]
"""(kind, VM) -> since when an alarm's cause is there."""
TEMPLATES = "templates in its folder are left out of everything"
TEMPLATES_REMEDY = "Convert those that are replicas to VMs, or move them out of the folder"


def missing_replicas(s: DomainState) -> list[str]:
    """Names of protected VMs that have no replica, as the protected site was seen last: a site that is lost
    has them all the same."""
    if s.record.failover is not None or s.protected is None:
        return []
    here = Counter(composed(vm.plain_name) for vm in s.vms)
    uuids = {vm.instance_uuid for vm in s.vms if vm.instance_uuid}
    lacking = []
    for vm in s.protected.vms:
        replica = composed(s.settings.replica_of(vm.plain_name))
        if here[replica]:
            here[replica] -= 1
        elif vm.instance_uuid not in uuids:  # a replica keeps the UUID where its tool leaves it
            lacking.append(vm.name)
    return sorted(lacking)


def absent_still(s: DomainState) -> dict[str, bool]:
    """The protected VMs without a replica here: the failover began without them, or they have gone since."""
    there = {s.absent_name(vm) for vm in s.vms} if s.record.absent else set()
    absent = {name: joins for name, joins in s.record.absent.items() if name not in there}
    return {**absent, **dict.fromkeys(s.vanished, True)}


def _tool(s: DomainState) -> list[Alarm]:
    """The obligation towards a replication tool whose jobs are stopped, and signs that it is back."""
    tool = s.record.tool
    if tool is None or not s.record.owned:
        return []
    stopped = Alarm(
        time=tool.at,
        severity=Severity.INFO,
        vm=None,
        kind="tool_stopped",
        text=f"the replication tool's jobs are stopped, by the word of {tool.stopped_by or 'an operator'} at"
        f" {show(tool.at)}: they must stay so until the domain is given back",
    )
    return [
        stopped,
        *(
            Alarm(
                time=instant_of(snapshot),
                severity=Severity.CRITICAL,
                vm=vm.name,
                kind=TOOL_RETURNED,
                text=f'others made the snapshot "{snapshot.name}" of {vm.name} since the domain was taken. If'
                " it is the replication tool, it may overwrite or revert the VM: stop its jobs now",
            )
            for vm in s.vms
            for snapshot in vm.snapshots
            if not (ours(snapshot) or is_entry_point(snapshot)) and instant_of(snapshot) > tool.at
        ),
    ]


def _points(s: DomainState, first_seen: FirstSeen) -> list[Alarm]:
    """That no more points are made, or that a round of them was not complete, or has not begun in time."""
    failover, pitr = s.record.failover, s.settings.pitr
    if not pitr.enabled or failover is None or failover.phase != "finished" or s.record.session is not None:
        return []
    until = points_until(failover.since, s)
    if s.now > until:
        if not pitr.points_for:
            return []
        text = (
            f"no further restore points are made since {show_spaced(until.replace(microsecond=0))}"
            f" ({show_duration(float(pitr.points_for))} after the failover or the last session);"
            " points_for in the settings has them made longer"
        )
        return [Alarm(time=until, severity=Severity.INFO, vm=None, kind="points_over", text=text)]
    late = _not_begun(s) or _not_complete(s)
    if not late:
        return []
    time = first_seen("points_late", None)
    return [Alarm(time=time, severity=Severity.WARNING, vm=None, kind="points_late", text=late)]


def _not_begun(s: DomainState) -> str:
    """Words for a round that is due for long, though VMs could take a point; empty where there is none."""
    since = due_since(s)
    patience_s = JOIN_S + LATE_SHARE * float(s.settings.pitr.interval)
    if (s.now - since).total_seconds() <= patience_s or not any(
        is_free(vm, s.now) and not full(vm) for vm in s.members()
    ):
        return ""
    newest = max((instant_of(x) for vm in s.members() for x in vm.snapshots if ours(x)), default=None)
    last = "there is none yet" if newest is None else f"the newest is of {show_spaced(_whole(newest))}"
    return (
        f"a restore point is due since {show_spaced(_whole(since))} and was not made: {last}. Points of other"
        " domains, or operations, may have taken all places: make the intervals longer, or look why snapshots"
        " fail"
    )


def _not_complete(s: DomainState) -> str:
    """Words for a round that is over and was not complete; empty where it was.

    A VM that is busy, away or in a backup now is none of those that missed it: it joins the next one.
    """
    points = [(vm, [instant_of(x) for x in vm.snapshots if ours(x)]) for vm in s.members()]
    newest = [(vm, max(instants)) for vm, instants in points if instants]
    over = [t for _, instants in points for t in instants if (s.now - t).total_seconds() > JOIN_S]
    last = max(over, default=None)
    late = {
        vm.name: (s.now - instant).total_seconds()
        for vm, instant in newest
        if last is not None and instant < last and is_free(vm, s.now)
    }
    if last is None or not late:
        return ""
    return (
        f"the round of restore points at {show_spaced(_whole(last))} was not complete:"
        f" {some(sorted(late))} missed it, and the newest point is up to {show_duration(max(late.values()))}"
        " old; make the interval longer, or look why snapshots fail"
    )


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _not_committed(s: DomainState) -> list[Alarm]:
    """A reminder of what a failover that stands could be undone with: a snapshot on each VM."""
    record = s.record
    standing = record.failover is not None and record.failover.phase == "finished"
    under_way = record.session is not None or record.undo is not None or record.committed is not None
    reminder = commit_reminder(kept_since(s), s.now) if standing and not under_way else None
    return [] if reminder is None else [reminder]


def alarms(s: DomainState, lost: list[str], first_seen: FirstSeen) -> list[Alarm]:
    """The alarms of a domain; `lost`: names of the protected VMs without a replica."""

    def alarm(
        kind: str,
        vm: VmFacts,
        text: str,
        severity: Severity = Severity.WARNING,
        choices: tuple[str, ...] = (),
    ) -> Alarm:
        time = first_seen(kind, vm.id)
        return Alarm(time=time, severity=severity, vm=vm.name, kind=kind, text=text, choices=choices)

    alarms = [
        alarm("connection", vm, f"{vm.name} is {vm.connection} at the recovery site")
        for vm in s.vms
        if vm.connection != "connected"
    ]
    alarms += [
        alarm(
            "chain",
            vm,
            f"{vm.name} has {len(vm.snapshots)} snapshots, none of which drdeck may remove;"
            " no further restore point can be made",
        )
        for vm in s.vms
        if s.settings.pitr.enabled and s.record.owned and chain_stuck(s, vm)
    ]
    alarms += [
        alarm(
            "vm_question",
            vm,
            f'vCenter asks, and the VM waits: "{vm.question.text}"',
            Severity.CRITICAL,
            tuple(vm.question.choices),
        )
        for vm in s.vms
        if vm.question is not None
    ]
    alarms += [
        alarm(
            "managed",
            vm,
            f"{vm.name} belongs to another solution ({vm.managed_by}), which may change it at any time: stop"
            " its jobs for it before a failover",
        )
        for vm in s.vms
        if vm.managed_by and not s.record.owned
    ]
    alarms += [
        alarm(
            "consolidation",
            vm,
            f"{vm.name} has disks that no snapshot shows, since a removal failed: consolidate them in"
            " vCenter (Snapshots, Consolidate) before its datastore is full",
        )
        for vm in s.vms
        if vm.consolidation_needed
    ]
    alarms += [
        alarm(
            "entry",
            vm,
            f"{vm.name} has no entry point in this PITR session: it is not rolled back;"
            f" Make Entry Points (drdeck pitr entry) tries it again",
        )
        for vm in s.session_vms()
        if s.lacks_entry(vm)
    ]
    alarms += [
        alarm(
            "clock",
            vm,
            f'the restore point "{points[-1].name}" of {vm.name} is dated'
            f" {show(instant_of(points[-1]))}, which cannot be: it is not offered; look at the clock of the"
            " host that made it",
        )
        for vm in s.vms
        if (points := [x for x in vm.snapshots if misdated(x, s.now)])
    ]
    alarms += [
        alarm("left_out", vm, f"{vm.name} is not one of the failover's VMs: {left_out_because(s, vm)}")
        for vm in s.vms
        if s.record.owned and s.is_left_out(vm)
    ]
    alarms += [
        Alarm(
            time=first_seen("left_out", name),
            severity=Severity.WARNING,
            vm=name,
            kind="left_out",
            text=f"{name} is not one of the failover's VMs: it has no replica here"
            + ("; it joins when there is one" if joins else "; left out on the operator's word"),
        )
        for name, joins in absent_still(s).items()
        if s.record.owned
    ]
    alarms += _tool(s)
    alarms += _points(s, first_seen)
    alarms += _not_committed(s)
    alarms += [
        Alarm(
            time=first_seen("replica", name),
            severity=Severity.WARNING,
            vm=name,
            kind="replica",
            text=f"{name} runs at the protected site and has no replica here",
        )
        for name in lost
    ]
    return alarms


def templates(inventory: Inventory, folder: FolderFacts, first_seen: FirstSeen) -> list[Alarm]:
    """The alarm of templates in a domain's folder: one can neither be powered on nor reverted (API reference:
    MarkAsTemplate)."""
    ignored = inventory.templates_of(folder.id)
    if not ignored:
        return []
    text = f"{TEMPLATES}: {names(ignored)}. {TEMPLATES_REMEDY}"
    since = first_seen("template", None)
    return [Alarm(time=since, severity=Severity.WARNING, vm=None, kind="template", text=text)]
