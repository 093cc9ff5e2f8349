"""Maintenance, unasked: points made and pruned while a domain is owned here, the journal tried again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.journal.recorder import SELF, Recorder
from drdeck.model.commands import AnyCommand, MakePlannedCall, encode
from drdeck.model.domains import Mode, Owner
from drdeck.model.points_budget import AT_ONCE
from drdeck.model.times import show_duration
from drdeck.sites.contract import RecoverySite

from .executor import Executor
from .site_watcher import SiteWatcher

log = logging.getLogger(__name__)

RETRY_S = 60.0
"""After a failure the same call is left alone for so long."""

Execute = Callable[[AnyCommand], Awaitable[tuple[str, str]]]
Record = Callable[[str, dict[str, Any]], object]
RecordSurely = Callable[[str, dict[str, Any]], Awaitable[None]]


CallSubject = tuple[str, str, str | None]
"""Domain, kind of call and VM: of the same thing, every try has a key of its own."""


def call_subject(command: MakePlannedCall) -> CallSubject:
    return command.domain, command.call.kind, command.call.vm


class NotDone(NamedTuple):
    """The site did not do it `times` times in a row, with the same `words`."""

    words: str
    times: int = 1


class MaintenanceCalls:
    """Carries calls out that the site says are due; each is journaled before and after.

    What goes on being refused in the same words is tried again without a word in the journal: that it
    is tried again stands there, and the outcome that ends it tells how often.
    """

    def __init__(
        self, execute: Execute, record: Record, record_surely: RecordSurely, watcher: SiteWatcher
    ) -> None:
        self._execute, self._record, self._record_surely = execute, record, record_surely
        self._watcher = watcher
        self._going: set[CallSubject] = set()
        self._failed: dict[CallSubject, float] = {}
        self._unseen: dict[CallSubject, int] = {}
        self._not_done: dict[CallSubject, NotDone] = {}

    def may_begin(self, command: MakePlannedCall) -> bool:
        """Not under way, not failed a moment ago, and the site was read anew after an answer was lost."""
        clock, subject = asyncio.get_running_loop().time(), call_subject(command)
        return (
            subject not in self._going
            and clock - self._failed.get(subject, -RETRY_S) >= RETRY_S
            and self._unseen.get(subject, -1) < self._watcher.looked
        )

    async def carry_out(self, command: MakePlannedCall) -> None:
        """Begin at once; what fails, or cannot be journaled, is tried again later."""
        subject = call_subject(command)
        data = {"domain": command.domain, "key": command.key, "says": command.says}
        before = self._not_done.get(subject)
        try:
            if before is None:
                self._record("upkeep", {**data, "command": encode(command)})
            result, text = await self._executed(command)
            words = text.replace(command.says, "")
            if result not in ("refused", "unreachable"):
                self._not_done.pop(subject, None)
            elif before is not None and before.words == words:
                self._not_done[subject] = NotDone(words, before.times + 1)
            else:
                self._not_done[subject] = NotDone(words)
            if before is None or before.words != words:
                again = (
                    {} if before is None else {"not_done_before": before.times, "command": encode(command)}
                )
                await self._record_surely("upkeep_outcome", {**data, "result": result, "text": text, **again})
            if result == "done":
                self._failed.pop(subject, None)
                self._unseen.pop(subject, None)
            else:
                self._failed[subject] = asyncio.get_running_loop().time()
            if result == "unknown":
                self._unseen[subject] = self._watcher.serial
                self._watcher.look_again()
        except JournalError:
            self._failed[subject] = asyncio.get_running_loop().time()
        finally:
            self._going.discard(subject)

    async def _executed(self, command: MakePlannedCall) -> tuple[str, str]:
        """Result and words, as of `execute`. A task that lasts longer than it may is waited for no more: what
        came of it, the site shows; nobody is asked, for no operation waits for it."""
        limit_s = command.call.limit_s
        try:
            async with asyncio.timeout(limit_s or None):
                return await self._execute(command)
        except TimeoutError:
            return "unknown", f"Could not {command.says}: it has not ended within {show_duration(limit_s)}"

    @property
    def under_way(self) -> int:
        """The number of calls that were begun and have not ended."""
        return len(self._going)

    def begin(self, command: MakePlannedCall) -> None:
        """Reserve it, before its task runs for the first time."""
        self._going.add(call_subject(command))


class MaintenanceRunner:
    """Gives calls that are due without anybody asking; looks twice a second. A read-only controller gives
    none. Belongs to one event loop."""

    def __init__(
        self,
        site: RecoverySite,
        watcher: SiteWatcher,
        recorder: Recorder,
        executor: Executor,
        read_only: bool,
    ) -> None:
        self.site, self.watcher, self.recorder, self.executor = site, watcher, recorder, executor
        self.read_only = read_only
        record = functools.partial(recorder.record, SELF)
        self._calls = MaintenanceCalls(executor.execute, record, recorder.record_surely, watcher)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            try:
                if self.recorder.error is not None:
                    self._try_journal()
                elif not self.read_only and self.watcher.error is None and self.watcher.view is not None:
                    self._begin_calls()
            except Exception:
                log.exception("maintenance failed, which is a bug")
                await asyncio.sleep(30)

    def _begin_calls(self) -> None:
        if self._calls_wait():
            return  # the look at all domains would be for nothing
        for domain, call in self.site.maintenance_due(self.watcher.now()):
            # a point that was just made may not be seen yet: the site looks whether it is there
            again = call.kind == "snapshot"
            command = MakePlannedCall(operation="", domain=domain, call=call, again=again)
            if not self._calls.may_begin(command):
                continue
            if self._calls_wait():
                break
            self._calls.begin(command)
            self.executor.spawn(self._calls.carry_out(command), call.says)

    def _calls_wait(self) -> bool:
        """Tell whether nothing may begin now: operations go before, and nothing of this holds them up."""
        return self.executor.calls_wait or self.executor.full or self._calls.under_way >= AT_ONCE

    def _try_journal(self) -> None:
        """Take note when it can be written again; nobody else may be writing."""
        with contextlib.suppress(JournalError):
            self.recorder.record(SELF, "journal_back", {"was": self.recorder.error})
            self.executor.kick()

    def has_duties(self) -> bool:
        """True if ending this process would leave something undone: open operations, points to make, or VMs
        that join late."""
        if self.recorder.open_operations():
            return True
        domains = self.watcher.view.domains if self.watcher.view else ()
        if any(vm.joins for d in domains if d.owner is Owner.LOCAL for vm in d.vms):
            return True
        return self.site.keeps_points and any(
            d.owner is Owner.LOCAL and d.pitr.enabled and d.mode is Mode.RUNNING_IN_FAILOVER for d in domains
        )
