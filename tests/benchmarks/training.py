"""How fast the training site computes; run it as a script: `python tests/benchmarks/training.py`.

Budgets: a view of 40 domains x 15 VMs x 3 days of points at 1 minute in 20 ms, a month's jump in 100 ms,
and no memory that grows with the points.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

from drdeck.model.commands import StartContinuousFailover
from drdeck.model.times import utcnow
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioDomain, ScenarioPitr, ScenarioVm
from drdeck.sites.training.site_simulation import Accepted, SiteSimulation, view


def timed(what: str, budget_ms: float, work: Callable[[], object]) -> bool:
    """Processor time, so that what else the machine does does not count."""
    began = time.process_time()
    work()
    took = (time.process_time() - began) * 1000
    print(f"{what:<58}{took:8.1f} ms  (at most {budget_ms:.0f})")
    return took <= budget_ms


def grown_little(plot: Scenario, commands: list[Accepted]) -> bool:
    """What a simulation holds after a day and after a year of points that are made every minute."""
    held_mb = []
    tracemalloc.start()
    simulation = SiteSimulation(plot)
    for accepted in commands:
        simulation.take(accepted.command, accepted.at)
    for days in (1, 30, 365):
        domains = simulation.domains(plot.start + timedelta(days=days))
        assert domains[0].points
        del domains
        gc.collect()
        held_mb.append(tracemalloc.get_traced_memory()[0] / 1e6)
    tracemalloc.stop()
    print(f"memory held after 1, 30 and 365 days{'':<22}{', '.join(f'{mb:.2f}' for mb in held_mb)} MB")
    return held_mb[-1] - held_mb[0] < 0.1


def main() -> int:
    start = utcnow().replace(microsecond=0)
    vms = tuple(
        ScenarioVm(name=f"vm{n:02}", disk_bytes=(5 + n) * 1_000_000_000, write_bytes_per_s=200_000)
        for n in range(15)
    )
    plot = Scenario(
        name="bench",
        start=start,
        link_bytes_per_s=1_250_000_000,
        domains=tuple(
            ScenarioDomain(
                name=f"domain{n:02}", vms=vms, pitr=ScenarioPitr(enabled=True, window="3d", interval="1m")
            )
            for n in range(40)
        ),
    )
    commands = [
        Accepted(
            at=start + timedelta(seconds=n), command=StartContinuousFailover(operation=f"o{n}", domain=d.name)
        )
        for n, d in enumerate(plot.domains)
    ]
    month = start + timedelta(days=30)
    simulation = SiteSimulation(plot)
    for accepted in commands:
        simulation.take(accepted.command, accepted.at)
    busy = start + timedelta(minutes=4)
    return not all(
        [
            grown_little(plot, commands),
            timed("four minutes in which all 40 domains begin", 100, lambda: simulation.domains(busy)),
            timed("a view while they rehydrate", 20, lambda: simulation.domains(busy + timedelta(seconds=1))),
            timed("a month's jump, all 600 disks in it", 100, lambda: simulation.domains(month)),
            timed("the same, computed from nothing", 100, lambda: view(plot, commands, month)),
            timed("4320 restore points of a domain", 100, lambda: simulation.points("domain00", month)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
