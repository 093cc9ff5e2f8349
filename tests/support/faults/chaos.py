"""A controller with its socket and consoles over a training site, where everything may go wrong at once.

All of it lives in one process and in virtual time. What a real process would be killed by kills the
controller here too, and the next one begins at once. `wrong` collects what must never happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from drdeck.controller.controller import Controller
from drdeck.controller.ipc.server import Server
from drdeck.controller.ipc.training_control import INJECTED
from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.journal.operations import Operation
from drdeck.model.actions.action_table import refusal
from drdeck.model.commands import AbortCompletion, FinishFailover, Resolve, StartSession
from drdeck.model.domains import Domain, SessionState
from drdeck.sites.contract import SiteUnreachable
from drdeck.sites.training.scenario.scenario_tables import Scenario
from drdeck.sites.training.simulation.fault_injection import InjectFault, SiteCommand
from tests.support.faults.bad_way import ChaosJournal, ChaosSite, Fate
from tests.support.faults.dying import Killed, Point
from tests.support.training.training_played import REAL
from tests.support.virtual_time import VirtualTime

SPEED = 20.0
"""seconds of the site per second of ours"""
ALIVE_S = 120.0
"""within so long a controller sees its site again"""
Given = tuple[str, str]
"""operation and key of a command"""


class Chaos:
    """One site, one controller after another, and what was seen of all of them."""

    def __init__(self, directory: Path, plot: Scenario, loop: VirtualTime) -> None:
        self.directory, self.plot, self.loop = directory, plot, loop
        self.set_on = timedelta(0)
        """by how much somebody has set our clock"""
        self.life = 0
        self.died = asyncio.Event()
        self.points: list[Point] = []
        """where the next controllers die"""
        self.fates: list[Fate] = []
        self.view_delays: list[float] = []
        self.old_views: list[int] = []
        self.site_lost = self.disk_full = False
        self.newest = 0
        """serial of the newest view that this controller was given"""
        self.wrong: list[str] = []
        self.commands: list[SiteCommand] = []
        """what the site took, in order"""
        self.intents, self.calls = Counter[Given](), Counter[Given]()
        self.injected: set[tuple[str, str]] = set()
        self.answers: set[tuple[str, str, str]] = set()
        """operation, question and choice"""
        self.unanswered: dict[Given, tuple[int, int]] = {}
        """life, and serial of the site's last view when an answer was lost"""
        self.shown_since: dict[Given, tuple[int, int]] = {}
        """the same from which on the site shows what it took"""
        self.tasks: set[asyncio.Task[None]] = set()
        self._supervisor: asyncio.Task[None] | None = None

    def clock(self) -> datetime:
        return REAL + self.set_on + timedelta(seconds=self.loop.time())

    def keep(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._kept)
        return task

    def _kept(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a refusal that nobody waits for any more

    # -- lives

    @property
    def socket(self) -> Path:
        return self.directory / "run" / "controller.sock"

    async def begin(self) -> None:
        """The first controller; each that dies is followed by another."""
        self._supervisor = asyncio.create_task(self._supervise())
        self.died.set()
        await self.settled()

    async def _supervise(self) -> None:
        while True:
            await self.died.wait()
            if self.life:
                await self._bury()
            self.died.clear()
            self.life += 1
            with contextlib.suppress(Killed):
                await self._live()

    async def _live(self) -> None:
        self.journal = ChaosJournal(self.directory / "journal.db", self.points.pop() if self.points else None)
        self.journal.world, self.newest = self, 0
        self.site = ChaosSite("lab", self.plot, self.directory, SPEED, self.clock)
        self.site.world = self
        self.controller = Controller(self.site, self.journal, real_now=self.clock, steady=self.loop.time)
        self.server = Server(self.controller, self.socket, self.kill)
        await self.server.start()
        self._running = asyncio.create_task(self.controller.run())
        with contextlib.suppress(JournalError):
            self.controller.recorder.record("drdeck", facts.STARTED, {"pid": self.life, "site": "lab"})

    def kill(self) -> None:
        """As by kill -9: nothing is tidied up, and nothing written."""
        self.journal.dead = True
        self.died.set()

    async def _bury(self) -> None:
        self.journal.dead = True
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self.server.close()
        for _ in range(5):  # who was just being let in has no end of a process to be put out by
            await asyncio.sleep(0)
            for console in list(self.server.consoles):
                console.end()
        self.journal.close()

    async def settled(self, seconds: float = 0.3) -> None:
        """A moment later, with a controller that sees its site unless that is gone."""
        await asyncio.sleep(seconds)
        assert self._supervisor is not None
        for _ in range(int(ALIVE_S / 0.5)):
            if self._supervisor.done():
                self._supervisor.result()
            dying = self.died.is_set() or not self.life or self.journal.dead
            if not dying and (self.site_lost or self.controller.watcher.error is None):
                return
            await asyncio.sleep(0.5)
        dead = f"dead {self.journal.dead}, died {self.died.is_set()}"
        state = f"{self.controller.watcher.error}, life {self.life}, {dead}"
        raise AssertionError(f"the site was not seen again: {state}")

    async def end(self) -> None:
        assert self._supervisor is not None
        self._supervisor.cancel()
        await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._bury()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # -- what there is now

    @property
    def operations(self) -> dict[str, Operation]:
        return self.controller.recorder.operations

    def open(self) -> list[Operation]:
        return self.controller.recorder.open_operations()

    @property
    def domains(self) -> tuple[Domain, ...]:
        return self.controller.view.domains if self.controller.view else ()

    def in_session(self, op: Operation) -> bool:
        """A completion that waits for people to be done with its session."""
        view = self.controller.view
        domain = view.domain(op.domain) if view else None
        session = domain.session if domain else None
        return op.action == "cfo_complete" and session is not None and session.state is SessionState.ACTIVE

    # -- what must hold of each call to the site

    def wrote(self, kind: str, data: dict[str, Any]) -> None:
        match kind:
            case facts.INTENT:
                self.intents[data["operation"], data["key"]] += 1
            case facts.ANSWER:
                self.answers.add((data["operation"], data["question"], data["choice"]))
            case _ if kind == INJECTED:
                self.injected.add((data["injection"], data["domain"]))

    def called(self, command: SiteCommand) -> None:
        """The controller calls the site: it has written so, and knows what became of it before."""
        if isinstance(command, InjectFault):
            if (command.operation, command.domain) not in self.injected:
                self.wrong.append(f"not in the journal: {command}")
            return
        call: Given = command.operation, command.key
        self.calls[call] += 1
        op = self.operations.get(command.operation)
        if op is None or op.ended or op.domain != command.domain:
            self.wrong.append(f"{command} is of no open operation: {op}")
        if self.calls[call] > self.intents[call]:
            self.wrong.append(f"{self.calls[call]} calls and {self.intents[call]} intents: {command}")
        serial = self.controller.watcher.serial
        life, lost = self.unanswered.get(call, (0, 0))
        if life == self.life and serial <= lost:
            self.wrong.append(f"given again before the site was seen anew: {command}")
        life, since = self.shown_since.get(call, (self.life + 1, 0))
        if life < self.life or (life == self.life and serial > since):
            self.wrong.append(f"given again although the site shows it: {command}")

    def taken(self, command: SiteCommand, domain: Domain, now: datetime) -> None:
        """The site is about to take a command: as things are there, somebody asked for it, and it is open."""
        self.commands.append(command)
        if isinstance(command, InjectFault):
            return
        op = self.operations.get(command.operation)
        if op is None:
            self.wrong.append(f"nobody asked for {command}")
            return
        why = None
        match command:
            case Resolve():
                answer = (op.id, command.question, command.choice)
                why = None if answer in self.answers else "nobody answered so"
            case AbortCompletion():
                given_up = any(one == op.id and said == "abort" for one, _, said in self.answers)
                cancelled = any(
                    one.action == "cfo_cancel" and one.domain == op.domain for one in self.operations.values()
                )
                why = None if given_up or cancelled else "nobody gave up"
            case StartSession() if op.action == "cfo_complete":
                ready = domain.recovered and op.request.run_pitr and domain.session is None
                why = None if ready else "no session is due"
            case FinishFailover():
                why = None if domain.recovered and not op.request.run_pitr else "it is not over"
            case _:
                why = refusal(op.request, domain, now)
        if why is not None:
            self.wrong.append(f"taken against a rule: {command}: {why}")

    async def land(self, command: SiteCommand, after: float) -> None:
        """One copy of a command reaches the site, which may have been out of reach."""
        await asyncio.sleep(after)
        while True:
            with contextlib.suppress(SiteUnreachable):
                await self.site.take(command)
                return
            await asyncio.sleep(0.5)


class Bugs(logging.Handler):
    """What the log tells of that should never be."""

    def __init__(self, world: Chaos) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        died = record.exc_info is not None and isinstance(record.exc_info[1], Killed)
        if not died:
            self._world.wrong.append(self.format(record))
