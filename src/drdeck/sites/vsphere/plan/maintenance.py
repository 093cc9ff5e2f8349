"""Calls due at owned domains without anybody asking: group points, and pruning them."""

from __future__ import annotations

from datetime import datetime, timedelta

from drdeck.model.planned import PlannedCall
from drdeck.model.points_budget import JOIN_S
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import on_vm
from drdeck.sites.vsphere.vcenter.calls.call_arguments import AnswerArguments, PointArguments

from .domain_state import DomainState
from .restore_points import (
    CHAIN_MAX,
    backup_of,
    instant_of,
    ours,
    point_name,
    prunable,
    removal_of,
    removal_order,
)

SETTLED = timedelta(seconds=60)
"""What was synchronised for a moment only is not noted."""


def noted(s: DomainState, synchronised_since: datetime | None, now: datetime) -> PlannedCall | None:
    """That a domain is synchronised, for every jump host to know when it falls behind.

    Whoever sees it first writes it down. Needs no lease: the same is written whoever does it, and when.
    """
    if synchronised_since is None or now - synchronised_since < SETTLED or s.record.was_synchronised:
        return None
    by = s.record.mode.by if s.record.mode is not None else ""
    return PlannedCall(
        key=f"synchronised:{by}", kind="note", after_loss="repeat", says=f"note that {s.name} is synchronised"
    )


def due(s: DomainState, now: datetime, pending: datetime | None = None) -> list[PlannedCall]:
    """Acts due for a domain: at most one for each VM.

    `pending`: instant of the group point that is being made, which the site may not show yet.
    """
    f = s.record.failover
    if (
        f is None
        or f.phase != "finished"
        or s.record.session is not None
        or s.record.undo is not None
        or s.record.release is not None
        or s.record.trial is not None  # its VMs stand on points
        or s.record.clones
        or not s.settings.pitr.enabled
    ):
        return []
    name = _group_point(s, now, pending) if now <= points_until(f.since, s) else None
    calls = []
    # who waited longest comes first: where not all can join in time, it is not always the same ones
    for vm in sorted(s.members(), key=_last_made):
        if not is_free(vm, now):
            continue
        doomed = _doomed(s, vm, now)
        if doomed:
            calls.append(removal_of(vm, removal_order(vm, doomed)[0], "prune"))
        elif name is not None and not full(vm) and not vm.has_snapshot(name):
            args = PointArguments(name=name, description="drdeck: group point", unasked="yes").as_text()
            says = f"make restore point {name} of {vm.name}"
            calls.append(on_vm(vm, "snapshot", f"point:{name}", says, args))
    return calls


_UUID_LABELS = {"moved": "movedTheVM", "copied": "copiedTheVM"}


def answers(s: DomainState, uuid_question: str) -> list[PlannedCall]:
    """Answers that the settings give by themselves, to whether a VM was moved or copied.

    Told by the message's id and the choice's label, button.uuid.movedTheVM, which are the same in every
    language, and never by a position.
    """
    ending = _UUID_LABELS.get(uuid_question)
    if ending is None or s.record.failover is None:
        return []
    calls = []
    for vm in s.vms:
        question = vm.question
        if question is None or question.message != "msg.uuid.altered":
            continue
        key = next((key for label, key in question.choices.items() if label.endswith(ending)), None)
        if key is not None:
            args = AnswerArguments(question=question.id, choice=key).as_text()
            says = f'answer "{uuid_question}" to the question whether {vm.name} was moved or copied'
            calls.append(on_vm(vm, "answer", f"answer:{question.id}", says, args))
    return calls


def points_until(finished: datetime, s: DomainState) -> datetime:
    """The end of the time in which group points are made, after the failover and the last session."""
    begins = [finished, *(p.end for p in s.record.excluded if p.end is not None)]
    return max(begins) + timedelta(seconds=float(s.settings.pitr.points_for))


def is_free(vm: VmFacts, now: datetime) -> bool:
    """Tell whether a VM can be reached, and neither a task nor a backup works on it."""
    return not vm.running_tasks and vm.connection == "connected" and backup_of(vm, now) is None


def full(vm: VmFacts) -> bool:
    """True if a VM's chain is too long for one more point."""
    return len(vm.snapshots) >= CHAIN_MAX


def chain_stuck(s: DomainState, vm: VmFacts) -> bool:
    """True if a full chain holds nothing that may be pruned."""
    return full(vm) and not prunable(vm, s.settings.prune_also)


def half_made(s: DomainState) -> tuple[datetime, datetime] | None:
    """The instant of the group point that VMs are still to join, and until when they may; None: none is."""
    last = max((instant_of(x) for vm in s.vms for x in vm.snapshots if ours(x)), default=None)
    if last is None or last + _late(s) <= s.now:
        return None
    name = point_name(last)
    joining = (vm for vm in s.members() if vm.connection == "connected" and not full(vm))
    return (last, last + _late(s)) if any(not vm.has_snapshot(name) for vm in joining) else None


def _interval(s: DomainState) -> timedelta:
    return timedelta(seconds=max(1.0, float(s.settings.pitr.interval)))


def _late(s: DomainState) -> timedelta:
    return min(timedelta(seconds=JOIN_S), _interval(s))


def _last_made(vm: VmFacts) -> float:
    return max((instant_of(x).timestamp() for x in vm.snapshots if ours(x)), default=0.0)


def is_point(call: PlannedCall) -> bool:
    """Tell whether a call makes a group point."""
    return call.kind == "snapshot" and call.key.startswith("point:")  # a Planned Failover has a step "point"


def round_goes_on(s: DomainState, now: datetime, pending: datetime | None = None) -> bool:
    """Tell whether VMs may join the group point that was begun last."""
    last, _ = _last(s, pending)
    return last is not None and now - last < _late(s)


def due_since(s: DomainState, pending: datetime | None = None) -> datetime:
    """The instant from which the next group point is due: an interval after the last, or after a session."""
    _, since = _last(s, pending)
    if since is not None:
        return since + _interval(s)
    return s.record.failover.since if s.record.failover is not None else s.now


def _last(s: DomainState, pending: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The instant of the last group point, and the one from which the interval counts."""
    points = [instant_of(x) for vm in s.vms for x in vm.snapshots if ours(x)]
    last = max([*points, *([pending] if pending else [])], default=None)
    since = [t for t in (last, s.record.pitr.reset, *(p.end for p in s.record.excluded)) if t is not None]
    return last, max(since, default=None)


def _group_point(s: DomainState, now: datetime, pending: datetime | None) -> str | None:
    """The name of the group point being made now, or None between two."""
    last, since = _last(s, pending)
    if last is not None and now - last < _late(s):
        return point_name(last) if last == since else None
    if since is not None and now - since < _interval(s):
        return None
    return point_name(now.replace(microsecond=0))


def _doomed(s: DomainState, vm: VmFacts, now: datetime) -> set[str]:
    """The one snapshot to go next: past the window, more than are kept, or in the way of one more."""
    mine = prunable(vm, s.settings.prune_also)
    if not mine:
        return set()
    oldest = min(mine, key=instant_of)
    too_old = instant_of(oldest) < now - timedelta(seconds=float(s.settings.pitr.window))
    own = sorted((x for x in mine if ours(x)), key=instant_of)
    if not too_old and not full(vm) and len(own) > s.settings.pitr.keep:
        return {own[0].id}
    return {oldest.id} if too_old or full(vm) else set()
