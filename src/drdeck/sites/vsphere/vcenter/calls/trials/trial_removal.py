"""The end of a test VM: powered off, and destroyed only while every condition of `trial_conditions` holds."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.sites.vsphere.vcenter.calls.rollback_call import power_off
from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps, vm_of
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import object_id, properties, snapshot_nodes

from .trial_conditions import Conditions, Expected, objection, read_conditions
from .trial_marks import disk_files


class Removed(Frozen, frozen=True, kw_only=True):
    """Outcome of a test VM's end. `left`: why it stays; `replica`: what changed of the VM it was cloned
    from."""

    left: str = ""
    replica: str = ""


def expected_of(vm: str, args: Mapping[str, str]) -> Expected:
    return Expected(
        vm=vm,
        uuid=args["uuid"],
        marker=args["marker"],
        of=args["of"],
        bases=frozenset(args["bases"].split()),
        folder=args["folder"],
        root=args["root"],
        prefix=args["prefix"],
    )


def power_off_test(session: VCenterSession, vm: str, args: Mapping[str, str]) -> CallSteps:
    """Power a test VM off, hard; one that fails a condition is left alone, and said to be left over."""
    expected = expected_of(vm, args)
    conditions = read_conditions(session, expected)
    why = objection(expected, conditions) if conditions is not None else None
    if why is not None:
        return _encoded(Removed(left=why))
    if conditions is not None and conditions.on:
        yield from power_off(session, vm)
    return ""


def remove_test(session: VCenterSession, vm: str, args: Mapping[str, str]) -> CallSteps:
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
    before = _replica(session, expected.of, conditions)
    yield vm_of(session, vm).Destroy_Task()
    return _encoded(Removed(replica=_changes(session, expected.of, before)))


def _encoded(removed: Removed) -> str:
    return msgspec.json.encode(removed).decode()


class _ReplicaFacts(Frozen, frozen=True, kw_only=True):
    snapshots: dict[str, str]
    files: frozenset[str]


def _replica(session: VCenterSession, vm: str, conditions: Conditions) -> _ReplicaFacts | None:
    """Snapshots and disk files of a replica just before its clone's end; None: it is not there."""
    if conditions.other(vm) is None:
        return None
    return _read_replica(session, vm)


def _read_replica(session: VCenterSession, vm: str) -> _ReplicaFacts:
    values = properties(session, vm_of(session, vm), "snapshot", "config.hardware.device")
    disks = disk_files(values.get("config.hardware.device", ()))
    return _ReplicaFacts(
        snapshots={object_id(n.snapshot): str(n.name) for n, _ in snapshot_nodes(values.get("snapshot"))},
        files=frozenset(file for disk in disks for file in (disk.file, *disk.parents)),
    )


def _changes(session: VCenterSession, vm: str, before: _ReplicaFacts | None) -> str:
    """Losses of a replica since `before`, in words; empty: nothing."""
    if before is None:
        return ""
    after = _read_replica(session, vm)
    lost = [name for ident, name in before.snapshots.items() if ident not in after.snapshots]
    files = sorted(before.files - after.files)
    if lost:
        return f'its snapshot "{lost[0]}" went while its test VM was removed'
    return f"its disk {files[0]} went while its test VM was removed" if files else ""
