"""The controller's side of a stage: site, controller and socket, by a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from drdeck.controller.controller import Controller
from drdeck.controller.ipc.server import Server
from drdeck.controller.journal.event_store import Journal
from drdeck.model.actions.request import Request
from drdeck.model.alarms import Alarm, Finding, Severity
from drdeck.model.commands import MakePlannedCall
from drdeck.model.domains import Domain, Mode, Owner, ProtectedSite
from drdeck.model.planned import Phase, PlannedCall
from drdeck.model.views import SiteView
from drdeck.sites.contract import LoginRefused, ResultUnknown, SiteUnreachable
from drdeck.sites.jetstream.answer_parser import PitrStatus
from drdeck.sites.jetstream.status_view import DomainReading, PitrRun, alarm_keys, domain_of
from drdeck.sites.training.scenario.scenario_file import load
from drdeck.sites.training.simulation.fault_injection import SiteCommand
from drdeck.sites.training.site import TrainingSite
from tests.support.appliance.sample import DOMAIN_ID

SITE = "dr-west"
SCENARIO = Path(__file__).with_name("stage.toml")
SLICE_S = 5.0
"""The controller looks at the site each so many seconds of the stage's time."""
WITHIN_S = 30.0
NEVER_S = 3600.0


class StageSite(TrainingSite):
    """A training site to which happens what a vCenter knows and this one does not: it is out of sight,
    wants a password, is driven from elsewhere, loses an answer."""

    unreachable: str | None = None
    password_wanted: str | None = None
    unanswered: PlannedCall | None = None
    """due in every failover; its answer is lost"""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.holder: dict[str, str] = {}
        self.left_by: dict[str, str] = {}
        self.appliance: PitrStatus | None = None
        """an answer of an appliance, whose domain is shown in place of all others"""
        self.removed: dict[str, str] = {}
        """domains whose record somebody removed, with the words for it"""
        self.without_entry: set[str] = set()
        """names of VMs that have no entry point in their session"""
        self.lost: set[str] = set()
        """domains whose protected site has just fallen silent"""
        self.to_release: set[str] = set()
        """domains whose VMs were powered off here, as by the other side's failover"""
        self.troubles: dict[str, tuple[Alarm, ...]] = {}
        """further alarms of domains: questions of VMs, and replicas that cannot be used"""

    def _pause(self) -> float:
        """No look by the machine's clock: who moves the stage's time looks, and who gives a command."""
        return super()._pause() if self.unreachable is not None else NEVER_S

    async def open(self) -> None:
        if self.password_wanted is not None:
            raise LoginRefused(self.password_wanted)
        await super().open()

    def _view(self) -> SiteView:
        if self.unreachable is not None:
            raise SiteUnreachable(self.unreachable)
        view = super()._view()
        if self.appliance is not None:
            return replace(view, domains=(self._of_appliance(self.appliance, view.clock.site),))
        return replace(view, domains=tuple(self._as_listed(domain) for domain in view.domains))

    def _of_appliance(self, status: PitrStatus, now: datetime) -> Domain:
        begun = now.replace(minute=0, second=0, microsecond=0)
        run = PitrRun(id="pitr-e052a641", since=begun) if status.running else None
        since = dict.fromkeys(alarm_keys(status), begun)
        return domain_of(DomainReading(ident=DOMAIN_ID, status=status, run=run, since=since), now)

    def _as_listed(self, domain: Domain) -> Domain:
        changed = replace(domain, holder=self.holder.get(domain.name), left_by=self.left_by.get(domain.name))
        if domain.name in self.removed:
            return self._without_record(changed, self.removed[domain.name])
        vms = tuple(
            replace(vm, lacks_entry=True) if vm.name in self.without_entry else vm for vm in changed.vms
        )
        if domain.name in self.to_release:
            vms = tuple(replace(vm, power="off") for vm in vms)
            changed = replace(changed, way_back=replace(changed.way_back, owned_there=None))
        changed = replace(changed, vms=vms, alarms=(*changed.alarms, *self.troubles.get(domain.name, ())))
        if self.unanswered is None or domain.failover is None:
            return changed
        phase = Phase(operation=domain.failover.id, name="Execute runbook", calls=(self.unanswered,))
        return replace(changed, phase=phase)

    def _without_record(self, domain: Domain, why: str) -> Domain:
        time = self.site_now().replace(second=0, microsecond=0)
        alarm = Alarm(time=time, severity=Severity.CRITICAL, vm=None, kind="record_removed", text=why)
        return replace(
            domain, mode=Mode.IMPORTED, owner=Owner.REMOTE, broken=why, record_removed=True, alarms=(alarm,)
        )

    async def findings(self) -> list[Finding]:
        """With a place for the state that is the same on every machine."""
        here = str(self._state)
        return [
            replace(f, text=f.text.replace(here, "~/.local/share/drdeck")) for f in await super().findings()
        ]

    async def execute(self, command: SiteCommand, begun: object = None) -> str:
        if isinstance(command, MakePlannedCall) and command.call == self.unanswered:
            raise ResultUnknown("the connection was closed before the answer came")
        return await super().execute(command)

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        site = await super().protected_site(domain, without)
        return (
            replace(site, state="lost", detail="", running=None, total=None) if domain in self.lost else site
        )


class Clock:
    """Stands still unless it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now, self.monotonic = now, 100.0

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds


class House:
    """The controller's side: the site, the controller and its socket."""

    def __init__(self, home: Path, scenario: str | Path = SCENARIO, read_only: bool = False) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home = home
        loaded = load(scenario)
        self.clock = Clock(loaded.first_instant)
        self.site = StageSite(SITE, loaded, home, real_now=lambda: self.clock.now)
        self.journal_file = home / "journal.db"
        self._journal = Journal(self.journal_file)
        self.controller = Controller(
            self.site, self._journal, read_only=read_only, real_now=lambda: self.clock.now
        )
        self.server = Server(self.controller, home / "socket", lambda: None)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.server.start()
        self._running = asyncio.create_task(self.controller.run())
        await self._until(
            lambda: self.controller.watcher.error is None or self.site.password_wanted is not None
        )
        await self.settle()

    async def stop(self) -> None:
        await self.server.close()
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self._journal.close()

    async def submit(self, action: str, domain: str, **more: Any) -> str:
        """Ask for an act as somebody at another console would."""
        ident = await self.controller.desk.submit(Request(action=action, domain=domain, **more), "ben@jump2")
        await self.settle()
        return ident

    def domain(self, name: str) -> Domain:
        return self.controller.desk.domain(name)

    async def settle(self) -> None:
        """Until the controller has done all that there is to do at this instant."""
        quiet = 0
        while quiet < 10:
            await asyncio.sleep(0)
            quiet = 0 if self.controller.executor.running else quiet + 1

    async def advance(self, seconds: float, by: float = SLICE_S) -> None:
        """Let time pass, in slices that are the same in every run."""
        left = seconds
        while left > 0:
            step = min(by, left)
            left -= step
            self.clock.move(step)
            if self.site.unreachable is None:
                self.controller.saw(await self.site.observe())
            await self.settle()
            if self.site.unreachable is None:
                self.controller.saw(await self.site.observe())
            await self.settle()

    async def advance_until(self, holds: Callable[[], object], within_s: float = 7200) -> None:
        """Let time pass until something holds."""
        passed = 0.0
        while not holds():
            assert passed < within_s, "it does not come true on the stage"
            await self.advance(SLICE_S)
            passed += SLICE_S

    async def _until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                await self.settle()
