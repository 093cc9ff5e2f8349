"""Proof that a VM in the test folder is a test VM that no list has: its clone's answer was lost for good.

It is only looked at. All conditions of `trial_conditions` are asked of it but that its ids are the clone's,
which nobody knows: instead its mark must be of a test that the journal or the record names, and its disks
stand on files of the VM that the mark says it is the clone of.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.vm_tasks import vm_of
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import properties, snapshot_nodes

from .trial_conditions import Expected, objection, read_conditions
from .trial_marks import MARK, MARK_OF, digest, disk_files, extra_config


class Adopted(NamedTuple):
    """A test VM as a list of test VMs has it; `bases`: digests of the files that its disks stand on."""

    of: str
    uuid: str
    marker: str
    bases: tuple[str, ...]


def adopted(
    session: VCenterSession, vm: str, marks: Collection[str], sources: Collection[str], place: Expected
) -> Adopted | str:
    """The test VM as the record is to have it, or the condition that it fails, in words.

    `sources`: ids of the domain's VMs; of `place` folder, root and prefix count."""
    conditions = read_conditions(session, place._replace(vm=vm))
    if conditions is None:
        return "it is not there any more"
    options = conditions.values.get("config.extraConfig", ())
    marker, of = extra_config(options, MARK), extra_config(options, MARK_OF)
    if marker not in marks:
        return (
            "neither the journal here nor the domain's record names the test of its mark; adopt it where it"
            " was begun, or remove it by hand if nobody uses it"
        )
    if of not in sources or conditions.other(of) is None:
        return "its mark names a VM that is not of the domain; look whose it is"
    bases = _files_of(session, of)
    uuid = str(conditions.values.get("config.instanceUuid") or "")
    expected = place._replace(vm=vm, uuid=uuid, marker=marker, of=of, bases=bases)
    why = objection(expected, conditions)
    if why is not None:
        return why
    disks = disk_files(conditions.values.get("config.hardware.device", ()))
    stands_on = {digest(disk.parents[0]) for disk in disks}
    return Adopted(of, uuid, marker, tuple(sorted(stands_on)))


def _files_of(session: VCenterSession, vm: str) -> frozenset[str]:
    """Digests of the files that a linked clone of a VM can stand on: those of its snapshots."""
    values = properties(session, vm_of(session, vm), "snapshot")
    files = set[str]()
    for node, _ in snapshot_nodes(values.get("snapshot")):
        snapshot = vim.vm.Snapshot(node.snapshot._moId, session.stub)
        devices = properties(session, snapshot, "config")["config"].hardware.device
        files.update(file for disk in disk_files(devices) for file in (disk.file, *disk.parents))
    return frozenset(digest(file) for file in files)
