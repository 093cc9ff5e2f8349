"""Waiting for tasks: for all of a session's by one call, however many run, and without a thread for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve_made
from drdeck.sites.vsphere.vcenter.threads import in_thread

_PC = vmodl.query.PropertyCollector
_FIRST_S = 0.02
"""The age at which a task is asked for."""
_AGAIN_S, _AGAIN = 0.04, 0.1
"""It is asked for again after so many seconds at least, and this share of its age: its place stands empty
from its end until that is known, a twentieth of what it took."""
_YOUNG_S = 2.5
"""A task that runs longer is watched by a filter; until there is one, it is asked for this often at least."""
_TOGETHER = 0.1
"""Tasks whose turn comes within this share of their age are asked for along with those that are due."""
_ROUND_S = 8
"""How long vCenter may hold one wait for tasks: so long a session that was ended may go unnoticed."""
_PATHS = {vim.Task: ["info.state", "info.error"]}


@dataclass
class _Awaited:
    """A task that somebody waits for: since when, when it was asked for last, and where its end goes.

    `listed`: it is among those for which a filter is wanted.
    """

    since: float
    end: asyncio.Future[Any]
    asked_s: float = 0.0
    listed: bool = False

    @property
    def due(self) -> float:
        if not self.asked_s:
            return self.since + _FIRST_S
        return self.asked_s + min(max(_AGAIN_S, _AGAIN * (self.asked_s - self.since)), _YOUNG_S)


class TaskWatch:
    """Waits for the tasks of one session. Belongs to one event loop.

    `session` gives the VCenterSession that asks. Short tasks are asked for, for they have ended before a
    filter would be there; long ones are told of.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._young: dict[str, _Awaited] = {}
        self._old: dict[str, _Awaited] = {}
        self._fresh: list[str] = []
        """those of the young for which a filter is wanted: they are asked for until there is one"""
        self._collector: Any = None
        self._version = ""
        self._more = asyncio.Event()
        self._loops: dict[str, asyncio.Task[None]] = {}

    async def fault_of(self, task: str) -> Any:
        """Wait for a task, by id, to end; its fault, or None. Raises what the asking for it raised, and
        ManagedObjectNotFound for one that vCenter does not remember."""
        loop = asyncio.get_running_loop()
        awaited = self._young.get(task) or self._old.get(task)
        if awaited is None:
            awaited = self._young[task] = _Awaited(loop.time(), loop.create_future())
            self._more.set()
            self._keep_going("asking", self._ask)
        return await asyncio.shield(awaited.end)

    def close(self) -> None:
        """Wait no more; who waits is told that the connection has ended."""
        for loop in self._loops.values():
            loop.cancel()
        self._settle([*self._young, *self._old], ConnectionAbortedError("the connection was closed"))

    def _keep_going(self, name: str, run: Callable[[], Any]) -> None:
        loop = self._loops.get(name)
        if loop is None or loop.done():
            self._loops[name] = asyncio.create_task(run(), name=f"tasks-{name}")

    async def _ask(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._young:
            self._more.clear()
            pause = min(awaited.due for awaited in self._young.values()) - clock()
            if pause > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._more.wait()
                continue
            now = clock()
            batch = [t for t, a in self._young.items() if a.due - now <= _TOGETHER * (now - a.since)]
            try:
                states = await in_thread(partial(_states, self._session, batch))
            except Exception as lost:
                self._settle(batch, lost)
                continue
            for task in batch:
                self._take(task, states.get(task))

    def _take(self, task: str, state: tuple[str, Any] | None) -> None:
        """Take in what was told of a task: None: it is not there any more."""
        if state is None:
            self._settle([task], vmodl.fault.ManagedObjectNotFound(obj=vim.Task(task)))
        elif state[0] in ("success", "error"):
            self._settle([task], None if state[0] == "success" else state[1] or vmodl.MethodFault())
        elif task in self._young:
            awaited = self._young[task]
            awaited.asked_s = asyncio.get_running_loop().time()
            if awaited.asked_s - awaited.since > _YOUNG_S:
                if not awaited.listed:
                    awaited.listed = True
                    self._fresh.append(task)
                self._keep_going("listening", self._listen)

    def _settle(self, tasks: Sequence[str], end: Any) -> None:
        """Tell how tasks ended; an exception that is no fault of vCenter's means that nobody knows."""
        lost = isinstance(end, Exception) and not isinstance(end, vmodl.MethodFault)
        lost = lost or isinstance(end, vmodl.fault.ManagedObjectNotFound)
        for task in tasks:
            awaited = self._young.pop(task, None) or self._old.pop(task, None)
            if awaited is None or awaited.end.done():
                continue
            if lost:
                awaited.end.set_exception(end)
                awaited.end.exception()  # nobody may wait any more
            else:
                awaited.end.set_result(end)

    async def _listen(self) -> None:
        while self._old or self._fresh:
            fresh, self._fresh = [task for task in self._fresh if task in self._young], []
            if not (self._old or fresh):
                break
            try:
                states = await in_thread(partial(self._round, fresh))
            except (vmodl.fault.ManagedObjectNotFound, vmodl.query.InvalidCollectorVersion):
                self._collector, self._version = None, ""  # it goes with its session: asked for again
                self._young |= self._old
                self._old = {}
                self._list_anew()
                self._keep_going("asking", self._ask)
                self._more.set()
                return
            except Exception as lost:
                self._collector, self._version = None, ""
                self._settle(list(self._old), lost)
                self._list_anew()
                return
            self._old |= {task: self._young.pop(task) for task in fresh if task in self._young}
            for task, state in states.items():
                if task in self._old:
                    self._take(task, state)
        collector, self._collector, self._version = self._collector, None, ""
        if collector is not None:
            with contextlib.suppress(Exception):  # it goes with the session at the latest
                await in_thread(collector.DestroyPropertyCollector)

    def _list_anew(self) -> None:
        """There is no filter any more: those that are asked for want one again."""
        self._fresh = []
        for awaited in self._young.values():
            awaited.listed = False

    def _round(self, fresh: Sequence[str]) -> dict[str, tuple[str, Any] | None]:
        """Add tasks to what is watched, and wait until something changes. Blocks."""
        session = self._session
        if self._collector is None:
            self._collector = session.content.propertyCollector.CreatePropertyCollector()
        if fresh:
            self._collector.CreateFilter(filter_spec(_references(session, fresh), _PATHS), False)
        update = self._collector.WaitForUpdatesEx(self._version, _PC.WaitOptions(maxWaitSeconds=_ROUND_S))
        states: dict[str, tuple[str, Any] | None] = {}
        if update is None:
            return states
        self._version = update.version
        for filtered in update.filterSet:
            for changed in filtered.objectSet:
                task = object_id(changed.obj)
                if changed.kind == "leave":
                    states[task] = None
                    continue
                values = {change.name: change.val for change in changed.changeSet}
                state, error = states.get(task) or ("", None)
                states[task] = str(values.get("info.state", state)), values.get("info.error", error)
        # a state that ends a task may come without the fault that came before it: then it is asked for
        failed = [task for task, state in states.items() if state is not None and state == ("error", None)]
        return states | _states(session, failed) if failed else states


def _references(session: Any, tasks: Sequence[str]) -> list[Any]:
    return [vim.Task(task, session.stub) for task in tasks]


def _states(session: Any, tasks: Sequence[str]) -> dict[str, tuple[str, Any] | None]:
    """State and fault of tasks, by id, by one call; those that are not there are left out. Blocks."""
    spec = filter_spec(_references(session, tasks), _PATHS, may_be_gone=True)
    return {
        task: (values["info.state"], values.get("info.error"))
        for task, values in retrieve_made(session, spec, {}).items()
        if "info.state" in values
    }
