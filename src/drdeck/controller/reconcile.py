"""The next step of an operation: a pure function of what was asked and what the site shows.

Nothing is remembered between two calls but what is in the operation (a projection of the journal).
The site comes first: a command that the site shows as taken is not given again, whatever the
journal says of its answer.
"""

from __future__ import annotations

from collections.abc import Callable

from drdeck.controller.journal.operations import SESSION_OPEN, Operation
from drdeck.model.commands import AbortCompletion, AnyCommand, FinishFailover, StartReverted, StartSession
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, SessionState
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.text import names
from drdeck.model.times import show_seconds

from . import questions
from .first_command import completion, first_command
from .next_steps import HELD, AskOperator, Complete, Fail, NextStep, WaitFor, due_work, give, site_answer

GIVEN_UP = "aborted by the operator"
STAYS_OFF = "; VMs that were shut down stay off at the protected site until somebody powers them on there"


def next_step(
    operation: Operation, domain: Domain | None, serial: int, looked: int | None = None
) -> NextStep:
    """The next step of an open operation, given its domain in the view number `serial`.

    `looked`: number of the newest view that was asked for, after whatever was known then; None: this one.
    A view that came without that, after an answer or after one was lost, may have been read before: what it
    does not show may have happened all the same. A vCenter answers a call and tells of its effects by two
    connections (WaitForUpdatesEx), in no order.
    """
    if looked is not None:
        serial = min(serial, looked)
    if domain is None:
        return WaitFor(f'the site does not show a domain named "{operation.domain}"')
    if domain.broken and operation.action not in _OF_THE_RECORD:
        return WaitFor(f"the domain's record at the site cannot be used: {domain.broken}")
    if domain.holder is not None and operation.action != "take_over":
        step = _STEPS[operation.action](operation, domain, serial)
        if isinstance(step, Complete):
            return step  # whoever has done it
        return WaitFor(f"the domain is driven by {domain.holder}")
    if operation.answers.get("abort") == "abort" and operation.action != "cfo_complete":
        if operation.action in _STARTS and domain.mode is Mode.SYNCHRONISED:
            return Complete("synchronised")
        return Fail(GIVEN_UP, aborted=True)
    return _STEPS[operation.action](operation, domain, serial)


def _cfo_start(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return give(op, d, first_command(op), serial, effect="continuous failover as started")
    if d.mode is Mode.REHYDRATING:
        return due_work(op, d, serial) or WaitFor(
            f"{d.vms_recoverable} of {d.vms_total} VMs are recoverable"
            + (f": {d.step.detail}" if d.step and d.step.detail else "")
        )
    return Complete("synchronised")


def _cfo_cancel(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return Complete("the continuous failover was cancelled")
    if d.owner is Owner.LOCAL:
        return Fail("this site had taken the ownership before the continuous failover could be cancelled")
    return give(op, d, first_command(op), serial, effect="the domain as imported")


def _cfo_complete(op: Operation, d: Domain, serial: int) -> NextStep:
    failover = d.failover
    if failover is None or failover.id != op.id:
        if op.answers.get("abort") == "abort":
            off = STAYS_OFF if op.request.type is FailoverType.PLANNED else ""
            return Fail(GIVEN_UP + off, aborted=True)
        if op.request.start_first and d.mode in (Mode.IMPORTED, Mode.REHYDRATING):
            return _started_first(op, d, serial)
        return give(op, d, completion(op), serial, effect="the completion as begun")
    if d.mode is Mode.RUNNING_IN_FAILOVER and d.session is None:
        return Complete("running in failover")
    if op.answers.get("abort") == "abort" and d.mode is Mode.COMPLETING:
        abort = AbortCompletion(operation=op.id, domain=d.name)
        return give(op, d, abort, serial, effect="the end of it")
    step = site_answer(op, d, serial) or due_work(op, d, serial)
    if step is not None:
        return step
    if d.session is not None and d.session.state is not SessionState.WAITING:
        return WaitFor(SESSION_OPEN)
    if d.session is not None:
        return WaitFor(d.session.waits_for or "the PITR session is starting")
    if d.recovered and failover.run_pitr:
        # The heart of it: every VM is recovered, the box was ticked, no session yet.
        start = StartSession(operation=op.id, domain=d.name, session=op.id, after_failover=True)
        return give(op, d, start, serial, effect="the PITR session", on_refused="ask")
    if d.recovered:
        finish = FinishFailover(operation=op.id, domain=d.name)
        return give(op, d, finish, serial, effect="the failover as finished", on_refused="ask")
    detail = f": {d.step.detail}" if d.step and d.step.detail else ""
    return WaitFor((d.step.label if d.step else "recovering VMs") + detail)


def _started_first(op: Operation, d: Domain, serial: int) -> NextStep:
    """The continuous failover of a failover in one sitting, until it can be completed."""
    if d.mode is Mode.IMPORTED:
        return give(op, d, first_command(op), serial, effect="continuous failover as started")
    return _cfo_start(op, d, serial)


def _cfo_remap(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.remapped == op.id:
        return Complete("networks are mapped anew")
    if d.remapping == op.id:
        return due_work(op, d, serial) or WaitFor("mapping networks anew")
    return give(op, d, first_command(op), serial, effect="networks as mapped anew")


def _pitr_start(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.session is None:
        return give(op, d, first_command(op), serial, effect="the PITR session")
    if d.session.id != op.id:
        return Fail(f'"{d.name}" already has another PITR session')
    if d.session.state is not SessionState.WAITING:
        return Complete("the PITR session is active")
    return site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor(d.session.waits_for or "starting")


def _pitr_run(op: Operation, d: Domain, serial: int) -> NextStep:
    session, first = d.session, first_command(op)
    if session is None or op.session not in (None, session.id):
        return Fail("the PITR session that it was asked for has ended")
    if session.last_operation != op.id and op.session and session.last_operation != op.after:
        return _overtaken(op, d, first, serial)
    if session.last_operation != op.id:
        return give(op, d, first, serial, effect="the rollback as begun")
    if session.state is SessionState.ACTIVE:
        return Complete(f"rolled back to {show_seconds(op.request.to)}" if op.request.to else "rolled back")
    if session.reverted:
        if op.barrier:
            return WaitFor(HELD, at_barrier=True)
        start = StartReverted(operation=op.id, domain=d.name)
        return give(op, d, start, serial, effect="them as starting", on_refused="ask")
    return site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor("rolling back")


def _overtaken(op: Operation, d: Domain, first: AnyCommand, serial: int) -> NextStep:
    """Somebody else's rollback came in between: beginning ours again could undo it."""
    key = first.key
    if key in op.going or serial <= op.unseen.get(key, -1):
        return WaitFor(f"{first.says}: its answer was lost; looking at the site")
    if key in op.done:
        return Complete("rolled back; another rollback has followed since")
    if key in op.lost:
        return AskOperator(questions.unknown(op, [key], [first.says], d))
    return Fail("somebody else rolled the VMs back meanwhile; ask again if it is still wanted")


def _pitr_exit(op: Operation, d: Domain, serial: int) -> NextStep:
    exit_ = first_command(op)
    if d.session is None or op.session not in (None, d.session.id):
        tried = op.adopted or exit_.key in op.done or exit_.key in op.lost or exit_.key in op.going
        return (
            Complete("the PITR session was exited") if tried else Fail("the PITR session has ended already")
        )
    if d.session.last_operation != op.id:
        return give(op, d, exit_, serial, effect="the session as exiting")
    return site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor("exiting the PITR session")


def _pitr_entry(op: Operation, d: Domain, serial: int) -> NextStep:
    make = first_command(op)
    if d.session is None:
        return Fail("the PITR session has ended")
    if d.session.entering == op.id:
        return site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor("making entry points")
    lacking = [vm for vm in d.vms if vm.lacks_entry]
    if not lacking:
        return Complete("every VM of the session has its entry point")
    if make.key in op.done and serial > op.done[make.key]:
        return Complete(f"entry points were made; still without: {names(lacking)}")
    return give(op, d, make, serial, effect="that entry points are being made")


def _failover_undo(op: Operation, d: Domain, serial: int) -> NextStep:
    undo = first_command(op)
    if d.undoing == op.id:
        return site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor("undoing the failover")
    if d.owner is Owner.REMOTE:
        return Complete("the failover was undone: imported again")
    if undo.key in op.failed:
        return Fail(op.failed[undo.key])
    return give(op, d, undo, serial, effect="the failover as being undone")


def _failover_commit(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.committing == op.id:
        return site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor("committing the failover")
    if d.committed_at is not None:
        return Complete("the failover was committed")
    if d.owner is Owner.REMOTE:
        return Fail("this site does not own the domain any more; there is no failover to commit")
    return give(op, d, first_command(op), serial, effect="the failover as committed")


def _domain_restore(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.way_back.restored_by == op.id:
        return Complete(f'this site is its primary site; it is "{d.mode_label}"')
    return give(op, d, first_command(op), serial, effect="this site as its primary site")


def _domain_release(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.way_back.releasing == op.id:
        return site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor("waiting for replicas")
    if d.mode is Mode.IMPORTED:
        return Complete("the domain was released: imported again")
    return give(op, d, first_command(op), serial, effect="the domain as released")


def _release_cancel(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return Fail("its replicas came before the release could be cancelled: it is imported")
    if d.mode is not Mode.RELEASING:
        return Complete("the release was cancelled: the domain stays here")
    return give(op, d, first_command(op), serial, effect="the domain as kept here")


def _domain_failback(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.way_back.returning == op.id:
        return site_answer(op, d, serial) or WaitFor(d.step.label if d.step else "failing back")
    if d.owner is Owner.REMOTE:
        return Complete("failed back: imported")
    begin = first_command(op)
    if begin.key in op.done and serial > op.done[begin.key]:
        return Fail("the failback was given up: the protected site is lost; the domain runs here")
    return give(op, d, begin, serial, effect="the failback as begun")


def _cfo_resume(op: Operation, d: Domain, serial: int) -> NextStep:
    if d.mode is Mode.IMPORTED:
        return give(op, d, first_command(op), serial, effect="continuous rehydration as resumed")
    return _cfo_start(op, d, serial)


def _test_start(op: Operation, d: Domain, serial: int) -> NextStep:
    start, trial = first_command(op), d.trial
    if trial is None or trial.operation != op.id:
        if start.key in op.done and serial > op.done[start.key]:
            return Fail("the test was ended before it ran")
        return give(op, d, start, serial, effect="the test as begun")
    if trial.state in (TrialState.RUNNING, TrialState.OVERDUE):
        return Complete(f"{len(trial.vms)} test VMs run")
    return (
        site_answer(op, d, serial) or due_work(op, d, serial) or WaitFor(trial.waits_for or "starting a test")
    )


def _test_end(op: Operation, d: Domain, serial: int) -> NextStep:
    end, trial = first_command(op), d.trial
    if trial is not None and trial.operation == op.id and trial.state is TrialState.ENDING:
        waits = WaitFor(trial.waits_for or "removing the test VMs")
        return site_answer(op, d, serial) or due_work(op, d, serial) or waits
    if end.key in op.done and (trial is None or serial > op.done[end.key]):
        left = trial.left if trial is not None and trial.state is TrialState.LEFT_OVER else ()
        return Complete(f"the test is over; left over: {names(left)}" if left else "the test is over")
    if trial is None and (end.key in op.lost or op.adopted):
        return Complete("the test is over")
    if trial is None and end.key not in op.going:
        return Fail(f'"{d.name}" is not being tested any more')
    return give(op, d, end, serial, effect="the test as ending")


def _test_adopt(op: Operation, d: Domain, serial: int) -> NextStep:
    adopt, count = first_command(op), len(op.request.test_vms)
    if not any(vm.id in op.request.test_vms for vm in d.strays) and adopt.key not in op.going:
        return Complete(f"{count} test VMs are in the list; End Test removes them")
    return give(op, d, adopt, serial, effect="them as left over")


def _take_over(op: Operation, d: Domain, serial: int) -> NextStep:
    taken = first_command(op)
    if taken.key in op.done and d.holder is None and d.left_by is None:
        return Complete("driven from here")
    return give(op, d, taken, serial, effect="this controller as the driver")


def _record_restore(op: Operation, d: Domain, serial: int) -> NextStep:
    if not d.record_removed:
        return Complete("the record is back")
    return give(op, d, first_command(op), serial, effect="the record")


def _record_accept(op: Operation, d: Domain, serial: int) -> NextStep:
    if not d.record_removed:
        return Complete("the removal is accepted")
    return give(op, d, first_command(op), serial, effect="the removal as accepted")


_STARTS = ("cfo_start", "cfo_resume")
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
    "test_detach": _test_end,
    "test_adopt": _test_adopt,
    "pitr_start": _pitr_start,
    "pitr_run": _pitr_run,
    "pitr_exit": _pitr_exit,
    "pitr_entry": _pitr_entry,
    "take_over": _take_over,
    "record_restore": _record_restore,
    "record_accept": _record_accept,
}
