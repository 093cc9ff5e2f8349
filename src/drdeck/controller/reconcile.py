"""The next step of an operation: a pure function of what was asked and what the site shows.

Nothing is remembered between two calls but what is in the operation (a projection of the journal).
The site comes first: a command that the site shows as taken is not given again, whatever the
journal says of its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from drdeck.controller.journal.operations import Operation, Question
from drdeck.model.commands import (
    AbortCompletion,
    AcceptRemoval,
    AnyCommand,
    BeginCompletion,
    CancelContinuousFailover,
    CancelRelease,
    CommitFailover,
    EndTrial,
    ExitSession,
    FailBack,
    FinishFailover,
    MakeEntryPoints,
    MakePlannedCall,
    MapNetworks,
    ReleaseDomain,
    Resolve,
    RestoreDomain,
    ResumeRehydration,
    RollBack,
    Skip,
    StartContinuousFailover,
    StartReverted,
    StartSession,
    StartTrial,
    TakeOver,
    UndoFailover,
    WriteRecordBack,
)
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, SessionState
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.planned import PlannedCall
from drdeck.model.text import names
from drdeck.model.times import show

from . import questions


@dataclass(frozen=True)
class WaitFor:
    """`settling`: what the site confirmed and still shows as due; it should not for long. `unshown`: key of
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
    """`commands`: what is due all the same, while nobody has answered."""

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
GIVEN_UP = "given up on the operator's word"
STAYS_OFF = "; VMs that were shut down stay off at the protected site until somebody powers them on there"


def next_step(
    operation: Operation, domain: Domain | None, serial: int, looked: int | None = None
) -> NextStep:
    """The next step of an open operation, given its domain in the view number `serial`.

    `looked`: number of the newest view that was asked for, after whatever was known then; None: this one.
    """
    if looked is not None:
        operation = _seen(operation, serial, looked)
    if domain is None:
        return WaitFor(f'the site does not show a domain named "{operation.domain}"')
    if domain.broken and operation.action not in _OF_THE_RECORD:
        return WaitFor(f"the domain's record at the site cannot be used: {domain.broken}")
    if domain.driver is not None and operation.action != "take_over":
        step = _STEPS[operation.action](operation, domain, serial)
        if isinstance(step, Complete):
            return step  # whoever has done it
        return WaitFor(f"the domain is driven by {domain.driver}")
    if operation.answers.get("abort") == "abort" and operation.action != "cfo_complete":
        return Fail(GIVEN_UP, aborted=True)
    return _STEPS[operation.action](operation, domain, serial)


def _seen(op: Operation, serial: int, looked: int) -> Operation:
    """A view that came by itself after an answer, or after one was lost, may have been read before: what it
    does not show may have happened all the same.

    A vCenter answers a call and tells of its effects by two connections (WaitForUpdatesEx), in no order."""

    def until(table: dict[str, int]) -> dict[str, int]:
        return {key: known if looked > known else max(known, serial) for key, known in table.items()}

    return msgspec.structs.replace(op, lost=until(op.lost), unsent=until(op.unsent), done=until(op.done))


def first_command(op: Operation) -> AnyCommand:
    """The command with which an operation begins at the site."""
    request = op.request
    common: Any = {"operation": op.id, "domain": op.domain}
    match op.action:
        case "cfo_start":
            return StartContinuousFailover(**common, networks=request.networks)
        case "cfo_complete" if request.start_first:
            return StartContinuousFailover(**common, networks=request.networks)
        case "cfo_complete":
            return completion(op)
        case "cfo_remap":
            return MapNetworks(**common, networks=request.networks)
        case "cfo_cancel":
            return CancelContinuousFailover(**common)
        case "failover_undo":
            return UndoFailover(**common)
        case "failover_commit":
            return CommitFailover(**common)
        case "domain_restore":
            return RestoreDomain(**common)
        case "domain_release":
            return ReleaseDomain(**common)
        case "release_cancel":
            return CancelRelease(**common)
        case "domain_failback":
            return FailBack(**common)
        case "cfo_resume":
            return ResumeRehydration(**common)
        case "test_start":
            return StartTrial(
                **common,
                to=request.to,
                vms=request.vms,
                networks=request.networks,
                ends_after_s=request.ends_after_s,
            )
        case "test_end":
            return EndTrial(**common, result=request.result, note=request.note)
        case "pitr_start":
            return StartSession(**common, session=op.id, vms=request.vms)
        case "pitr_run":
            assert request.to is not None
            return RollBack(**common, to=request.to, vms=request.vms, hold=op.barrier)
        case "pitr_entry":
            return MakeEntryPoints(**common)
        case "take_over":
            return TakeOver(**common)
        case "record_restore":
            return WriteRecordBack(**common)
        case "record_accept":
            return AcceptRemoval(**common)
        case _:
            return ExitSession(**common)


def completion(op: Operation) -> BeginCompletion:
    """The command with which an operation completes a continuous failover."""
    request = op.request
    return BeginCompletion(
        operation=op.id,
        domain=op.domain,
        type=request.type or FailoverType.REGULAR,
        run_pitr=request.run_pitr,
        networks=request.networks,
        without=request.without,
        left_out=request.left_out,
    )


def _cfo_start(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return _command(op, d, first_command(op), serial, effect="continuous failover as started")
    if d.mode is Mode.REHYDRATING:
        return _phase(op, d, serial) or WaitFor(
            f"{d.vms_recoverable} of {d.vms_total} VMs are recoverable"
            + (f": {d.step.detail}" if d.step and d.step.detail else "")
        )
    return Complete("synchronised")


def _cfo_cancel(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return Complete("the continuous failover was cancelled")
    if d.owner is Owner.LOCAL:
        return Fail("this site had taken the ownership before the continuous failover could be cancelled")
    return _command(op, d, first_command(op), serial, effect="the domain as imported")


def _cfo_complete(op: Operation, d: Domain, serial: int) -> NextStep:
    failover = d.failover
    if failover is None or failover.id != op.id:
        if op.answers.get("abort") == "abort":
            off = STAYS_OFF if op.request.type is FailoverType.PLANNED else ""
            return Fail(GIVEN_UP + off, aborted=True)
        if op.request.start_first and d.mode in (Mode.IMPORTED, Mode.REHYDRATING):
            return _started_first(op, d, serial)
        return _command(op, d, completion(op), serial, effect="the completion as begun")
    if d.mode is Mode.RUNNING_IN_FAILOVER and d.session is None:
        return Complete("running in failover")
    if op.answers.get("abort") == "abort" and d.mode is Mode.COMPLETING:
        abort = AbortCompletion(operation=op.id, domain=d.name)
        return _command(op, d, abort, serial, effect="the end of it")
    step = _question(op, d, serial) or _phase(op, d, serial)
    if step is not None:
        return step
    if d.session is not None and d.session.state is not SessionState.WAITING:
        return WaitFor("the PITR session is active: roll back, then exit it")
    if d.session is not None:
        return WaitFor(d.session.waits_for or "the PITR session is starting")
    if d.recovered and failover.run_pitr:
        # The heart of it: every VM is recovered, the box was ticked, no session yet.
        start = StartSession(operation=op.id, domain=d.name, session=op.id, after_failover=True)
        return _command(op, d, start, serial, effect="the PITR session", on_refused="ask")
    if d.recovered:
        finish = FinishFailover(operation=op.id, domain=d.name)
        return _command(op, d, finish, serial, effect="the failover as finished", on_refused="ask")
    detail = f": {d.step.detail}" if d.step and d.step.detail else ""
    return WaitFor((d.step.label if d.step else "recovering VMs") + detail)


def _started_first(op: Operation, d: Domain, serial: int) -> NextStep:
    """The continuous failover of a failover in one sitting, until it can be completed."""
    if d.mode is Mode.IMPORTED:
        return _command(op, d, first_command(op), serial, effect="continuous failover as started")
    return _cfo_start(op, d, serial)


def _cfo_remap(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.remapped == op.id:
        return Complete("networks are mapped anew")
    if d.remapping == op.id:
        return _phase(op, d, serial) or WaitFor("mapping networks anew")
    return _command(op, d, first_command(op), serial, effect="networks as mapped anew")


def _pitr_start(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.session is None:
        return _command(op, d, first_command(op), serial, effect="the PITR session")
    if d.session.id != op.id:
        return Fail(f'"{d.name}" already has another PITR session')
    if d.session.state is not SessionState.WAITING:
        return Complete("the PITR session is active")
    return _question(op, d, serial) or _phase(op, d, serial) or WaitFor(d.session.waits_for or "starting")


def _pitr_run(op: Operation, d: Domain, serial: int) -> NextStep:
    session, first = d.session, first_command(op)
    if session is None or op.session not in (None, session.id):
        return Fail("the PITR session that it was asked for has ended")
    if session.last_operation != op.id and op.session and session.last_operation != op.after:
        return _overtaken(op, d, first, serial)
    if session.last_operation != op.id:
        return _command(op, d, first, serial, effect="the rollback as begun")
    if session.state is SessionState.ACTIVE:
        return Complete(f"rolled back to {show(op.request.to)}" if op.request.to else "rolled back")
    if session.reverted:
        if op.barrier:
            return WaitFor(HELD, at_barrier=True)
        start = StartReverted(operation=op.id, domain=d.name)
        return _command(op, d, start, serial, effect="them as starting", on_refused="ask")
    return _question(op, d, serial) or _phase(op, d, serial) or WaitFor("rolling back")


def _overtaken(op: Operation, d: Domain, first: AnyCommand, serial: int) -> NextStep:
    """Somebody else's rollback came in between: beginning ours again could undo it."""
    key = first.key
    if key in op.going or serial <= op.unseen.get(key, -1):
        return WaitFor(f"{first.says}: its answer was lost; looking at the site")
    if key in op.done:
        return Complete("rolled back; another rollback has followed since")
    if key in op.lost:
        return AskOperator(questions.unknown([key], [first.says], d))
    return Fail("somebody else rolled the VMs back meanwhile; ask again if it is still wanted")


def _pitr_exit(op: Operation, d: Domain, serial: int) -> NextStep:
    exit_ = first_command(op)
    if d.session is None or op.session not in (None, d.session.id):
        tried = op.adopted or exit_.key in op.done or exit_.key in op.lost or exit_.key in op.going
        return (
            Complete("the PITR session was exited") if tried else Fail("the PITR session has ended already")
        )
    if d.session.last_operation != op.id:
        return _command(op, d, exit_, serial, effect="the session as exiting")
    return _question(op, d, serial) or _phase(op, d, serial) or WaitFor("exiting the PITR session")


def _pitr_entry(op: Operation, d: Domain, serial: int) -> NextStep:
    make = first_command(op)
    if d.session is None:
        return Fail("the PITR session has ended")
    if d.session.entering == op.id:
        return _question(op, d, serial) or _phase(op, d, serial) or WaitFor("making entry points")
    lacking = [vm for vm in d.vms if vm.lacks_entry]
    if not lacking:
        return Complete("every VM of the session has its entry point")
    if make.key in op.done and serial > op.done[make.key]:
        return Complete(f"entry points were made; still without: {names(lacking)}")
    return _command(op, d, make, serial, effect="that entry points are being made")


def _failover_undo(op: Operation, d: Domain, serial: int) -> NextStep:
    undo = first_command(op)
    if d.undoing == op.id:
        return _question(op, d, serial) or _phase(op, d, serial) or WaitFor("undoing the failover")
    if d.owner is Owner.REMOTE:
        return Complete("the failover was undone: imported again")
    if undo.key in op.failed:
        return Fail(op.failed[undo.key])
    return _command(op, d, undo, serial, effect="the failover as being undone")


def _failover_commit(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.committing == op.id:
        return _question(op, d, serial) or _phase(op, d, serial) or WaitFor("committing the failover")
    if d.committed_at is not None:
        return Complete("the failover was committed")
    if d.owner is Owner.REMOTE:
        return Fail("this site does not own the domain any more; there is no failover to commit")
    return _command(op, d, first_command(op), serial, effect="the failover as committed")


def _domain_restore(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.way_back.restored_by == op.id:
        return Complete(f'this site is its primary site; it reads "{d.mode_label}"')
    return _command(op, d, first_command(op), serial, effect="this site as its primary site")


def _domain_release(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.way_back.releasing == op.id:
        return _question(op, d, serial) or _phase(op, d, serial) or WaitFor("waiting for replicas")
    if d.mode is Mode.IMPORTED:
        return Complete("the domain was released: imported again")
    return _command(op, d, first_command(op), serial, effect="the domain as released")


def _release_cancel(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return Fail("its replicas came before the release could be cancelled: it is imported")
    if d.mode is not Mode.RELEASING:
        return Complete("the release was cancelled: the domain stays here")
    return _command(op, d, first_command(op), serial, effect="the domain as kept here")


def _domain_failback(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.way_back.returning == op.id:
        return _question(op, d, serial) or WaitFor(d.step.label if d.step else "failing back")
    if d.owner is Owner.REMOTE:
        return Complete("failed back: imported")
    begin = first_command(op)
    if begin.key in op.done and serial > op.done[begin.key]:
        return Fail("the failback was given up: the protected site is lost; the domain runs here")
    return _command(op, d, begin, serial, effect="the failback as begun")


def _cfo_resume(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return _command(op, d, first_command(op), serial, effect="continuous rehydration as resumed")
    return _cfo_start(op, d, serial)


def _test_start(op: Operation, d: Domain, serial: int) -> NextStep:
    start, trial = first_command(op), d.trial
    if trial is None or trial.operation != op.id:
        if start.key in op.done and serial > op.done[start.key]:
            return Fail("the test was ended before it ran")
        return _command(op, d, start, serial, effect="the test as begun")
    if trial.state in (TrialState.RUNNING, TrialState.OVERDUE):
        return Complete(f"{len(trial.vms)} test VMs run")
    return _question(op, d, serial) or _phase(op, d, serial) or WaitFor(trial.waits_for or "starting a test")


def _test_end(op: Operation, d: Domain, serial: int) -> NextStep:
    end, trial = first_command(op), d.trial
    if trial is not None and trial.operation == op.id and trial.state is TrialState.ENDING:
        waits = WaitFor(trial.waits_for or "removing the test VMs")
        return _question(op, d, serial) or _phase(op, d, serial) or waits
    if end.key in op.done and (trial is None or serial > op.done[end.key]):
        left = trial.left if trial is not None and trial.state is TrialState.LEFT_OVER else ()
        return Complete(f"the test is over; left over: {names(left)}" if left else "the test is over")
    if trial is None and (end.key in op.lost or op.adopted):
        return Complete("the test is over")
    if trial is None and end.key not in op.going:
        return Fail(f'"{d.name}" is not being tested any more')
    return _command(op, d, end, serial, effect="the test as ending")


def _take_over(op: Operation, d: Domain, serial: int) -> NextStep:
    taken = first_command(op)
    if taken.key in op.done and d.driver is None and d.left_by is None:
        return Complete("driven from here")
    return _command(op, d, taken, serial, effect="this controller as the driver")


def _record_restore(op: Operation, d: Domain, serial: int) -> NextStep:
    if not d.record_removed:
        return Complete("the record is back")
    return _command(op, d, first_command(op), serial, effect="the record")


def _record_accept(op: Operation, d: Domain, serial: int) -> NextStep:
    if not d.record_removed:
        return Complete("the removal is accepted")
    return _command(op, d, first_command(op), serial, effect="the removal as accepted")


_OF_THE_RECORD = ("record_restore", "record_accept")
_STEPS: dict[str, Callable[[Operation, Domain, int], NextStep]] = {
    "cfo_start": _cfo_start,
    "cfo_complete": _cfo_complete,
    "cfo_remap": _cfo_remap,
    "cfo_cancel": _cfo_cancel,
    "failover_undo": _failover_undo,
    "failover_commit": _failover_commit,
    "domain_restore": _domain_restore,
    "domain_release": _domain_release,
    "release_cancel": _release_cancel,
    "domain_failback": _domain_failback,
    "cfo_resume": _cfo_resume,
    "test_start": _test_start,
    "test_end": _test_end,
    "pitr_start": _pitr_start,
    "pitr_run": _pitr_run,
    "pitr_exit": _pitr_exit,
    "pitr_entry": _pitr_entry,
    "take_over": _take_over,
    "record_restore": _record_restore,
    "record_accept": _record_accept,
}


def _command(
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
    if key in op.lost and isinstance(command, MakePlannedCall) and command.act.after_loss == "ask":
        return AskOperator(
            questions.unknown([key], [command.says], d, [command.act.vm] if command.act.vm else ())
        )
    if key in op.done and serial <= op.done[key]:
        return WaitFor(f"{command.says}: done; waiting until the site shows it", unshown=key)
    if key in op.done:
        return AskOperator(questions.vanished(op, key, command.says, effect))
    return GiveCommands((command,))


def _question(op: Operation, d: Domain, serial: int) -> NextStep | None:
    """The site's own question to this operation, or the giving of its answer.

    Calls that the site says are due beside it are given: a VM that was busy is started when it is not any
    more, whoever is asked about others.
    """
    step = _site_question(op, d, serial)
    if not isinstance(step, AskOperator):
        return step
    beside = _phase(op, d, serial)
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
    return _command(op, d, answer, serial, effect="the answer as taken", on_refused="ask")


def _phase(op: Operation, d: Domain, serial: int) -> NextStep | None:
    """The work that the site says is due for this operation, or None when it says nothing."""
    phase = d.phase
    if phase is None or phase.operation != op.id:
        return None
    skips = []
    if op.skipped and any(act.vm in op.skipped for act in phase.acts):
        skip = Skip(operation=op.id, domain=d.name, vms=op.skipped)  # one write of the record for all
        skips = [skip] if skip.key not in op.done else []
    todo: list[AnyCommand] = [
        skip for skip in skips if skip.key not in op.going and _open(op, skip.key, serial)
    ]
    failed, unknown, under_way = list[PlannedCall](), list[PlannedCall](), bool(skips)
    settling, unseen, slow = list[AnyCommand](), False, list[PlannedCall]()
    for act in phase.acts:
        key = act.key
        if act.vm in op.skipped:
            continue
        if len(todo) >= _AT_ONCE:
            break
        if key in op.going:
            under_way = under_way or key not in op.slow
            if key in op.slow:
                slow.append(act)
        elif key in op.failed:
            failed.append(act)
        elif key in op.lost and serial > op.lost[key] and act.after_loss == "ask":
            unknown.append(act)
        elif key in op.done:
            if act.after_loss == "observe":
                settling.append(MakePlannedCall(operation=op.id, domain=d.name, act=act))
        elif _open(op, key, serial):
            todo.append(
                MakePlannedCall(
                    operation=op.id,
                    domain=d.name,
                    act=act,
                    again=op.uncertain(key),
                    task=op.tasks.get(key, ""),
                )
            )
        else:
            unseen = True
    if todo:
        return GiveCommands(tuple(todo), phase.name)
    if slow and not under_way:
        return AskOperator(questions.slow(slow, max(op.waited_for.get(act.key, 0) for act in slow)))
    if unknown:
        return AskOperator(
            questions.unknown(
                [act.key for act in unknown],
                [act.says or act.kind for act in unknown],
                d,
                [act.vm for act in unknown if act.vm is not None],
            )
        )
    if failed and not under_way:
        choices = questions.common_choices(failed)
        return AskOperator(questions.failed(op, [act.key for act in failed], choices))
    if under_way or slow or settling or unseen or failed:
        return WaitFor(phase.wait or phase.name, tuple(settling))
    if phase.wait or phase.then is None:
        return WaitFor(phase.wait or phase.name)
    if phase.barrier and op.barrier:
        return WaitFor(HELD, at_barrier=True)
    then = MakePlannedCall(operation=op.id, domain=d.name, act=phase.then)
    return _command(op, d, then, serial, effect="it", on_refused="ask")


def _open(op: Operation, key: str, serial: int) -> bool:
    """A key may be taken: never given, or its answer lost and the site seen since."""
    return serial > op.unseen.get(key, -1)
