"""The end of a test VM: powered off, and destroyed only while every condition of `trial_conditions` holds."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.sites.vsphere.vcenter.calls.call_arguments import TrialVmArguments
from drdeck.sites.vsphere.vcenter.calls.rollback_call import power_off
from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps, vm_of
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import properties

from .trial_conditions import Expected, OtherVm, objection, read_conditions, snapshot_names
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
        why = (
            "it was powered on again; look who works with it"
            if conditions.on
            else objection(expected, conditions)
        )
    if why is not None:
        return _encoded(Removed(left=why))
    before = conditions.other(expected.of)
    yield vm_of(session, vm).Destroy_Task()
    return _encoded(Removed(replica=_changes(session, expected.of, before)))


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
