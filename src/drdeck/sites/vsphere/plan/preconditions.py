"""Reasons why a command cannot be carried out at this site, beyond the rules that hold everywhere."""

from __future__ import annotations

from collections.abc import Collection

from drdeck.model import commands as c
from drdeck.model.domains import SessionState
from drdeck.model.text import names
from drdeck.model.times import show
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory
from drdeck.sites.vsphere.record.attribute_changes import NotNow
from drdeck.sites.vsphere.record.transitions import remapped

from .domain_state import DomainState, network_ids
from .failover_undo import undo_of
from .restore_points import CHAIN_MAX, target


def why_not(command: c.AnyCommand, s: DomainState, inventory: Inventory) -> str | None:
    """A sentence, or None."""
    match command:
        case c.StartContinuousFailover():
            return _connected(s) or _networks(command.networks, inventory)
        case c.BeginCompletion():
            return _connected(s, {*command.without, *command.left_out}) or _networks(
                command.networks, inventory
            )
        case c.MapNetworks():
            return _networks(command.networks, inventory, chained=False) or _remappable(s, command, inventory)
        case c.UndoFailover():
            undo = undo_of(s)
            return undo.reason or None if undo is not None else None
        case c.StartSession():
            vms = [vm for vm in s.vms if not command.vms or vm.name in command.vms]
            full = [vm for vm in vms if len(vm.snapshots) > CHAIN_MAX]
            if full:
                return (
                    f"{names(full)} already have {CHAIN_MAX + 1} snapshots, the most that vSphere allows;"
                    " remove one, so that the entry point can be made"
                )
        case c.RollBack():
            session = s.session_vms()
            vms = [vm for vm in session if not command.vms or vm.name in command.vms]
            lacking = [vm for vm in vms if target(vm, command.to, s.record) is None]
            if lacking:
                return (
                    f"{names(lacking)} have no restore point at or before {show(command.to)};"
                    " choose a later instant, or name the other VMs with --vm"
                )
            if not vms:
                return f'"{s.name}" has no VM in its PITR session'
        case _:
            pass
    return None


def _connected(s: DomainState, left_out: Collection[str] = ()) -> str | None:
    taken = [vm for vm in s.vms if vm.name not in left_out]
    placeholders = [vm for vm in taken if vm.placeholder]
    if placeholders:
        return (
            f"{names(placeholders)} have no disks: they are placeholders of {placeholders[0].managed_by};"
            " recover them with that first"
        )
    lost = [vm for vm in taken if vm.connection != "connected"]
    if not lost:
        return None
    state = lost[0].connection
    return f"the recovery vCenter cannot use {names(lost)} now ({state}); see to its host or datastore"


def _remappable(s: DomainState, command: c.MapNetworks, inventory: Inventory) -> str | None:
    """The reason why networks cannot be mapped anew now, or None."""
    f, session = s.record.failover, s.record.session
    if f is not None and f.phase in ("power", "delay"):
        return f'the VMs of "{s.name}" are being started; map networks anew when they are recovered'
    if session is not None and session.state is not SessionState.ACTIVE:
        return f'the PITR session of "{s.name}" is {session.state.words}; map networks anew when that is over'
    try:
        was = s.record.remap.was if s.record.remap is not None else ()
        remapped(s.record.networks, network_ids(inventory, command.networks), was)
    except NotNow as error:
        return str(error)
    return None


def _networks(mapping: dict[str, str], inventory: Inventory, chained: bool = True) -> str | None:
    present = {network.name for network in inventory.networks.values()}
    for target_name in mapping.values():
        if target_name not in present:
            return f'the recovery site has no network "{target_name}"'
    for source, to in mapping.items() if chained else ():
        if source != to and mapping.get(to, to) != to:
            return (
                f'the network "{to}" is both a target and mapped on to "{mapping[to]}";'
                " drdeck cannot tell VMs that were moved from those that were not"
            )
    return None
