"""The protected site, as far as it can be seen from here."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.domains import ProtectedSite
from drdeck.sites.training.simulation.domain_machine import DomainMachine


def look(machine: DomainMachine, now: datetime) -> ProtectedSite:
    """Evidence at the protected site: an answer, and how many of the VMs run there."""
    spec, total = machine.spec, len(machine.vms)
    if spec.state == "protected":
        return ProtectedSite(
            state="unknown", total=total, checked_at=now, detail="this site is the protected site"
        )
    if machine.site_lost_at is not None:
        return ProtectedSite(
            state="lost",
            address=spec.owner_address,
            total=total,
            checked_at=now,
            detail="the connection timed out",
        )
    running = sum(vm.at_source for vm in machine.vms)
    return ProtectedSite(
        state="reachable",
        address=spec.owner_address,
        running=running,
        total=total,
        checked_at=now,
        detail=f"{spec.owner_address} answers, {running} of {total} VMs run there",
    )
