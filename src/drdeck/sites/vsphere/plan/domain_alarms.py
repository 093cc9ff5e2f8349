"""What an operator should know of a domain without having asked; it goes when its cause goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.times import show

from .domain_state import DomainState
from .maintenance import chain_stuck
from .restore_points import instant_of, misdated

FirstSeen = Callable[[str, str | None], datetime]
"""(kind, VM) -> since when an alarm's cause is there."""


def missing_replicas(s: DomainState) -> list[str]:
    """Names of protected VMs that have no replica, as far as the protected site is seen."""
    if s.record.failover is not None or s.protected is None or s.protected.lost:
        return []
    here = Counter(vm.plain_name for vm in s.vms)
    uuids = {vm.instance_uuid for vm in s.vms if vm.instance_uuid}
    lacking = []
    for vm in s.protected.vms:
        replica = s.settings.replica_of(vm.plain_name)
        if here[replica]:
            here[replica] -= 1
        elif vm.instance_uuid not in uuids:  # a replica keeps the UUID where its tool leaves it
            lacking.append(vm.name)
    return sorted(lacking)


def alarms(s: DomainState, lost: list[str], first_seen: FirstSeen) -> list[Alarm]:
    found = [
        Alarm(
            time=first_seen("connection", vm.id),
            severity=Severity.WARNING,
            vm=vm.name,
            kind="connection",
            text=f"{vm.name} is {vm.connection} at the recovery site",
        )
        for vm in s.vms
        if vm.connection != "connected"
    ]
    found += [
        Alarm(
            time=first_seen("chain", vm.id),
            severity=Severity.WARNING,
            vm=vm.name,
            kind="chain",
            text=f"{vm.name} has {len(vm.snapshots)} snapshots, none of which drdeck may remove;"
            " no further restore point can be made",
        )
        for vm in s.vms
        if s.settings.pitr.enabled and s.record.owned and chain_stuck(s, vm)
    ]
    found += [
        Alarm(
            time=first_seen("vm_question", vm.id),
            severity=Severity.CRITICAL,
            vm=vm.name,
            kind="vm_question",
            text=f'vCenter asks of {vm.name}, which waits for it: "{vm.question.text}"'
            f" Choices: {', '.join(vm.question.choices)}. Answer it with drdeck answer OPERATION CHOICE"
            f" --vm {vm.name}, or in vCenter",
            choices=tuple(vm.question.choices),
        )
        for vm in s.vms
        if vm.question is not None
    ]
    found += [
        Alarm(
            time=first_seen("consolidation", vm.id),
            severity=Severity.WARNING,
            vm=vm.name,
            kind="consolidation",
            text=f"{vm.name} has disks that no snapshot shows, since a removal failed: consolidate them in"
            " vCenter (Snapshots, Consolidate) before its datastore is full",
        )
        for vm in s.vms
        if vm.consolidation_needed
    ]
    found += _entry_points(s, first_seen) + _clocks(s, first_seen)
    for name in lost:
        found.append(
            Alarm(
                time=first_seen("replica", name),
                severity=Severity.WARNING,
                vm=name,
                kind="replica",
                text=f"{name} runs at the protected site and has no replica here",
            )
        )
    return found


def _entry_points(s: DomainState, first_seen: FirstSeen) -> list[Alarm]:
    return [
        Alarm(
            time=first_seen("entry", vm.id),
            severity=Severity.WARNING,
            vm=vm.name,
            kind="entry",
            text=f"{vm.name} has no entry point in this PITR session: it is not rolled back",
        )
        for vm in s.session_vms()
        if s.lacks_entry(vm)
    ]


def _clocks(s: DomainState, first_seen: FirstSeen) -> list[Alarm]:
    odd = [(vm, [x for x in vm.snapshots if misdated(x, s.now)]) for vm in s.vms]
    return [
        Alarm(
            time=first_seen("clock", vm.id),
            severity=Severity.WARNING,
            vm=vm.name,
            kind="clock",
            text=f'the restore point "{points[-1].name}" of {vm.name} is dated'
            f" {show(instant_of(points[-1]))}, which cannot be: it is not offered; look at the clock of the"
            " host that made it",
        )
        for vm, points in odd
        if points
    ]
