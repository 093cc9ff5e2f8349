"""What the guard makes of vCenter's events, those too that the simulator never has."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from drdeck.model.guard import Change
from drdeck.sites.vsphere.guard.event_log import EventLog
from drdeck.sites.vsphere.guard.event_parser import EVENT_TYPES, told_by
from tests.support.vcenter.events import AT, JOE, event

HOST_A = vim.event.HostEventArgument(name="esx1%2fa", host=vim.HostSystem("host-1"))
HOST_B = vim.event.HostEventArgument(name="esx2", host=vim.HostSystem("host-2"))
STORE_A = vim.event.DatastoreEventArgument(name="ssd-1", datastore=vim.Datastore("ds-1"))
STORE_B = vim.event.DatastoreEventArgument(name="ssd-2", datastore=vim.Datastore("ds-2"))
FOLDER = vim.event.FolderEventArgument(name="vm", folder=vim.Folder("group-v1"))


def task(what: str, **more: Any) -> Any:
    info = vim.TaskInfo()
    info.key, info.descriptionId, info.entity = "task-9", what, vim.VirtualMachine("vm-7")
    info.reason = more.pop("reason", vim.TaskReasonUser(userName=JOE))
    for name in list(more):
        if name == "entity":
            info.entity = more.pop(name)
    return event(vim.event.TaskEvent, info=info, **more)


def disk(operation: str, file_operation: str | None = None) -> Any:
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName="[ssd] a/a.vmdk", diskMode="persistent")
    return vim.vm.device.VirtualDeviceSpec(
        operation=operation,
        fileOperation=file_operation,
        device=vim.vm.device.VirtualDisk(key=-1, backing=backing),
    )


E = vim.event
CASES: list[tuple[Any, list[tuple[Change, str, str]]]] = [
    (event(E.VmPoweredOnEvent), [(Change.POWER, "on", "powered it on")]),
    (event(E.DrsVmPoweredOnEvent), [(Change.POWER, "on", "powered it on")]),
    (event(E.VmPoweredOffEvent), [(Change.POWER, "off", "powered it off")]),
    (event(E.VmSuspendedEvent), [(Change.POWER, "suspended", "suspended it")]),
    (event(E.VmResettingEvent), [(Change.POWER, "reset", "reset it")]),
    (
        event(E.VmMigratedEvent, host=HOST_B, sourceHost=HOST_A, ds=STORE_A, sourceDatastore=STORE_A),
        [(Change.HOST, "host-2", "moved it from host esx1/a to esx2")],
    ),
    (
        event(E.DrsVmMigratedEvent, host=HOST_B, sourceHost=HOST_A),
        [(Change.HOST, "host-2", "moved it from host esx1/a to esx2")],
    ),
    (
        event(E.VmRelocatedEvent, host=HOST_B, sourceHost=HOST_A, ds=STORE_B, sourceDatastore=STORE_A),
        [
            (Change.HOST, "host-2", "moved it from host esx1/a to esx2"),
            (Change.DATASTORE, "", "moved it from datastore ssd-1 to ssd-2"),
        ],
    ),
    (
        event(E.VmRelocatedEvent, host=HOST_A, sourceHost=HOST_A),
        [(Change.DATASTORE, "", "moved its disks to another datastore")],
    ),
    (
        event(E.VmBeingClonedEvent, destFolder=FOLDER, destName="copy%25", destHost=HOST_A),
        [(Change.CLONE, "", 'began to clone it to "copy%"')],
    ),
    (
        event(E.VmReconfiguredEvent, configSpec=vim.vm.ConfigSpec(memoryMB=64, numCPUs=2)),
        [(Change.CONFIG, "", "changed its configuration (numCPUs, memoryMB)")],
    ),
    (event(E.VmReconfiguredEvent), [(Change.CONFIG, "", "changed its configuration")]),
    (
        event(E.VmRenamedEvent, oldName="db01", newName="db02"),
        [(Change.CONFIG, "db02", 'renamed it from "db01" to "db02"')],
    ),
    (event(E.VmRemovedEvent), [(Change.REMOVED, "", "took it out of the vCenter's inventory")]),
    (
        event(E.EventEx, eventTypeId="com.vmware.vc.vm.VmStateRevertedToSnapshot"),
        [(Change.REVERTED, "", "reverted it to a snapshot")],
    ),
    (event(E.EventEx, eventTypeId="com.vmware.vc.something.else"), []),
    (
        event(E.EventEx, eventTypeId="com.vmware.vc.VmDiskFailedToConsolidateEvent"),
        [(Change.CONSOLIDATION, "", "could not consolidate its disks")],
    ),
    (
        event(E.VmRestartedOnAlternateHostEvent, sourceHost=HOST_A),
        [(Change.HA, "", "restarted it on another host (vSphere HA)")],
    ),
    (
        event(E.VmDasBeingResetWithScreenshotEvent, reason="vmtoolsHeartbeatFailure"),
        [(Change.HA, "", "reset it (vSphere HA, which no longer heard of its guest)")],
    ),
    (
        event(
            E.VmReconfiguredEvent, configSpec=vim.vm.ConfigSpec(deviceChange=[disk("add"), disk("remove")])
        ),
        [
            (Change.DISK, "", 'attached its disk "[ssd] a/a.vmdk" to the VM "db01"'),
            (Change.CONFIG, "", "changed its configuration (deviceChange)"),
        ],
    ),
    (
        event(E.VmReconfiguredEvent, configSpec=vim.vm.ConfigSpec(deviceChange=[disk("add", "create")])),
        [(Change.CONFIG, "", "changed its configuration (deviceChange)")],
    ),
    (event(E.VmMessageEvent, message="?"), []),
    (event(E.VmPoweredOnEvent, vm=None), []),
    (task("VirtualMachine.reconfigure"), []),
    (task("VirtualMachine.instantClone"), [(Change.CLONE, "", "began to clone it while it runs")]),
]


@pytest.mark.parametrize(("source", "expected"), CASES, ids=lambda x: type(x).__name__)
def test_each_event_is_told_as_what_it_says(source: Any, expected: list[tuple[Change, str, str]]) -> None:
    observations = told_by(source)
    assert [(t.change, t.to, t.did) for t in observations] == expected
    for t in observations:
        assert (t.vm, t.user, t.key, t.since, t.until) == ("vm-7", JOE, 7, AT, AT)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("VirtualMachine.createSnapshot", Change.SNAPSHOT),
        ("vm.Snapshot.rename", Change.SNAPSHOT_CHANGED),
        ("vm.Snapshot.remove", Change.SNAPSHOT_REMOVED),
        ("VirtualMachine.removeAllSnapshots", Change.SNAPSHOT_REMOVED),
        ("vm.Snapshot.revert", Change.REVERTED),
        ("VirtualMachine.revertToCurrentSnapshot", Change.REVERTED),
        ("VirtualMachine.unregister", Change.REMOVED),
    ],
)
def test_a_task_tells_who_began(what: str, change: Change) -> None:
    (observation,) = told_by(task(what))
    assert (observation.by, observation.change, observation.vm, observation.user, observation.task) == (
        "task",
        change,
        "vm-7",
        JOE,
        "task-9",
    )
    assert observation.did.startswith("began to ")
    (observation,) = told_by(task(what, vm=None))
    assert observation.vm == "vm-7", "the task's entity"


def test_a_task_of_a_schedule_says_so() -> None:
    reason = vim.TaskReasonSchedule(name="nightly %2f 1", scheduledTask=vim.scheduler.ScheduledTask("s-1"))
    (observation,) = told_by(task("VirtualMachine.createSnapshot", userName="", reason=reason))
    assert observation.user == "" and 'scheduled task "nightly / 1"' in observation.did


def test_a_move_tells_the_folder_and_not_the_vm() -> None:
    (observation,) = told_by(task("Folder.moveInto", vm=None, entity=vim.Folder("group-v9")))
    assert (observation.change, observation.vm, observation.to) == (Change.MOVED, "", "group-v9")


def test_a_guest_that_was_asked_is_not_off_yet() -> None:
    (observation,) = told_by(event(vim.event.VmGuestShutdownEvent))
    assert (observation.by, observation.change, observation.to) == ("task", Change.POWER, "off")


def test_every_kind_that_is_understood_is_collected() -> None:
    """A vCenter matches an event's own type, not those above it."""
    for source, expected in CASES:
        if expected:
            kind = source.eventTypeId if isinstance(source, vim.event.EventEx) else type(source)._wsdlName
            assert kind in EVENT_TYPES
    assert len(set(EVENT_TYPES)) == len(EVENT_TYPES)
    for name in EVENT_TYPES:
        assert "." in name or issubclass(getattr(vim.event, name), vim.event.Event)


def test_events_of_one_task_are_deeds_of_their_own() -> None:
    """register V22: a chain groups the events of a task; each is one more change."""
    log = EventLog()
    on, moved = (
        event(E.VmPoweredOnEvent, key=8),
        event(E.VmMigratedEvent, key=9, host=HOST_B, sourceHost=HOST_A),
    )
    assert on.chainId == moved.chainId
    log.take_page({"log": {"latestPage": [on, moved]}})
    assert [(entry.observation.key, entry.observation.change) for entry in log.news()] == [
        (8, Change.POWER),
        (9, Change.HOST),
    ]
    log.take_page({"log": {"latestPage": [on, moved]}})
    assert log.news() == []
