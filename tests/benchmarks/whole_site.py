"""A whole site taken over by one decision, against a bare script of the same calls; run as a script:

    python -m tests.benchmarks.whole_site [--domains 40] [--vms 412] [--simulator-nice 10]

On VMware's simulator, where a power on takes 0.6 s and a snapshot 0.3 s, both sides in one run.
The script is pyvmomi with as many threads as there are places (20 power-ons, 16 snapshots): it starts all
VMs, and makes a domain's entry points once they run. Beside it a console of 80x24 on a terminal shows the
run. Prints seconds from the decision to the last session, the ratio, bytes a second to the terminal, and what
a key takes. A vCenter is not on the jump host: with a `--simulator-nice` the simulator takes what processor
the console, the controller and the script leave it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pyVim.task import WaitForTask

from tests.benchmarks.figures import processes
from tests.support.console.terminal import Terminal
from tests.support.deck import SITE
from tests.support.vcenter.flow import Flow
from tests.support.vcenter.vcsim import VCenter

POWER_ON_MS, SNAPSHOT_MS = 600, 300
POWER_ON, SNAPSHOT = 20, 16
"""Places, as the settings have them by default."""
KEYS = 40
DOMAIN = """
[sites.{site}.domains.{name}]
pitr = {{ enabled = true, window = "3d", interval = "1d" }}
ready = "power"
ready_timeout = "30m"
undo = false
"""
PLAN = """
[sites.{site}.plans.whole-site]
waves = [{{ name = "all", domains = ["*"] }}]
domains_at_once = {at_once}
"""


class Screen(NamedTuple):
    """What a terminal got while the run went on, and what keys took."""

    bytes_per_s: float
    most_per_s: float
    keys_s: list[float]


def layout(domains: int, vms: int) -> dict[str, list[str]]:
    """So many VMs in so many domains, in turn."""
    site: dict[str, list[str]] = {f"domain{number:02}": [] for number in range(domains)}
    for number in range(vms):
        name = f"domain{number % domains:02}"
        site[name].append(f"{name}-vm{number // domains:02}")
    return site


def changing(calls: Counter[str]) -> dict[str, int]:
    """Calls that change a VM."""
    return {name: count for name, count in sorted(calls.items()) if name.endswith("_Task")}


class WholeSite:
    """A vCenter with the site, and a controller that knows it."""

    def __init__(self, directory: Path, domains: int, vms: int, at_once: int, nice: int) -> None:
        self.domains = layout(domains, vms)
        self.vcenter = VCenter()
        toml = "".join(DOMAIN.format(site=SITE, name=name) for name in self.domains)
        toml += PLAN.format(site=SITE, at_once=at_once)
        points = [datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)]
        self.flow = Flow(directory, self.vcenter, None, self.domains, toml, points)
        _step_back(self.vcenter.pid, nice)
        self.vcenter.slow("PowerOnVM_Task", None, POWER_ON_MS)
        self.vcenter.slow("CreateSnapshot_Task", None, SNAPSHOT_MS)

    def close(self) -> None:
        self.flow.stop()
        self.vcenter.stop()

    def prepare(self) -> None:
        """Continuous failover of all."""
        for name in self.domains:
            self.flow.deck.run("cfo", "start", name)
        for name in self.domains:
            self.flow.until(lambda d: d["mode"] == "synchronised", name)

    def run(self) -> tuple[float, Screen, dict[str, int]]:
        """Seconds from the decision to all sessions, the screen meanwhile, and the calls."""
        deck = self.flow.deck
        terminal = Terminal(deck.argv(), deck.env, 80, 24)
        try:
            terminal.wait_for("domain00")
            before = self.vcenter.calls()
            began = time.monotonic()
            run = deck.run(
                "plan", "run", "whole-site", "--type", "force", "--run-pitr",
                "--confirm", f"whole-site {len(self.domains)}",
            ).stdout.strip()  # fmt: skip
            over: list[float] = []

            def wait() -> None:
                deck.run("plan", "watch", run, code=None)
                over.append(time.monotonic() - began)

            waiting = threading.Thread(target=wait)
            terminal.wait_for("Completing")  # else F is the way to a new run
            os.write(terminal.fd, b"F")
            terminal.wait_for("Failover Plan", run)
            waiting.start()
            screen = _watched(terminal, waiting)
        finally:
            terminal.close()
        return over[0], screen, changing(self.vcenter.calls() - before)

    def back(self) -> None:
        """All VMs off again, as before; the controller does not look on, nor while the script runs."""
        self.flow.deck.run("controller", "stop", "--force", code=None)
        with ThreadPoolExecutor(8) as pool:
            for machines in self._machines().values():
                list(pool.map(self.vcenter.power_off, machines))

    def _machines(self) -> dict[str, list[Any]]:
        """The VMs of each domain, read folder by folder: one by one each look would read all names."""
        return {folder.name: list(folder.childEntity) for folder in self.vcenter.root_folder.childEntity}

    def bare(self) -> tuple[float, dict[str, int]]:
        """The same calls by a script with the same places."""
        machines = self._machines()
        mine, before = threading.local(), self.vcenter.calls()

        def done(task: Any) -> None:
            if not hasattr(mine, "collector"):
                mine.collector = self.vcenter.content.propertyCollector.CreatePropertyCollector()
            WaitForTask(task, pc=mine.collector)

        def start(vm: Any) -> None:
            done(vm.PowerOnVM_Task())

        def snapshot(vm: Any) -> None:
            done(vm.CreateSnapshot_Task(name="bare", memory=False, quiesce=False))

        began = time.monotonic()
        with ThreadPoolExecutor(POWER_ON) as starting, ThreadPoolExecutor(SNAPSHOT) as making:
            starts = {name: [starting.submit(start, vm) for vm in vms] for name, vms in machines.items()}
            snapshots: list[Future[None]] = []
            for name, waits in starts.items():
                for future in waits:
                    future.result()
                snapshots += [making.submit(snapshot, vm) for vm in machines[name]]
            for future in snapshots:
                future.result()
        return time.monotonic() - began, changing(self.vcenter.calls() - before)


def _step_back(pid: int, nice: int) -> None:
    """Let a process of this machine, with all its threads, yield to others."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.setpriority(os.PRIO_PROCESS, int(thread.name), nice)


def _watched(terminal: Terminal, waiting: threading.Thread) -> Screen:
    """Bytes to the terminal by second, until the run is over; then keys are pressed at the run's pace."""
    began, raw = time.monotonic(), len(terminal.raw)
    seconds: Counter[int] = Counter()
    keys: list[float] = []
    pressed_bytes, last_key = 0, began
    while waiting.is_alive():
        now = time.monotonic()
        if len(keys) < KEYS and now - last_key > 1.0:
            last_key, so_far = now, len(terminal.raw)
            os.write(terminal.fd, b"\x1b[B" if len(keys) % 20 < 10 else b"\x1b[A")
            while len(terminal.raw) == so_far and terminal.read(1):
                pass
            keys.append(time.monotonic() - now)
            pressed_bytes += len(terminal.raw) - so_far
            continue
        so_far = len(terminal.raw)
        terminal.read(0.1)
        seconds[int(time.monotonic() - began)] += len(terminal.raw) - so_far
    passed = time.monotonic() - began
    total = len(terminal.raw) - raw - pressed_bytes
    return Screen(total / passed, max(seconds.values(), default=0), sorted(keys))


def _print_screen(screen: Screen) -> None:
    print(f"bytes to a terminal of 80x24       {screen.bytes_per_s:7.0f} B/s (aim 1500; most in a second"
          f" {screen.most_per_s:.0f})")  # fmt: skip
    if screen.keys_s:
        keys = screen.keys_s
        print(f"a key, median and p95              {1000 * keys[len(keys) // 2]:7.1f} ms"
              f" {1000 * keys[int(len(keys) * 0.95) - 1]:.1f} ms (aim 25)")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--vms", type=int, default=412)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--simulator-nice", type=int, default=0)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        site = WholeSite(Path(directory), words.domains, words.vms, words.at_once, words.simulator_nice)
        try:
            site.prepare()
            print(
                f"{words.domains} domains, {words.vms} VMs, {words.at_once} at once; load {processes.load()}"
            )
            look, _ = processes.seconds(lambda: site.flow.deck.run("plan", "check", "whole-site", code=None))
            print(f"drdeck plan check                  {look:7.1f} s   (aim 5)")
            took, screen, calls = site.run()
            print(f"drdeck, decision to all sessions   {took:7.1f} s   {calls}")
            _print_screen(screen)
            site.back()
            bare, bare_calls = site.bare()
            print(f"a script of the same calls         {bare:7.1f} s   {bare_calls}")
            print(f"ratio                              {took / bare:7.2f} x   (aim 1.2)")
        finally:
            site.close()
    print(f"load afterwards {processes.load()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
