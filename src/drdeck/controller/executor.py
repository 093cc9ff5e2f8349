"""Reconciling: for each open operation the next step, journaled before and after it is taken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import Entry, JournalError
from drdeck.controller.journal.operations import Operation, OperationState, Question, result_of
from drdeck.controller.journal.recorder import SELF, Recorder
from drdeck.model.commands import AnyCommand, MakePlannedCall, TakeOver, encode
from drdeck.model.domains import Domain
from drdeck.model.planned import PlannedCall
from drdeck.model.times import show
from drdeck.sites.contract import (
    LimitsCalls,
    RecoverySite,
    Refused,
    ResultUnknown,
    SiteUnreachable,
    TaskBegun,
)

from . import questions
from .call_places import CallPlaces
from .next_steps import AskOperator, Complete, Fail, GiveCommands, NextStep, WaitFor
from .reconcile import next_step
from .round_rest import rest_in_proportion
from .site_watcher import SiteWatcher
from .takeover import adoption

log = logging.getLogger(__name__)

SETTLE_S = 20.0
"""What a site confirmed should show there within this time."""


RETRY_S = (0.0, 0.0, 1.0, 2.0, 5.0)
"""After so many answers in a row that were lost, or never asked for, a command is left alone for so long."""


CROWD = 8
"""With so many commands under way the journal's writes gather what comes."""


CallKey = tuple[str, str]
"""Id of an operation and key of a command of it."""


class CallUnderWay(NamedTuple):
    """A call on a VM: since when it is waited for, and how often a person has said to go on."""

    act: PlannedCall
    since: float
    work: asyncio.Task[None]
    waited: int = 0


class RetryPause(NamedTuple):
    """A command that got no answer `times` times is not given before `until`."""

    times: int
    until: float


class Settling(NamedTuple):
    """A wait, since an instant, for the site to show something; `asked_serial`: when it was asked anew."""

    since: float
    asked_serial: int | None = None


class Executor:
    """Takes what is next for every open operation whenever something changed. Belongs to one event loop.

    Places are for requests on their way: a call whose task runs at the site holds none, and so holds
    nobody else up. Writes of a record need none.
    """

    def __init__(self, site: RecoverySite, sight: SiteWatcher, book: Recorder) -> None:
        self.site, self.sight, self.book = site, sight, book
        self.running: set[asyncio.Task[None]] = set()
        self.pausing = False
        """nothing more is begun: this process is about to end"""
        self.calls_wait = False
        """operations have calls on VMs that found no place"""
        self.at_barrier: frozenset[str] = frozenset()
        """ids of operations that have reverted all, and wait for others to be reverted"""
        self.places = CallPlaces(site.call_places if isinstance(site, LimitsCalls) else {})
        book.crowded = lambda: len(self.running) >= CROWD
        self._starting: set[CallKey] = set()
        self._calls: dict[CallKey, CallUnderWay] = {}
        self._kick = asyncio.Event()
        self._settling: dict[CallKey, Settling] = {}
        self._rests: dict[CallKey, RetryPause] = {}
        self._logged_steps: dict[str, str] = {}

    @property
    def full(self) -> bool:
        """No further request may be sent now."""
        return self.pausing or len(self._starting) >= max(1, self.site.parallel)

    def kick(self) -> None:
        """Something changed: look at every open operation again."""
        self._kick.set()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s()):
                    await self._kick.wait()
            if (rest_s := self.book.rest_s) > 0:
                await asyncio.sleep(rest_s)  # what is given is journaled along with what ends meanwhile
            self._kick.clear()
            async with rest_in_proportion():
                try:
                    self._reconcile_once()
                except JournalError:
                    for op in self.book.open_operations():
                        self.book.waits(op.id, self.book.held_up)
                    await asyncio.sleep(1)
                    self.kick()

    def _patience_s(self) -> float | None:
        """Seconds after which to look without news: for what should have become true by then."""
        if self._settling or self._rests:
            return 1.0
        ends = [call.since + call.act.limit_s for call in self._calls.values() if call.act.limit_s]
        return max(1.0, min(ends) - self.sight.steady()) if ends else None

    def _reconcile_once(self) -> None:
        view = self.sight.view
        if view is None:
            return
        self._note_slow_calls()
        due: list[tuple[Operation, list[AnyCommand]]] = []
        for op in self.book.open_operations():
            if op.question is not None and op.question.kind == "bug":
                continue
            try:
                domain = view.domain(op.domain)
                commands = self._follow(op, domain, next_step(op, domain, view.serial, self.sight.looked))
                if commands:
                    due.append((op, commands))
            except JournalError:
                raise
            except Exception as error:
                log.exception("operation %s stops, which is a bug", op.id)
                self._ask(op, questions.bug(error))
        self._give(due)
        still = {op.id for op in self.book.open_operations()}
        self._settling = {key: s for key, s in self._settling.items() if key[0] in still}
        self._rests = {key: r for key, r in self._rests.items() if key[0] in still}
        self._logged_steps = {ident: s for ident, s in self._logged_steps.items() if ident in still}
        unseen = [serial for op in self.book.open_operations() for serial in op.unseen.values()]
        if any(serial >= self.sight.looked for serial in unseen) and not self.sight.looking:
            self.sight.look_again()

    def _follow(self, op: Operation, domain: Domain | None, step: NextStep) -> list[AnyCommand]:
        """Take a step but for its commands, which are returned: those that may be given now."""
        self._log_step(op, step)
        if isinstance(step, WaitFor) and step.at_barrier:
            self.at_barrier |= {op.id}
        else:
            self.at_barrier -= {op.id}
        self._settle(op, step.settling if isinstance(step, WaitFor) else ())
        if isinstance(step, AskOperator):
            self._ask(op, step.question)
            return [] if self.sight.error is not None else self._rested(op, step.commands)
        if op.question is not None:
            self.book.record(SELF, facts.SETTLED, {"operation": op.id})
        if isinstance(step, GiveCommands):
            if self.sight.error is not None:
                self.book.waits(op.id, f"the site is out of sight: {self.sight.error}")
                return []
            return self._rested(op, step.commands)
        if isinstance(step, WaitFor):
            self.book.waits(op.id, self.book.held_up or step.why)
            self._miss(op, step.unshown)
        elif isinstance(step, Complete):
            assert domain is not None  # or it would wait
            if op.action == "take_over":
                self._adopt(op, domain)
            result = result_of(op, domain, self.book.operations.values(), self.sight.now())
            self._end(op, OperationState.DONE, None, {"outcome": step.text, **result})
        elif isinstance(step, Fail):
            state = OperationState.ABORTED if step.aborted else OperationState.FAILED
            self._end(op, state, step.why, {})
        return []

    def _rested(self, op: Operation, commands: Sequence[AnyCommand]) -> list[AnyCommand]:
        """The commands that may be given now."""
        now = self.sight.steady()
        rests = {key for (ident, key), rest in self._rests.items() if ident == op.id and rest.until > now}
        return [command for command in commands if command.key not in rests]

    def _give(self, due: Sequence[tuple[Operation, list[AnyCommand]]]) -> None:
        """Give commands: all that need no place, and calls on VMs by the operations that are nearest to the
        end of theirs.

        Who has the fewest calls left is soonest at what needs other places, or none: shared in turn, the
        places would have all operations end together, and stand empty then. A large domain never holds up a
        small one so, and waits for it no longer than its few calls take.
        """
        if self.pausing:
            return
        commands_due = [(op, command) for op, commands in due for command in commands if not _on_vm(command)]
        waiting = [(op, [c for c in map(_call_on_vm, commands) if c is not None]) for op, commands in due]
        waiting.sort(key=lambda pair: len(pair[1]))
        places, used = max(1, self.site.parallel) - len(self._starting), self.places_used()
        at_work = Counter(place for call in self._calls.values() for place in call.act.places)
        self.calls_wait = False
        for op, calls in waiting:
            for call in calls:
                if places > 0 and self.places.has_room(call.act, used) and _has_place(call, at_work):
                    commands_due.append((op, call))
                    self.places.take(call.act, used)
                    places -= 1
                else:
                    self.calls_wait = True
        if commands_due:
            self._start(commands_due)

    def places_used(self) -> Counter[str]:
        """Kind of place -> how many calls at the site are in one now."""
        view = self.sight.view
        asking = {vm.id for d in view.domains for vm in d.vms if vm.question is not None} if view else set()
        calls = [(call.act, call.since) for call in self._calls.values()]
        return self.places.used(calls, self.sight.steady(), asking)

    def _note_slow_calls(self) -> None:
        """Journal calls on VMs that take longer than their limit, so that a person is asked; wait no more
        for those that a person has said to make anew."""
        now = self.sight.steady()
        for key, call in list(self._calls.items()):
            op = self.book.operations.get(key[0])
            if op is None or op.ended:
                continue
            waited = op.waited_for.get(key[1], 0)
            if key[1] not in op.going:
                call.work.cancel()
            elif waited != call.waited:
                self._calls[key] = call._replace(since=now, waited=waited)
            elif call.act.limit_s and now - call.since > call.act.limit_s and key[1] not in op.slow:
                act = msgspec.to_builtins(call.act)
                self.book.record(SELF, facts.SLOW, {"operation": op.id, "key": key[1], "act": act})

    def _log_step(self, op: Operation, step: NextStep) -> None:
        """A debug line for a step that is another than the last one of the operation."""
        if not log.isEnabledFor(logging.DEBUG):
            return
        words = _words_of(step)
        if self._logged_steps.get(op.id) != words:
            self._logged_steps[op.id] = words
            log.debug("%s of %s: %s", op.id, op.domain, words)

    def _adopt(self, op: Operation, domain: Domain) -> None:
        """Adopt what the domain's record says was begun elsewhere: it is ours to go on with."""
        runs = self.sight.view.runs if self.sight.view is not None else ()
        self.adopt(op.actor, adoption(domain, runs, op.id, op.asked_at))

    def adopt(self, actor: str, entries: Iterable[dict[str, Any]]) -> None:
        """Go on with operations that were begun elsewhere, but for those that are known here."""
        for data in entries:
            operation = self.book.operations.get(data["operation"])
            if operation is not None and not operation.ended:
                continue
            self.book.record(actor, facts.ACCEPTED, data)
            log.info("%s of %s continues here", data["operation"], data["request"]["domain"])

    def _ask(self, op: Operation, question: Question) -> None:
        if op.question != question and not little_less(op.question, question):
            at, asks = show(self.sight.now()), msgspec.to_builtins(question)
            data = {"operation": op.id, "question": asks, "at": at}
            self.book.record(SELF, facts.QUESTION, data)

    def _miss(self, op: Operation, key: str | None) -> None:
        """A view has come that does not show what the site confirmed: was it read before that?"""
        confirmed = op.done.get(key or "")
        if confirmed is None or self.sight.looking:
            return
        if self.sight.looked <= confirmed < self.sight.serial:
            self.sight.look_again()

    def _settle(self, op: Operation, commands: Sequence[AnyCommand]) -> None:
        """Ask a person to look where the site, asked anew, goes on showing as due what it confirmed."""
        keys = {(op.id, command.key): command for command in commands}
        self._settling = {k: s for k, s in self._settling.items() if k[0] != op.id or k in keys}
        for key, command in keys.items():
            settling = self._settling.setdefault(key, Settling(self.sight.steady()))
            if self.sight.error is not None or self.sight.steady() - settling.since < SETTLE_S:
                continue
            if settling.asked_serial is None:
                self._settling[key] = settling._replace(asked_serial=self.sight.serial)
                self.sight.look_again()
            elif self.sight.looked > settling.asked_serial:
                del self._settling[key]
                text = f"The site confirmed: {command.says}; but it still shows it as not done."
                self.book.record(SELF, facts.OUTCOME, self._outcome(op.id, command, "vanished", text))
                self.kick()

    def _end(self, op: Operation, state: OperationState, error: str | None, result: dict[str, str]) -> None:
        data = {
            "operation": op.id,
            "state": str(state),
            "at": show(self.sight.now()),
            "error": error,
            "result": result,
        }
        self.book.record(SELF, facts.ENDED, data)
        log.info("%s ended: %s %s", op.id, state, error or result.get("outcome", ""))
        self.kick()

    def _start(self, commands_due: Sequence[tuple[Operation, AnyCommand]]) -> None:
        """Journal that commands are given, all by one write, and give them."""
        commands = [
            (op.id, msgspec.structs.replace(c, asked_by=c.asked_by or op.actor)) for op, c in commands_due
        ]
        self.book.record_all(
            [
                Entry(
                    SELF,
                    facts.INTENT,
                    {"operation": ident, "key": c.key, "command": encode(c), "says": c.says},
                )
                for ident, c in commands
            ]
        )
        for ident, command in commands:
            work = self.spawn(self._carry_out(ident, command), command.says)
            if isinstance(command, MakePlannedCall) and _on_vm(command):
                self._starting.add((ident, command.key))
                self._calls[ident, command.key] = CallUnderWay(command.act, self.sight.steady(), work)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self.running.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self.running.discard(task)
            self.kick()

        task.add_done_callback(ended)
        return task

    async def _carry_out(self, ident: str, command: AnyCommand) -> None:
        key = (ident, command.key)

        async def begun(task: str) -> None:
            """Journal a task before it is waited for; its request has been answered, and holds no place."""
            self._starting.discard(key)
            self.kick()
            data = {"operation": ident, "key": command.key, "task": task}
            await self.book.record_surely(facts.TASK, data, patient=True)

        began_s = self.sight.steady()
        try:
            result, text = await self.execute(command, begun)
        finally:
            self._starting.discard(key)
            self._calls.pop(key, None)
        took_ms = 1000 * (self.sight.steady() - began_s)
        log.debug("%s: %s: %s after %.0f ms", ident, command.says, result, took_ms)
        self._rest((ident, command.key), result)
        await self.book.record_surely(facts.OUTCOME, self._outcome(ident, command, result, text))
        if result not in ("done", "refused"):
            self.sight.look_again()

    def _rest(self, key: tuple[str, str], result: str) -> None:
        """So that what fails the same way again and again does not fill the journal."""
        pause = self._rests.pop(key, None)
        if result not in ("done", "refused"):
            times = pause.times + 1 if pause else 1
            wait = RETRY_S[min(times, len(RETRY_S) - 1)]
            self._rests[key] = RetryPause(times, self.sight.steady() + wait)

    def _outcome(self, ident: str, command: AnyCommand, result: str, text: str) -> dict[str, Any]:
        data: dict[str, Any] = {
            "operation": ident,
            "key": command.key,
            "result": result,
            "serial": self.sight.serial,
        }
        if text:
            data["text"] = text
        if result in ("refused", "vanished"):
            data["command"] = encode(command)
        return data

    async def execute(self, command: AnyCommand, begun: TaskBegun | None = None) -> tuple[str, str]:
        """Have the site carry a command out: result ("done", "refused", ...) and what there is to say."""
        try:
            remark = await self.site.execute(command, begun)
            if isinstance(command, TakeOver):  # what the driver before has done until now counts
                view = await self.site.observe()
                log.debug("view %d taken: read after a take-over", view.serial)
                self.sight.take(view)
        except Refused as error:
            return "refused", str(error)
        except ResultUnknown as error:
            return "unknown", str(error)
        except SiteUnreachable as error:
            return "unreachable", str(error)
        except Exception as error:
            log.exception("%s failed, which is a bug", command.says)
            return "unknown", f"drdeck failed at: {command.says}: {error!r}; see the controller's log"
        return "done", remark


MANY_VMS = 100


def little_less(before: Question | None, question: Question) -> bool:
    """Tell whether a question about very many VMs is asked of a few less than before: then it is not
    journaled anew with all their names, and an answer to it holds for those that are left."""
    if before is None or before.id != question.id or len(before.vms) < MANY_VMS:
        return False
    return len(question.vms) > 0.9 * len(before.vms) and question.vms.keys() <= before.vms.keys()


def _call_on_vm(command: AnyCommand) -> MakePlannedCall | None:
    """The command, where it is a call on one VM, of which only so many are sent at a time."""
    on_vm = isinstance(command, MakePlannedCall) and command.act.vm is not None
    return command if on_vm and isinstance(command, MakePlannedCall) else None


def _has_place(command: AnyCommand, at_work: Counter[str]) -> bool:
    """Take the host's and the datastores' places for a call, where there are; tell whether there were."""
    places = command.act.places if isinstance(command, MakePlannedCall) else {}
    if any(at_work[place] >= most for place, most in places.items()):
        return False
    at_work.update(places.keys())
    return True


def _on_vm(command: AnyCommand) -> bool:
    """Tell whether a command is a call on one VM."""
    return _call_on_vm(command) is not None


def _words_of(step: NextStep) -> str:
    """A step for the log; the commands of one are told as each is carried out."""
    if isinstance(step, WaitFor):
        return f"waits: {step.why}"
    if isinstance(step, GiveCommands):
        return f"{len(step.commands)} due: {'; '.join(command.says for command in step.commands[:3])}"
    if isinstance(step, AskOperator):
        return f"asks: {step.question.text}"
    return f"is over: {step.text}" if isinstance(step, Complete) else f"fails: {step.why}"
