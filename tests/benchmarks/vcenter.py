"""How fast drdeck acts on a vCenter, against a bare script that makes the same calls; run as a script:

    python -m tests.benchmarks.vcenter [--vms 20 100 300 1000] [--runs 3]

On VMware's simulator, both sides in one run: off, revert, on for each VM of a domain. The bare script is
pyvmomi with eight threads and its own WaitForTask. Prints medians in seconds, the ratio, and what the
controller and the simulator spent of a processor for each VM; the machine's load stands beside each line.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pyVim.task import WaitForTask

from tests.support.deck import SITE
from tests.support.vcenter.flow import Flow
from tests.support.vcenter.vcsim import VCenter

DOMAIN = "bench"
THREADS = 8


class Lap(NamedTuple):
    """Seconds that something took, and the processor time of the controller and of the simulator."""

    took_s: float
    controller_s: float = 0.0
    simulator_s: float = 0.0


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settings(concurrent: int) -> str:
    return f"""
[sites.{SITE}.domains.{DOMAIN}]
pitr = {{ enabled = true, window = "3d", interval = "1d" }}
ready = "power"
ready_timeout = "30m"
"""


class Bench:
    """A vCenter with one domain of `vms` VMs in a session, and a controller that knows it."""

    def __init__(self, directory: Path, vms: int) -> None:
        self.names = [f"vm{number:04}" for number in range(vms)]
        self.vcenter = VCenter(pace=0)
        points = [datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)]
        domains = {DOMAIN: self.names}
        self.flow = Flow(directory, self.vcenter, None, domains, settings(vms), points)
        self.point = points[0]
        self.flow.show(DOMAIN)  # so that there is a controller

    def close(self) -> None:
        self.flow.stop()
        self.vcenter.stop()

    def lap(self, work: Callable[[], object]) -> Lap:
        controller, simulator = self.flow.pid(), self.vcenter.pid
        before = cpu_s(controller), cpu_s(simulator)
        began = time.monotonic()
        work()
        took = time.monotonic() - began
        return Lap(took, cpu_s(controller) - before[0], cpu_s(simulator) - before[1])

    def failover(self) -> Lap:
        """A Force Failover with its session, from the request until the session is active."""
        for name in self.names:
            self.vcenter.power_off(name)
        self.flow.start(DOMAIN)

        def work() -> None:
            self.flow.complete("force", "--run-pitr", domain=DOMAIN)
            self.flow.until(lambda d: (d["session"] or {}).get("state") == "active", DOMAIN)

        return self.lap(work)

    def rollback(self) -> Lap:
        def work() -> None:
            self.flow.deck.run("pitr", "run", DOMAIN, "--to", self.point.isoformat(), "--wait")

        return self.lap(work)

    def bare(self) -> Lap:
        """Off, revert, on of every VM by a script."""
        machines = [self.vcenter.vm(name) for name in self.names]
        mine = threading.local()

        def wait(task: Any) -> None:
            # one of its own for each thread: the simulator's breaks where threads share it
            if not hasattr(mine, "collector"):
                mine.collector = self.vcenter.content.propertyCollector.CreatePropertyCollector()
            WaitForTask(task, pc=mine.collector)

        def snapshot_of(vm: Any) -> Any:
            return vm.snapshot.rootSnapshotList[0].snapshot

        with ThreadPoolExecutor(THREADS) as pool:
            snapshots = list(pool.map(snapshot_of, machines))
            for task in pool.map(_power_on, machines):
                if task is not None:
                    WaitForTask(task)

            def calls(pair: tuple[Any, Any]) -> None:
                vm, snapshot = pair
                wait(vm.PowerOffVM_Task())
                wait(snapshot.RevertToSnapshot_Task(suppressPowerOn=True))
                wait(vm.PowerOnVM_Task())

            return self.lap(lambda: list(pool.map(calls, zip(machines, snapshots, strict=True))))


def _power_on(vm: Any) -> Any:
    """The task that powers a VM on; None where it is on."""
    return vm.PowerOnVM_Task() if vm.runtime.powerState == "poweredOff" else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--vms", type=int, nargs="+", default=[20, 100, 300, 1000])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    versions = f"Python {platform.python_version()}, pyvmomi {version('pyvmomi')}"
    print(f"{os.cpu_count()} cores, {platform.machine()}, {versions}")
    print("  VMs   failover    bare   Run PITR   ratio   controller/VM   simulator/VM   load")
    for vms in options.vms:
        before = os.getloadavg()[0]
        with tempfile.TemporaryDirectory() as directory:
            bench = Bench(Path(directory), vms)
            try:
                bares = [bench.bare() for _ in range(options.runs)]  # before the guard minds
                failover = bench.failover()
                rollbacks = [bench.rollback() for _ in range(options.runs)]
            finally:
                bench.close()
        bare = statistics.median(lap.took_s for lap in bares)
        rollback = statistics.median(lap.took_s for lap in rollbacks)
        controller = statistics.median(lap.controller_s for lap in rollbacks) / vms
        simulator = statistics.median(lap.simulator_s for lap in rollbacks) / vms
        print(
            f"{vms:5} {failover.took_s:8.1f} s {bare:6.1f} s {rollback:8.1f} s {rollback / bare:7.2f}"
            f" {1000 * controller:12.1f} ms {1000 * simulator:11.1f} ms"
            f"   {before:.1f} to {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
