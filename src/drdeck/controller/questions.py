"""The words of what an operation asks a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drdeck.controller.journal.operations import UNSEEN, Operation, Question
from drdeck.model.domains import Domain
from drdeck.model.planned import PlannedCall
from drdeck.model.text import some
from drdeck.model.times import show_duration, show_seconds

_POWER = {"unknown": "in a state that is not known"}


def failed(op: Operation, keys: Sequence[str], choices: tuple[str, ...]) -> Question:
    """The site's refusal, in its words."""
    text = _some([op.failed[key] for key in keys])
    vms = vms_of([op.calls[key] for key in keys if key in op.calls]) if "skip" in choices else {}
    if vms:
        text += f" Skip would leave out {some(sorted(vms.values()))}."
    return Question(id="failed:" + ",".join(sorted(keys)), kind="failed", text=text, choices=choices, vms=vms)


def vms_of(calls: Iterable[PlannedCall]) -> dict[str, str]:
    """The VMs, id -> name, that some calls are about."""
    return {call.vm: call.name for call in calls if call.vm is not None}


def common_choices(calls: Sequence[PlannedCall]) -> tuple[str, ...]:
    """Choices that all of some failed calls allow, in the order in which an operator should think of them."""
    common = set.intersection(*(set(call.choices) for call in calls))
    return tuple(c for c in ("retry", "skip", "abort") if c in common)


def unknown(
    op: Operation,
    keys: Sequence[str],
    says: Sequence[str],
    domain: Domain,
    calls: Sequence[PlannedCall] = (),
) -> Question:
    """A doubt that only a person can end: the site does not show if it was done. `calls`: those on VMs of
    which this is asked; none: it is of the whole domain."""
    vms = vms_of(calls)
    powers = [f"{vm.name} is {_POWER.get(vm.power, vm.power)}" for vm in domain.vms if vm.id in vms]
    state = _some(powers) if powers else f'{domain.name} is "{domain.mode_label}"'
    since = op.requested_at(keys)
    requested = "drdeck asked for it" if since is None else f"drdeck asked for it at {show_seconds(since)}"
    doubt, yes, no = _doubt(says, calls)
    text = (
        f"{doubt} {requested} and got no answer.{UNSEEN}{state}."
        f" Look in vCenter, then answer confirm ({yes}) or retry ({no})."
    )
    ident = "unknown:" + ",".join(sorted(keys))
    return Question(id=ident, kind="unknown", text=text, choices=("retry", "confirm"))


def _doubt(says: Sequence[str], calls: Sequence[PlannedCall]) -> tuple[str, str, str]:
    """The question whether calls were done, in words, and its two answers."""
    if calls and all(call.kind == "power_on" and call.name for call in calls):
        it = "it" if len(calls) == 1 else "them"
        names = some([call.name for call in calls], most=3)
        return f"Did {names} power on?", "it did", f"it did not: power {it} on"
    return f"Was this done: {_some(says)}?", "it was done", "it was not: do it"


def slow(calls: Sequence[PlannedCall], waits: int) -> Question:
    """The calls that have not ended in the time that the settings allow; `waits`: how often a person has said
    to go on waiting."""
    limit = show_duration(max(call.limit_s for call in calls))
    again = " once more" if waits else ""
    meanings = {
        "wait": "wait to wait as long again",
        "retry": "retry to look and ask for it anew",
        "skip": "skip to continue without",
        "abort": "abort to give the operation up",
    }
    choices = tuple(c for c in meanings if c in ("wait", "retry") or all(c in call.choices for call in calls))
    *first, last = (meanings[choice] for choice in choices)
    place = "what it waits for" if all(call.kind == "wait" for call in calls) else "its task"
    text = (
        f"Not ended within {limit}{again}: {_some([call.says or call.kind for call in calls])}."
        f" Look in vCenter at {place}. Answer {', '.join(first)}, or {last}."
    )
    ident = "slow:" + ",".join(sorted(call.key for call in calls))
    vms = vms_of(calls) if "skip" in choices else {}
    return Question(id=ident, kind="slow", text=text, choices=choices, vms=vms)


def vanished(op: Operation, key: str, says: str, effect: str) -> Question:
    """A command that the site confirmed, and of which it shows nothing."""
    return Question(
        id=f"vanished:{key}:{op.done[key]}",
        kind="failed",
        text=f"The site confirmed: {says}; but it does not show {effect}."
        " Somebody else may have changed the domain's record there.",
        choices=("retry", "abort"),
    )


def bug(error: Exception) -> Question:
    """drdeck's own failure: it stops this operation and no other."""
    text = f"drdeck failed while it looked what to do next: {error!r}; see the controller's log."
    return Question(id="bug:", kind="bug", text=text, choices=("retry", "abort"))


def _some(phrases: Sequence[str]) -> str:
    more = f"; and {len(phrases) - 3} more" if len(phrases) > 3 else ""
    return "; ".join(phrases[:3]) + more
