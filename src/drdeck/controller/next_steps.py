"""The kinds of next steps, and those that all operations share: a command, the site's question, due work."""

from __future__ import annotations

from dataclasses import dataclass

from drdeck.controller.journal.operations import Operation, Question
from drdeck.model.commands import AnyCommand, MakePlannedCall, Resolve, Skip
from drdeck.model.domains import Domain
from drdeck.model.planned import PlannedCall

from . import questions


@dataclass(frozen=True)
class WaitFor:
    """Nothing to be done now but to wait.

    `settling`: what the site confirmed and still shows as due; it should not for long. `unshown`: key of
    what it confirmed and has not shown yet."""

    why: str
    settling: tuple[AnyCommand, ...] = ()
    unshown: str | None = None
    at_barrier: bool = False
    """all is reverted, and nothing starts before the other domains are reverted too"""


@dataclass(frozen=True)
class GiveCommands:
    commands: tuple[AnyCommand, ...]
    why: str = ""


@dataclass(frozen=True)
class AskOperator:
    """A question to a person. `commands`: what is due all the same, while nobody has answered."""

    question: Question
    commands: tuple[AnyCommand, ...] = ()


@dataclass(frozen=True)
class Complete:
    text: str = ""


@dataclass(frozen=True)
class Fail:
    why: str
    aborted: bool = False


NextStep = WaitFor | GiveCommands | AskOperator | Complete | Fail

_AT_ONCE = 100
"""Calls that one look hands out; there are fewer places for them."""
HELD = "rolled back; nothing starts before the other domains of this rollback are reverted too"


def give(
    op: Operation, d: Domain, command: AnyCommand, serial: int, effect: str, on_refused: str = "fail"
) -> NextStep:
    """Give a command that the site does not show as taken, unless it is under way or just taken."""
    key = command.key
    if key in op.going:
        return WaitFor(f"{command.says}: under way")
    if key in op.failed:
        if on_refused == "fail":
            return Fail(op.failed[key])
        return AskOperator(questions.failed(op, [key], ("retry",)))
    if serial <= op.unseen.get(key, -1):
        return WaitFor(f"{command.says}: its answer was lost; looking at the site")
    if key in op.lost and isinstance(command, MakePlannedCall) and command.call.after_loss == "ask":
        return AskOperator(questions.unknown(op, [key], [command.says], d, [command.call]))
    if key in op.done and serial <= op.done[key]:
        return WaitFor(f"{command.says}: done; waiting until the site shows it", unshown=key)
    if key in op.done:
        return AskOperator(questions.vanished(op, key, command.says, effect))
    return GiveCommands((command,))


def site_answer(op: Operation, d: Domain, serial: int) -> NextStep | None:
    """The site's own question to this operation, or the giving of its answer.

    Calls that the site says are due beside it are given: a VM that was busy is started when it is not any
    more, whoever is asked about others.
    """
    step = _site_question(op, d, serial)
    if not isinstance(step, AskOperator):
        return step
    beside = due_work(op, d, serial)
    return AskOperator(step.question, beside.commands) if isinstance(beside, GiveCommands) else step


def _site_question(op: Operation, d: Domain, serial: int) -> NextStep | None:
    question = d.question
    if question is None or question.operation != op.id:
        return None
    ident, choice = question.id, op.answers.get(question.id)
    if choice is None:
        return AskOperator(
            Question(
                id=ident,
                kind="site",
                text=question.text,
                choices=question.choices,
                vms=question.vms,
            )
        )
    answer = Resolve(
        operation=op.id,
        domain=d.name,
        question=ident,
        choice=choice,
        vms=op.answered_vms.get(ident, ()),
        asked_by=op.answered_by,
    )
    return give(op, d, answer, serial, effect="the answer as taken", on_refused="ask")


def due_work(op: Operation, d: Domain, serial: int) -> NextStep | None:
    """The work that the site says is due for this operation, or None when it says nothing."""
    phase = d.phase
    if phase is None or phase.operation != op.id:
        return None
    skips = []
    if op.skipped and any(call.vm in op.skipped for call in phase.calls):
        skip = Skip(operation=op.id, domain=d.name, vms=op.skipped)  # one write of the record for all
        skips = [skip] if skip.key not in op.done else []
    todo: list[AnyCommand] = [
        skip for skip in skips if skip.key not in op.going and _open(op, skip.key, serial)
    ]
    failed, unknown, under_way = list[PlannedCall](), list[PlannedCall](), bool(skips)
    settling, unseen, slow = list[AnyCommand](), False, list[PlannedCall]()
    for call in phase.calls:
        key = call.key
        if call.vm in op.skipped:
            continue
        if len(todo) >= _AT_ONCE:
            break
        if key in op.going:
            under_way = under_way or key not in op.slow
            if key in op.slow:
                slow.append(call)
        elif key in op.failed:
            failed.append(call)
        elif key in op.lost and serial > op.lost[key] and call.after_loss == "ask":
            unknown.append(call)
        elif key in op.done:
            if call.after_loss == "observe":
                settling.append(MakePlannedCall(operation=op.id, domain=d.name, call=call))
        elif _open(op, key, serial):
            todo.append(
                MakePlannedCall(
                    operation=op.id,
                    domain=d.name,
                    call=call,
                    again=op.uncertain(key),
                    task=op.tasks.get(key, ""),
                )
            )
        else:
            unseen = True
    if todo:
        return GiveCommands(tuple(todo), phase.name)
    if slow and not under_way:
        return AskOperator(questions.slow(slow, max(op.waited_for.get(call.key, 0) for call in slow)))
    if unknown:
        return AskOperator(
            questions.unknown(
                op,
                [call.key for call in unknown],
                [call.says or call.kind for call in unknown],
                d,
                unknown,
            )
        )
    if failed and not under_way:
        choices = questions.common_choices(failed)
        return AskOperator(questions.failed(op, [call.key for call in failed], choices))
    if under_way or slow or settling or unseen or failed:
        return WaitFor(phase.wait or phase.name, tuple(settling))
    if phase.wait or phase.then is None:
        return WaitFor(phase.wait or phase.name)
    if phase.barrier and op.barrier:
        return WaitFor(HELD, at_barrier=True)
    then = MakePlannedCall(operation=op.id, domain=d.name, call=phase.then)
    return give(op, d, then, serial, effect="it", on_refused="ask")


def _open(op: Operation, key: str, serial: int) -> bool:
    """A key may be taken: never given, or its answer lost and the site seen since."""
    return serial > op.unseen.get(key, -1)
