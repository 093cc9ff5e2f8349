"""The task steps of a domain as lines. Pure functions."""

from __future__ import annotations

from datetime import datetime

from drdeck.controller.operations import OperationView
from drdeck.model.domains import VM_STATUS_LABELS, Domain, StepState, Vm
from drdeck.model.text import clean
from drdeck.model.times import show_clock

from ..show import Line, bar, left, name, percent, second
from ..state import describe

_SIGNS = {
    StepState.DONE: ("✓", "ok", "done"),
    StepState.CURRENT: ("▶", "accent", "current"),
    StepState.PENDING: ("·", "dim", "pending"),
    StepState.FAILED: ("✗", "bad", "failed"),
}


def _vm_line(vm: Vm, width: int) -> Line:
    status = VM_STATUS_LABELS.get(vm.status, clean(vm.status))
    first = max(12, min(30, width - 60))
    done = " " * 14 if vm.progress is None else f"{bar(vm.progress, 8)} {percent(vm.progress):>4} "
    return (
        (f"        {name(vm.name, first)} ", ""),
        (done, "accent"),
        (f"{left(status, 15)} ", ""),
        (clean(vm.error) if vm.error else clean(vm.detail), "bad" if vm.error else "dim"),
    )


def _busy(vm: Vm) -> bool:
    at_work = vm.status in ("rehydrating", "recovering", "rolling_back")
    return at_work or vm.progress is not None or bool(vm.error)


def step_lines(domain: Domain, width: int) -> list[Line]:
    """Numbered, each with its state in a sign and a word; the VMs' progress under the current one."""
    lines: list[Line] = []
    for step in domain.steps:
        sign, style, word = _SIGNS[step.state]
        text = f"{step.number:>2}  {clean(step.label)}"
        label: Line = ((f"  {sign} ", style), (text, "bold" if word == "current" else ""))
        if word == "current" and step.progress is not None:
            label = (*label, (f"  {bar(step.progress, 10)} {percent(step.progress)}", "accent"))
        lines.append((*label, (f"  {word}", style)))
        if step.detail:
            lines.append(((f"        {clean(step.detail)}", "bad" if word == "failed" else "dim"),))
        if word in ("current", "failed"):
            lines.extend(_vm_line(vm, width) for vm in domain.vms if _busy(vm))
    if not lines and domain.step is not None:
        lines.append(((f"  ▶ {domain.step.number:>2}  {clean(domain.step.label)}", "accent"),))
    return lines


def rto_line(operation: OperationView | None, domain: Domain, now: datetime) -> Line:
    """The clock since the decision; it stands still once the VMs serve again."""
    if operation is None:
        return (("No failover of this domain was decided yet; the RTO clock has not started", "dim"),)
    end = operation.ended_at or now
    recovered = domain.failover.recovered_at if domain.failover is not None else None
    if recovered is not None and domain.failover is not None and domain.failover.id == operation.id:
        end = recovered
    spent = show_clock((end - operation.asked_at).total_seconds())
    return (
        (f"{describe(operation)} decided at {second(operation.asked_at)}   ", ""),
        (f"RTO {spent}", "bold"),
        ("" if end is now else "  (VMs recovered)" if recovered is not None else "  (ended)", "ok"),
    )
