"""The attributes that a command changes in a domain's record: pure, from its state and the inventory."""

from __future__ import annotations

from datetime import datetime

from drdeck.model import commands as c
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory
from drdeck.sites.vsphere.plan.domain_state import DomainState, network_ids
from drdeck.sites.vsphere.plan.failover import unready
from drdeck.sites.vsphere.plan.failover_undo import kept_since
from drdeck.sites.vsphere.plan.life.release import ownership_left
from drdeck.sites.vsphere.record import (
    return_transitions,
    session_transitions,
    transitions,
    trial_transitions,
    way_back_transitions,
)
from drdeck.sites.vsphere.record.attribute_changes import Changes, NotNow
from drdeck.sites.vsphere.vcenter.calls.call_arguments import JoinArguments, record_step


def record_changes(command: c.AnyCommand, s: DomainState, there: Inventory, now: datetime) -> Changes:
    """The changes of a command that is not of a test; empty: it was taken, or is not of the record.

    Raises NotNow where the record forbids it.
    """
    record = s.record
    match command:
        case c.StartContinuousFailover():
            return transitions.start_cfo(record, command, network_ids(there, command.networks), now)
        case c.BeginCompletion():
            networks = network_ids(there, command.networks)
            begun = transitions.begin(record, command, networks, now, _left_out(s, command))
            return {**trial_transitions.ended_for(record, command.operation, now), **begun} if begun else {}
        case c.MapNetworks():
            return transitions.map_networks(record, command, network_ids(there, command.networks))
        case c.FinishFailover():
            return transitions.finish(record, command)
        case c.AbortCompletion():
            return transitions.abort(record, command)
        case c.CancelContinuousFailover():
            return transitions.cancel(record, command, now)
        case c.UndoFailover():
            return way_back_transitions.undo(record, command, kept_since(s), now)
        case c.CommitFailover():
            return way_back_transitions.commit(record, command, now)
        case c.RestoreDomain():
            return return_transitions.restore(record, command, now)
        case c.ReleaseDomain():
            return return_transitions.release(record, command, *ownership_left(s))
        case c.CancelRelease():
            return return_transitions.cancel_release(record, command)
        case c.FailBack() | c.ResumeRehydration():
            raise NotNow("not supported: this site moves no data")
        case c.MakePlannedCall() if record_step(command.call).to in return_transitions.STEPS:
            return return_transitions.step(record, command.operation, record_step(command.call).to, now)
        case c.MakePlannedCall() if record_step(command.call).to in way_back_transitions.STEPS:
            return way_back_transitions.step(record, command.operation, record_step(command.call).to, now)
        case c.StartSession():
            return session_transitions.start_session(record, command, _ids(s, command.vms))
        case c.MakeEntryPoints():
            return session_transitions.make_entry_points(record, command)
        case c.RollBack():
            return session_transitions.roll_back(record, command, _ids(s, command.vms), now)
        case c.ExitSession():
            return session_transitions.exit_session(record, command, now)
        case c.Skip():
            return transitions.skip(record, command)
        case c.Resolve():
            return transitions.resolve(record, command, tuple(vm.id for vm in unready(s)), now)
        case c.MakePlannedCall() if command.call.kind == "note":
            return transitions.synchronised(record, now)
        case c.MakePlannedCall() if command.call.kind == "join":
            return transitions.joined(
                record, command.call.vm or "", JoinArguments.of(command.call.args).absent
            )
        case c.MakePlannedCall() if record_step(command.call).to == "gone":
            return transitions.vanished(record, command.operation, s.vanished)
        case c.MakePlannedCall():
            to, g, newest = record_step(command.call)
            return transitions.step(record, command.operation, to, g, now, newest)
        case _:
            return {}


def _left_out(s: DomainState, command: c.BeginCompletion) -> transitions.LeftOut:
    """The VMs that a completion leaves out, by what the record has of them: ids, and names where there is no
    replica."""
    here = {vm.name for vm in s.vms}
    absent = {name: name in command.left_out for name in (*command.left_out, *command.without)}
    return transitions.LeftOut(
        _ids(s, command.left_out),
        _ids(s, command.without),
        {name: joins for name, joins in absent.items() if name not in here},
    )


def _ids(s: DomainState, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(vm.id for vm in s.vms if vm.name in names)
