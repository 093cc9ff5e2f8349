"""One site, and one controller after another: each may die, and the next goes on."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from drdeck.controller.controller import Controller
from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, SessionState
from drdeck.sites.contract import RecoverySite, SiteUnreachable
from drdeck.sites.training.site import TrainingSite
from tests.support.fakesite import START as FAKE_START
from tests.support.fakesite import FakeSite
from tests.support.faults.dying import DyingJournal, Killed, Point
from tests.support.training.training_build import domain as training_domain
from tests.support.training.training_build import scenario
from tests.support.training.training_played import Clock

ANNA = "anna@jump"


class World(ABC):
    """The site outlives its controllers. `deaths` counts them."""

    domain_name = "erp"

    def __init__(self, directory: Path, points: Iterator[Point] | None = None) -> None:
        self.directory, self.clock = directory, Clock()
        self.points, self.deaths = points, 0
        self.journal: DyingJournal | None = None
        self.controller: Controller | None = None
        self._task: asyncio.Task[None] | None = None

    # -- what differs

    @abstractmethod
    def make_site(self) -> RecoverySite:
        """The site for a new controller; what happened there stays."""

    @abstractmethod
    async def pass_time(self) -> None:
        """Let the site come a bit further."""

    @abstractmethod
    def acts(self) -> list[str]:
        """What was really done at the site, in order."""

    @abstractmethod
    def instants(self) -> tuple[datetime, datetime]:
        """Two instants to roll back to."""

    # -- lives

    async def begin(self) -> None:
        """A new controller over what is there."""
        self.journal = DyingJournal(
            self.directory / "journal.db", next(self.points, None) if self.points else None
        )
        self.controller = Controller(self.make_site(), self.journal, real_now=self.clock)
        self._task = asyncio.create_task(self.controller.run())
        await self.settle()

    async def end(self) -> None:
        """As by kill -9: nothing is tidied up, and nothing written."""
        assert self.journal is not None and self._task is not None
        self.journal.dead = True
        self._task.cancel()
        with contextlib.suppress(BaseException):
            await self._task
        self.journal.close()

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(25):
            await asyncio.sleep(0)

    async def alive(self) -> Controller:
        """The controller; a new one when the last has died."""
        assert self.journal is not None
        if self.journal.dead:
            self.deaths += 1
            await self.end()
            await self.begin()
        assert self.controller is not None
        return self.controller

    # -- asking

    async def ask(self, request: Request) -> str:
        """Until it is accepted; after a death look whether it was, as a person would."""
        before = set((await self.alive()).recorder.operations)
        for _ in range(50):
            controller = await self.alive()
            fresh = set(controller.recorder.operations) - before
            if fresh:
                return fresh.pop()
            try:
                return await controller.desk.submit(request, ANNA)
            except (Killed, SiteUnreachable):
                continue
            except NotAccepted as refused:
                assert refused.code == "unreachable", refused
                await self.pass_time()
        raise AssertionError(f"{request} was never accepted")

    async def until(self, holds: Callable[[], object], most: int = 4000) -> None:
        for _ in range(most):
            await self.alive()
            if holds():
                return
            await self.pass_time()
        assert self.controller is not None
        waiting = [
            (op.action, op.waits_for, op.question) for op in self.controller.recorder.open_operations()
        ]
        raise AssertionError(f"it did not come true: {waiting}")

    @property
    def domain_now(self) -> Domain | None:
        """The domain as the controller sees it now; None before it sees anything."""
        assert self.controller is not None
        return self.controller.view.domain(self.domain_name) if self.controller.view else None

    def operation(self, ident: str) -> Operation:
        assert self.controller is not None
        return self.controller.recorder.operations[ident]

    def session_active(self) -> bool:
        domain = self.domain_now
        return bool(domain and domain.session and domain.session.state is SessionState.ACTIVE)

    async def done(self, ident: str) -> None:
        await self.until(lambda: self.operation(ident).ended)
        assert self.operation(ident).state is OperationState.DONE, self.operation(ident)

    # -- the whole flow

    async def flow(self) -> None:
        """Complete with PITR, roll back, roll back again, exit; every operation ends as done."""
        await self.begin()
        name = self.domain_name
        await self.until(lambda: self.domain_now and self.domain_now.mode is Mode.SYNCHRONISED)
        failover = await self.ask(
            Request(action="cfo_complete", domain=name, type=FailoverType.FORCE, run_pitr=True, confirm=name)
        )
        await self.until(self.session_active)
        for instant in self.instants():
            back = await self.ask(Request(action="pitr_run", domain=name, to=instant))
            await self.done(back)
            await self.until(self.session_active)
        leave = await self.ask(Request(action="pitr_exit", domain=name))
        await self.done(leave)
        await self.done(failover)
        await self.until(lambda: self.domain_now and self.domain_now.mode is Mode.RUNNING_IN_FAILOVER)

    async def finish(self) -> list[str]:
        """End it; what is wrong with the chain of its journal."""
        await self.end()
        journal = DyingJournal(self.directory / "journal.db")
        try:
            return journal.verify()
        finally:
            journal.close()


class FakeWorld(World):
    """Over a site in memory."""

    def __init__(self, directory: Path, points: Iterator[Point] | None = None) -> None:
        super().__init__(directory, points)
        self.site = FakeSite()

    def make_site(self) -> RecoverySite:
        return self.site

    async def pass_time(self) -> None:
        if self.site.domain.mode is Mode.COMPLETING:
            self.site.set(vms_recovered=2)
        await self.site.news()
        await self.settle()

    def acts(self) -> list[str]:
        return self.site.log

    def instants(self) -> tuple[datetime, datetime]:
        return FAKE_START, FAKE_START + timedelta(milliseconds=1)


class TrainingWorld(World):
    """Over a training site, whose time passes by hand."""

    step_s = 5.0

    def __init__(self, directory: Path, points: Iterator[Point] | None = None) -> None:
        super().__init__(directory, points)
        self.plot = scenario(training_domain(state="synchronised", protected_site="lost"))
        self.site: TrainingSite | None = None

    def make_site(self) -> RecoverySite:
        self.site = TrainingSite("lab", self.plot, self.directory, real_now=self.clock)
        return self.site

    async def pass_time(self) -> None:
        self.clock.on(self.step_s)
        if self.site is not None:
            self.site.wake()
        await self.settle()

    def acts(self) -> list[str]:
        assert self.site is not None and self.site._store is not None
        return [type(one.command).__name__ for one in self.site._store.accepted()]

    def instants(self) -> tuple[datetime, datetime]:
        domain = self.domain_now
        assert domain is not None and domain.session is not None and domain.session.started_at is not None
        start = domain.session.started_at.replace(microsecond=0)
        return start - timedelta(seconds=300), start - timedelta(seconds=200)
