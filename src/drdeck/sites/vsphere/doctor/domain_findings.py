"""Domains: folders, records, runbooks, networks. Pure."""

from __future__ import annotations

from collections.abc import Callable

from drdeck.config.settings import VSphereSettings
from drdeck.model.alarms import Finding
from drdeck.model.text import names, some
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory, VmFacts
from drdeck.sites.vsphere.plan.domain_alarms import TEMPLATES, TEMPLATES_REMEDY
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.parts.runbook_groups import matches
from drdeck.sites.vsphere.plan.restore_points import ours, prunable
from drdeck.sites.vsphere.protected_site import ProtectedVCenter
from drdeck.sites.vsphere.record.attributes import BrokenRecord, read


def folders(settings: VSphereSettings, inventory: Inventory) -> list[Finding]:
    """The domains that there are, and those that the settings speak of."""
    root = settings.root
    if not inventory.domains:
        results = [
            Finding.warn(
                "domains",
                f"{root} has no folder in it",
                "make a folder for each Protected Domain and move its replica VMs there",
            )
        ]
    else:
        count = len(inventory.domains)
        results = [Finding.ok("domains", f"{count} folder{'s' * (count > 1)} in {root}")]
    for folder in inventory.domains:
        try:
            read(folder.attributes)
        except BrokenRecord as error:
            results.append(Finding.fail(f"domain {folder.name}", str(error)))
    if inventory.strays:
        results.append(
            Finding.warn(
                "domains",
                f"under {root}, but in no domain's folder, and left alone: {names(inventory.strays)}",
                "move these VMs into the folder of their domain",
            )
        )
    for folder in inventory.domains:
        if templates := inventory.templates_of(folder.id):
            subject = f"domain {folder.name}"
            results.append(Finding.warn(subject, f"{TEMPLATES}: {names(templates)}", TEMPLATES_REMEDY))
    there = {folder.name for folder in inventory.domains}
    results += [
        Finding.warn(
            f"domain {name}",
            f"is in the settings, but {root} has no folder of that name",
            "correct its name in the settings, or make the folder",
        )
        for name in settings.domains
        if name not in there
    ]
    return results


def covered(s: DomainState, not_covered: Callable[[VmFacts], tuple[str, ...]]) -> list[Finding]:
    """VMs of which a rollback does not cover everything, and those that are another solution's."""
    findings, subject = list[Finding](), f"VMs of {s.name}"
    for vm in s.vms:
        devices = not_covered(vm)
        if devices and s.settings.pitr.enabled:
            findings.append(
                Finding.fail(
                    subject,
                    f"{vm.name} is not covered by rollbacks: {'; '.join(devices)}",
                    "make its disks dependent ones without sharing, or take it out of PITR's domain",
                )
            )
        if vm.managed_by:
            findings.append(
                Finding.warn(
                    subject,
                    f"{vm.name} belongs to another solution ({vm.managed_by})"
                    + (", and has no disks: a placeholder" if vm.placeholder else ""),
                    "recover it with that first, and stop its jobs before a failover",
                )
            )
    return findings


def pruning(s: DomainState) -> list[Finding]:
    """Snapshots of others that `prune_also` allows drdeck to remove, as they are now."""
    if not s.settings.prune_also:
        return []
    allowed = [
        f'"{x.name}" of {vm.name}' for vm in s.vms for x in prunable(vm, s.settings.prune_also) if not ours(x)
    ]
    text = f"prune_also matches {len(allowed)} snapshots that drdeck did not make"
    if allowed:
        text += f", and removes the oldest where a chain is full or they are past the window: {some(allowed)}"
    return [Finding.ok(f"restore points of {s.name}", text)]


def runbook(s: DomainState) -> list[Finding]:
    """Patterns that match nothing, VMs that several groups want, VMs that none names."""
    results, subject = list[Finding](), f"runbook of {s.name}"
    if not s.settings.runbook:
        return []
    for group in s.settings.runbook:
        for pattern in group.vms:
            if not any(matches(vm, pattern) for vm in s.vms):
                results.append(
                    Finding.warn(
                        subject,
                        f'the pattern "{pattern}" of group "{group.group}" matches no VM',
                        "correct it in the settings",
                    )
                )
    left = []
    for vm in s.vms:
        groups = [g.group for g in s.settings.runbook if any(matches(vm, x) for x in g.vms)]
        if not groups:
            left.append(vm)
        if len(groups) > 1:
            others = " and ".join(f'"{name}"' for name in groups[1:])
            results.append(
                Finding.warn(
                    subject,
                    f'{vm.name} is in group "{groups[0]}", which starts it, and again in {others}',
                    "let one group's patterns match it",
                )
            )
    if not results:
        rest = f"; {names(left)} in none, so started last" if left else ""
        text = f"{len(s.settings.runbook)} groups, {len(s.vms) - len(left)} of {len(s.vms)} VMs in them{rest}"
        results.append(Finding.ok(subject, text))
    return results


def networks(s: DomainState, inventory: Inventory) -> list[Finding]:
    """Recovery networks that are gone, and VMs whose network is none of this site."""
    results, subject = list[Finding](), f"networks of {s.name}"
    present, used = inventory.networks, {network for vm in s.vms for network in vm.networks}
    for source, target in sorted(s.record.networks.items()):
        if target not in present and source in used:
            name = present[source].name if source in present else source
            results.append(
                Finding.fail(
                    subject,
                    f'"{name}" is mapped to the network {target}, which is no longer there',
                    f'map it anew when completing: --network "{name}=NAME"',
                )
            )
    for ident in sorted(used - set(present) - set(s.record.networks)):
        on_it = [vm for vm in s.vms if ident in vm.networks]
        results.append(
            Finding.warn(
                subject,
                f"{names(on_it)} stand on the network {ident}, which is none of this site's networks",
                f'map it when completing: --network "{ident}=NAME"',
            )
        )
    nowhere = [vm for vm in s.vms if not vm.networks]
    if nowhere:
        results.append(
            Finding.warn(
                subject,
                f"on no network at all: {names(nowhere)}",
                "give them a network card on a network that is there, unless that is meant",
            )
        )
    return results


def protected_folder(
    s: DomainState, side: ProtectedVCenter | None, settings: VSphereSettings
) -> list[Finding]:
    """A warning where the protected site does not know the domain by the same name."""
    if side is None or side.lost or settings.protected is None or side.has(s.name):
        return []
    return [
        Finding.warn(
            f"domain {s.name}",
            f"the protected site has no folder {settings.protected.root.rstrip('/')}/{s.name}",
            "regular and planned failovers need it; make it, or correct root of the protected site",
        )
    ]
