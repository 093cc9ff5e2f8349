"""VMs in the groups of a domain's runbook, and the readiness that counts for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drdeck.config.readiness import Readiness, parse_readiness
from drdeck.config.settings import DomainSettings
from drdeck.model.domains import RunbookGroup
from drdeck.model.text import composed, fits
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts


class VmGroup(NamedTuple):
    """A runbook group with the VMs that it really has."""

    name: str
    vms: tuple[VmFacts, ...]
    delay_s: float


def readiness_of(vm: VmFacts, settings: DomainSettings) -> tuple[Readiness, str]:
    """The readiness that counts for a VM, and the subnet of its address: its own, its group's, or all's."""
    if not settings.ready_of and not any(g.ready or g.subnet for g in settings.runbook):
        return parse_readiness(settings.ready), settings.subnet or ""
    group = next((g for g in settings.runbook if any(matches(vm, p) for p in g.vms)), None)
    own = next((text for pattern, text in settings.ready_of.items() if matches(vm, pattern)), None)
    text = own or (group.ready if group is not None else None) or settings.ready
    subnet = (group.subnet if group is not None else None) or settings.subnet
    return parse_readiness(text), subnet or ""


def matches(vm: VmFacts, pattern: str) -> bool:
    """A shell pattern, or the very name: one with brackets in it is no pattern to its owner."""
    form = composed(pattern)
    return any(composed(name) == form or fits(name, form) for name in {vm.name, vm.plain_name})


def group_number(vm: VmFacts, settings: DomainSettings) -> int:
    """The place of a VM's group in what `groups` returns."""
    patterns = [group.vms for group in settings.runbook]
    return next((i for i, some in enumerate(patterns) if any(matches(vm, p) for p in some)), len(patterns))


def groups(vms: Sequence[VmFacts], settings: DomainSettings) -> list[VmGroup]:
    """The runbook's groups in order, each VM in the first that matches; the rest come last."""
    left = list(vms)
    ordered: list[VmGroup] = []
    for group in settings.runbook:
        members = [vm for vm in left if any(matches(vm, pattern) for pattern in group.vms)]
        ids = {vm.id for vm in members}
        left = [vm for vm in left if vm.id not in ids]
        ordered.append(VmGroup(group.group, tuple(members), float(group.delay_after)))
    if left or not ordered:
        ordered.append(VmGroup("all VMs" if not ordered else "other VMs", tuple(left), 0.0))
    return ordered


def runbook(vms: Sequence[VmFacts], settings: DomainSettings) -> tuple[RunbookGroup, ...]:
    """The groups as a console shows them; none where no runbook is set."""
    if not settings.runbook:
        return ()
    return tuple(
        RunbookGroup(group=g.name, vms=tuple(vm.name for vm in g.vms), delay_after_s=g.delay_s)
        for g in groups(vms, settings)
    )
