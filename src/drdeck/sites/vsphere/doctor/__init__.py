"""Findings of a doctor about a vSphere site, each with what to do.

Reachable, certificates, clock, privileges, domains, room, what could stop a start. It reads and asks,
and changes nothing but what --define says. Begin with `domain_findings`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from drdeck.config.settings import VSphereSettings
from drdeck.model.alarms import Finding
from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.inventory.trial_inventory import TrialInventory
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.protected_site import ProtectedVCenter
from drdeck.sites.vsphere.vcenter.connection import Connection

from . import (
    capacity_findings,
    certificate_findings,
    domain_findings,
    start_findings,
    start_obstacles,
    trial_findings,
)
from .host_clocks import SUBJECT, host_clocks
from .privilege_check import PrivilegeCheck
from .start_obstacles import StartFacts

__all__ = ["Patient", "findings"]

SKEW_WARN_S = 5.0


class SiteUnderExamination:
    """A site as it is now. `connection` None: out of reach, and only what needs no login is told."""

    def __init__(
        self,
        settings: VSphereSettings,
        permits: PrivilegeCheck,
        side: ProtectedVCenter | None,
        skew_s: float,
        connection: Connection | None = None,
        inventory: Inventory | None = None,
        domain_states: Sequence[tuple[FolderFacts, DomainState]] = (),
        not_covered: Callable[[VmFacts], tuple[str, ...]] = lambda _: (),
        trials: TrialInventory | None = None,
    ) -> None:
        self.trials = trials
        self.not_covered = not_covered
        self.settings, self.permits, self.side, self.skew_s = settings, permits, side, skew_s
        self.connection, self.inventory, self.domain_states = connection, inventory, domain_states


async def findings(patient: SiteUnderExamination) -> list[Finding]:
    """A line each, the site's own first; never raises SiteError. A few calls, whatever the number of VMs."""
    settings, side = patient.settings, patient.side
    now = datetime.now(UTC)
    looks = [certificate_findings.look("certificate", settings, now)]
    if settings.protected is not None:
        looks.append(certificate_findings.look("protected certificate", settings.protected, now))
    own, *protected = await asyncio.gather(*looks)
    results = []
    if patient.connection is not None:
        about = f"{settings.url} answers as {settings.username}"
        results.append(Finding.ok("site", f"{about}: {_product(patient.connection)}"))
    results += own
    if side is not None and settings.protected is not None:
        lost = await (side.answers() if side.in_peace else side.look())
        url, user = settings.protected.url, settings.protected.username
        text = f"{url} answers as {user}"
        if side.in_peace:
            text = f"{url} answers; nothing is read there while a Force Failover is under way"
        wrong = Finding.fail if side.shut_out else Finding.warn  # a disaster is no mistake
        answers = Finding.ok("protected site", text)
        results.append(wrong("protected site", lost, _WITHOUT) if lost else answers)
        results += [finding for side_findings in protected for finding in side_findings]
    if patient.connection is None or patient.inventory is None:
        return results
    results.append(_clock(patient.skew_s))
    results += await _host_clocks(patient, patient.connection)
    results += await patient.permits.findings(patient.domain_states, patient.inventory)
    results += domain_findings.folders(settings, patient.inventory)
    domain_states = [domain_state for _, domain_state in patient.domain_states]
    results += await trial_findings.findings(
        patient.connection, settings.username, settings.test, patient.trials, domain_states
    )
    for domain_state in domain_states:
        results += domain_findings.covered(domain_state, patient.not_covered)
        results += domain_findings.pruning(domain_state)
        results += domain_findings.runbook(domain_state)
        results += domain_findings.networks(domain_state, patient.inventory)
        results += domain_findings.protected_folder(domain_state, side, settings)
        results += capacity_findings.chains(domain_state)
    results += capacity_findings.rounds(domain_states)
    removals = settings.places.delete
    results += await _starts_and_room(patient.connection, domain_states, patient.inventory, removals)
    return results


_WITHOUT = "a regular or planned failover needs it; a Force Failover does without"


def _product(connection: Connection) -> str:
    about = connection.commands.content.about
    return f"{about.fullName or about.name}, API {about.apiVersion}"


async def _starts_and_room(
    connection: Connection, domain_states: Sequence[DomainState], inventory: Inventory, removals: int
) -> list[Finding]:
    """Findings on what may stop VMs from starting, and on the datastores' room, by one look at all of it."""
    vms = [vm for s in domain_states for vm in s.vms]
    if not vms:
        return []
    try:
        facts = await start_obstacles.look(connection, vms)
    except SiteError as error:
        facts = StartFacts(unread=str(error))
    results = start_findings.findings(facts, domain_states, inventory)
    if facts.unread:
        return [*results, Finding.warn("datastores", f"could not be looked at: {facts.unread}")]
    return [*results, *capacity_findings.datastores(domain_states, facts.stores, removals)]


async def _host_clocks(patient: SiteUnderExamination, connection: Connection) -> list[Finding]:
    skew, vms = timedelta(seconds=patient.skew_s), [vm for _, s in patient.domain_states for vm in s.vms]
    try:
        return await host_clocks(connection, vms, lambda: datetime.now(UTC) + skew)
    except SiteError as error:
        return [Finding.warn(SUBJECT, f"could not be asked: {error}")]


def _clock(skew_s: float) -> Finding:
    if abs(skew_s) > SKEW_WARN_S:
        return Finding.warn(
            "clock", f"differs from vCenter's by {abs(skew_s):.0f} s; vCenter's counts", "run NTP on both"
        )
    return Finding.ok("clock", f"within {abs(skew_s):.1f} s of vCenter's")
