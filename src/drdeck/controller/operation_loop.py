"""The loop over open operations: for each the next step, whenever something has changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.journal.operations import Operation, OperationState, Question, result_of
from drdeck.controller.journal.recorder import SELF, Recorder
from drdeck.model.commands import AnyCommand
from drdeck.model.domains import Domain
from drdeck.model.times import show
from drdeck.sites.contract import RecoverySite

from . import questions
from .executor import CallKey, Executor, outcome
from .next_steps import AskOperator, Complete, Fail, GiveCommands, NextStep, WaitFor
from .reconcile import next_step
from .round_rest import rest_in_proportion
from .site_watcher import SiteWatcher
from .takeover import adoption

log = logging.getLogger(__name__)

SETTLE_S = 20.0
"""What a site confirmed should show there within this time."""


class Settling(NamedTuple):
    """A wait, since an instant, for the site to show something; `asked_serial`: when it was asked anew."""

    since: float
    asked_serial: int | None = None


class OperationLoop:
    """Takes what is next for every open operation whenever something changed. Belongs to one event loop."""

    def __init__(self, site: RecoverySite, watcher: SiteWatcher, recorder: Recorder) -> None:
        self.watcher, self.recorder = watcher, recorder
        self.executor = Executor(site, watcher, recorder, self.kick)
        self.at_barrier: frozenset[str] = frozenset()
        """ids of operations that have reverted all, and wait for others to be reverted"""
        self._kick = asyncio.Event()
        self._settling: dict[CallKey, Settling] = {}
        self._logged_steps: dict[str, str] = {}

    def kick(self) -> None:
        """Something changed: look at every open operation again."""
        self._kick.set()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s()):
                    await self._kick.wait()
            if (rest_s := self.recorder.rest_s) > 0:
                await asyncio.sleep(rest_s)  # what is given is journaled along with what ends meanwhile
            self._kick.clear()
            async with rest_in_proportion():
                try:
                    self._reconcile_once()
                except JournalError:
                    for op in self.recorder.open_operations():
                        self.recorder.waits(op.id, self.recorder.held_up)
                    await asyncio.sleep(1)
                    self.kick()

    def _patience_s(self) -> float | None:
        """Seconds after which to look without news: for what should have become true by then."""
        return 1.0 if self._settling else self.executor.patience_s()

    def _reconcile_once(self) -> None:
        view = self.watcher.view
        if view is None:
            return
        self.executor.note_slow_calls()
        due: list[tuple[Operation, list[AnyCommand]]] = []
        for op in self.recorder.open_operations():
            if op.question is not None and op.question.kind == "bug":
                continue
            try:
                domain = view.domain(op.domain)
                commands = self._follow(op, domain, next_step(op, domain, view.serial, self.watcher.looked))
                if commands:
                    due.append((op, commands))
            except JournalError:
                raise
            except Exception as error:
                log.exception("operation %s stops, which is a bug", op.id)
                self._ask(op, questions.bug(error))
        self.executor.give(due)
        still = {op.id for op in self.recorder.open_operations()}
        self._settling = {key: s for key, s in self._settling.items() if key[0] in still}
        self.executor.forget_rests(still)
        self._logged_steps = {ident: s for ident, s in self._logged_steps.items() if ident in still}
        unseen = [serial for op in self.recorder.open_operations() for serial in op.unseen.values()]
        if any(serial >= self.watcher.looked for serial in unseen) and not self.watcher.looking:
            self.watcher.look_again()

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
            return [] if self.watcher.error is not None else self.executor.rested(op, step.commands)
        if op.question is not None:
            self.recorder.record(SELF, facts.SETTLED, {"operation": op.id})
        if isinstance(step, GiveCommands):
            if self.watcher.error is not None:
                self.recorder.waits(op.id, f"the site is out of sight: {self.watcher.error}")
                return []
            return self.executor.rested(op, step.commands)
        if isinstance(step, WaitFor):
            self.recorder.waits(op.id, self.recorder.held_up or step.why)
            self._miss(op, step.unshown)
        elif isinstance(step, Complete):
            assert domain is not None  # or it would wait
            if op.action == "take_over":
                self._adopt(op, domain)
            result = result_of(op, domain, self.recorder.operations.values(), self.watcher.now())
            self._end(op, OperationState.DONE, None, {"outcome": step.text, **result})
        elif isinstance(step, Fail):
            state = OperationState.ABORTED if step.aborted else OperationState.FAILED
            self._end(op, state, step.why, {})
        return []

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
        runs = self.watcher.view.runs if self.watcher.view is not None else ()
        self.adopt(op.actor, adoption(domain, runs, op.id, op.asked_at))

    def adopt(self, actor: str, entries: Iterable[dict[str, Any]]) -> None:
        """Go on with operations that were begun elsewhere, but for those that are known here."""
        for data in entries:
            operation = self.recorder.operations.get(data["operation"])
            if operation is not None and not operation.ended:
                continue
            self.recorder.record(actor, facts.ACCEPTED, data)
            log.info("%s of %s continues here", data["operation"], data["request"]["domain"])

    def _ask(self, op: Operation, question: Question) -> None:
        if op.question != question and not little_less(op.question, question):
            at, asks = show(self.watcher.now()), msgspec.to_builtins(question)
            data = {"operation": op.id, "question": asks, "at": at}
            self.recorder.record(SELF, facts.QUESTION, data)

    def _miss(self, op: Operation, key: str | None) -> None:
        """A view has come that does not show what the site confirmed: was it read before that?"""
        confirmed = op.done.get(key or "")
        if confirmed is None or self.watcher.looking:
            return
        if self.watcher.looked <= confirmed < self.watcher.serial:
            self.watcher.look_again()

    def _settle(self, op: Operation, commands: Sequence[AnyCommand]) -> None:
        """Ask a person to look where the site, asked anew, goes on showing as due what it confirmed."""
        keys = {(op.id, command.key): command for command in commands}
        self._settling = {k: s for k, s in self._settling.items() if k[0] != op.id or k in keys}
        for key, command in keys.items():
            settling = self._settling.setdefault(key, Settling(self.watcher.steady()))
            if self.watcher.error is not None or self.watcher.steady() - settling.since < SETTLE_S:
                continue
            if settling.asked_serial is None:
                self._settling[key] = settling._replace(asked_serial=self.watcher.serial)
                self.watcher.look_again()
            elif self.watcher.looked > settling.asked_serial:
                del self._settling[key]
                text = f"The site confirmed: {command.says}; but it still shows it as not done."
                data = outcome(op.id, command, "vanished", text, self.watcher.serial)
                self.recorder.record(SELF, facts.OUTCOME, data)
                self.kick()

    def _end(self, op: Operation, state: OperationState, error: str | None, result: dict[str, str]) -> None:
        data = {
            "operation": op.id,
            "state": str(state),
            "at": show(self.watcher.now()),
            "error": error,
            "result": result,
        }
        self.recorder.record(SELF, facts.ENDED, data)
        log.info("%s ended: %s %s", op.id, state, error or result.get("outcome", ""))
        self.kick()


MANY_VMS = 100


def little_less(before: Question | None, question: Question) -> bool:
    """Tell whether a question about very many VMs is asked of a few less than before: then it is not
    journaled anew with all their names, and an answer to it holds for those that are left."""
    if before is None or before.id != question.id or len(before.vms) < MANY_VMS:
        return False
    return len(question.vms) > 0.9 * len(before.vms) and question.vms.keys() <= before.vms.keys()


def _words_of(step: NextStep) -> str:
    """A step for the log; the commands of one are told as each is carried out."""
    if isinstance(step, WaitFor):
        return f"waits: {step.why}"
    if isinstance(step, GiveCommands):
        return f"{len(step.commands)} due: {'; '.join(command.says for command in step.commands[:3])}"
    if isinstance(step, AskOperator):
        return f"asks: {step.question.text}"
    return f"is over: {step.text}" if isinstance(step, Complete) else f"fails: {step.why}"
