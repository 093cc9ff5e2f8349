"""What an operator should know of a domain without having asked; it goes when its cause goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from drdeck.model.alarms import Alarm, Severity

from .domain_state import DomainState
from .maintenance import chain_stuck

FirstSeen = Callable[[str, str | None], datetime]
"""(kind, VM) -> since when an alarm's cause is there."""


def missing_replicas(s: DomainState) -> list[str]:
    """Names of protected VMs that have no replica, as far as the protected site is seen."""
    if s.record.failover is not None or s.protected is None or s.protected.lost:
        return []
    here = {vm.name for vm in s.vms}
    return sorted(vm.name for vm in s.protected.vms if vm.name not in here)


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
