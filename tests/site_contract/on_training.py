"""The bench over a training site: computed, on a clock that only the test moves."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from drdeck.model.domains import Owner
from drdeck.sites.contract import RecoverySite
from drdeck.sites.training.scenario.scenario_tables import Scenario
from drdeck.sites.training.simulation.fault_injection import InjectFault, SiteCommand
from drdeck.sites.training.site import TrainingSite
from drdeck.sites.training.site_simulation import SiteSimulation
from drdeck.sites.training.state_store import file_of
from drdeck.sites.training.units import instant
from tests.site_contract.bench import DOMAIN, INTERVAL_S, VMS, WINDOW_S, Bench, MovedClock, Plan, Truth

REAL = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
START = datetime(2026, 1, 16, 18, 0, tzinfo=UTC)
OPENS = START + timedelta(hours=4, minutes=5)
STEP_S, WITHIN_S = 2.0, 2 * 3600.0
OUTAGE = (3600.0, 5400.0)
"""seconds after the opening: when the object store is away, with `unsettled`"""
GB = 1_000_000_000


def scenario(plan: Plan) -> Scenario:
    disk = 200 * GB if plan.behind else GB
    faults: list[dict[str, Any]] = []
    if plan.stubborn:
        faults.append({"kind": "shutdown_fails", "domain": DOMAIN, "vms": [plan.stubborn]})
    if plan.powerless:
        faults.append({"kind": "power_on_fails", "domain": DOMAIN, "vms": [plan.powerless]})
    if plan.unsettled:
        since, until = (OPENS + timedelta(seconds=s) for s in OUTAGE)
        faults.append({"kind": "object_store_lost", "domain": DOMAIN, "from": since, "to": until})
    return msgspec.convert(
        {
            "name": "rules",
            "start": START,
            "opens": OPENS,
            "link_bytes_per_s": GB,
            "faults": faults,
            "domains": [
                {
                    "name": DOMAIN,
                    "state": "imported" if plan.state == "imported" else "synchronised",
                    "pitr": {"enabled": plan.pitr, "window": f"{WINDOW_S}s", "interval": f"{INTERVAL_S}s"},
                    "protected_site": "lost" if plan.protected == "lost" else "reachable",
                    "protected_vms": "off" if plan.protected == "off" else "on",
                    # the site is lost once its data is here, as it was with replicas that there are
                    **({"lost_at": OPENS - timedelta(minutes=1)} if plan.protected == "lost" else {}),
                    "recovery_networks": ["VM Network"],
                    "tool": "manual" if plan.tool else "none",
                    "vms": [
                        {"name": name, "disk_bytes": disk, "write_bytes_per_s": 500_000, "boot": "20s"}
                        for name in VMS
                    ],
                }
            ],
        },
        Scenario,
    )


class TrainingBench(Bench):
    def __init__(self, plan: Plan, directory: Path) -> None:
        self._plot = scenario(plan)
        clock = MovedClock(REAL)
        self._training = TrainingSite("lab", self._plot, directory, 1.0, clock)
        super().__init__(self._training, plan, clock, directory)

    async def begin(self) -> None:
        await super().begin()
        if self.plan.state == "owned":
            await self.done(self.failover("force"))
            self.history.clear()
            await self.advance(INTERVAL_S)

    def another(self) -> RecoverySite:
        self._training = TrainingSite("lab", self._plot, self._directory, 1.0, self.clock)
        return self._training

    async def until_true(self, holds: Callable[[], object], explain: Callable[[], str] = str) -> None:
        passed = 0.0
        while True:
            await self._settled()
            if holds():
                return
            assert passed < WITHIN_S, f"did not come true within {WITHIN_S} s of the site: {explain()}"
            if self.controller.watcher.error is None:
                await self.advance(STEP_S)
                passed += STEP_S

    async def advance(self, seconds: float) -> None:
        self.clock.on(seconds)
        await self.look()

    async def look(self) -> None:
        self._training.wake()
        await self._settled()

    async def _settled(self) -> None:
        """Until the controller has done what there is to do now; nothing here waits for the outside."""
        for _ in range(20):
            await asyncio.sleep(0)

    def truth(self) -> Truth:
        """What follows from the scenario and the commands on disk, computed anew."""
        simulation = SiteSimulation(self._plot)
        with closing(sqlite3.connect(file_of(self._directory, self._plot.name))) as base:
            rows = base.execute("SELECT at, command FROM commands ORDER BY number").fetchall()
        for at, text in rows:
            command = msgspec.json.decode(text, type=SiteCommand)
            assert simulation.take(command, datetime.fromisoformat(at))
        now = self._training.site_now()
        (domain,) = simulation.domains(now)
        points = simulation.points(DOMAIN, now)
        machine = simulation.machine(DOMAIN)
        assert machine is not None and points is not None
        at = round((now - datetime.fromtimestamp(0, UTC)) / timedelta(microseconds=1))
        return Truth(
            local=domain.owner is Owner.LOCAL,
            session=machine.session.id if machine.session else None,
            reset=domain.reset_at,
            closed=sum(p.end is not None for p in domain.excluded),
            power={vm.name: "on" if vm.runs_here(at) else "off" for vm in machine.vms},
            standing={vm.name: None if vm.rolled_to is None else instant(vm.rolled_to) for vm in machine.vms},
            source=(
                {}
                if machine.site_lost_at is not None
                else {vm.name: "on" if vm.at_source else "off" for vm in machine.vms}
            ),
            named=frozenset(p.time for p in points.points),
        )

    async def catch_up(self) -> None:
        """Nothing: time brings it."""

    async def rest_of_data(self) -> None:
        """Nothing: the link brings it."""

    async def disturb(self) -> None:
        await self._to(OUTAGE[0] + 60)

    async def settle(self) -> None:
        await self._to(OUTAGE[1])

    async def trouble(self) -> None:
        """The object store is lost."""
        await self.disturb()

    async def mend(self) -> None:
        await self.settle()

    async def _to(self, seconds: float) -> None:
        await self.advance((OPENS + timedelta(seconds=seconds) - self.now()).total_seconds())

    def power_off_by_hand(self, vm: str) -> None:
        """Nothing: an answer "retry" is taken for the word that it was done."""

    def outsider(self) -> None:
        """Nothing: a training site has a fault for it, which is an alarm and makes no point."""

    async def meddler(self, vm: str) -> None:
        await self.advance(STEP_S)  # a clock that stands would have him there as the session begins
        operation = f"meddling-{self.now():%H%M%S}"
        thrown = self._training.faults(operation, "foreign_snapshot", DOMAIN, (vm,), None, 1)
        for command in thrown:
            await self._training.execute(command)
        await self.look()

    async def spoil_test_vm(self, vm: str) -> None:
        fault = InjectFault(operation="a hand", domain=DOMAIN, fault="foreign_disk", vms=(vm,))
        await self._training.execute(fault)

    def can_be_attached(self, file: str) -> None:
        """A file that is there still; here there are none."""

    async def mend_test_vm(self, vm: str) -> None:
        """The fault strikes once: nobody attaches a second disk."""

    async def late_clone(self, vm: str) -> None:
        await self._training.execute(
            InjectFault(operation="a slow vCenter", domain=DOMAIN, fault="late_clone", vms=(vm,))
        )
        await self.submit(self.asks("test_start"))
        await self.until(lambda d: d.trial is not None and len(d.trial.vms) == len(VMS) - 1)
        await self.done(self.asks("test_end"))
        await self.until(lambda d: bool(d.strays))

    def changes_at_source(self) -> list[str]:
        return []
