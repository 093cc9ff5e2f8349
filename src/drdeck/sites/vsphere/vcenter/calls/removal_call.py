"""Removing snapshots of a VM: the look at the room for it before, one removal, or all by one call."""

from __future__ import annotations

import contextlib

from pyVmomi import vim, vmodl

from drdeck.model.text import show_bytes
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import (
    filter_spec,
    object_id,
    retrieve,
    snapshot_nodes,
    step_to,
)

from .call_arguments import RemovalArguments
from .vm_tasks import CallSteps, vm_of

ROOM = 1 << 30
"""Bytes that each datastore of a VM must have free. A removal needs room of its own: what is written
meanwhile goes into one more delta, and disks below grow before the delta goes. One that fails half way for
want of it leaves disks to be consolidated (VMware, "Delete Snapshots" and "Consolidate Snapshots")."""


def remove_snapshots(session: VCenterSession, vm: str, points: RemovalArguments, aim: str) -> CallSteps:
    """Remove one snapshot, not those that stand on it, or all of several.

    Raises Refused where a datastore of the VM is nearly full.
    """
    present = _look(session, vm, aim)
    ids = points.ids
    if points.snapshots and present is not None and set(present) == set(ids):
        yield vm_of(session, vm).RemoveAllSnapshots_Task(consolidate=True)
        return ""
    for snapshot in ids:  # somebody's came beside them: it stays
        with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):  # gone is as good
            yield vim.vm.Snapshot(snapshot, session.stub).RemoveSnapshot_Task(removeChildren=False)
    return ""


def _look(session: VCenterSession, vm: str, aim: str) -> list[str] | None:
    """The ids of the VM's snapshots now; None where they cannot be read. Raises Refused for want of room."""
    paths = {vim.VirtualMachine: ["snapshot"], vim.Datastore: ["name", "summary.freeSpace"]}
    spec = filter_spec(
        [vm_of(session, vm)], paths, step_to(vim.VirtualMachine, "datastore"), may_be_gone=True
    )
    try:
        contents = list(retrieve(session, spec))
    except vim.fault.NoPermission:
        return None
    present: list[str] | None = None
    for content in contents:
        raw = {prop.name: prop.val for prop in content.propSet or ()}
        if isinstance(content.obj, vim.VirtualMachine):
            present = [object_id(node.snapshot) for node, _ in snapshot_nodes(raw.get("snapshot"))]
        elif (free := raw.get("summary.freeSpace")) is not None and int(free) < ROOM:
            store = str(raw.get("name") or "")
            raise Refused(
                f'Could not {aim}: the datastore "{store}" has {show_bytes(int(free))} free, and merging a'
                f" snapshot may need {show_bytes(ROOM)}; make room there"
            )
    return present
