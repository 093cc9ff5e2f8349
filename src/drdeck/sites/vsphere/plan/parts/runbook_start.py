"""The start of a runbook's groups one after another: of replicas, and of a test's clones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from drdeck.model.planned import Phase, PlannedCall, SiteQuestion
from drdeck.model.text import names
from drdeck.model.times import show_duration
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.record.record_values import FailoverRecord, RollbackRecord, TrialRecord

from .planned_calls import Plan, step
from .runbook_groups import VmGroup


class RunbookStart(NamedTuple):
    """A runbook whose groups are started, and the calls and words by which that happens."""

    groups: Sequence[VmGroup]
    is_ready: Callable[[VmFacts], bool]
    in_words: Callable[[Sequence[VmFacts]], str]
    """what those that are not ready lack"""
    power_on: Callable[[Sequence[VmFacts]], tuple[PlannedCall, ...]]
    """the calls that start those of a group which are off"""
    limit_s: float
    """how long a group may take to be ready"""
    over: str
    """the record's step once the last group is ready"""
    steps: str
    """before the names of the steps from group to group"""
    question: str
    """the beginning of a question's id"""
    not_ready: str
    waits: str
    choices: tuple[str, ...]


def starting_group(
    now: datetime, r: FailoverRecord | RollbackRecord | TrialRecord, run: RunbookStart
) -> Plan:
    """Runbook group `r.g`: power on, wait until ready, wait for the delay, go on to the next."""
    if r.g >= len(run.groups):
        return Plan(Phase(operation=r.id, name="Execute runbook", then=step(run.over, r.id, r.n, r.g)))
    group, last = run.groups[r.g], r.g + 1 >= len(run.groups)
    label = f"Execute runbook: {group.name}"
    onwards = step(run.over if last else f"{run.steps}next", r.id, r.n, r.g)
    if r.phase == "delay":
        left_s = group.delay_s - (now - r.since).total_seconds()
        wait = f"{show_duration(left_s + 0.999)} before the next group starts" if left_s > 0 else ""
        return Plan(Phase(operation=r.id, name=label, wait=wait, then=onwards))
    waited = [vm for vm in group.vms if not run.is_ready(vm)]
    calls = run.power_on(group.vms)
    if waited and now > r.since + timedelta(seconds=run.limit_s):
        text = (
            f"{run.not_ready} within {show_duration(run.limit_s)}: {run.in_words(waited)}."
            f" Answer retry to wait as long again, or skip to continue without {names(waited)}."
        )
        ask = SiteQuestion(
            id=f"{run.question}:{r.g}:{r.n}",
            operation=r.id,
            text=text,
            choices=run.choices,
            vms={vm.id: vm.name for vm in waited},
        )
        return Plan(Phase(operation=r.id, name=label, calls=calls), ask)  # what can be started goes on
    wait = f"{run.waits}: {run.in_words(waited)}" if waited else ""
    then = step(f"{run.steps}delay", r.id, r.n, r.g) if group.delay_s and not last else onwards
    return Plan(Phase(operation=r.id, name=label, calls=calls, wait=wait, then=then))
