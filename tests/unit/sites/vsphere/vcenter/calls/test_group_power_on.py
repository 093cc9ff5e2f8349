"""The outcome of each VM, out of what vCenter says of a start of many."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.group_power_on import Outcome, outcomes_of


def result(**parts: Any) -> Any:
    return vim.cluster.PowerOnVmResult(**parts)


def machine(ident: str) -> Any:
    return vim.VirtualMachine(ident)


def test_each_vm_has_its_task_its_fault_or_is_watched() -> None:
    refusal = vim.fault.InsufficientResourcesFault()
    answer = result(
        attempted=[
            vim.cluster.AttemptedVmInfo(vm=machine("vm-1"), task=vim.Task("task-1")),
            vim.cluster.AttemptedVmInfo(vm=machine("vm-2")),
        ],
        notAttempted=[vim.cluster.NotAttemptedVmInfo(vm=machine("vm-3"), fault=refusal)],
    )
    outcomes = outcomes_of(answer, ["vm-1", "vm-2", "vm-3"])
    assert outcomes["vm-1"].task == "task-1" and outcomes["vm-1"].fault is None
    assert outcomes["vm-2"] == Outcome(), "DRS starts it: it is watched"
    assert outcomes["vm-3"].fault is refusal


def test_a_recommendation_is_for_those_of_whom_nothing_else_is_said() -> None:
    advice = vim.cluster.Recommendation(
        key="1", type="V1", rating=5, reason="powerOnVm", reasonText="Place a on host h1"
    )
    answer = result(attempted=[vim.cluster.AttemptedVmInfo(vm=machine("vm-1"))], recommendations=[advice])
    outcomes = outcomes_of(answer, ["vm-1", "vm-2"])
    assert not outcomes["vm-1"].recommended
    assert outcomes["vm-2"].recommended == "Place a on host h1"


def test_a_recommendation_is_told_for_the_vm_that_it_is_about() -> None:
    advice = [
        vim.cluster.Recommendation(
            key=ident,
            type="V1",
            rating=5,
            reason="powerOnVm",
            reasonText=f"Place {ident}",
            target=machine(ident),
        )
        for ident in ("vm-1", "vm-2")
    ]
    outcomes = outcomes_of(result(recommendations=advice), ["vm-1", "vm-2", "vm-3"])
    assert [outcomes[vm].recommended for vm in ("vm-1", "vm-2", "vm-3")] == [
        "Place vm-1",
        "Place vm-2",
        "Place vm-1",
    ]


def test_an_empty_result_means_that_all_are_watched() -> None:
    """VMware's simulator library gives such ones."""
    assert outcomes_of(None, ["vm-1"]) == {"vm-1": Outcome()}
