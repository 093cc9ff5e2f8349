"""The training site as the controller drives it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from drdeck.model.alarms import Finding
from drdeck.model.commands import AnyCommand
from drdeck.model.domains import ProtectedSite
from drdeck.model.facts.fault_kinds import FAULT_KINDS
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.guard import Hazards
from drdeck.model.pitr import Points, Writing
from drdeck.model.planned import PlannedCall
from drdeck.model.plans.failover_plan import FailoverPlan
from drdeck.model.plans.run_note import KeptRun, RunMark, RunNote
from drdeck.model.times import show, show_spaced, utcnow
from drdeck.model.views import SiteClock, SiteView
from drdeck.sites.contract import Refused, SiteUnreachable
from drdeck.sites.training.scenario.scenario_plans import failover_plan
from drdeck.sites.training.scenario.scenario_tables import Scenario
from drdeck.sites.training.simulation import fault_injection
from drdeck.sites.training.simulation.fault_injection import InjectFault, SiteCommand
from drdeck.sites.training.view import protected_site

from .site_simulation import SiteSimulation
from .state_store import RESET, Anchor, StateStore, file_of

KIND = "training"

BUSY_S, STEADY_S, IDLE_S = 0.5, 2.0, 60.0
"""real seconds between two looks: while something goes on, while data only trickles, otherwise at most"""

_FURTHEST = timedelta(days=366 * 20)


def _kept(commands: int) -> str:
    """The number of commands of a training site's file, in words."""
    if not commands:
        return "nothing was requested yet"
    return f"{commands} commands" if commands > 1 else "1 command"


class TrainingSite:
    """A RecoverySite that is computed. Times that it shows are its own, which run `speed` times as fast.

    Nothing is read or written before `open`. `real_now` is the clock of the machine.
    """

    kind = KIND
    parallel = 8
    keeps_points = False

    def __init__(
        self,
        name: str,
        scenario: Scenario,
        state: Path,
        speed: float = 1.0,
        real_now: Callable[[], datetime] = utcnow,
    ) -> None:
        """`speed`: seconds of the site per real second. Raises ValueError for one that is not above 0."""
        if not math.isfinite(speed) or not 0 < speed <= 1_000_000:
            raise ValueError(f"speed {speed} is not possible; write a number above 0, at most 1000000")
        self.name = name
        self.scenario = scenario
        self.speed = float(speed)
        self._state = state
        self._real_now = real_now
        self._store: StateStore | None = None
        self._simulation: SiteSimulation | None = None
        self._latest = scenario.first_instant
        self._serial = 0
        self._confirmed = 0
        self._real_latest = real_now()
        self._wakers: set[asyncio.Event] = set()
        self._runs: dict[str, KeptRun] = {}

    @property
    def plans(self) -> Mapping[str, FailoverPlan]:
        """Those that the scenario brings, by name."""
        return {plan.name: failover_plan(plan) for plan in self.scenario.plans}

    # -- the protocol

    async def open(self) -> None:
        """Read what was accepted before. Raises Refused when its file cannot be used."""
        if self._store is not None:
            return
        store = StateStore(self._state, self.scenario, self.speed, self._real_now())
        simulation = SiteSimulation(self.scenario)
        for accepted in store.accepted():
            if not simulation.take(accepted.command, accepted.at):
                store.close()
                raise Refused(
                    f"{store.path}: {accepted.command.says} at {show(accepted.at)} cannot be replayed;"
                    f" it was written by another version of drdeck; {RESET}"
                )
        self._runs = store.runs()
        self._store, self._simulation = store, simulation
        self._latest = max(simulation.now, self.scenario.first_instant)

    async def watch(self) -> AsyncIterator[SiteView]:
        """Yield a view now and whenever anything visible changed; at most two in a real second."""
        waker = asyncio.Event()
        self._wakers.add(waker)
        latest: tuple[object, ...] | None = None
        clock: Anchor | None = None
        confirmed = self._confirmed
        try:
            while True:
                waker.clear()
                view = self._view()
                anchor = self._opened()[0].anchor
                # whoever gave a command waits for a view, also where the command changed nothing
                content = (view.domains, view.runs)
                if content != latest or anchor != clock or self._confirmed != confirmed:
                    latest, clock, confirmed = content, anchor, self._confirmed
                    yield view
                if waker.is_set():
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await waker.wait()
        finally:
            self._wakers.discard(waker)

    async def observe(self) -> SiteView:
        """The site now."""
        return self._view()

    async def execute(self, command: SiteCommand, begun: object = None) -> str:
        """Accept a command, once: given again it changes nothing. Raises Refused."""
        store, simulation = self._opened()
        now = self.site_now()
        if not store.has(command):
            refused = simulation.refusal(command, now)
            if refused is not None:
                raise Refused(refused)
            store.append(command, now)
            simulation.take(command, now)
        self._confirmed += 1
        self.wake()
        return ""

    async def points(self, domain: str) -> Points:
        """The restore points of a domain. Raises Refused for an unknown one."""
        _, simulation = self._opened()
        points = simulation.points(domain, self.site_now())
        if points is None:
            raise Refused(f'there is no domain "{domain}" at {self.name}')
        return points

    async def obstacles(self, domain: str, networks: Mapping[str, str], without: tuple[str, ...]) -> Hazards:
        return Hazards()

    async def trial_room(
        self, domain: str, vms: tuple[str, ...], to: datetime | None
    ) -> tuple[TrialRoom, ...]:
        return ()

    async def writing(self, domain: str) -> Writing:
        """The newest abnormal writing of a domain. Raises Refused for an unknown one."""
        _, simulation = self._opened()
        writing = simulation.writing(domain, self.site_now())
        if writing is None:
            raise Refused(f'there is no domain "{domain}" at {self.name}')
        return writing

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        """Schedules of others that are still to come. Raises Refused for an unknown domain."""
        _, simulation = self._opened()
        hazards = simulation.hazards(domain, vms, self.site_now())
        if hazards is None:
            raise Refused(f'there is no domain "{domain}" at {self.name}')
        return hazards

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        """The state of a domain's protected site now. Raises Refused for an unknown one."""
        _, simulation = self._opened()
        now = self.site_now()
        simulation.domains(now)
        machine = simulation.machine(domain)
        if machine is None:
            raise Refused(f'there is no domain "{domain}" at {self.name}')
        return protected_site.look(machine, now)

    async def keep_run(self, note: RunNote, marks: Mapping[str, RunMark]) -> None:
        store, _ = self._opened()
        before = self._runs.get(note.id)
        if before is not None and before.note.g > note.g:
            raise Refused(f"{note.id} was taken over meanwhile")
        marks = {**(before.marks if before is not None else {}), **marks}
        kept = {**self._runs, note.id: KeptRun(note=note, marks=dict(marks))}
        store.keep_runs(kept)
        self._runs = kept
        self.wake()

    async def forget_run(self, ident: str) -> None:
        store, _ = self._opened()
        kept = {known: run for known, run in self._runs.items() if known != ident}
        store.keep_runs(kept)
        self._runs = kept
        self.wake()

    def maintenance_due(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        """Nothing: this site makes its points itself."""
        return []

    def check(self, command: AnyCommand) -> str | None:
        """The reason why a command would be refused now; None when it would not, or was accepted before."""
        store, simulation = self._opened()
        return None if store.has(command) else simulation.refusal(command, self.site_now())

    async def lacking(self, command: AnyCommand) -> str | None:
        return None  # everybody may do everything in a rehearsal

    async def findings(self) -> list[Finding]:
        """The scenario, the clock, and where the state is kept."""
        path = file_of(self._state, self.scenario.name)
        if self._store is None:
            return [Finding.warn("training", f"{self.name} is not open")]
        many = sum(len(domain.vms) for domain in self.scenario.domains)
        return [
            Finding.ok("scenario", f"{self.scenario.name}: {len(self.scenario.domains)} domains, {many} VMs"),
            Finding.ok(
                "clock",
                f"{show_spaced(self.site_now())} at the site, "
                + ("as fast as here" if self.speed == 1 else f"{self.speed:g} times as fast as here"),
            ),
            Finding.ok("state", f"{path}: {_kept(self._store.count)}"),
        ]

    async def close(self) -> None:
        """Let go of the file. What was accepted stays."""
        if self._store is not None:
            self._store.close()
        self._store = self._simulation = None
        self.wake()

    # -- the instructor's hand

    def faults(
        self,
        operation: str,
        fault: str,
        domain: str | None,
        vms: Sequence[str],
        for_s: float | None,
        times: int,
    ) -> list[InjectFault]:
        """The commands that throw a fault in now, each to be given to `execute`.

        Where several are possible: the object store is lost for every domain, and a fault of a VM
        hits one that follows from the scenario's seed. Raises Refused for what makes no sense.
        """
        _, simulation = self._opened()
        now = self.site_now()
        if fault not in FAULT_KINDS:
            raise Refused(f'there is no fault "{fault}"; known are {", ".join(FAULT_KINDS)}')
        names = [spec.name for spec in self.scenario.domains]
        if domain is None and len(names) > 1 and fault != "object_store_lost":
            raise Refused(f"name the domain that it hits; this site has {', '.join(names[:8])}")
        commands = []
        for name in names if domain is None else [domain]:
            machine = simulation.machine(name)
            targets = tuple(vms)
            if fault == "object_store_lost":
                for_s = fault_injection.STORE_LOST_S if for_s is None else for_s
            elif machine is not None and not targets:
                victim = fault_injection.someone(machine, fault)
                targets = () if victim is None else (victim,)
            command = InjectFault(
                operation=operation,
                domain=name,
                fault=fault,
                vms=targets,
                for_s=for_s,
                times=times,
            )
            refused = simulation.refusal(command, now)
            if refused is not None:
                raise Refused(refused)
            commands.append(command)
        return commands

    # -- time

    def site_now(self) -> datetime:
        """The site's time now; it never goes back."""
        store, _ = self._opened()
        real = self._real_now()
        if real < self._real_latest:  # our clock was set back: the site's goes on from where it stands
            store.go_on(self._latest, real)
        self._real_latest = real
        self._latest = max(self._latest, store.anchor.at(real))
        return self._latest

    def jump(self, seconds: float) -> None:
        """Move the site's clock on. Raises ValueError for anything but a positive number of seconds."""
        if not math.isfinite(seconds) or seconds <= 0:
            raise ValueError(f"a jump of {seconds} seconds is not possible; it goes forward only")
        store, _ = self._opened()
        if seconds > _FURTHEST.total_seconds():
            raise ValueError("a jump goes at most twenty years")
        store.jump(seconds, self._real_now())
        self.wake()

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on."""
        if not math.isfinite(speed) or not 0 < speed <= 1_000_000:
            raise ValueError(f"speed {speed} is not possible; write a number above 0, at most 1000000")
        store, _ = self._opened()
        store.set_speed(float(speed), self._real_now())
        self.speed = float(speed)
        self.wake()

    def wake(self) -> None:
        """Have every watcher look at once."""
        for waker in self._wakers:
            waker.set()

    # -- inside

    def _opened(self) -> tuple[StateStore, SiteSimulation]:
        if self._store is None or self._simulation is None:
            raise SiteUnreachable(f"the training site {self.name} is not open")
        return self._store, self._simulation

    def _view(self) -> SiteView:
        _, simulation = self._opened()
        real = self._real_now()
        now = self.site_now()
        # above every serial of an earlier process too
        self._serial = max(self._serial + 1, int(real.timestamp() * 1000))
        return SiteView(
            site=self.name,
            kind=self.kind,
            serial=self._serial,
            clock=SiteClock(site=now, real=real, speed=self.speed),
            domains=simulation.domains(now),
            address=f"scenario {self.scenario.name}",
            user="trainee",
            runs=tuple(self._runs.values()),
        )

    def _pause(self) -> float:
        """Real seconds until the next look."""
        store, simulation = self._opened()
        longest = {"busy": BUSY_S, "steady": STEADY_S}.get(simulation.pace(), IDLE_S)
        due = simulation.next_change()
        if due is None:
            return longest
        site = store.anchor.at(self._real_now())
        return min(longest, max(BUSY_S, (due - site).total_seconds() / self.speed))
