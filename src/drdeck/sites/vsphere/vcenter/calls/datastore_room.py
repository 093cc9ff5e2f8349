"""Room on a VM's datastores, looked at right before its chain of snapshots changes."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from drdeck.model.text import show_bytes
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, retrieve, step_to

from .vm_tasks import vm_of

REMOVAL_ROOM = 1 << 30
"""Bytes that each datastore of a VM must have free. A removal needs room of its own: what is written
meanwhile goes into one more delta, and disks below grow before the delta goes. One that fails half way for
want of it leaves disks to be consolidated (VMware, "Delete Snapshots" and "Consolidate Snapshots")."""
POINT_ROOM = 2 * REMOVAL_ROOM
"""The same for a point that nobody asked for: what it grows by must leave the room to remove it again, for a
full datastore stops the VMs on it."""


def snapshot_tree(session: VCenterSession, vm: str, aim: str, least: int, because: str) -> Any:
    """A VM's `snapshot` (None without one), and a look at its datastores, by one call.

    Raises Refused where one has less than `least` free, `because` of which that is too little; and
    NoPermission where neither can be read.
    """
    paths = {vim.VirtualMachine: ["snapshot"], vim.Datastore: ["name", "summary.freeSpace"]}
    upwards = step_to(vim.VirtualMachine, "datastore")
    spec, tree = filter_spec([vm_of(session, vm)], paths, upwards, may_be_gone=True), None
    for content in list(retrieve(session, spec)):
        raw = {prop.name: prop.val for prop in content.propSet or ()}
        if isinstance(content.obj, vim.VirtualMachine):
            tree = raw.get("snapshot")
        elif (free := raw.get("summary.freeSpace")) is not None and int(free) < least:
            store = str(raw.get("name") or "")
            raise Refused(
                f'Could not {aim}: the datastore "{store}" has {show_bytes(int(free))} free, and {because}'
                f" {show_bytes(least)}; make room there"
            )
    return tree
