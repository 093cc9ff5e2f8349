"""A VM's state kept before its first power on, so that a failover can be undone; and its networks mapped."""

from __future__ import annotations

from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.errors import words

from .call_arguments import PointArguments
from .network_cards import CARDS, map_cards, with_cards
from .vm_tasks import CallSteps, vm_of

_LATER = (
    vim.fault.NotAuthenticated, vim.fault.TaskInProgress, vim.fault.ConcurrentAccess, vim.fault.FileLocked,
    vmodl.fault.HostCommunication, vim.fault.Timedout, vmodl.fault.SystemError,
)  # fmt: skip
"""Faults that say nothing of whether a snapshot can be made."""


def prepare_or_defer(session: VCenterSession, vm: str, name: str, point: PointArguments) -> CallSteps:
    """Prepare a VM, but leave it for its power on where a task of others is under way on it: nobody else
    shall wait for that. vCenter allows a VM one task that changes it (API reference: TaskInProgress)."""
    try:
        return (yield from prepare(session, vm, name, point))
    except vim.fault.TaskInProgress:
        return f"{name}: busy with another task; its state is kept when it is powered on"


def prepare(session: VCenterSession, vm: str, name: str, point: PointArguments) -> CallSteps:
    """Make the entry point of a VM that is off, once, and put its cards on their recovery networks.

    The entry point comes first, for a revert to it shall take the cards back too. A failover must not fail
    for want of it: where vCenter refuses it, that is the remark.
    """
    machine = vm_of(session, vm)
    # a vCenter makes some 10 KiB of a VM's devices, which nobody asks for where no card is to be moved
    now = with_cards(session, machine, "snapshot", "runtime.powerState", *([CARDS] if point.moves else []))
    remark = ""
    if point.name not in now.get("snapshot", ()):
        if str(now.get("runtime.powerState")) == "poweredOn":
            remark = f"{name}: no entry point, since it runs already"
        else:
            try:
                yield machine.CreateSnapshot_Task(
                    name=point.name, description=point.description, memory=False, quiesce=False
                )
            except _LATER:
                raise
            except vmodl.MethodFault as fault:
                remark = f"{name}: no entry point ({words(fault)})"
    yield from map_cards(session, machine, now.get(CARDS, ()), point.moves)
    return remark
