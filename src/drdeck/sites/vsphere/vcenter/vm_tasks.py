"""Tasks of VMs: begun, followed to their end, and what they ended with."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.sites.contract import ResultUnknown

from .connection import VCenterSession
from .properties import object_id, properties

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
    """Wait for a task to end. Raises the task's own fault, or ResultUnknown when it is lost sight of.

    Its id goes to the session's `begun` first, so that it is in the journal before it is waited for.
    """
    session.task_begun(object_id(task))
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
