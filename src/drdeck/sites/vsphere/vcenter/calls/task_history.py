"""Traces of a call whose answer was lost: tasks and events that a vCenter still shows. All of it blocks.

Of tasks that are over, a VM shows those of about ten minutes; vCenter's history has them for weeks, also
when vCenter was restarted. Asked of the server, and not of what was seen last: a vCenter need not tell of
changes in the list of recent tasks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve, step_to

_SPEC = vim.event.EventFilterSpec
REVERT = "vm.Snapshot.revert"
"""What a vCenter calls the task of a revert to a snapshot."""
_INFO = ("info.descriptionId", "info.queueTime", "info.reason", "info.state", "info.error")
_MOST = 200
"""Tasks of one VM since one act that are looked at."""
_TRIES = 5
_UNTOLD = (vim.fault.NoPermission, vmodl.fault.MethodNotFound, vmodl.fault.NotSupported)


class Trace(NamedTuple):
    """One task on a VM. `user`: who asked for it; empty: nobody did, it is the vCenter's own."""

    description: str
    queued: datetime
    user: str
    state: str
    error: Any
    task: Any

    @property
    def under_way(self) -> bool:
        return self.state in ("queued", "running")


class Traces(NamedTuple):
    """A VM's tasks since an instant, the oldest first, and the snapshot that its disks stand on."""

    tasks: tuple[Trace, ...]
    standing: str

    def of(self, description: str, users: Collection[str]) -> Trace | None:
        """The newest of a kind that one of these accounts asked for."""
        folded = {user.casefold() for user in users}
        mine = [t for t in self.tasks if t.description == description and t.user.casefold() in folded]
        return mine[-1] if mine else None

    def last(self, trace: Trace) -> bool:
        """True if nothing was begun on the VM after it."""
        return self.tasks[-1] is trace


def traces(session: VCenterSession, vm: str, since: datetime, users: Collection[str]) -> Traces:
    """Tasks on a VM, by its id, since an instant of the vCenter's clock; the history is read only
    where the recent tasks have no revert of these accounts."""
    machine = vim.VirtualMachine(vm, session.stub)
    recent = _recent(session, machine, since)
    if recent.of(REVERT, users) is None:
        earlier = _history(session, machine, since)
        tasks = {object_id(t.task): t for t in (*earlier, *recent.tasks)}  # of two readings the fresh one
        recent = recent._replace(tasks=_sorted(tasks.values()))
    return recent


def _sorted(tasks: Iterable[Trace]) -> tuple[Trace, ...]:
    return tuple(sorted(tasks, key=lambda trace: trace.queued))


def _recent(session: VCenterSession, machine: Any, since: datetime) -> Traces:
    tasks_of = step_to(vim.VirtualMachine, "recentTask")
    spec = filter_spec([machine], {vim.VirtualMachine: ["snapshot"], vim.Task: _INFO}, tasks_of)
    tasks, standing = [], ""
    for content in retrieve(session, spec):
        raw = {prop.name: prop.val for prop in content.propSet or ()}
        if isinstance(content.obj, vim.Task):
            if raw.get("info.queueTime") is not None:
                description, queued, reason, state, error = (raw.get(path) for path in _INFO)
                tasks.append(_trace(content.obj, description, queued, reason, state, error))
        elif raw.get("snapshot") is not None and raw["snapshot"].currentSnapshot is not None:
            standing = object_id(raw["snapshot"].currentSnapshot)
    return Traces(_sorted(task for task in tasks if task.queued >= since), standing)


def _history(session: VCenterSession, machine: Any, since: datetime) -> tuple[Trace, ...]:
    """The same as the vCenter remembers it; nothing where it does not let us look."""
    for _ in range(_TRIES):
        logins = session.stub.logins
        try:
            return _traces_of(session, machine, since)
        except vmodl.fault.ManagedObjectNotFound:
            if session.stub.logins == logins:
                raise
            # the collector went with its session
    raise vmodl.fault.ManagedObjectNotFound(obj=machine)


def _traces_of(session: VCenterSession, machine: Any, since: datetime) -> tuple[Trace, ...]:
    kind = vim.TaskFilterSpec
    spec = kind(
        entity=kind.ByEntity(entity=machine, recursion="self"),
        time=kind.ByTime(timeType="queuedTime", beginTime=since),
    )
    try:
        collector = session.content.taskManager.CreateCollectorForTasks(spec)
    except _UNTOLD:
        return ()
    try:
        infos = collector.ReadNextTasks(_MOST) or ()
    finally:
        with contextlib.suppress(Exception):  # it goes with the session at the latest
            collector.DestroyCollector()
    tasks = [_trace(i.task, i.descriptionId, i.queueTime, i.reason, i.state, i.error) for i in infos]
    return tuple(task for task in tasks if task.queued >= since)


def _trace(task: Any, description: Any, queued: Any, reason: Any, state: Any, error: Any) -> Trace:
    user = str(reason.userName or "") if isinstance(reason, vim.TaskReasonUser) else ""
    return Trace(str(description or ""), _utc(queued), user, str(state), error, task)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def guest_asked(session: VCenterSession, vm: str, ago: timedelta) -> bool:
    """True if anybody has asked a VM's guest to shut down within so long until now."""
    machine = vim.VirtualMachine(vm, session.stub)
    since = _utc(session.si.CurrentTime()) - ago
    spec = _SPEC(
        entity=_SPEC.ByEntity(entity=machine, recursion="self"),
        time=_SPEC.ByTime(beginTime=since),
        eventTypeId=["VmGuestShutdownEvent"],
    )
    try:
        events = session.content.eventManager.QueryEvents(spec) or ()
    except _UNTOLD:
        return False
    return any(_utc(event.createdTime) >= since for event in events)
