"""Observations of changes of VMs, out of vCenter's events.

There is no event of a snapshot that was made or removed, only that of the task: it says who began,
and the VM's facts say what came of it. Everything else has an event of its own when it is done.
(API reference: the subclasses of vim.event.VmEvent; a TaskEvent has the TaskInfo of when the task began.)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from pyVmomi import vim

from drdeck.model.guard import Change
from drdeck.model.text import some
from drdeck.sites.vsphere.inventory.inventory_facts import decode_name
from drdeck.sites.vsphere.vcenter.properties import object_id

from .observations import Observation

REVERTED = "com.vmware.vc.vm.VmStateRevertedToSnapshot"
CONSOLIDATION = {
    "com.vmware.vc.VmDiskConsolidationNeeded": "found that its disks need to be consolidated",
    "com.vmware.vc.VmDiskConsolidatedEvent": "consolidated its disks",
    "com.vmware.vc.VmDiskFailedToConsolidateEvent": "could not consolidate its disks",
}
"""Types of events about merging disks that no snapshot shows, and what they tell (sent as EventEx)."""
EVENT_TYPES = (
    "TaskEvent", "VmPoweredOnEvent", "DrsVmPoweredOnEvent", "VmRestartedOnAlternateHostEvent",
    "VmPoweredOffEvent", "VmSuspendedEvent", "VmResettingEvent", "VmGuestShutdownEvent", "VmGuestRebootEvent",
    "VmGuestStandbyEvent", "VmMigratedEvent", "DrsVmMigratedEvent", "VmRelocatedEvent", "VmBeingClonedEvent",
    "VmBeingClonedNoFolderEvent", "VmReconfiguredEvent", "VmResourceReallocatedEvent", "VmRenamedEvent",
    "VmResourcePoolMovedEvent", "VmRemovedEvent", REVERTED, "VmDasBeingResetEvent",
    "VmDasBeingResetWithScreenshotEvent", "VmDasResetFailedEvent", "VmFailoverFailed", *CONSOLIDATION,
)  # fmt: skip
"""Those that are collected; a vCenter tells subclasses only where they are named."""

_POWER: tuple[tuple[Any, str, str], ...] = (
    (vim.event.VmPoweredOnEvent, "on", "powered it on"),
    (vim.event.VmPoweredOffEvent, "off", "powered it off"),
    (vim.event.VmSuspendedEvent, "suspended", "suspended it"),
    (vim.event.VmResettingEvent, "reset", "reset it"),
    (vim.event.VmGuestRebootEvent, "reset", "had its guest restarted"),
)
_HA: tuple[tuple[Any, str], ...] = (
    (vim.event.VmRestartedOnAlternateHostEvent, "restarted it on another host (vSphere HA)"),
    (vim.event.VmDasBeingResetEvent, "reset it (vSphere HA, which no longer heard of its guest)"),
    (vim.event.VmDasResetFailedEvent, "tried to reset it and failed (vSphere HA)"),
    (vim.event.VmFailoverFailed, "could not restart it on any host (vSphere HA)"),
)
"""Acts of vSphere HA; some are subclasses of other kinds, and come before them."""
_ASKED: tuple[tuple[Any, str, str], ...] = (
    (vim.event.VmGuestShutdownEvent, "off", "asked its guest to shut down"),
    (vim.event.VmGuestStandbyEvent, "suspended", "asked its guest to stand by"),
)
_TASKS = {
    "VirtualMachine.createSnapshot": (
        Change.SNAPSHOT,
        "began to make a snapshot; none of it is there now",
    ),
    "VirtualMachine.createSnapshotEx": (
        Change.SNAPSHOT,
        "began to make a snapshot; none of it is there now",
    ),
    "vm.Snapshot.rename": (Change.SNAPSHOT_CHANGED, "began to rename a snapshot"),
    "vm.Snapshot.remove": (Change.SNAPSHOT_REMOVED, "began to remove a snapshot"),
    "VirtualMachine.removeAllSnapshots": (Change.SNAPSHOT_REMOVED, "began to remove all its snapshots"),
    "vm.Snapshot.revert": (Change.REVERTED, "began to revert it to a snapshot"),
    "VirtualMachine.revertToCurrentSnapshot": (
        Change.REVERTED,
        "began to revert it to its newest snapshot",
    ),
    "vm.Snapshot.createLinkedClone": (Change.CLONE, "began to clone it from a snapshot"),
    "VirtualMachine.instantClone": (Change.CLONE, "began to clone it while it runs"),
    "VirtualMachine.consolidateDisks": (Change.CONSOLIDATION, "began to consolidate its disks"),
    "VirtualMachine.attachDisk": (Change.CONFIG, "began to attach a disk to it"),
    "VirtualMachine.detachDisk": (Change.CONFIG, "began to detach a disk from it"),
    "VirtualMachine.markAsTemplate": (Change.REMOVED, "began to make a template of it"),
    "VirtualMachine.unregister": (Change.REMOVED, "began to take it out of the inventory"),
    "VirtualMachine.destroy": (Change.REMOVED, "began to delete it"),
    "Folder.moveInto": (Change.MOVED, "began to move it to another folder"),
}
_SHOWN = 4


def told_by(event: Any) -> tuple[Observation, ...]:
    """Observations in an event; of a move between folders without saying which VM. Mostly one, or none."""
    time = event.createdTime
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return tuple(_observations(event, time))


def _observations(event: Any, time: datetime) -> Iterator[Observation]:
    if isinstance(event, vim.event.TaskEvent):
        yield from _task(event, time)
        return
    if event.vm is None:
        return
    effect: tuple[Change, str, str] | None = None
    for kind, to, did in _POWER:
        if isinstance(event, kind):
            effect = (Change.POWER, to, did)
    for kind, to, did in _ASKED:
        if isinstance(event, kind):
            yield _observation(event, time, Change.POWER, did, to=to, by="task")
            return
    ha = next((did for kind, did in _HA if isinstance(event, kind)), "")
    if ha:
        effect = (Change.HA, "", ha)
    elif isinstance(event, vim.event.VmMigratedEvent | vim.event.VmRelocatedEvent):
        yield from _moved(event, time)
    elif isinstance(event, vim.event.VmBeingClonedEvent | vim.event.VmBeingClonedNoFolderEvent):
        effect = (Change.CLONE, "", f'began to clone it to "{decode_name(str(event.destName or ""))}"')
    elif isinstance(event, vim.event.VmReconfiguredEvent):
        effect = (Change.CONFIG, "", "changed its configuration" + _changed(event.configSpec))
        yield from _attached(event, time)
    elif isinstance(event, vim.event.VmResourceReallocatedEvent):
        effect = (Change.CONFIG, "", "changed its shares of CPU or memory")
    elif isinstance(event, vim.event.VmRenamedEvent):
        old, new = decode_name(str(event.oldName)), decode_name(str(event.newName))
        effect = (Change.CONFIG, new, renamed(old, new))
    elif isinstance(event, vim.event.VmResourcePoolMovedEvent):
        effect = (Change.CONFIG, "", "moved it to another resource pool")
    elif isinstance(event, vim.event.VmRemovedEvent):
        effect = (Change.REMOVED, "", "took it out of the vCenter's inventory")
    elif isinstance(event, vim.event.EventEx) and event.eventTypeId == REVERTED:
        effect = (Change.REVERTED, "", "reverted it to a snapshot")
    elif isinstance(event, vim.event.EventEx) and event.eventTypeId in CONSOLIDATION:
        effect = (Change.CONSOLIDATION, "", CONSOLIDATION[event.eventTypeId])
    if effect is not None:
        change, to, did = effect
        yield _observation(event, time, change, did, to=to)


def renamed(old: str, new: str) -> str:
    return f'renamed it from "{old}" to "{new}"'


def _observation(
    event: Any, time: datetime, change: Change, did: str, to: str = "", by: Any = "event"
) -> Observation:
    return Observation(
        by=by,
        vm=object_id(event.vm.vm),
        change=change,
        did=did,
        since=time,
        until=time,
        to=to,
        user=str(event.userName or ""),
        key=int(event.key),
    )


def _moved(event: Any, time: datetime) -> Iterator[Observation]:
    host, source = event.host, event.sourceHost
    if host is not None and source is not None and object_id(host.host) != object_id(source.host):
        did = f"moved it from host {decode_name(source.name)} to {decode_name(host.name)}"
        yield _observation(event, time, Change.HOST, did, to=object_id(host.host))
    store, before = event.ds, event.sourceDatastore
    if store is not None and before is not None:
        if object_id(store.datastore) != object_id(before.datastore):
            did = f"moved it from datastore {decode_name(before.name)} to {decode_name(store.name)}"
            yield _observation(event, time, Change.DATASTORE, did)
    elif isinstance(event, vim.event.VmRelocatedEvent):
        yield _observation(event, time, Change.DATASTORE, "moved its disks to another datastore")


def _attached(event: Any, time: datetime) -> Iterator[Observation]:
    """Disks that are there already and were attached to a VM, as backup proxies do; whose they are, is told
    by their files alone."""
    for device_change in getattr(event.configSpec, "deviceChange", None) or ():
        backing = getattr(device_change.device, "backing", None)
        file = str(getattr(backing, "fileName", "") or "")
        if device_change.operation != "add" or device_change.fileOperation is not None or not file:
            continue
        if isinstance(device_change.device, vim.vm.device.VirtualDisk):
            did = f'attached its disk "{file}" to the VM "{decode_name(str(event.vm.name))}"'
            yield msgspec.structs.replace(_observation(event, time, Change.DISK, did), file=file)


def _changed(spec: Any) -> str:
    """The parts of a configuration that a change names."""
    if spec is None:
        return ""
    names = [p.name for p in spec._GetPropertyList() if getattr(spec, p.name, None) not in (None, [], "")]
    names = [name for name in names if name not in ("dynamicType", "dynamicProperty", "changeVersion")]
    return f" ({some(names, _SHOWN)})" if names else ""


def _task(event: Any, time: datetime) -> Iterator[Observation]:
    info = event.info
    kind = _TASKS.get(str(info.descriptionId))
    if kind is None:
        return
    change, did = kind
    vm = object_id(event.vm.vm) if event.vm is not None else ""
    if not vm and isinstance(info.entity, vim.VirtualMachine):
        vm = object_id(info.entity)
    to = object_id(info.entity) if change is Change.MOVED and info.entity is not None else ""
    if not vm and not to:
        return
    reason = info.reason
    if isinstance(reason, vim.TaskReasonSchedule):
        did += f' (scheduled task "{decode_name(str(reason.name))}")'
    user = str(event.userName or getattr(reason, "userName", None) or "")
    yield Observation(
        by="task",
        vm=vm,
        change=change,
        did=did,
        since=time,
        until=time,
        to=to,
        user=user,
        key=int(event.key),
        task=str(info.key),
    )
