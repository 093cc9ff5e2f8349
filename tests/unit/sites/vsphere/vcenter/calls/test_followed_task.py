"""A task that an earlier try has begun: waited for, and the call made anew where it came to nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyVmomi import vim

from drdeck.model.planned import PlannedCall
from drdeck.sites.vsphere.vcenter.calls.vm_calls import followed
from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps

ACT = PlannedCall(key="k", kind="snapshot", vm="vm-1", name="db01", args={}, says="make a snapshot of db01")


def call() -> CallSteps:
    yield "a new task"
    return "made anew"


def after(fault: Exception) -> Any:
    session: Any = SimpleNamespace(stub=None)
    steps = followed(session, "task-1", ACT, call())
    assert next(steps)._moId == "task-1"
    return steps.throw(fault)


@pytest.mark.parametrize(
    "fault", [vim.fault.FileLocked(), vim.fault.TaskInProgress(), vim.fault.DuplicateName()]
)
def test_one_that_was_refused_for_a_moment_is_over(fault: Exception) -> None:
    assert after(fault) == "a new task"


def test_one_that_failed_is_told() -> None:
    with pytest.raises(vim.fault.GenericVmConfigFault):
        after(vim.fault.GenericVmConfigFault())
