"""Operations as the journal tells them: one pure step for each event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from drdeck.model.actions.request import Request
from drdeck.model.commands import AnyCommand, MakePlannedCall
from drdeck.model.planned import PlannedCall

from .event_store import Event, Journal, JournalError
from .operations import Operation, OperationState, Question

Operations = dict[str, Operation]

ACCEPTED = "accepted"
INTENT = "intent"
OUTCOME = "outcome"
TASK = "task"
SLOW = "slow"
QUESTION = "question"
SETTLED = "settled"
ANSWER = "answer"
ENDED = "ended"
LIFTED = "barrier_lifted"
"""An operation that waited for others to be reverted may start its VMs."""
STARTED = "controller_started"
"""A new process: what was under way in the one before it has no outcome."""
KEPT = 100
"""So many operations that ended last are kept in memory; the others are in the journal."""


def apply(operations: Operations, event: Event) -> Operations:
    """The operations after one more event; events of other kinds change nothing."""
    step = _STEPS.get(event.kind)
    if step is None:
        return operations
    data = event.data
    ident = data["operation"]
    if event.kind == ACCEPTED:
        ends = {other: _given_up(operations[other]) for other in data.get("ends", ()) if other in operations}
        return {**operations, **ends, ident: _accepted(event)}
    operation = operations.get(ident)
    if operation is None:
        return operations
    after = step(operation, data)
    if event.kind == ANSWER:
        after = _replace(after, answered_by=event.actor)
    return {**operations, ident: after}


def recent(operations: Operations) -> Operations:
    """The open ones, the KEPT that ended last, and the last of each action and outcome in each domain.

    What an open operation and the screens ask about is among them; a controller lives for months.
    """
    last: set[tuple[str, str, OperationState]] = set()
    forgotten = set()
    for number, op in enumerate(newest_end_first(operations.values())):
        kind = (op.domain, op.action, op.state)
        if number >= KEPT and kind in last:
            forgotten.add(op.id)
        last.add(kind)
    return _without(operations, forgotten) if forgotten else operations


def newest_end_first(operations: Iterable[Operation]) -> list[Operation]:
    """Those that have ended, the last one first."""
    ended = [(op.ended_at, op) for op in operations if op.ended_at is not None]
    return [op for _, op in sorted(ended, key=lambda pair: pair[0], reverse=True)]


def project(events: Iterable[Event], every: bool = False) -> Operations:
    """The operations of a journal, as they are after a start: what was under way has a lost answer.

    The recent ones, unless `every` one is wanted. Serials of views do not outlive a process, so that
    they start again at 0: the first view after the start is a fresh one.
    """
    operations: Operations = {}
    requested: dict[tuple[str, str], datetime] = {}
    for event in events:
        operations = apply(operations, event)
        if event.kind == INTENT and "at" in event.data:
            requested[event.data["operation"], event.data["key"]] = datetime.fromisoformat(event.data["at"])
        if event.kind == ENDED and not every:
            operations = recent(operations)
    return {
        ident: msgspec.structs.replace(
            op,
            going=frozenset(),
            slow=frozenset(),
            lost=dict.fromkeys([*op.lost, *op.going], 0),
            lost_at=op.lost_at | {k: requested[op.id, k] for k in op.going if (op.id, k) in requested},
            unsent=dict.fromkeys(op.unsent, 0),
            done=dict.fromkeys(op.done, 0),
        )
        for ident, op in operations.items()
    }


def read(journal: Journal, every: bool = False) -> Operations:
    """The operations of a journal. Raises JournalError for events that make no sense."""
    try:
        return project(journal.events(*_STEPS), every)
    except (msgspec.ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalError(
            f"the journal {journal.file} tells what this drdeck does not understand ({error!r}):"
            " use the drdeck that wrote it, or another --state directory"
        ) from None


def _accepted(event: Event) -> Operation:
    data = event.data
    return Operation(
        id=data["operation"],
        request=msgspec.convert(data["request"], Request),
        actor=data.get("asked_by", event.actor),
        asked_at=datetime.fromisoformat(data["asked_at"]),
        session=data.get("session"),
        after=data.get("after"),
        adopted="taken_over_by" in data,
        taken_over_by=event.actor if "taken_over_by" in data else "",
        run=data.get("run", ""),
        barrier=data.get("barrier", False),
    )


def _given_up(op: Operation) -> Operation:
    """An operation that another one, which was accepted, puts an end to."""
    if op.ended:
        return op
    return _replace(op, question=None, state=OperationState.OPEN, answers={**op.answers, "abort": "abort"})


def _replace(op: Operation, **changes: Any) -> Operation:
    return msgspec.structs.replace(op, **changes)


def _without(table: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    drop = set(keys)
    return {key: value for key, value in table.items() if key not in drop}


def _intent(op: Operation, data: dict[str, Any]) -> Operation:
    """A try that begins. One of the same key that is under way still is of a process that died: its answer is
    lost, whatever comes of this one, also for whoever reads the journal after both."""
    key = data["key"]
    return _replace(
        op,
        going=op.going | {key},  # what is known of an earlier try stays until this one has an outcome
        lost={**op.lost, key: 0} if key in op.going else op.lost,
        unsent=_without(op.unsent, [key]),
        failed=_without(op.failed, [key]),
    )


def _outcome(op: Operation, data: dict[str, Any]) -> Operation:
    key, result, serial = data["key"], data["result"], int(data.get("serial", 0))
    op = _replace(op, going=op.going - {key}, slow=op.slow - {key}, waited_for=_without(op.waited_for, [key]))
    if result == "unreachable":
        return _replace(op, unsent={**op.unsent, key: serial})
    tasks = _without(op.tasks, [key]) if result in ("done", "refused", "vanished") else op.tasks
    op = _replace(op, lost=_without(op.lost, [key]), answered=op.answered | {key}, tasks=tasks)
    if result == "done":
        if data.get("text"):
            op = _replace(op, remarks={**op.remarks, key: data["text"]})
        return _replace(op, done={**op.done, key: serial})
    if result == "refused" and key == "AbortCompletion":
        # Too late to give up: the operation goes on, and asks again where it must.
        return _replace(op, answers=_without(op.answers, ["abort"]))
    if result in ("refused", "vanished"):
        calls = op.calls
        command: AnyCommand = msgspec.convert(data["command"], AnyCommand)
        if isinstance(command, MakePlannedCall):
            calls = {**calls, key: command.call}
        failed = {**op.failed, key: data["text"]}
        return _replace(op, failed=failed, calls=calls, done=_without(op.done, [key]))
    if "asked_at" in data:
        op = _replace(op, lost_at={**op.lost_at, key: datetime.fromisoformat(data["asked_at"])})
    return _replace(op, lost={**op.lost, key: serial}, answered=op.answered - {key})


def _task(op: Operation, data: dict[str, Any]) -> Operation:
    return _replace(op, tasks={**op.tasks, data["key"]: data["task"]})


def _slow(op: Operation, data: dict[str, Any]) -> Operation:
    call = msgspec.convert(data["act"], PlannedCall)
    return _replace(op, slow=op.slow | {data["key"]}, calls={**op.calls, data["key"]: call})


def _question(op: Operation, data: dict[str, Any]) -> Operation:
    question = msgspec.convert(data["question"], Question)
    since = op.question_at
    if since is None and "at" in data:
        since = datetime.fromisoformat(data["at"])
    return _replace(op, question=question, question_at=since, state=OperationState.ASKING)


def _settled(op: Operation, data: dict[str, Any]) -> Operation:
    return _replace(op, question=None, question_at=None, state=OperationState.OPEN)


def _answer(op: Operation, data: dict[str, Any]) -> Operation:
    choice, question = data["choice"], op.question
    op = _replace(op, question=None, question_at=None, state=OperationState.OPEN)
    if choice == "abort":
        return _replace(op, answers={**op.answers, "abort": "abort"})
    if question is None:
        return op
    if question.kind == "site":
        seen_vms = {**op.answered_vms, question.id: tuple(question.vms)}
        return _replace(op, answers={**op.answers, question.id: choice}, answered_vms=seen_vms)
    if question.kind == "bug":
        return op
    keys = question.id.split(":", 1)[1].split(",") if ":" in question.id else []
    if question.kind == "slow":
        return _slow_answered(op, keys, choice)
    op = _replace(op, going=op.going - set(keys))  # of a process that died: now it is known what became of it
    if question.id.startswith("vanished:"):
        keys = [question.id.split(":", 1)[1].rsplit(":", 1)[0]]
        return _replace(op, done=_without(op.done, keys))
    if question.kind == "unknown":
        lost = _without(op.lost, keys)
        if choice == "confirm":
            return _replace(op, lost=lost, done={**op.done, **dict.fromkeys(keys, 0)})
        return _replace(op, lost=lost)
    skipped = op.skipped | _vms_of(op, keys) if choice == "skip" else op.skipped
    return _replace(op, failed=_without(op.failed, keys), skipped=skipped)


def _vms_of(op: Operation, keys: Iterable[str]) -> dict[str, str]:
    """The VMs, id -> name, that the calls of some keys are about."""
    calls = [op.calls[key] for key in keys if key in op.calls]
    return {call.vm: call.name for call in calls if call.vm is not None}


def _slow_answered(op: Operation, keys: list[str], choice: str) -> Operation:
    """Go on waiting, make the calls anew once it was looked what became of them, or go on without the VMs."""
    op = _replace(op, slow=op.slow.difference(keys))
    if choice == "wait":
        times = {key: op.waited_for.get(key, 0) + 1 for key in keys}
        return _replace(op, waited_for=op.waited_for | times)
    if choice == "skip":
        return _replace(op, skipped=op.skipped | _vms_of(op, keys))
    return _replace(
        op,
        going=op.going.difference(keys),
        lost=op.lost | dict.fromkeys(keys, 0),
        tasks=_without(op.tasks, keys),
    )


def _ended(op: Operation, data: dict[str, Any]) -> Operation:
    return _replace(
        op,
        state=OperationState(data["state"]),
        question=None,
        question_at=None,
        ended_at=datetime.fromisoformat(data["at"]),
        error=data.get("error"),
        result=data.get("result", {}),
        waits_for="",
        # how it came about is in the journal; a controller that lives for months does not keep it in memory
        done={},
        failed={},
        lost={},
        lost_at={},
        unsent={},
        going=frozenset(),
        answered=frozenset(),
        calls={},
        answers={},
        answered_vms={},
        tasks={},
        remarks={},
        slow=frozenset(),
        waited_for={},
    )


def _lifted(op: Operation, data: dict[str, Any]) -> Operation:
    return _replace(op, barrier=False)


_STEPS = {
    ACCEPTED: lambda op, data: op,
    INTENT: _intent,
    OUTCOME: _outcome,
    TASK: _task,
    SLOW: _slow,
    QUESTION: _question,
    SETTLED: _settled,
    ANSWER: _answer,
    ENDED: _ended,
    LIFTED: _lifted,
}
