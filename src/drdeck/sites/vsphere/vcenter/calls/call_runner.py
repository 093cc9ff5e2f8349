"""Runner of calls on VMs, step by step: a request leaves from a thread, its task is awaited without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drdeck.sites.contract import Busy, ResultUnknown, SiteUnreachable
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.properties import object_id

from .group_power_on import GroupPowerOn
from .task_watch import TaskWatch
from .vm_tasks import CallSteps

_AT_ONCE = 12
"""Requests on their way at a time, whatever the number of tasks that run."""


class CallRunner:
    """Carries calls out over one connection. Belongs to one event loop."""

    def __init__(self, connection: Connection, power_on_override: str = "") -> None:
        self.connection = connection
        self._tasks = TaskWatch(connection.commands)
        self.together = GroupPowerOn(connection, self._tasks, power_on_override)
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def carry_out(
        self,
        call: Callable[[VCenterSession], CallSteps],
        aim: str,
        until: Callable[[], Awaitable[float]],
        begun: Callable[[str], Awaitable[None]] | None = None,
    ) -> str:
        """Carry a call out; what there is to remark of it.

        `until` gives before each step how long, as `steady` counts, a changing request may leave. `begun` is
        awaited with the id of each task before its end is taken in. Raises what Connection.command raises,
        and ResultUnknown for a task that was lost sight of, or where a later step could not be taken.
        """
        steps: CallSteps | None = None
        fault: Exception | None = None
        while True:
            try:
                latest_s = await until()
                async with self._places:
                    task, remark, steps = await self.connection.command(
                        _step(call, steps, fault, latest_s), aim
                    )
            except SiteUnreachable as error:
                if steps is None or isinstance(error, Busy):
                    raise
                raise ResultUnknown(str(error)) from None  # the steps before this one were taken
            if task is None:
                return remark
            end = asyncio.ensure_future(self._tasks.fault_of(task))  # looked at while it is journaled
            try:
                if begun is not None:
                    await begun(task)
            except BaseException:
                end.cancel()
                raise
            try:
                fault = await end
            except Exception as lost:
                fault = ResultUnknown(
                    f"vCenter {self.connection.server} has begun to {aim}, but was lost sight of before it"
                    f" said whether that worked ({type(lost).__name__}); look there before going on"
                )


def _step(
    call: Callable[[VCenterSession], CallSteps],
    steps: CallSteps | None,
    fault: Exception | None,
    latest_s: float,
) -> Callable[[VCenterSession], tuple[str | None, str, CallSteps]]:
    """The work of a call up to its next task: the task's id, or None and the remark, and the call itself."""

    def work(session: VCenterSession) -> tuple[str | None, str, CallSteps]:
        going = call(session) if steps is None else steps
        with session.stub.no_later_than(latest_s):
            try:
                task = next(going) if fault is None else going.throw(fault)
            except StopIteration as over:
                return None, str(over.value or ""), going
        return object_id(task), "", going

    return work
