"""The controller: observe the site, compare with what was asked, take the next step, forget."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import secrets
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import msgspec

from drdeck.model.actions import Request
from drdeck.model.commands import AnyCommand, Take, encode
from drdeck.model.domains import Domain, Finding, Mode, Owner, ProtectedSite, SiteView
from drdeck.model.pitr import Points
from drdeck.model.times import show
from drdeck.sites.site import LoginRefused, RecoverySite, Refused, ResultUnknown, SiteError, SiteUnreachable

from . import projection as facts
from . import requests
from .journal import Event, Journal, JournalError
from .operations import Operation, OperationState
from .protocol import Preview
from .reconcile import Ask, Do, Done, Failed, Next, Wait, first_command, next_step
from .requests import NotAccepted
from .result import result_of

log = logging.getLogger("drdeck.controller")

SELF = "drdeck"
"""The actor of what nobody asked for: points, outcomes, starts and stops."""
_BACKOFF_S = (0.5, 1, 2, 3, 5)
_UPKEEP_RETRY_S = 60.0


def utcnow() -> datetime:
    return datetime.now(UTC)


class Controller:
    """One site, its journal, and the operations in it. All methods belong to one event loop.

    `on_change` is called after anything that a console shows has changed.
    """

    def __init__(
        self,
        site: RecoverySite,
        journal: Journal,
        read_only: bool = False,
        real_now: Callable[[], datetime] = utcnow,
    ) -> None:
        self.site, self.journal, self.read_only = site, journal, read_only
        self.real_now = real_now
        self.since = real_now()
        self.view: SiteView | None = None
        self.seen_at: datetime | None = None
        self.error: str | None = "the site was not seen yet"
        self.needs_password = False
        self.journal_error: str | None = None
        self.operations: facts.Operations = facts.project(journal.events())
        self.on_change: Callable[[], None] = lambda: None
        self._kick = asyncio.Event()
        self._password_given = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._upkeep_going: set[str] = set()
        self._upkeep_failed: dict[str, float] = {}
        self._observing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Observe and reconcile until cancelled; what is under way then is left to the next start."""
        loops = {"observe": self._observe(), "reconcile": self._reconcile(), "upkeep": self._upkeep()}
        tasks = [asyncio.create_task(self._forever(loop), name=name) for name, loop in loops.items()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in [*tasks, *self._running, *([self._observing] if self._observing else [])]:
                task.cancel()
            await asyncio.gather(*tasks, *self._running, return_exceptions=True)
            await self.site.close()

    async def _forever(self, loop: Coroutine[Any, Any, None]) -> None:
        try:
            await loop
        except asyncio.CancelledError:
            raise
        except BaseException:
            log.exception("a loop of the controller ended, which is a bug")
            raise

    # -- seeing

    async def _observe(self) -> None:
        failures = 0
        while True:
            try:
                await self.site.open()
                self.needs_password = False
                async for view in self.site.watch():
                    failures = 0
                    self.saw(view)
            except LoginRefused as error:
                self.needs_password = True
                self._lost_sight(str(error))
                self._password_given.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._password_given.wait(), 60)
                continue
            except SiteError as error:
                self._lost_sight(str(error))
            except Exception as error:
                log.exception("watching the site failed, which is a bug")
                self._lost_sight(
                    f"drdeck failed while watching the site: {error!r}; see the controller's log"
                )
            pause = _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]
            failures += 1
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))

    def saw(self, view: SiteView) -> None:
        """Take a view in, unless a newer one was seen."""
        self.seen_at, self.error = self.real_now(), None
        if self.view is None or view.serial > self.view.serial:
            self.view = view
            self.kick()
        self.on_change()

    def _lost_sight(self, error: str) -> None:
        if self.error != error:
            log.warning("the site is out of sight: %s", error)
        self.error = error
        self.on_change()

    def _look_again(self) -> None:
        """Have the site read anew after a lost answer, however long that takes."""
        if self._observing is None or self._observing.done():
            self._observing = asyncio.create_task(self._look(), name="look-again")

    async def _look(self) -> None:
        while any(op.lost for op in self.open_operations()):
            try:
                self.saw(await self.site.observe())
            except SiteError as error:
                self._lost_sight(str(error))
            except Exception:
                log.exception("reading the site anew failed, which is a bug")
            serial = self.view.serial if self.view else 0
            if all(serial > known for op in self.open_operations() for known in op.lost.values()):
                return
            await asyncio.sleep(1)

    def now(self) -> datetime:
        """The site's clock, or ours before it was seen."""
        return self.view.clock.at(self.real_now()) if self.view else self.real_now()

    def stale_s(self) -> float | None:
        """Age in seconds of a view that is not fresh any more; None for a fresh one."""
        if self.error is None:
            return None
        since = self.seen_at or self.since
        return max(0.0, (self.real_now() - since).total_seconds())

    # -- asking

    def domain(self, name: str) -> Domain:
        """Raises NotAccepted for a domain that the site does not show."""
        if self.view is None:
            raise NotAccepted("unreachable", self.error or "the site was not seen yet")
        found = self.view.domain(name)
        if found is None:
            known = ", ".join(f'"{d.name}"' for d in self.view.domains[:20]) or "none"
            raise NotAccepted("usage", f'there is no Protected Domain "{name}"; known: {known}')
        return found

    def open_operations(self) -> list[Operation]:
        return [op for op in self.operations.values() if not op.ended]

    async def submit(self, request: Request, actor: str) -> str:
        """Accept a request: once this returns its id, it is in the journal. Raises NotAccepted."""
        self._sighted()
        self.domain(request.domain)
        protected = await self._protected(request)
        self._sighted()
        domain = self.domain(request.domain)
        accepted = requests.accept(
            request,
            domain,
            protected,
            self.now(),
            read_only=self.read_only,
            operations=self.open_operations(),
        )
        ident = f"op-{secrets.token_hex(4)}"
        asked = Operation(id=ident, request=accepted, actor=actor, asked_at=self.now())
        closed = self.site.check(first_command(asked))
        if closed is not None:
            raise NotAccepted("rule", closed)
        data = {
            "operation": ident,
            "request": msgspec.to_builtins(msgspec.structs.replace(accepted, shown=None)),
            "asked_at": show(asked.asked_at),
            "against": list(requests.against_force(accepted, protected)),
        }
        self._record_or_refuse(actor, facts.ACCEPTED, data)
        log.info("%s accepted from %s: %s %s", ident, actor, request.action, request.domain)
        self.kick()
        return ident

    async def preview(self, request: Request) -> Preview:
        """What a request would do, as things are now. Raises NotAccepted."""
        self._sighted()
        domain = self.domain(request.domain)
        requests.check_names(request, domain)
        protected = await self._protected(request)
        return requests.preview(request, domain, protected, self.now(), self.read_only)

    async def points(self, name: str) -> Points:
        """Raises NotAccepted, and SiteError."""
        self._sighted()
        self.domain(name)
        return await self.site.points(name)

    async def findings(self) -> tuple[Finding, ...]:
        return tuple(await self.site.findings())

    def answer(self, ident: str, choice: str, actor: str) -> None:
        """Answer what an operation asks. Raises NotAccepted."""
        op = self.operations.get(ident)
        if op is None:
            raise NotAccepted("usage", f'there is no operation "{ident}"; `drdeck tasks` lists them')
        if self.read_only:
            raise NotAccepted("rule", "drdeck is read-only here; nothing can be answered")
        if op.question is None:
            raise NotAccepted("rule", f"operation {ident} asks nothing; it is {op.state}")
        if choice not in op.question.choices:
            raise NotAccepted(
                "rule", f"operation {ident} can be answered with {', '.join(op.question.choices)} only"
            )
        data = {"operation": ident, "question": op.question.id, "choice": choice}
        self._record_or_refuse(actor, facts.ANSWER, data)
        self.kick()

    def password_given(self) -> None:
        """A console gave a password: try to log in again now."""
        self._password_given.set()

    def _sighted(self) -> None:
        if self.error is not None:
            raise NotAccepted("unreachable", self.error)

    async def _protected(self, request: Request) -> ProtectedSite:
        if request.action != "cfo_complete":
            return ProtectedSite()
        try:
            return await self.site.protected_site(request.domain)
        except SiteUnreachable as error:
            raise NotAccepted("unreachable", str(error)) from None

    # -- the journal

    def _record(self, actor: str, kind: str, data: dict[str, Any]) -> Event:
        """Append, and follow it in the projection. Raises JournalError; then nothing has changed."""
        try:
            event = self.journal.append(actor, kind, data)
        except JournalError as error:
            self.journal_error = str(error)
            self.on_change()
            raise
        self.journal_error = None
        self.operations = facts.apply(self.operations, event)
        self.on_change()
        return event

    def _record_or_refuse(self, actor: str, kind: str, data: dict[str, Any]) -> None:
        try:
            self._record(actor, kind, data)
        except JournalError as error:
            raise NotAccepted("failed", f"{error}; nothing new is accepted until it can be") from None

    async def _record_surely(self, kind: str, data: dict[str, Any]) -> None:
        """Append what has already happened, however long the disk refuses."""
        while True:
            try:
                self._record(SELF, kind, data)
                return
            except JournalError:
                await asyncio.sleep(1)

    # -- doing

    def kick(self) -> None:
        """Something changed: look at every open operation again."""
        self._kick.set()

    async def _reconcile(self) -> None:
        while True:
            await self._kick.wait()
            self._kick.clear()
            try:
                self._reconcile_once()
            except JournalError:
                await asyncio.sleep(1)
                self.kick()
            except Exception:
                log.exception("reconciling failed, which is a bug; trying again")
                await asyncio.sleep(5)
                self.kick()

    def _reconcile_once(self) -> None:
        if self.view is None:
            return
        for op in self.open_operations():
            step = next_step(op, self.view.domain(op.domain), self.view.serial)
            self._follow(op, step)
        if any(op.lost for op in self.open_operations()):
            self._look_again()

    def _follow(self, op: Operation, step: Next) -> None:
        ident = {"operation": op.id}
        if isinstance(step, Ask):
            if op.question != step.question:
                self._record(SELF, facts.QUESTION, {**ident, "question": msgspec.to_builtins(step.question)})
            return
        if op.question is not None:
            self._record(SELF, facts.SETTLED, ident)
        if isinstance(step, Do):
            for command in step.commands:
                if len(self._running) >= max(1, self.site.parallel):
                    break
                self._start(op, command)
        elif isinstance(step, Wait):
            self._waits(op.id, step.why)
        elif isinstance(step, Done):
            domain = self.domain(op.domain)
            result = result_of(op, domain, self.operations.values(), self.now())
            self._end(op, OperationState.DONE, None, {"outcome": step.text, **result})
        elif isinstance(step, Failed):
            state = OperationState.ABORTED if step.aborted else OperationState.FAILED
            self._end(op, state, step.why, {})

    def _waits(self, ident: str, why: str) -> None:
        op = self.operations[ident]
        if op.waits_for != why:
            self.operations = {**self.operations, ident: msgspec.structs.replace(op, waits_for=why)}
            self.on_change()

    def _end(self, op: Operation, state: OperationState, error: str | None, result: dict[str, str]) -> None:
        data = {
            "operation": op.id,
            "state": str(state),
            "at": show(self.now()),
            "error": error,
            "result": result,
        }
        self._record(SELF, facts.ENDED, data)
        log.info("%s ended: %s %s", op.id, state, error or result.get("outcome", ""))
        self.kick()

    def _start(self, op: Operation, command: AnyCommand) -> None:
        data = {"operation": op.id, "key": command.key, "command": encode(command), "says": command.says}
        self._record(SELF, facts.INTENT, data)
        self._spawn(self._carry_out(command, data), command.says)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            self.kick()

        task.add_done_callback(ended)

    async def _carry_out(self, command: AnyCommand, intent: dict[str, Any]) -> None:
        result, text = await self._execute(command)
        serial = self.view.serial if self.view else 0
        outcome = {"operation": intent["operation"], "key": intent["key"], "result": result, "serial": serial}
        if text:
            outcome["text"] = text
        if result == "refused":
            outcome["command"] = intent["command"]
        await self._record_surely(facts.OUTCOME, outcome)
        if result not in ("done", "refused"):
            self._look_again()

    async def _execute(self, command: AnyCommand) -> tuple[str, str]:
        try:
            await self.site.execute(command)
        except Refused as error:
            return "refused", str(error)
        except ResultUnknown as error:
            return "unknown", str(error)
        except SiteUnreachable as error:
            return "unreachable", str(error)
        except Exception as error:
            log.exception("%s failed, which is a bug", command.says)
            return "refused", f"drdeck failed at: {command.says}: {error!r}; see the controller's log"
        return "done", ""

    # -- what nobody asks for

    async def _upkeep(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            if self.read_only or self.error is not None or self.view is None:
                continue
            try:
                self._upkeep_once()
            except Exception:
                log.exception("upkeep failed, which is a bug")
                await asyncio.sleep(30)

    def _upkeep_once(self) -> None:
        clock = asyncio.get_running_loop().time()
        for domain, act in self.site.upkeep(self.now()):
            if len(self._running) >= max(1, self.site.parallel) or act.key in self._upkeep_going:
                continue
            if clock - self._upkeep_failed.get(act.key, -_UPKEEP_RETRY_S) < _UPKEEP_RETRY_S:
                continue
            self._upkeep_going.add(act.key)
            self._spawn(self._keep_up(Take(operation="", domain=domain, act=act)), act.says)

    async def _keep_up(self, command: Take) -> None:
        key = command.key
        told = {"domain": command.domain, "key": key, "says": command.says}
        try:
            self._record(SELF, "upkeep", {**told, "command": encode(command)})
            result, text = await self._execute(command)
            await self._record_surely("upkeep_outcome", {**told, "result": result, "text": text})
            if result != "done":
                self._upkeep_failed[key] = asyncio.get_running_loop().time()
            else:
                self._upkeep_failed.pop(key, None)
        except JournalError:
            self._upkeep_failed[key] = asyncio.get_running_loop().time()
        finally:
            self._upkeep_going.discard(key)

    def has_duties(self) -> bool:
        """Whether ending this process would leave something undone: open operations, or points to make."""
        if self.open_operations():
            return True
        return self.site.keeps_points and any(
            d.owner is Owner.LOCAL and d.pitr.enabled and d.mode is Mode.RUNNING_IN_FAILOVER
            for d in (self.view.domains if self.view else ())
        )

    @property
    def pid(self) -> int:
        return os.getpid()
