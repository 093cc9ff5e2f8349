"""Commands given to the site: journaled before they are sent, a bounded number at a time, and after."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, NamedTuple

import msgspec

from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import Entry
from drdeck.controller.journal.operations import Operation
from drdeck.controller.journal.recorder import SELF, Recorder
from drdeck.model.commands import AnyCommand, MakePlannedCall, TakeOver, encode
from drdeck.model.planned import PlannedCall
from drdeck.model.times import show
from drdeck.model.views import SiteView
from drdeck.sites.contract import (
    LimitsCalls,
    RecoverySite,
    Refused,
    ResultUnknown,
    SiteUnreachable,
    TaskBegun,
)

from .call_places import CallPlaces, gave_back
from .site_watcher import SiteWatcher

log = logging.getLogger(__name__)

RETRY_S = (0.0, 0.0, 1.0, 2.0, 5.0)
"""After so many answers in a row that were lost, or never asked for, a command is left alone for so long."""

CROWD = 8
"""With so many commands under way the journal's writes gather what comes."""

CallKey = tuple[str, str]
"""Id of an operation and key of a command of it."""


class CallUnderWay(NamedTuple):
    """A call on a VM: since when it is waited for, and how often a person has said to go on."""

    planned: PlannedCall
    since: float
    work: asyncio.Task[None]
    waited: int = 0


class RetryPause(NamedTuple):
    """A command that got no answer `times` times is not given before `until`."""

    times: int
    until: float


class Executor:
    """Has the site carry commands out. Belongs to one event loop; `kick` is called when one has ended.

    Places are for requests on their way: a call whose task runs at the site holds none, and so holds
    nobody else up. Writes of a record need none.
    """

    def __init__(
        self, site: RecoverySite, watcher: SiteWatcher, recorder: Recorder, kick: Callable[[], None]
    ) -> None:
        self.site, self.watcher, self.recorder, self.kick = site, watcher, recorder, kick
        self.running: set[asyncio.Task[None]] = set()
        self.pausing = False
        """nothing more is begun: this process is about to end"""
        self.calls_wait = False
        """operations have calls on VMs that found no place"""
        self.places = CallPlaces(site.call_places if isinstance(site, LimitsCalls) else {})
        recorder.crowded = lambda: len(self.running) >= CROWD
        self._starting: set[CallKey] = set()
        self._calls: dict[CallKey, CallUnderWay] = {}
        self._rests: dict[CallKey, RetryPause] = {}
        self._asking_in: tuple[SiteView | None, frozenset[str]] = (None, frozenset())
        """a view, and the VMs that ask in it: looked for once, not with each call"""

    @property
    def full(self) -> bool:
        """No further request may be sent now."""
        return self.pausing or len(self._starting) >= max(1, self.site.parallel)

    def patience_s(self) -> float | None:
        """Seconds after which a command may be given again, or a call is slow, without news; None: never."""
        if self._rests or (self.calls_wait and self._asking()):
            return 1.0  # a call whose VM asks gives its place back
        ends = [call.since + call.planned.limit_s for call in self._calls.values() if call.planned.limit_s]
        return max(1.0, min(ends) - self.watcher.steady()) if ends else None

    def rested(self, op: Operation, commands: Sequence[AnyCommand]) -> list[AnyCommand]:
        """The commands that may be given now."""
        now = self.watcher.steady()
        rests = {key for (ident, key), rest in self._rests.items() if ident == op.id and rest.until > now}
        return [command for command in commands if command.key not in rests]

    def forget_rests(self, open_ids: Collection[str]) -> None:
        """Keep the pauses of operations that are open only."""
        self._rests = {key: r for key, r in self._rests.items() if key[0] in open_ids}

    def give(self, due: Sequence[tuple[Operation, list[AnyCommand]]]) -> None:
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
        asking, now = self._asking(), self.watcher.steady()
        places, used = max(1, self.site.parallel) - len(self._starting), self._used(asking, now)
        at_work = Counter(
            place
            for call in self._calls.values()
            if not gave_back(call.planned, call.since, now, asking)
            for place in call.planned.places
        )
        self.calls_wait = False
        for op, calls in waiting:
            for call in calls:
                if places > 0 and self.places.has_room(call.call, used) and _has_place(call, at_work):
                    commands_due.append((op, call))
                    self.places.take(call.call, used)
                    places -= 1
                else:
                    self.calls_wait = True
        if commands_due:
            self._start(commands_due)

    def places_used(self) -> Counter[str]:
        """Kind of place -> how many calls at the site are in one now."""
        return self._used(self._asking(), self.watcher.steady())

    def _used(self, asking: Collection[str], now: float) -> Counter[str]:
        calls = [(call.planned, call.since) for call in self._calls.values()]
        return self.places.used(calls, now, asking)

    def _asking(self) -> frozenset[str]:
        """Ids of the VMs that the site asks about."""
        view = self.watcher.view
        if view is not self._asking_in[0]:
            domains = view.domains if view is not None else ()
            asking = frozenset(vm.id for d in domains for vm in d.vms if vm.question is not None)
            self._asking_in = view, asking
        return self._asking_in[1]

    def note_slow_calls(self) -> None:
        """Journal calls on VMs that take longer than their limit, so that a person is asked; wait no more
        for those that a person has said to make anew."""
        now = self.watcher.steady()
        for key, call in list(self._calls.items()):
            op = self.recorder.operations.get(key[0])
            if op is None or op.ended:
                continue
            waited = op.waited_for.get(key[1], 0)
            if key[1] not in op.going:
                call.work.cancel()
            elif waited != call.waited:
                self._calls[key] = call._replace(since=now, waited=waited)
            elif call.planned.limit_s and now - call.since > call.planned.limit_s and key[1] not in op.slow:
                planned = msgspec.to_builtins(call.planned)
                self.recorder.record(SELF, facts.SLOW, {"operation": op.id, "key": key[1], "act": planned})

    def _start(self, commands_due: Sequence[tuple[Operation, AnyCommand]]) -> None:
        """Journal that commands are given, all by one write, and give them."""
        commands = [
            (op.id, msgspec.structs.replace(c, asked_by=c.asked_by or op.actor)) for op, c in commands_due
        ]
        at = show(self.watcher.now())
        self.recorder.record_all(
            [
                Entry(
                    SELF,
                    facts.INTENT,
                    {"operation": ident, "key": c.key, "command": encode(c), "says": c.says, "at": at},
                )
                for ident, c in commands
            ]
        )
        for ident, command in commands:
            work = self.spawn(self._carry_out(ident, command), command.says)
            if isinstance(command, MakePlannedCall) and _on_vm(command):
                self._starting.add((ident, command.key))
                self._calls[ident, command.key] = CallUnderWay(command.call, self.watcher.steady(), work)

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
            await self.recorder.record_surely(facts.TASK, data, patient=True)

        began_s, asked_at = self.watcher.steady(), self.watcher.now()
        try:
            result, text = await self.execute(command, begun)
        finally:
            self._starting.discard(key)
            self._calls.pop(key, None)
        took_ms = 1000 * (self.watcher.steady() - began_s)
        log.debug("%s: %s: %s after %.0f ms", ident, command.says, result, took_ms)
        self._rest((ident, command.key), result)
        data = outcome(ident, command, result, text, self.watcher.serial)
        if result == "unknown":
            data["asked_at"] = show(asked_at)
        await self.recorder.record_surely(facts.OUTCOME, data)
        if result not in ("done", "refused"):
            self.watcher.look_again()

    def _rest(self, key: tuple[str, str], result: str) -> None:
        """So that what fails the same way again and again does not fill the journal."""
        pause = self._rests.pop(key, None)
        if result not in ("done", "refused"):
            times = pause.times + 1 if pause else 1
            wait = RETRY_S[min(times, len(RETRY_S) - 1)]
            self._rests[key] = RetryPause(times, self.watcher.steady() + wait)

    async def execute(self, command: AnyCommand, begun: TaskBegun | None = None) -> tuple[str, str]:
        """Have the site carry a command out: result ("done", "refused", ...) and what there is to say."""
        try:
            remark = await self.site.execute(command, begun)
            if isinstance(command, TakeOver):  # what the holder before has done until now counts
                view = await self.site.observe()
                log.debug("view %d taken: read after a take-over", view.serial)
                self.watcher.take(view)
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


def _call_on_vm(command: AnyCommand) -> MakePlannedCall | None:
    """The command, where it is a call on one VM, of which only so many are sent at a time."""
    on_vm = isinstance(command, MakePlannedCall) and command.call.vm is not None
    return command if on_vm and isinstance(command, MakePlannedCall) else None


def _has_place(command: AnyCommand, at_work: Counter[str]) -> bool:
    """Take the host's and the datastores' places for a call, where there are; tell whether there were."""
    places = command.call.places if isinstance(command, MakePlannedCall) else {}
    if any(at_work[place] >= most for place, most in places.items()):
        return False
    at_work.update(places.keys())
    return True


def _on_vm(command: AnyCommand) -> bool:
    """Tell whether a command is a call on one VM."""
    return _call_on_vm(command) is not None


def outcome(ident: str, command: AnyCommand, result: str, text: str, serial: int) -> dict[str, Any]:
    """The journal's event of how a command of operation `ident` ended; `serial`: of the newest view then."""
    data: dict[str, Any] = {"operation": ident, "key": command.key, "result": result, "serial": serial}
    if text:
        data["text"] = text
    if result in ("refused", "vanished"):
        data["command"] = encode(command)
    return data
