"""A call on a VM, carried out without an event loop: each of its tasks is waited for here."""

from __future__ import annotations

from typing import Any

from pyVim.task import WaitForTask
from pyVmomi import vmodl

from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps


def carry_out(steps: CallSteps, tasks: list[str] | None = None) -> str:
    """Its remark. `tasks` is filled with the ids of the tasks that it begins."""
    fault: Any = None
    while True:
        try:
            task = next(steps) if fault is None else steps.throw(fault)
        except StopIteration as over:
            return str(over.value or "")
        if tasks is not None:
            tasks.append(str(task._moId))
        try:
            WaitForTask(task)
            fault = None
        except vmodl.MethodFault as error:
            fault = error
