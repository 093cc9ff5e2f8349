"""The plan of a Planned Failover's shutdown: protected VMs go down in reverse order of the runbook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import msgspec

from drdeck.config.settings import NEVER, DomainSettings
from drdeck.model.actions.confirming import POWER_OFF
from drdeck.model.planned import Phase, PlannedCall, SiteQuestion
from drdeck.model.text import names
from drdeck.model.times import show, show_duration
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan, on_vm, step
from drdeck.sites.vsphere.plan.parts.runbook_groups import group_number
from drdeck.sites.vsphere.record.record_values import FailoverRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import ShutdownArguments

from .domain_state import DomainState
from .restore_points import newest_number

RETRY_OR_ABORT = ("retry", "abort")
STAY_OFF = "After an abort the VMs that are off there stay off."


class ShutdownGroup(NamedTuple):
    """Place in the order of the shutdown, 0 first; seconds."""

    name: str
    timeout_s: float
    power_off_s: float


def shutdown_place(s: DomainState, vm: VmFacts) -> int:
    """The place of a protected VM's group: what starts last goes down first. Patterns of the runbook match it
    by its own name or by its replica's."""
    last = len(s.settings.runbook)
    own = group_number(vm, s.settings)
    if own == last:
        replica = s.settings.replica_of(vm.plain_name)
        own = group_number(msgspec.structs.replace(vm, name=replica, own_name=""), s.settings)
    return last - own


def shutdown_group(settings: DomainSettings, place: int) -> ShutdownGroup:
    """The group at a place, with its limits."""
    number = len(settings.runbook) - place
    if number >= len(settings.runbook):
        name = "other VMs" if settings.runbook else "all VMs"
        return ShutdownGroup(name, float(settings.shutdown_timeout), float(settings.power_off_after))
    group = settings.runbook[number]
    timeout, off = group.shutdown_timeout, group.power_off_after
    return ShutdownGroup(
        group.group,
        float(settings.shutdown_timeout if timeout is None else timeout),
        float(settings.power_off_after if off is None else off),
    )


def shutting_down(s: DomainState, f: FailoverRecord) -> Plan:
    """Group by group: ask the guests, wait until they are off; what was switched on again counts too."""
    name = "Shut down protected VMs"
    if s.protected is None:
        return Plan(Phase(operation=f.id, name=name, wait="no protected site is in the settings"))
    running = {vm.id: shutdown_place(s, vm) for vm in s.protected_vms() if vm.power != "off"}
    up = [vm for vm in s.protected_vms() if running.get(vm.id, f.g + 1) <= f.g]
    group = shutdown_group(s.settings, f.g)
    limit_s = group.timeout_s + (group.power_off_s if group.power_off_s != NEVER else 0.0)
    late = s.now > f.since + timedelta(seconds=limit_s)
    if late and (up or s.protected.lost):
        return Plan(None, _late(s, f, group, up))
    if s.protected.lost:
        return Plan(Phase(operation=f.id, name=name, wait=f"the protected site: {s.protected.lost}"))
    later = min((place for place in running.values() if place > f.g), default=None)
    then = (
        step("point", f.id, f.n, newest=newest_number(s.vms))
        if later is None
        else step("down", f.id, f.n, later)
    )
    label = f"{name}: {group.name}" if s.settings.runbook else name
    wait = f"shutting down: {names(up)}" if up else ""
    return Plan(
        Phase(
            operation=f.id, name=label, calls=tuple(_call(s, f, group, vm) for vm in up), wait=wait, then=then
        )
    )


def _call(s: DomainState, f: FailoverRecord, group: ShutdownGroup, vm: VmFacts) -> PlannedCall:
    at_source = f"{vm.name} at the protected site"
    limit = timedelta(seconds=min(group.power_off_s, timedelta.max.total_seconds() / 2))
    if vm.id in s.record.power_off or s.now - f.since >= limit:
        limit_s = float(s.settings.task_timeout)
        says = f"power off {at_source}"
        key = f"off:{f.g}:{f.n}"
        return on_vm(
            vm, "power_off_there", key, says, choices=RETRY_OR_ABORT, after_loss="repeat", limit_s=limit_s
        )
    return on_vm(
        vm,
        "shutdown_guest",
        f"shutdown:{f.g}:{f.n}" if f.g else f"shutdown:{f.n}",
        f"shut down {at_source}",
        ShutdownArguments(since=show(f.since)).as_text(),
        choices=RETRY_OR_ABORT,
        after_loss="repeat",
    )


def _late(s: DomainState, f: FailoverRecord, group: ShutdownGroup, up: Sequence[VmFacts]) -> SiteQuestion:
    assert s.protected is not None
    ident = f"shutdown:{f.id}:{f.n}"
    if s.protected.lost:
        text = (
            f"The protected site is out of sight: {s.protected.lost.rstrip('.')}."
            f" Answer retry to wait for it, or abort and choose a Force Failover. {STAY_OFF}"
        )
        return SiteQuestion(id=ident, operation=f.id, text=text, choices=RETRY_OR_ABORT)
    text = (
        f"Did not shut down within {show_duration(group.timeout_s)}: {names(up)}."
        f" Power off by hand at the protected site, then answer retry; or answer {POWER_OFF}, with the"
        f" domain's name, to have {names(up)} powered off: what the guests have not written is lost."
        f" {STAY_OFF}"
    )
    choices = ("retry", POWER_OFF, "abort")
    return SiteQuestion(
        id=ident, operation=f.id, text=text, choices=choices, vms={vm.id: vm.name for vm in up}
    )
