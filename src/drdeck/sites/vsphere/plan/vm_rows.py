"""The VMs of a domain as the console shows them, each made anew only when something it depends on changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from drdeck.model.domains import SessionState, Vm
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory, VmFacts

from .domain_state import DomainState
from .late_joiners import left_out_because
from .pitr_session import removed_of_others
from .restore_points import instant_of, is_entry_point, newest, ours, usable


class VmRow(NamedTuple):
    """A VM as it is shown, with what the domain's own figures are made of."""

    view: Vm
    recoverable: bool
    recovered: bool
    newest: datetime | None


class VmRows:
    """The rows of one domain, kept from view to view.

    A row depends on its VM's facts, on what is known of that VM beside them, and on what all VMs share: the
    record, the settings and the networks. A VM with a snapshot of the future changes with the clock too.
    """

    def __init__(self) -> None:
        self._shared: tuple[object, ...] = ()
        self._rows: dict[str, tuple[VmFacts, tuple[object, ...], VmRow]] = {}

    def of(
        self,
        s: DomainState,
        inventory: Inventory,
        errors: Mapping[str, str],
        not_covered: Callable[[VmFacts], tuple[str, ...]],
    ) -> list[VmRow]:
        """The rows of all VMs of a domain, in their order."""
        networks = {network_id: network.name for network_id, network in inventory.networks.items()}
        shared = (s.record, s.settings, networks)
        kept = self._rows if shared == self._shared else {}
        rows: dict[str, tuple[VmFacts, tuple[object, ...], VmRow]] = {}
        for vm in s.vms:
            beside = (errors.get(vm.id), not_covered(vm), vm.id in s.reached, s.group_of(vm))
            last = kept.get(vm.id)
            if last is not None and last[0] is vm and last[1] == beside and not _volatile(s, vm):
                rows[vm.id] = last
            else:
                row = _row(s, vm, inventory, errors.get(vm.id), beside[1])
                if last is not None and last[2] == row:
                    row = last[2]  # so that what did not change is the same object
                rows[vm.id] = (vm, beside, row)
        self._shared, self._rows = shared, rows
        return [row for _, _, row in rows.values()]


def recoverable(s: DomainState, vm: VmFacts) -> bool:
    """Registered, connected, and with PITR a restore point."""
    if vm.connection != "connected":
        return False
    return not s.settings.pitr.enabled or newest(vm, s.record, s.now) is not None


def _volatile(s: DomainState, vm: VmFacts) -> bool:
    """Tell whether the clock alone may change a VM's row."""
    return any(instant_of(snapshot) > s.now for snapshot in vm.snapshots)


def _row(
    s: DomainState, vm: VmFacts, inventory: Inventory, error: str | None, not_covered: tuple[str, ...]
) -> VmRow:
    able, ready, given_up = recoverable(s, vm), s.ready(vm), s.is_skipped(vm)
    status, detail = "recoverable" if able else "not_recoverable", ""
    if not able:
        detail = vm.connection if vm.connection != "connected" else "no restore point"
    left_out, joins = s.is_left_out(vm), s.joins_later(vm)
    rolling = s.record.session is not None and s.record.session.state is SessionState.ROLLING_BACK
    if s.record.owned:
        out = left_out or (given_up and not ready)
        status = "left_out" if out else "recovered" if ready else "recovering"
        if rolling and s.is_rolled_back(vm):
            status = "rolling_back"
        detail = (
            "" if ready else "left out by the operator" if given_up else held_up(s, vm) or "not ready yet"
        )
        if left_out:
            detail = left_out_because(s, vm)
        if s.lacks_entry(vm):
            detail = "no rollback: no entry point"
    if vm.running_tasks:
        detail = "a task is under way"
    if vm.question is not None:
        detail = f"vCenter asks: {vm.question.text}"
    latest = newest(vm, s.record, s.now)
    view = Vm(
        id=vm.id,
        name=vm.name,
        status=status,
        power=vm.power,
        ready=ready if s.record.owned else None,
        restore_points=sum(1 for x in vm.snapshots if usable(x, s.record)) if s.settings.pitr.enabled else 0,
        newest_point=latest,
        rolled_back_to=rolled_back_to(s, vm),
        error=error,
        group=s.group_of(vm),
        networks=inventory.network_names(vm.networks),
        detail=detail,
        question=vm.question,
        not_covered=not_covered,
        lacks_entry=s.lacks_entry(vm) and (not s.record.session_vms or vm.id in s.record.session_vms),
        foreign_snapshots=_made_by_others(s, vm),
        exit_removes=removed_of_others(s, vm) if s.record.session is not None else (),
        unusable=vm.connection if vm.connection != "connected" else "",
        left_out=status == "left_out",
        joins=joins and s.record.owned,
    )
    return VmRow(view, able, s.record.owned and ready and not left_out, latest)


def held_up(s: DomainState, vm: VmFacts) -> str:
    """The runbook group that is being started before a VM's own, in words; empty where none is."""
    rolling = s.record.session is not None and s.record.session.state is SessionState.ROLLING_BACK
    r = s.record.rollback if rolling else s.record.failover
    order = [group.group for group in s.settings.runbook]
    if r is None or r.phase not in ("power", "delay") or r.g >= len(order):
        return ""
    own = s.group_of(vm)
    place = order.index(own) if own in order else len(order)
    return f"waits: {order[r.g]}" if r.g < place else ""


def _made_by_others(s: DomainState, vm: VmFacts) -> tuple[str, ...]:
    """Names of the snapshots that others made since the PITR session began, by their dates."""
    started = s.record.session.started if s.record.session is not None else None
    if started is None:
        return ()
    return tuple(
        snap.name
        for snap in vm.snapshots
        if not (ours(snap) or is_entry_point(snap)) and instant_of(snap) >= started
    )


def rolled_back_to(s: DomainState, vm: VmFacts) -> datetime | None:
    """The instant that a VM was rolled back to, in this session or the last one."""
    r = s.record.rollback
    if r is not None and r.phase in ("power", "delay", "over"):
        members = s.record.rollback_vms
        if (not members or vm.id in members) and not s.is_skipped(vm):
            return r.to
    session = s.record.session
    if session is None or session.n == 0 or vm.current_snapshot is None:
        return None
    by_id = {x.id: x for x in vm.snapshots}
    at = by_id.get(vm.current_snapshot)
    while at is not None and not usable(at, s.record):
        at = by_id.get(at.parent_id or "")  # made by others in the session, on top of where the VM stands
    if at is None or instant_of(at) == session.entry:
        return None
    return instant_of(at)
