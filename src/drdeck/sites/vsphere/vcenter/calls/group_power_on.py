"""Powers VMs of clusters on together, by Datacenter.PowerOnMultiVM_Task, so that DRS places them as a group.

The task of the call succeeds although VMs failed. Its result (ClusterPowerOnVmResult) has a task for each VM
that DRS does not manage, none for others, a fault for each that is not started, and recommendations where
somebody must apply them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.sites.contract import Refused, ResultUnknown
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.errors import translate
from drdeck.sites.vsphere.vcenter.properties import (
    datacenter_of,
    filter_spec,
    object_id,
    properties,
    retrieve,
)
from drdeck.sites.vsphere.vcenter.transport import steady

from .drs_levels import AUTOMATED, DrsLevels, drs_levels
from .task_watch import TaskWatch
from .vm_tasks import vm_of

GATHER_S = 0.1
"""Power ons that come within this time are one call."""
LOOK_S = 1.0
"""Between two looks at VMs that are started without a task."""
CLUSTER_KEPT_S = 60.0
"""So long what a look at a cluster told is used: administrators change the automation of DRS."""
_BEHAVIOR = vim.cluster.DrsConfigInfo.DrsBehavior
Begun = Callable[[str], Awaitable[None]]


class HostCluster(NamedTuple):
    """The cluster of a host: whether it is in one, and its levels of DRS. `seen_s`: when that was so."""

    exists: bool
    seen_s: float
    drs: DrsLevels = DrsLevels()

    def automates(self, vm: str, override: str) -> bool:
        """Tell whether DRS places and starts a VM by itself. An override is one of the cluster's level
        (ClusterPowerOnVmOption): what a VM has of its own is not taken back by it for sure."""
        return self.drs.enabled and self.drs.of_vms.get(vm, override or self.drs.cluster) == AUTOMATED


class Outcome(NamedTuple):
    """The outcome for one VM: its `task`, or a `fault`; neither: DRS starts it, or `recommended` to.
    `alone`: the call was refused as a whole, maybe for another VM's sake."""

    task: str = ""
    fault: Any = None
    recommended: str = ""
    alone: bool = False


class Waiting(NamedTuple):
    """A VM to be started, by id, until when its request may leave, who writes its task down, and its end."""

    vm: str
    until_s: float
    begun: Begun | None
    outcome: asyncio.Future[Outcome]


class GroupPowerOn:
    """Gathers power ons over one connection. Belongs to one event loop.

    `override`: an automation level instead of the cluster's (ClusterPowerOnVmOption); empty: the cluster's.
    """

    def __init__(self, connection: Connection, tasks: TaskWatch, override: str = "") -> None:
        self._connection, self._tasks, self._override = connection, tasks, override
        self._waiting: list[Waiting] = []
        self._gathering: asyncio.Task[None] | None = None
        self._clusters: dict[str, HostCluster] = {}
        self._permitted = True
        self._calls: set[asyncio.Task[None]] = set()

    async def suits(self, vm: str, host: str, anyhow: bool) -> bool:
        """Tell whether a VM on a host, both by id, is started with others: in a cluster whose DRS places and
        starts it by itself, `anyhow` in each. Raises what Connection.command raises.

        Without DRS there is nothing to gain, and one that only recommends would have a person apply what
        PowerOnVM_Task does at once, on the VM's own host (its page in VMware's API reference).
        """
        if not host or not self._permitted:
            return False
        cluster = self._clusters.get(host)
        if cluster is None or steady() - cluster.seen_s > CLUSTER_KEPT_S:
            look = partial(_cluster_of, host)
            cluster = self._clusters[host] = await self._connection.command(look, "look where a host is")
        return cluster.exists and (anyhow or cluster.automates(vm, self._override))

    async def power_on(
        self, vm: str, aim: str, until: Callable[[], Awaitable[float]], begun: Begun | None
    ) -> bool:
        """Power a VM on; returns when it is on. False: nothing was done, start it by itself: the call was
        refused as a whole, or the account may not start VMs together, which wants the privilege on the
        datacenter too. Raises SiteError."""
        waiting = Waiting(vm, await until(), begun, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self._gather(), name="group-power-on")
        outcome = await waiting.outcome
        if outcome.alone:
            return False
        if outcome.fault is not None:
            raise translate(outcome.fault, aim, f"vCenter {self._connection.server}")
        if outcome.recommended:
            raise Refused(
                f"Could not {aim}: vCenter only recommends where to start it ({outcome.recommended}); apply"
                ' that in vCenter, then answer retry, or set power_on_override = "fullyAutomated"'
            )
        if not outcome.task:
            await self._until_on(vm, aim)
            return True
        if begun is not None:
            await begun(outcome.task)
        fault = await self._end_of(outcome.task, aim)
        if isinstance(fault, vim.fault.InvalidPowerState) and fault.existingState == "poweredOn":
            return True
        if fault is not None:
            raise translate(fault, aim, f"vCenter {self._connection.server}")
        return True

    async def _end_of(self, task: str, aim: str) -> Any:
        try:
            return await self._tasks.fault_of(task)
        except Exception as lost:
            raise ResultUnknown(
                f"vCenter {self._connection.server} has begun to {aim}, but was lost sight of before it"
                f" said whether that worked ({type(lost).__name__}); look there before going on"
            ) from None

    async def _gather(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            batch, self._waiting = self._waiting, []
            call = asyncio.create_task(self._start(batch), name="group-power-on-call")
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _start(self, batch: Sequence[Waiting]) -> None:
        """One call for all of them; whatever it raises, each of them has."""
        batch = [waiting for waiting in batch if not waiting.outcome.done()]
        if not batch:
            return
        aim = f"power on {len(batch)} VMs together"
        try:
            latest_s = min(waiting.until_s for waiting in batch)
            vms = [waiting.vm for waiting in batch]
            task = await self._connection.command(partial(_call, vms, self._override, latest_s), aim)
            await asyncio.gather(*(waiting.begun(task) for waiting in batch if waiting.begun is not None))
            fault = await self._end_of(task, aim)
            if fault is not None:
                raise translate(fault, aim, f"vCenter {self._connection.server}")
            outcomes = await self._connection.command(partial(_outcomes, task, vms), aim)
        except Exception as error:
            refused = isinstance(error, Refused)  # maybe for the sake of one that vanished meanwhile
            self._permitted &= not isinstance(error.__cause__, vim.fault.NoPermission)
            for waiting in batch:
                if waiting.outcome.done():
                    continue
                if refused:
                    waiting.outcome.set_result(Outcome(alone=True))
                else:
                    waiting.outcome.set_exception(error)
            return
        for waiting in batch:
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcomes[waiting.vm])

    async def _until_on(self, vm: str, aim: str) -> None:
        """Watch a VM that DRS starts without a task of its own. Ends with the VM, or when it is cancelled."""
        while True:
            power = await self._connection.poll(
                lambda session: properties(session, vm_of(session, vm), "runtime.powerState"), aim
            )
            if str(power.get("runtime.powerState")) == "poweredOn":
                return
            await asyncio.sleep(LOOK_S)


def _cluster_of(host: str, session: VCenterSession) -> HostCluster:
    """The cluster of a host. Blocks."""
    parent = properties(session, vim.HostSystem(host, session.stub), "parent").get("parent")
    if not isinstance(parent, vim.ClusterComputeResource):
        return HostCluster(False, steady())
    config = properties(session, parent, "configurationEx").get("configurationEx")
    return HostCluster(True, steady(), drs_levels(config))


def _call(vms: Sequence[str], override: str, latest_s: float, session: VCenterSession) -> str:
    """Ask for it; the id of the task. Blocks."""
    datacenter = datacenter_of(session, vm_of(session, vms[0]))
    option = (
        [vim.option.OptionValue(key="OverrideAutomationLevel", value=_BEHAVIOR(override))] if override else []
    )
    with session.stub.no_later_than(latest_s):
        return object_id(datacenter.PowerOnMultiVM_Task([vm_of(session, vm) for vm in vms], option))


def _outcomes(task: str, vms: Sequence[str], session: VCenterSession) -> dict[str, Outcome]:
    """The outcome of each VM, by the task's result. Blocks."""
    spec = filter_spec([vim.Task(task, session.stub)], {vim.Task: ["info.result"]})
    raw = {prop.name: prop.val for content in retrieve(session, spec) for prop in content.propSet or ()}
    return outcomes_of(raw.get("info.result"), vms)


def outcomes_of(result: Any, vms: Sequence[str]) -> dict[str, Outcome]:
    """The outcome of each VM, of which the result may say nothing. Pure."""
    outcomes: dict[str, Outcome] = {}
    for attempt in getattr(result, "attempted", None) or ():
        outcomes[object_id(attempt.vm)] = Outcome(task=object_id(attempt.task) if attempt.task else "")
    for failure in getattr(result, "notAttempted", None) or ():
        fault = failure.fault
        fault = getattr(fault, "fault", None) or fault
        text = getattr(failure.fault, "localizedMessage", "")
        if text and not getattr(fault, "msg", ""):
            fault.msg = text
        outcomes[object_id(failure.vm)] = Outcome(fault=fault or vmodl.MethodFault())
    reasons = {
        object_id(r.target) if r.target else "": str(r.reasonText or r.reason or "")
        for r in getattr(result, "recommendations", None) or ()
    }
    # one that moves another VM, or wakes a host, has that for its target
    first = next(iter(reasons.values()), "")
    return {vm: outcomes.get(vm, Outcome(recommended=reasons.get(vm, first))) for vm in vms}
