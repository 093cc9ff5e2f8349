"""VMs that a failover began without: what is due when one can be used again.

A VM whose runbook group was started already is given its networks, powered on, and waited for; in a PITR
session its entry point is made; only then it is one of the failover's VMs again. One whose group is still to
come is started with its group.
"""

from __future__ import annotations

from drdeck.model.domains import SessionState
from drdeck.model.planned import PlannedCall
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import on_vm
from drdeck.sites.vsphere.vcenter.calls.call_arguments import ConnectArguments, JoinArguments, PointArguments

from .domain_state import DomainState
from .restore_points import entry_words, point_name

_PHASES = ("power", "delay", "recovered", "finished")
"""of a failover: those in which networks are mapped already"""


def joining(s: DomainState) -> list[PlannedCall]:
    """The next call for each VM that can be used again, at most one for each."""
    f, session = s.record.failover, s.record.session
    if f is None or f.phase not in _PHASES or not (s.record.left_out or s.record.absent):
        return []
    if session is not None and session.state is not SessionState.ACTIVE:
        return []  # one that is entered, rolled back or exited is not disturbed; it is over soon
    return [
        call
        for vm in s.vms
        if s.joins_later(vm) and vm.connection == "connected" and not vm.running_tasks and not vm.placeholder
        if (call := _next_call(s, vm)) is not None
    ]


def _next_call(s: DomainState, vm: VmFacts) -> PlannedCall | None:
    """The call that a VM needs next; None while it is waited for, or is started with its group."""
    session, limit_s = s.record.session, float(s.settings.task_timeout)
    if vm.power != "on":
        if s.is_in_time(vm):
            return None
        says, args = f"power on {vm.name}, which joins late", ConnectArguments(moves=s.moves).as_text()
        return on_vm(vm, "power_on", "join:power", says, args, limit_s=limit_s)
    if not s.ready(vm):
        return None
    if session is not None and session.entry is not None:
        point = point_name(session.entry)
        member = not s.record.session_vms or vm.id in s.record.session_vms
        if member and not vm.has_snapshot(point):
            entry = PointArguments(name=point, description=entry_words(session.id)).as_text()
            says = f"make the entry point of {vm.name}, which joins late"
            return on_vm(vm, "snapshot", "join:entry", says, entry, limit_s=limit_s)
    says = f"note that {vm.name} has joined"
    joined = JoinArguments(absent=s.absent_name(vm)).as_text()
    return on_vm(vm, "join", "join:note", says, joined, after_loss="repeat")


def left_out_because(s: DomainState, vm: VmFacts) -> str:
    """Words on a VM that is left out, and on what becomes of it."""
    if not s.joins_later(vm):
        return "left out on the operator's word"
    if vm.connection != "connected":
        return f"left out: {vm.connection}; it joins when it can be used"
    if vm.running_tasks:
        return "joins late, once the task that runs on it has ended"
    if vm.power == "on":
        return f"joins late: {s.unready_because(vm) or 'not ready yet'}" if not s.ready(vm) else "joins late"
    return "joins late: it can be used again"
