"""Rolling one VM back: the look before it, the revert, and what the VM needs before it may start."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.hardware_reader import is_a
from drdeck.sites.vsphere.vcenter.properties import object_id, properties, snapshot_nodes

from .call_arguments import PointArguments, RollbackArguments
from .datastore_room import POINT_ROOM, snapshot_tree
from .network_cards import map_cards
from .task_history import REVERT, Trace, traces
from .vm_tasks import CallSteps, EarlierAttempt, vm_of


class HardwareSummary(NamedTuple):
    """Hardware of a VM that a revert may take back; `labels`: of its disks and network cards, by key."""

    cpus: int
    memory_mb: int
    labels: Mapping[int, str]


class KnownHardware(NamedTuple):
    """Knowledge of a VM's hardware without asking: `before`, as it is now; `learn` is given what is read
    after the revert: `config.changeVersion` and `config.hardware`."""

    before: HardwareSummary | None
    learn: Callable[[str, Any], None]


def roll_back(
    session: VCenterSession,
    vm: str,
    name: str,
    to: RollbackArguments,
    aim: str,
    before: EarlierAttempt | None = None,
    cached: KnownHardware | None = None,
) -> CallSteps:
    """Revert a VM to a snapshot and leave it off, on its recovery networks; the settings that went
    back.

    A revert takes the configuration of the snapshot back, and the power state where it has memory (API
    reference: RevertToSnapshot_Task): cards are mapped again and memory is discarded, for only disks are
    rolled back. What came of a revert that was asked for before counts: it is waited for, was done, or has
    failed. Raises Refused where the snapshot, or `to.entry`, the entry point by name, is not there: then
    nothing was touched.
    """
    target, machine = to.snapshot, vm_of(session, vm)
    if not target:
        raise Refused(f"Could not {aim}: it has no restore point at or before that instant any more")
    earlier = cached.before if cached is not None else None
    paths = ["snapshot"] if earlier is not None else ["snapshot", "config.hardware"]
    now = properties(session, machine, *paths)
    earlier = earlier or summary_of(now.get("config.hardware"))
    snapshots = _names(now.get("snapshot"))
    if target not in snapshots:
        raise Refused(f'Could not {aim}: its restore point "{to.name}" is not there any more')
    if to.entry and to.entry not in snapshots.values():
        raise Refused(
            f'Could not {aim}: it has no entry point "{to.entry}", so that what it wrote since could not be'
            " had back"
        )
    if before is None or not (yield from _reverted(session, vm, target, before)):
        yield vim.vm.Snapshot(target, session.stub).RevertToSnapshot_Task(suppressPowerOn=True)
    later = properties(session, machine, "runtime.powerState", "config.hardware", "config.changeVersion")
    if cached is not None:
        cached.learn(str(later.get("config.changeVersion") or ""), later.get("config.hardware"))
    if str(later.get("runtime.powerState")) != "poweredOff":
        yield from power_off(session, vm)
    hardware = later.get("config.hardware")
    yield from map_cards(session, machine, hardware.device if hardware else (), to.moves)
    remark = settings_gone_back(earlier, summary_of(hardware))
    return f"{name}: {remark}" if remark else ""


def power_off(session: VCenterSession, vm: str) -> CallSteps:
    """Power a VM off; of one that is suspended the memory is discarded."""
    try:
        yield vm_of(session, vm).PowerOffVM_Task()
    except vim.fault.InvalidPowerState as fault:
        if fault.existingState != "poweredOff":
            raise
    return ""


def summary_of(hardware: Any) -> HardwareSummary | None:
    """The summary of a VM's `config.hardware`; None where there is none."""
    if hardware is None:
        return None
    kinds = (vim.vm.device.VirtualDisk, vim.vm.device.VirtualEthernetCard)
    labels = {
        device.key: str(device.deviceInfo.label if device.deviceInfo else f"device {device.key}")
        for device in hardware.device or ()
        if is_a(device, *kinds)
    }
    return HardwareSummary(hardware.numCPU, hardware.memoryMB, labels)


def settings_gone_back(earlier: HardwareSummary | None, later: HardwareSummary | None) -> str:
    """The differences between two states of a VM's hardware in words; empty where there are none."""
    if earlier is None or later is None:
        return ""
    differences = []
    if earlier.cpus != later.cpus:
        differences.append(f"CPUs {earlier.cpus} -> {later.cpus}")
    if earlier.memory_mb != later.memory_mb:
        differences.append(f"memory {earlier.memory_mb:,} -> {later.memory_mb:,} MB")
    before, now = earlier.labels, later.labels
    differences += [f"{label} detached" for key, label in before.items() if key not in now]
    differences += [f"{label} attached" for key, label in now.items() if key not in before]
    return ", ".join(differences)


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
    session: VCenterSession, vm: str, point: PointArguments, again: bool = False, aim: str = "make a snapshot"
) -> CallSteps:
    """Make a snapshot of the disks only; with `again` it may be there, and is not made twice.

    Raises Refused for a point that nobody asked for where a datastore of the VM is nearly full.
    """
    machine, there, looked = vm_of(session, vm), None, False
    if point.unasked:
        with contextlib.suppress(vim.fault.NoPermission):  # of the datastores
            there = snapshot_tree(session, vm, aim, POINT_ROOM, "a point, and its removal, may need")
            looked = True
    if again and not looked:
        there = properties(session, machine, "snapshot").get("snapshot")
    if point.name in _names(there).values():
        return ""
    yield machine.CreateSnapshot_Task(
        name=point.name, description=point.description, memory=False, quiesce=False
    )
    return ""
