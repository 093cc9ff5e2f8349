"""Removing snapshots of a VM: the look at the room for it before, one removal, or all by one call."""

from __future__ import annotations

import contextlib

from pyVmomi import vim, vmodl

from drdeck.config.backup_names import is_backup_under_way, is_temporary
from drdeck.sites.contract import Busy
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import object_id, snapshot_nodes

from .call_arguments import RemovalArguments
from .datastore_room import REMOVAL_ROOM, snapshot_tree
from .vm_tasks import CallSteps, vm_of


def remove_snapshots(session: VCenterSession, vm: str, points: RemovalArguments, aim: str) -> CallSteps:
    """Remove one snapshot, not those that stand on it, or all of several.

    Raises Refused where a datastore of the VM is nearly full, and Busy where a backup tool works with a
    snapshot of its own: the removal would merge the disk that it reads.
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
    """The ids of the VM's snapshots now; None where they cannot be read. Raises Refused for want of room,
    and Busy for a backup under way."""
    try:
        tree = snapshot_tree(session, vm, aim, REMOVAL_ROOM, "merging a snapshot may need")
    except vim.fault.NoPermission:
        return None
    nodes = [node for node, _ in snapshot_nodes(tree)]
    working = [node for node in nodes if is_temporary(str(node.name))]
    if working:  # seldom: only then the clock is asked for
        now = session.si.CurrentTime()
        for node in working:
            if is_backup_under_way(str(node.name), node.createTime, now):
                raise Busy(f'Could not {aim}: a backup works with its snapshot "{node.name}"')
    return [object_id(node.snapshot) for node in nodes]
