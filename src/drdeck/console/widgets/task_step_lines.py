"""The task steps of a domain as lines. Pure functions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

import msgspec
from rich.cells import cell_len

from drdeck.console.format import Line, bar, left, name, percent, plain_of, second, width_of, wrap
from drdeck.console.state import describe
from drdeck.controller.journal.operations import OperationView
from drdeck.model.domains import VM_STATUS_LABELS, Domain, Step, StepState, Vm
from drdeck.model.text import clean
from drdeck.model.times import show_clock
from drdeck.terminal_info import FULL_WIDTH

_SIGNS = {
    StepState.DONE: ("✓", "ok", "done"),
    StepState.CURRENT: ("▶", "accent", "current"),
    StepState.PENDING: ("·", "dim", "pending"),
    StepState.FAILED: ("✗", "bad", "failed"),
}


def _vm_lines(vm: Vm, width: int) -> list[Line]:
    """The progress of a VM; the remark on it is wrapped beside it, not cut."""
    status = VM_STATUS_LABELS.get(vm.status, clean(vm.status))
    first = max(12, min(30, width - 60))
    nothing = " " * 14 if width >= FULL_WIDTH else ""
    done = nothing if vm.progress is None else f"{bar(vm.progress, 8)} {percent(vm.progress):>4} "
    used = 8 + first + 1 + len(done) + 16
    text, style = (clean(vm.error), "bad") if vm.error else (clean(vm.detail), "dim")
    room = width - used - 2
    below: list[Line] = []
    if room < 16 and cell_len(text) > room:  # beside it there is no room: below it then
        below = [((" " * 10, ""), (part, style)) for part in wrap(text, max(16, width - 12))]
        text = ""
    start, *more = wrap(text, max(16, room))
    head: Line = (
        (f"        {name(vm.name, first)} ", ""),
        (done, "accent"),
        (f"{left(status, 15)} ", ""),
        (start, style),
    )
    return [head, *below, *(((" " * used, ""), (part, style)) for part in more)]


def _busy(vm: Vm) -> bool:
    at_work = vm.status in ("rehydrating", "recovering", "rolling_back")
    return at_work or vm.progress is not None or bool(vm.error)


def step_lines(domain: Domain, width: int, room: int = 0) -> list[Line]:
    """Numbered, each with its state in a sign and a word; the VMs' progress under the current one.

    Where `room` lines do not suffice, there is one line of all that is done and says no more.
    """
    lines = [line for step in domain.steps for line in _one_step(domain, step, width)]
    if len(lines) <= room and lines:
        return lines
    lines = []
    for plain, group in itertools.groupby(domain.steps, _plainly_done):
        steps = tuple(group)
        if plain and len(steps) > 1:
            sign, style, word = _SIGNS[StepState.DONE]
            span = f"{steps[0].number:>2} to {steps[-1].number}"
            whole = msgspec.structs.replace(steps[-1], began_at=steps[0].began_at)
            lines.append(
                (
                    (f"  {sign} ", style),
                    (f"{span}  of {steps[-1].of} steps", ""),
                    (f"  {word}", style),
                    (_time_of(whole), "dim"),
                )
            )
        else:
            lines += [line for step in steps for line in _one_step(domain, step, width)]
    if not lines and domain.step is not None:
        lines.append(((f"  ▶ {domain.step.number:>2}  {clean(domain.step.label)}", "accent"),))
    return lines


def _plainly_done(step: Step) -> bool:
    return step.state is StepState.DONE and not step.detail


def _time_of(step: Step) -> str:
    """The length of a step, or since when it is under way; empty where that is not known."""
    if step.took_s is not None:
        return f"  {show_clock(step.took_s)}"
    at_work = step.state in (StepState.CURRENT, StepState.FAILED)
    return f"  since {second(step.began_at)}" if at_work and step.began_at is not None else ""


def _one_step(domain: Domain, step: Step, width: int) -> list[Line]:
    lines: list[Line] = []
    sign, style, word = _SIGNS[step.state]
    text = f"{step.number:>2}  {clean(step.label)}"
    label: Line = ((f"  {sign} ", style), (text, "bold" if word == "current" else ""))
    state, time = (f"  {word}", style), _time_of(step)
    if word == "current" and step.progress is not None:
        done = percent(step.progress)
        with_bar: Line = (*label, (f"  {bar(step.progress, 10)} {done}", "accent"))
        label = with_bar if width_of((*with_bar, state)) <= width - 2 else (*label, (f"  {done}", "accent"))
    label = (*label, state)
    if width_of(label) + len(time) <= width - 2:
        lines.append((*label, (time, "dim")))
    else:  # beside the bar of progress there is no room for it
        lines += [label, ((f"      {time}", "dim"),)]
    if step.detail:
        style = "bad" if word == "failed" else "dim"
        lines += [((f"        {part}", style),) for part in wrap(clean(step.detail), max(20, width - 10))]
    if word in ("current", "failed"):
        lines += [line for vm in domain.vms if _busy(vm) for line in _vm_lines(vm, width)]
    return lines


def current_of(lines: Sequence[Line]) -> range:
    """The lines of the current or failed step with what goes on under it; none when no step is that."""
    words = ("  current", "  failed")
    start = next((i for i, line in enumerate(lines) if any(text in words for text, _ in line)), None)
    if start is None:
        return range(0)
    after = (i for i in range(start + 1, len(lines)) if not plain_of(lines[i]).startswith(" " * 8))
    return range(start, next(after, len(lines)))


def rto_line(operation: OperationView | None, domain: Domain, now: datetime) -> Line:
    """The clock since the decision; it stands still once the VMs serve again."""
    if operation is None and domain.observed_only:
        return (("The steps as the site tells them; since when, it does not tell", "dim"),)
    if operation is None:
        return (("No failover of this domain was decided yet; the RTO clock has not started", "dim"),)
    end = operation.ended_at or now
    recovered = domain.failover.recovered_at if domain.failover is not None else None
    if recovered is not None and domain.failover is not None and domain.failover.id == operation.id:
        end = recovered
    spent = show_clock((end - operation.asked_at).total_seconds())
    return (
        (f"RTO {spent}", "bold"),
        ("" if end is now else " (VMs recovered)" if recovered is not None else " (ended)", "ok"),
        (f"   decided {second(operation.asked_at)}: {describe(operation)}", ""),
    )
