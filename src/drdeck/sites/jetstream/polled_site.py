"""The JetStream site: opened, polled, shown. It changes nothing anywhere; every act is refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from drdeck.config.settings import JetStreamSettings
from drdeck.model import commands as c
from drdeck.model.alarms import Finding
from drdeck.model.domains import Domain, ProtectedSite
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.guard import Hazards
from drdeck.model.pitr import STEADY, Points, Writing
from drdeck.model.planned import PlannedCall
from drdeck.model.times import utcnow
from drdeck.model.views import SiteClock, SiteView
from drdeck.sites.contract import Refused, SiteError, SiteUnreachable, TaskBegun
from drdeck.sites.vsphere.vcenter.connection import Connection

from .appliance import Appliance, AskedTooOften
from .appliance_findings import findings
from .appliance_session import ApplianceSession
from .domain_poll import DomainPoll
from .run_memory import RunMemory
from .status_view import UNPUBLISHED, PitrRun
from .vm_guard import VmGuard

log = logging.getLogger(__name__)

KIND = "jetstream"
TICK_S = 0.25
"""How often it is looked which domains are due."""
TOGETHER_S = 1.0
"""So long a round waits for its slowest answers; those that come later are shown with a later one."""
LONGEST_REST_S = 30.0
"""At most so long between two questions after a domain that is not answered for."""

Connect = Callable[[], Awaitable[Connection]]


class JetStreamSite:
    """An appliance's domains, by the contract of `drdeck.sites.contract.RecoverySite`."""

    kind = KIND
    keeps_points = False

    def __init__(
        self,
        name: str,
        settings: JetStreamSettings,
        connect: Connect,
        state: Path | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """`now`: our clock. `state`: directory for what outlives the process."""
        self.name, self.settings, self.parallel = name, settings, settings.parallel
        self.looked_at: Callable[[], frozenset[str]] = frozenset
        """names of the domains that somebody looks at now"""
        self._now = now or utcnow
        self._serial = 0
        self._wake = asyncio.Event()
        self._asking = asyncio.Lock()
        self._slots = asyncio.Semaphore(settings.parallel)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        """id of a domain -> the question about it that is not answered yet"""
        self._memory = RunMemory(state)
        kept = self._memory.load()
        self._polls = {ident: DomainPoll(ident, kept.get(ident)) for ident in settings.domains}
        self._kept = self._runs()
        self._appliance = Appliance(settings)
        login = settings.login
        self._guard = VmGuard(login.root, settings.accounts, state, self._wake.set)
        self._session = ApplianceSession(connect, self._guard.start, self._guard.stop)
        self._answered_s = 0.0

    # -- seeing

    async def open(self) -> None:
        await self._rested()
        await self._session.open()

    async def _rested(self) -> None:
        """Until the first domain may be asked about again, where none is answered for."""
        polls = self._polls.values()
        if all(poll.failure is not None for poll in polls):
            wait_s = min(poll.due_s for poll in polls) - _loop_s()
            if wait_s > 0:
                await asyncio.sleep(wait_s)

    async def watch(self) -> AsyncIterator[SiteView]:
        latest: SiteView | None = None
        while True:
            self._wake.clear()
            async with self._asking:
                await self._ask(self._due(), TOGETHER_S if latest is not None else None)
                self._raise_when_lost()
            await self._session.keep()
            view = self._view()
            if latest is None or _differs(latest, view):
                latest = self._numbered(view)
                yield latest
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._wake.wait()

    def _pause_s(self) -> float:
        """Until the next domain is due; somebody may open one before, or a slow answer come."""
        due = [poll.due_s - _loop_s() for poll in self._polls.values() if poll.ident not in self._under_way]
        return max(0.0, min([TICK_S, *due]))

    async def observe(self) -> SiteView:
        async with self._asking:
            await self._ask_all()
            self._raise_when_lost()
        self._wake.set()
        return self._numbered(self._view())

    def _due(self) -> list[DomainPoll]:
        looked_at, now_s = self.looked_at(), _loop_s()
        every_s, idle_s = float(self.settings.poll), float(self.settings.poll_idle)
        due = []
        for poll in self._polls.values():
            if poll.failure is None and poll.asked_s is not None:
                busy = poll.run is not None or poll.ident in looked_at or poll.name in looked_at
                poll.due_s = poll.asked_s + (every_s if busy else idle_s)
            if poll.due_s <= now_s:
                due.append(poll)
        return due

    async def _ask_all(self) -> None:
        """Ask about every domain from now on: what is under way was asked before."""
        await self._ask(())
        await self._ask(self._polls.values())

    async def _ask(self, polls: Iterable[DomainPoll], wait_s: float | None = None) -> None:
        """Ask about domains side by side, at most `parallel` at once; what fails is kept with its domain.

        `wait_s`: return by then, whatever is still under way: one slow domain must not hold the others.
        """
        for poll in polls:
            if poll.ident not in self._under_way:
                task = asyncio.create_task(self._ask_one(poll), name=f"ask about {poll.ident}")
                self._under_way[poll.ident] = task
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=wait_s)
        for ident, task in list(self._under_way.items()):
            if task.done():
                del self._under_way[ident]
                task.result()
        runs = self._runs()
        if runs != self._kept:
            self._memory.save(runs)
            self._kept = runs
        self._guard.follow(tuple(poll.guarded for poll in self._polls.values()))

    def _runs(self) -> dict[str, PitrRun]:
        return {ident: poll.run for ident, poll in self._polls.items() if poll.run is not None}

    async def _ask_one(self, poll: DomainPoll) -> None:
        try:
            async with self._slots:
                body = await self._session.used(lambda key: self._appliance.pitr_status(poll.ident, key))
            poll.answered(body, self.settings.timestamp_unit, self._now())
            self._answered_s = poll.asked_s = _loop_s()
        except SiteError as error:
            poll.not_answered(error, self._now())
            rest_s = min(LONGEST_REST_S, float(self.settings.poll) * 2 ** min(poll.failures - 1, 10))
            rest_s *= random.uniform(0.8, 1.0)
            if isinstance(error, AskedTooOften):
                rest_s = max(rest_s, error.rest_s)
            poll.due_s = _loop_s() + rest_s

    def _raise_when_lost(self) -> None:
        """Raise the first failure where no domain at all is answered for."""
        polls = list(self._polls.values())
        failure = polls[0].failure
        if failure is None or any(poll.failure is None for poll in polls):
            return
        if isinstance(failure, SiteUnreachable) and self._answered_s:
            failure.silent_s = max(0.0, _loop_s() - self._answered_s)
        raise failure

    def _view(self) -> SiteView:
        now = self._now()
        names: set[str] = set()
        domains: list[Domain] = []
        for poll in self._polls.values():
            domain = poll.domain(now, self._guard.facts(poll.guarded), self._guard.alarms(poll.guarded))
            if domain.name in names:  # told apart, for commands name a domain
                domain = msgspec.structs.replace(domain, name=f"{domain.name} ({poll.ident})")
            names.add(domain.name)
            poll.name = domain.name
            domains.append(domain)
        login = self.settings.login
        servers = {"the appliance": self.settings.insecure, "vCenter": login.insecure}
        return SiteView(
            site=self.name,
            kind=KIND,
            serial=self._serial,
            clock=SiteClock(site=now, real=now),
            domains=tuple(domains),
            warnings=tuple(
                f"the certificate of {server} is not checked" for server, off in servers.items() if off
            ),
            address=self._appliance.server,
            user=login.username,
        )

    def _numbered(self, latest: SiteView) -> SiteView:
        self._serial += 1
        return msgspec.structs.replace(latest, serial=self._serial)

    async def points(self, domain: str) -> Points:
        raise Refused(UNPUBLISHED)

    async def writing(self, domain: str) -> Writing:
        """None: the call tells of no restore points."""
        return STEADY

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        return ProtectedSite()

    async def obstacles(self, domain: str, networks: Mapping[str, str], without: tuple[str, ...]) -> Hazards:
        return Hazards()

    async def trial_room(
        self, domain: str, vms: tuple[str, ...], to: datetime | None
    ) -> tuple[TrialRoom, ...]:
        return ()

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        return Hazards()

    async def findings(self) -> list[Finding]:
        with contextlib.suppress(SiteError):
            async with self._asking:
                await self._ask_all()
        return await findings(
            self.settings, self._appliance, list(self._polls.values()), self._guard, self._now()
        )

    # -- doing: nothing

    def check(self, command: c.AnyCommand) -> str | None:
        return UNPUBLISHED

    async def lacking(self, command: c.AnyCommand) -> str | None:
        return UNPUBLISHED

    async def execute(self, command: c.AnyCommand, begun: TaskBegun | None = None) -> str:
        raise Refused(f"{command.says}: {UNPUBLISHED}")

    def maintenance_due(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        return []

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._under_way.clear()
        self._guard.close()
        await self._appliance.close()
        await self._session.close()


def _differs(a: SiteView, b: SiteView) -> bool:
    return a.domains != b.domains or a.warnings != b.warnings


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
