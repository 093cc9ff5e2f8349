"""How fast drdeck acts on a vCenter, against a bare script that makes the same calls; run as a script:

    python -m tests.benchmarks.vcenter [--vms 20 100 300 1000] [--runs 3] [--domains 40 --each 20]

On VMware's simulator, both sides in one run. A rollback is off, revert, on for each VM of a domain;
a failover with its session is a snapshot to undo it with, on, and the entry point. The bare script is
pyvmomi with eight threads and its own WaitForTask. Prints medians in seconds and their ratios, what the
controller and the simulator spent of a processor for each VM, how many round trips a call on a VM took,
and how long after the last VM was ready its session began; the machine's load stands beside each line.
With --domains: so many domains of so many VMs each by one run of a plan, against one domain that has all
of them.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
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
BESIDE = {"CurrentTime", "WaitForUpdatesEx", "CancelWaitForUpdates", "SetField"}
"""Calls that no VM's call needs: what is watched, and what is written once for each step."""


class Lap(NamedTuple):
    """Seconds that something took, and the processor time of the controller and of the simulator."""

    took_s: float
    controller_s: float = 0.0
    simulator_s: float = 0.0


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settings(domain: str) -> str:
    return f"""
[sites.{SITE}.domains.{domain}]
pitr = {{ enabled = true, window = "3d", interval = "1d" }}
ready = "power"
ready_timeout = "30m"
"""


class Bench:
    """A vCenter with domains of `vms` VMs, one unless told, and a controller that knows them."""

    def __init__(self, directory: Path, vms: int, domains: int = 1) -> None:
        self.names = [f"vm{number:04}" for number in range(vms)]
        self.domains = [DOMAIN, *(f"{DOMAIN}{number:02}" for number in range(1, domains))]
        self.vcenter = VCenter(pace=0)
        points = [datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)]
        laid_out = dict.fromkeys(self.domains, self.names)
        toml = "".join(map(settings, self.domains))
        self.flow = Flow(directory, self.vcenter, None, laid_out, toml, points)
        self.point = points[0]
        self.flow.show(DOMAIN)  # so that there is a controller
        self._journal = next(directory.rglob("journal.db"))
        folder = next(folder for folder in self.vcenter.root_folder.childEntity if folder.name == DOMAIN)
        self.machines = list(folder.childEntity)  # by name each look would read the names of all

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
        """A Force Failover with its session, from its acceptance until the session is active."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self.vcenter.power_off, self.machines))
        self.flow.start(DOMAIN)
        return self.operation(lambda: self.flow.complete("force", "--run-pitr", domain=DOMAIN), "active")

    def operation(self, request: Callable[[], object], step: str) -> Lap:
        """An operation from its acceptance until a step of its record was taken, as its journal has it.

        The command's own start is not in it, as the script's start and login are not in what that takes.
        """
        with closing(sqlite3.connect(f"{self._journal.as_uri()}?mode=ro", uri=True)) as journal:
            last = journal.execute("SELECT max(id) FROM events").fetchone()[0]

            def time_of(kind: str, key: str) -> datetime | None:
                rows = journal.execute(
                    "SELECT time FROM events WHERE id > ? AND kind = ? AND data LIKE ? ORDER BY id",
                    (last, kind, f'%"key":"{key}%' if key else "%"),
                ).fetchone()
                return datetime.fromisoformat(rows[0]) if rows else None

            def work() -> None:
                request()
                while time_of("outcome", step) is None:
                    time.sleep(0.1)

            lap = self.lap(work)
            began, ended = time_of("accepted", ""), time_of("outcome", step)
        assert began is not None and ended is not None
        return lap._replace(took_s=(ended - began).total_seconds())

    def session_after_s(self) -> tuple[float, float]:
        """Seconds from the last VM's power on, which is when it is ready here, until its session was begun,
        and until it was active: before that the entry point of every VM is made."""

        def ended(says: str) -> datetime:
            keys = {e["data"]["key"] for e in self.flow.journal("intent") if says in e["data"]["says"]}
            ends = [e["time"] for e in self.flow.journal("outcome") if e["data"]["key"] in keys]
            return datetime.fromisoformat(max(ends))

        active = datetime.fromisoformat(self.flow.show(DOMAIN)["session"]["started_at"])
        ready = ended("power on")
        return (ended("start PITR session") - ready).total_seconds(), (active - ready).total_seconds()

    def all_domains(self) -> Lap:
        """A Force Failover of all domains by one run of a plan, until it is settled."""
        for domain in self.domains:
            self.flow.start(domain)

        def work() -> None:
            number = f"all {len(self.domains)}"
            self.flow.deck.run("plan", "run", "all", "--type", "force", "--confirm", number, "--wait")

        return self.lap(work)

    def rollback(self) -> Lap:
        to = self.point.isoformat()
        return self.operation(lambda: self.flow.deck.run("pitr", "run", DOMAIN, "--to", to), "over")

    def bare(self) -> Lap:
        """Off, revert, on of every VM by a script."""
        machines, mine = self.machines, threading.local()

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

    def bare_failover(self) -> Lap:
        """A snapshot, on, and another one of every VM by a script; then all is as before."""
        machines, mine = self.machines, threading.local()

        def wait(task: Any) -> Any:
            if not hasattr(mine, "collector"):
                mine.collector = self.vcenter.content.propertyCollector.CreatePropertyCollector()
            WaitForTask(task, pc=mine.collector)
            return task.info.result

        def snapshot(vm: Any, name: str) -> Any:
            return wait(vm.CreateSnapshot_Task(name=name, description="", memory=False, quiesce=False))

        def calls(vm: Any) -> list[Any]:
            first = snapshot(vm, "undo")
            wait(vm.PowerOnVM_Task())
            return [snapshot(vm, "entry"), first]

        def tidy(pair: tuple[Any, list[Any]]) -> None:
            vm, snapshots = pair
            wait(vm.PowerOffVM_Task())
            for snapshot in snapshots:
                wait(snapshot.RemoveSnapshot_Task(removeChildren=False))

        snapshots: list[list[Any]] = []
        with ThreadPoolExecutor(THREADS) as pool:
            lap = self.lap(lambda: snapshots.extend(pool.map(calls, machines)))
            list(pool.map(tidy, zip(machines, snapshots, strict=True)))
        return lap


def _power_on(vm: Any) -> Any:
    """The task that powers a VM on; None where it is on."""
    return vm.PowerOnVM_Task() if vm.runtime.powerState == "poweredOff" else None


def of_one_domain(vms: int, runs: int) -> str:
    """A line of the table."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), vms)
        try:
            bare_failover = bench.bare_failover()
            bares = [bench.bare() for _ in range(runs)]  # before the guard minds
            failover = bench.failover()
            begun_s, active_s = bench.session_after_s()
            calls = bench.vcenter.calls()
            rollbacks = [bench.rollback() for _ in range(runs)]
            calls = bench.vcenter.calls() - calls
        finally:
            bench.close()
    bare = statistics.median(lap.took_s for lap in bares)
    rollback = statistics.median(lap.took_s for lap in rollbacks)
    controller = statistics.median(lap.controller_s for lap in rollbacks) / vms
    simulator = statistics.median(lap.simulator_s for lap in rollbacks) / vms
    trips = sum(times for method, times in calls.items() if method not in BESIDE) / (3 * vms * runs)
    there, here = bare_failover.took_s, failover.took_s
    return (
        f"{vms:5} {there:7.1f} {here:9.1f} {here / there:6.2f}"
        f" {bare:7.1f} {rollback:9.1f} {rollback / bare:6.2f}"
        f" {1000 * controller:14.1f} {1000 * simulator:13.1f}"
        f" {trips:11.2f} {begun_s:13.2f} {active_s:7.2f}   {before:.1f} to {os.getloadavg()[0]:.1f}"
    )


def of_many_domains(domains: int, each: int, runs: int) -> str:
    """Seconds of many domains at once against those of one that has all their VMs; they take turns."""
    many, single = (domains, each), (1, domains * each)
    took: dict[tuple[int, int], list[float]] = {many: [], single: []}
    for number in range(runs):
        for count, vms in (many, single) if number % 2 == 0 else (single, many):
            with tempfile.TemporaryDirectory() as directory:
                bench = Bench(Path(directory), vms, count)
                try:
                    took[count, vms].append(bench.all_domains().took_s)
                finally:
                    bench.close()
    pairs = [here / there for here, there in zip(took[many], took[single], strict=True)]
    return (
        f"{domains} domains of {each} VMs: {statistics.median(took[many]):.1f} s; one of {domains * each}:"
        f" {statistics.median(took[single]):.1f} s; ratio {statistics.median(pairs):.2f}"
        f" (pairs {' '.join(f'{pair:.2f}' for pair in pairs)})"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--vms", type=int, nargs="*", default=[20, 100, 300, 1000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--domains", type=int, default=0)
    parser.add_argument("--each", type=int, default=20)
    options = parser.parse_args()
    versions = f"Python {platform.python_version()}, pyvmomi {version('pyvmomi')}"
    print(f"{os.cpu_count()} cores, {platform.machine()}, {versions}; seconds, and ms of a processor per VM")
    print(
        "  VMs    bare  failover  ratio    bare  Run PITR  ratio  controller/VM  simulator/VM  trips/call"
        "  session begun  active   load"
    )
    for vms in options.vms:
        print(of_one_domain(vms, options.runs), flush=True)
    if options.domains:
        print(of_many_domains(options.domains, options.each, options.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
