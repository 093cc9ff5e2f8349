"""The end of a test VM: powered off, and destroyed only while every condition of `trial_conditions` holds.

Destroy_Task would take the disks of others that are attached to it: those are detached first where an
operator consented to it, and their files stay.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

import msgspec
from pyVmomi import vim, vmodl

from drdeck.model.frozen import Frozen
from drdeck.sites.vsphere.vcenter.calls.call_arguments import TrialVmArguments
from drdeck.sites.vsphere.vcenter.calls.rollback_call import power_off
from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps, vm_of
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.errors import BUSY, HOST_LOST, words
from drdeck.sites.vsphere.vcenter.properties import properties

from .trial_conditions import (
    Conditions,
    Expected,
    OtherVm,
    objection,
    read_conditions,
    snapshot_names,
    to_detach,
)
from .trial_marks import DiskFile, disk_files


class Removed(Frozen, frozen=True, kw_only=True):
    """Outcome of a test VM's end. `left`: why it stays; `replica`: what changed of the VM it was cloned
    from."""

    left: str = ""
    replica: str = ""


def expected_of(vm: str, args: TrialVmArguments) -> Expected:
    return Expected(
        vm=vm,
        uuid=args.uuid,
        marker=args.marker,
        of=args.of_vm,
        bases=frozenset(args.bases.split()),
        folder=args.folder,
        root=args.root,
        prefix=args.prefix,
        detach=frozenset(args.detach.split()),
    )


def power_off_test(session: VCenterSession, vm: str, args: TrialVmArguments) -> CallSteps:
    """Power a test VM off, hard; one that fails a condition is left alone, and said to be left over."""
    expected = expected_of(vm, args)
    conditions = read_conditions(session, expected)
    why = objection(expected, conditions) if conditions is not None else None
    if why is not None:
        return _encoded(Removed(left=why))
    if conditions is not None and conditions.on:
        yield from power_off(session, vm)
    return ""


def remove_test(session: VCenterSession, vm: str, args: TrialVmArguments) -> CallSteps:
    """Destroy a test VM, and look at the VM that it was cloned from; a `Removed` as JSON."""
    expected = expected_of(vm, args)
    conditions = read_conditions(session, expected)
    if conditions is None:
        return _encoded(Removed())
    why = objection(expected, conditions)
    if why is None and conditions.on:
        yield from power_off(session, vm)
        conditions = read_conditions(session, expected)  # it may have been moved or changed meanwhile
        if conditions is None:
            return _encoded(Removed())
        why = _while_off(expected, conditions)
    if why is None and to_detach(expected, conditions):
        why = yield from _detached(session, vm, expected, conditions)
        conditions = read_conditions(session, expected) if why is None else conditions
        if conditions is None:
            return _encoded(Removed())
        # read back: nothing is let pass any more
        why = why or _while_off(expected._replace(detach=frozenset()), conditions)
    if why is not None:
        return _encoded(Removed(left=why))
    before = conditions.other(expected.of)
    yield vm_of(session, vm).Destroy_Task()
    return _encoded(Removed(replica=_changes(session, expected.of, before)))


def _while_off(expected: Expected, c: Conditions) -> str | None:
    return "it was powered on again; look who works with it" if c.on else objection(expected, c)


def _detached(
    session: VCenterSession, vm: str, expected: Expected, c: Conditions
) -> Generator[vim.Task, None, str | None]:
    """Detach the disks outside its directory; why they stay, in words.

    Without a fileOperation the file stays (API reference: VirtualDeviceConfigSpec.fileOperation)."""
    disks = to_detach(expected, c)
    changes = [vim.vm.device.VirtualDeviceSpec(operation="remove", device=disk) for disk in disks]
    try:
        yield vm_of(session, vm).ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes))
    except (*BUSY, *HOST_LOST):
        raise
    except vmodl.MethodFault as fault:
        return (
            f"its disk {disks[0].backing.fileName} could not be detached: {words(fault)}; detach it by hand"
        )
    return None


def _encoded(removed: Removed) -> str:
    return msgspec.json.encode(removed).decode()


def _files(disks: Iterable[DiskFile]) -> set[str]:
    return {file for disk in disks for file in (disk.file, *disk.parents)}


def _changes(session: VCenterSession, vm: str, before: OtherVm | None) -> str:
    """Losses of a replica since the conditions were read, in words; empty: nothing, or it was not there."""
    if before is None:
        return ""
    values = properties(session, vm_of(session, vm), "snapshot", "config.hardware.device")
    kept = snapshot_names(values.get("snapshot"))
    lost = [name for ident, name in (before.snapshots or {}).items() if ident not in kept]
    files = sorted(_files(before.disks) - _files(disk_files(values.get("config.hardware.device", ()))))
    if lost:
        return f'its snapshot "{lost[0]}" went while its test VM was removed'
    return f"its disk {files[0]} went while its test VM was removed" if files else ""
