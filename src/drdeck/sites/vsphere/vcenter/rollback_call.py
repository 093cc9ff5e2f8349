"""Rolling one VM back: the look before it, the revert, and what the VM needs before it may start."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from typing import Any

from pyVmomi import vim, vmodl

from drdeck.sites.contract import Refused

from .call_arguments import moves_of
from .connection import VCenterSession
from .network_cards import map_cards
from .properties import object_id, properties, snapshot_nodes
from .task_history import REVERT, Trace, traces
from .vm_tasks import CallSteps, EarlierAttempt, vm_of


def roll_back(
    session: VCenterSession,
    vm: str,
    name: str,
    args: Mapping[str, str],
    doing: str,
    before: EarlierAttempt | None = None,
) -> CallSteps:
    """Revert a VM to `args["snapshot"]` and leave it off, on its recovery networks; the settings that went
    back.

    A revert takes the configuration of the snapshot back, and the power state where it has memory (API
    reference: RevertToSnapshot_Task): cards are mapped again and memory is discarded, for only disks are
    rolled back. What came of a revert that was asked for before counts: it is waited for, was done, or has
    failed. Raises Refused where the snapshot, or `args["entry"]`, the entry point by name, is not there: then
    nothing was touched.
    """
    target, machine = args.get("snapshot", ""), vm_of(session, vm)
    if not target:
        raise Refused(f"Could not {doing}: it has no restore point at or before that instant any more")
    earlier = properties(session, machine, "snapshot", "config.hardware")
    snapshots = _names(earlier.get("snapshot"))
    if target not in snapshots:
        raise Refused(
            f'Could not {doing}: its restore point "{args.get("name", target)}" is not there any more'
        )
    entry = args.get("entry", "")
    if entry and entry not in snapshots.values():
        raise Refused(
            f'Could not {doing}: it has no entry point "{entry}", so that what it wrote since could not be'
            " had back"
        )
    if before is None or not (yield from _reverted(session, vm, target, before)):
        yield vim.vm.Snapshot(target, session.stub).RevertToSnapshot_Task(suppressPowerOn=True)
    later = properties(session, machine, "runtime.powerState", "config.hardware")
    if str(later.get("runtime.powerState")) != "poweredOff":
        yield from power_off(session, vm)
    hardware = later.get("config.hardware")
    yield from map_cards(session, machine, hardware.device if hardware else (), moves_of(args))
    remark = settings_gone_back(earlier.get("config.hardware"), hardware)
    return f"{name}: {remark}" if remark else ""


def power_off(session: VCenterSession, vm: str) -> CallSteps:
    """Power a VM off; of one that is suspended the memory is discarded."""
    try:
        yield vm_of(session, vm).PowerOffVM_Task()
    except vim.fault.InvalidPowerState as fault:
        if fault.existingState != "poweredOff":
            raise
    return ""


def settings_gone_back(earlier: Any, later: Any) -> str:
    """The differences between two states of a VM's hardware in words; empty where there are none."""
    if earlier is None or later is None:
        return ""
    differences = []
    if earlier.numCPU != later.numCPU:
        differences.append(f"CPUs {earlier.numCPU} -> {later.numCPU}")
    if earlier.memoryMB != later.memoryMB:
        differences.append(f"memory {earlier.memoryMB:,} -> {later.memoryMB:,} MB")
    before, now = _labels(earlier), _labels(later)
    differences += [f"{label} detached" for key, label in before.items() if key not in now]
    differences += [f"{label} attached" for key, label in now.items() if key not in before]
    return ", ".join(differences)


def _labels(hardware: Any) -> dict[int, str]:
    """Disks and network cards by key."""
    kinds = (vim.vm.device.VirtualDisk, vim.vm.device.VirtualEthernetCard)
    return {
        device.key: str(device.deviceInfo.label if device.deviceInfo else f"device {device.key}")
        for device in hardware.device or ()
        if isinstance(device, kinds)
    }


def _names(info: Any) -> dict[str, str]:
    """The names of all snapshots in a VM's `snapshot`, by id."""
    return {object_id(node.snapshot): str(node.name) for node, _ in snapshot_nodes(info)}


def _reverted(
    session: VCenterSession, vm: str, target: str, before: EarlierAttempt
) -> Generator[Any, None, bool]:
    """Tell whether a revert that was begun before is over, and holds. Raises the error that it ended with."""
    waited_for: Trace | None = None
    while True:
        history = traces(session, vm, before.since, before.users)
        mine = history.of(REVERT, before.users)
        if mine is None:
            return False
        if mine.state == "error":
            raise mine.error or vmodl.MethodFault()
        if not mine.under_way or waited_for is not None:
            # what anybody did to the VM since may have changed its disks: then it is rolled back once more
            return history.standing == target and history.last(mine)
        yield mine.task
        waited_for = mine


def make_snapshot(
    session: VCenterSession, vm: str, args: Mapping[str, str], again: bool = False
) -> CallSteps:
    """Make a snapshot of the disks only; with `again` it may be there, and is not made twice."""
    machine = vm_of(session, vm)
    if again:
        there = properties(session, machine, "snapshot").get("snapshot")
        if args["name"] in _names(there).values():
            return ""
    yield machine.CreateSnapshot_Task(
        name=args["name"], description=args["description"], memory=False, quiesce=False
    )
    return ""


def remove_snapshot(session: VCenterSession, target: str) -> CallSteps:
    """Remove one snapshot, not those that stand on it."""
    with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):  # gone is as good
        yield vim.vm.Snapshot(target, session.stub).RemoveSnapshot_Task(removeChildren=False)
    return ""
