"""A site in memory that drives itself, and loses answers when told: for the controller alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from drdeck.controller.controller import Controller
from drdeck.model import commands as c
from drdeck.model.alarms import Finding
from drdeck.model.domains import (
    Domain,
    Failover,
    Mode,
    Owner,
    PitrPolicy,
    ProtectedSite,
    Session,
    SessionState,
    Vm,
)
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.guard import Hazards
from drdeck.model.pitr import Points, Writing, writing_of
from drdeck.model.planned import PlannedCall
from drdeck.model.views import SiteClock, SiteView
from drdeck.sites.contract import Refused, ResultUnknown, SiteUnreachable
from tests.support.waiting import eventually

START = datetime(2026, 1, 16, 22, 0, tzinfo=UTC)


class FakeSite:
    """One domain "erp", synchronised, two VMs. `log` is what really happened at the site, in order.

    `lose`: names of commands whose next answer is lost, after (True) or before (False) they were done.
    `refuse`: name -> words. `gone`: unreachable while set. VMs are recovered by `recover()`.
    """

    name, kind, parallel, keeps_points = "fake", "fake", 4, False

    def __init__(self) -> None:
        self.log: list[str] = []
        self.lose: dict[str, bool] = {}
        self.refuse: dict[str, str] = {}
        self.out_of_reach = ""
        self.lacks: str | None = None
        self.protected = ProtectedSite(state="lost")
        self.domain = Domain(
            id="erp",
            name="erp",
            mode=Mode.SYNCHRONISED,
            owner=Owner.REMOTE,
            vms_total=2,
            vms_recoverable=2,
            pitr=PitrPolicy(enabled=True, window_s=86400, interval_s=60),
            vms=(Vm(id="1", name="db"), Vm(id="2", name="app")),
        )
        self._serial = 0
        self._changed = asyncio.Condition()

    def set(self, **changes: object) -> None:
        self.domain = msgspec.structs.replace(self.domain, **changes)

    async def news(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def taken_in(self, controller: Controller) -> None:
        """News, until the controller has looked at its operations because of it."""
        before = controller.watcher.serial
        await self.news()
        await eventually(lambda: controller.watcher.serial > before and not controller.loop._kick.is_set())

    async def recover(self) -> None:
        """Every VM is recovered and ready."""
        self.set(vms_recovered=2)
        await self.news()

    def _view(self) -> SiteView:
        self._serial += 1
        clock = SiteClock(site=START + timedelta(seconds=self._serial), real=datetime.now(UTC))
        return SiteView(
            site=self.name, kind=self.kind, serial=self._serial, clock=clock, domains=(self.domain,)
        )

    async def open(self) -> None:
        if self.out_of_reach:
            raise SiteUnreachable(self.out_of_reach)

    async def watch(self) -> AsyncIterator[SiteView]:
        while True:
            if self.out_of_reach:
                raise SiteUnreachable(self.out_of_reach)
            yield self._view()
            async with self._changed:
                await self._changed.wait()

    async def observe(self) -> SiteView:
        if self.out_of_reach:
            raise SiteUnreachable(self.out_of_reach)
        return self._view()

    async def execute(self, command: c.AnyCommand, begun: object = None) -> str:
        name = type(command).__name__
        if name in self.refuse:
            raise Refused(self.refuse[name])
        lost = self.lose.pop(name, None)
        if lost is not False:
            self.log.append(name)
            self._do(command)
            await self.news()
        if lost is not None:
            raise ResultUnknown(f"the answer to {name} was lost")
        return ""

    def _do(self, command: c.AnyCommand) -> None:
        match command:
            case c.BeginCompletion():
                f = Failover(id=command.operation, type=command.type, run_pitr=command.run_pitr)
                self.set(mode=Mode.COMPLETING, owner=Owner.LOCAL, failover=f)
            case c.FinishFailover():
                self.set(mode=Mode.RUNNING_IN_FAILOVER)
            case c.StartSession():
                session = Session(
                    id=command.session,
                    state=SessionState.ACTIVE,
                    started_at=START,
                    after_failover=command.operation,
                )
                self.set(mode=Mode.PITR_SESSION, session=session)
            case c.RollBack():
                assert self.domain.session is not None
                session = msgspec.structs.replace(
                    self.domain.session,
                    last_operation=command.operation,
                    rolled_back_to=command.to,
                    rollbacks=self.domain.session.rollbacks + 1,
                )
                self.set(session=session)
            case c.ExitSession():
                self.set(mode=Mode.RUNNING_IN_FAILOVER, session=None)
            case _:
                raise AssertionError(f"not expected: {command}")

    async def writing(self, domain: str) -> Writing:
        return writing_of(await self.points(domain))

    async def points(self, domain: str) -> Points:
        return Points(points=())

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        return self.protected

    async def obstacles(self, domain: str, networks: Mapping[str, str], without: tuple[str, ...]) -> Hazards:
        return Hazards()

    async def trial_room(
        self, domain: str, vms: tuple[str, ...], to: datetime | None
    ) -> tuple[TrialRoom, ...]:
        return ()

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        return Hazards()

    def maintenance_due(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        return []

    def check(self, command: c.AnyCommand) -> str | None:
        return None

    async def lacking(self, command: c.AnyCommand) -> str | None:
        return self.lacks

    async def findings(self) -> list[Finding]:
        return [Finding.ok("site", "is fake")]

    async def close(self) -> None:
        pass
