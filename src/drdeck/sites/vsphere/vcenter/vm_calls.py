"""The calls that change something at a vCenter; each blocks, and returns once vCenter says it is done."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import Refused, ResultUnknown

from .connection import VCenterSession
from .properties import properties
from .task_history import REVERT, Trace, guest_asked, traces

_PC = vmodl.query.PropertyCollector
_TRIES = 5
_ROUND_S = 4
"""How long vCenter may hold one wait for a task: so long a session that was ended may go unnoticed."""


class EarlierAttempt(NamedTuple):
    """An act may have been asked for already: `since` an instant of the site's clock, which is `ago` now, by
    one of `users`."""

    since: datetime
    ago: timedelta
    users: Collection[str]


def vm_of(session: VCenterSession, vm: str) -> Any:
    return vim.VirtualMachine(vm, session.stub)


def finish(session: VCenterSession, task: Any, doing: str) -> None:
    """Wait for a task to end. Raises the task's own fault, or ResultUnknown when it is lost sight of."""
    try:
        error = _outcome(session, task)
    except Exception as lost:
        raise ResultUnknown(
            f"vCenter {session.endpoint.server} has begun to {doing}, but was lost sight of before it said"
            f" whether that worked ({type(lost).__name__}); look there before going on"
        ) from lost
    if error is not None:
        raise error


def _outcome(session: VCenterSession, task: Any) -> Any:
    """The task's error, or None. Raises what a call raises when the task itself cannot be seen any more."""
    for _ in range(_TRIES):
        logins = session.stub.logins
        try:
            return _wait_for(session, task)
        except vmodl.fault.ManagedObjectNotFound:
            if session.stub.logins == logins:
                raise
            # only our session has ended, and the collector with it; raises the same when the task is gone
            properties(session, task, "info.state")
    raise vmodl.fault.ManagedObjectNotFound(obj=task)


def _wait_for(session: VCenterSession, task: Any) -> Any:
    collector = session.content.propertyCollector.CreatePropertyCollector()
    try:
        paths = ["info.state", "info.error"]
        spec = _PC.FilterSpec(
            objectSet=[_PC.ObjectSpec(obj=task)],
            propSet=[_PC.PropertySpec(type=vim.Task, pathSet=paths)],
        )
        collector.CreateFilter(spec, False)
        known: dict[str, Any] = {}
        version = ""
        while True:
            update = collector.WaitForUpdatesEx(version, _PC.WaitOptions(maxWaitSeconds=_ROUND_S))
            if update is None:
                continue
            version = update.version
            for filtered in update.filterSet:
                for changed in filtered.objectSet:
                    if changed.kind == "leave":
                        raise vmodl.fault.ManagedObjectNotFound(obj=task)
                    known.update({change.name: change.val for change in changed.changeSet})
            if known.get("info.state") == "success":
                return None
            if known.get("info.state") == "error":
                return known.get("info.error") or vmodl.MethodFault()
    finally:
        with contextlib.suppress(Exception):  # it goes with the session at the latest
            collector.DestroyPropertyCollector()


def power_on(session: VCenterSession, vm: str, doing: str) -> None:
    try:
        finish(session, vm_of(session, vm).PowerOnVM_Task(), doing)
    except vim.fault.InvalidPowerState as fault:
        if fault.existingState != "poweredOn":
            raise


def power_off(session: VCenterSession, vm: str, doing: str) -> None:
    try:
        finish(session, vm_of(session, vm).PowerOffVM_Task(), doing)
    except vim.fault.InvalidPowerState as fault:
        if fault.existingState != "poweredOff":
            raise


def shutdown_guest(
    session: VCenterSession, vm: str, doing: str, before: EarlierAttempt | None = None
) -> None:
    """Ask the guest to shut down, once; vCenter confirms the asking only."""
    if before is not None and guest_asked(session, vm, before.ago):
        return
    try:
        vm_of(session, vm).ShutdownGuest()
    except vim.fault.InvalidPowerState as fault:
        if fault.existingState != "poweredOff":
            raise


def snapshot(session: VCenterSession, vm: str, name: str, description: str, doing: str) -> None:
    """A snapshot of the disks only."""
    task = vm_of(session, vm).CreateSnapshot_Task(
        name=name, description=description, memory=False, quiesce=False
    )
    finish(session, task, doing)


def revert(
    session: VCenterSession, vm: str, target: str, doing: str, before: EarlierAttempt | None = None
) -> None:
    """Back to a snapshot; the VM stays off, so that the runbook decides when it starts.

    What came of a revert that was asked for before counts: it is waited for, was done, or has failed.
    """
    if not target:
        raise Refused(f"Could not {doing}: it has no restore point at or before that instant any more")
    if before is not None and _reverted(session, vm, target, doing, before):
        return
    task = vim.vm.Snapshot(target, session.stub).RevertToSnapshot_Task(suppressPowerOn=True)
    finish(session, task, doing)


def _reverted(session: VCenterSession, vm: str, target: str, doing: str, before: EarlierAttempt) -> bool:
    """Whether a revert that was begun before is over, and holds. Raises the error that it ended with."""
    waited_for: Trace | None = None
    while True:
        found = traces(session, vm, before.since, before.users)
        mine = found.of(REVERT, before.users)
        if mine is None:
            return False
        if mine.state == "error":
            raise mine.error or vmodl.MethodFault()
        if not mine.under_way or waited_for is not None:
            # what anybody did to the VM since may have changed its disks: then it is rolled back once more
            return found.standing == target and found.last(mine)
        finish(session, mine.task, doing)
        waited_for = mine


def remove(session: VCenterSession, target: str, doing: str) -> None:
    """Remove one snapshot, not those that stand on it."""
    with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):  # gone is what was wanted
        task = vim.vm.Snapshot(target, session.stub).RemoveSnapshot_Task(removeChildren=False)
        finish(session, task, doing)


def connect(session: VCenterSession, vm: str, moves: dict[str, str], doing: str) -> None:
    """Connect the VM's cards that are on a network of `moves` to the other one (ids of networks)."""
    machine = vm_of(session, vm)
    devices = properties(session, machine, "config.hardware.device").get("config.hardware.device", ())
    edits = []
    for device in devices:
        if not isinstance(device, vim.vm.device.VirtualEthernetCard):
            continue
        to = moves.get(_network_of(device.backing))
        if to is None:
            continue
        device.backing = _backing(session, to)
        edits.append(
            vim.vm.device.VirtualDeviceSpec(
                operation=vim.vm.device.VirtualDeviceSpec.Operation.edit, device=device
            )
        )
    if not edits:
        raise Refused(f"Could not {doing}: none of its network cards is on a mapped network any more")
    finish(session, machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=edits)), doing)


def _network_of(backing: Any) -> str:
    port = getattr(backing, "port", None)
    if port is not None:
        return str(port.portgroupKey)
    network = getattr(backing, "network", None)
    return "" if network is None else str(network._moId)


def _backing(session: VCenterSession, network: str) -> Any:
    card = vim.vm.device.VirtualEthernetCard
    if network.startswith("dvportgroup-"):
        group = vim.dvs.DistributedVirtualPortgroup(network, session.stub)
        switch = properties(session, group, "config.distributedVirtualSwitch")[
            "config.distributedVirtualSwitch"
        ]
        uuid = properties(session, switch, "uuid")["uuid"]
        port = vim.dvs.PortConnection(portgroupKey=network, switchUuid=uuid)
        return card.DistributedVirtualPortBackingInfo(port=port)
    reference = vim.Network(network, session.stub)
    name = properties(session, reference, "name")["name"]
    return card.NetworkBackingInfo(deviceName=name, network=reference)


def carry_out(session: VCenterSession, act: PlannedCall, before: EarlierAttempt | None = None) -> None:
    """One act of a plan, on one VM; `before`: it may have been asked for already. Raises Refused for a kind
    that is none."""
    vm, args, doing = act.vm or "", act.args, act.says
    match act.kind:
        case "shutdown_guest":
            shutdown_guest(session, vm, doing, before)
        case "power_on":
            power_on(session, vm, doing)
        case "power_off":
            power_off(session, vm, doing)
        case "snapshot":
            snapshot(session, vm, args["name"], args["description"], doing)
        case "revert":
            revert(session, vm, args["snapshot"], doing, before)
        case "remove":
            remove(session, args["snapshot"], doing)
        case "connect":
            connect(session, vm, args, doing)
        case _:
            raise Refused(f"Could not {doing}: drdeck knows no act {act.kind!r}")


class AttributeWriter:
    """Writes custom attributes of folders; definitions are made when first needed."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}

    def set(self, session: VCenterSession, folder: str, name: str, value: str) -> None:
        manager = session.content.customFieldsManager
        key = self._key(session, manager, name)
        manager.SetField(entity=vim.Folder(folder, session.stub), key=key, value=value)

    def _key(self, session: VCenterSession, manager: Any, name: str) -> int:
        if name not in self._keys:
            self._read(session, manager)
        if name not in self._keys:
            try:
                self._keys[name] = manager.AddFieldDefinition(name=name, moType=vim.Folder).key
            except vim.fault.DuplicateName:
                self._read(session, manager)  # another console was faster
        if name not in self._keys:
            raise Refused(
                f'the custom attribute "{name}" of vCenter {session.endpoint.server} is not one of folders;'
                " remove that definition in vCenter, so that drdeck can make its own"
            )
        return self._keys[name]

    def _read(self, session: VCenterSession, manager: Any) -> None:
        fields = properties(session, manager, "field").get("field", ())
        self._keys = {f.name: f.key for f in fields if f.managedObjectType in (None, vim.Folder)}
