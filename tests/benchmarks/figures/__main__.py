"""Prints what drdeck costs a vCenter and a jump host, beside what it may cost at most.

    python -m tests.benchmarks.figures [--site FILE] [--vms 10000] [--idle 60] [--limit 600] [--only WORD ...]

`--site`: a large site that `large_site.py` keeps; without, one of `--vms` is laid out: 13 to 20 ms a VM:
for 10,000 more than two minutes, before `reading` and `controller` begin.
Times are those of a machine at rest: the load before and after each figure stands beside it. What takes
longer than `--limit` seconds is told as not measured, and the rest goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.figures import (
    large_site,
    line_bytes,
    pause,
    points,
    privilege,
    processes,
    quiet_day,
)
from tests.benchmarks.figures.large_site import LargeSite
from tests.benchmarks.figures.one_vm import bytes_of_a_full_vm
from tests.benchmarks.figures.points import DAY_S
from tests.support import ROOT
from tests.support.console.terminal import Terminal
from tests.support.deck import SITE, Deck
from tests.support.vcenter.flowsite import PASSWORD
from tests.support.vcenter.vcsim import VCenter


class Limit:
    """Seconds that a section may take."""

    s = 600.0


LIMIT = Limit()
MANY = 40
MOST_MB = {1: 80, 40: 300, 500: 3_000}
"""Domains in a quiet session -> MB a day"""
RUNS = 5
KEYS = 40
UNSEEN = "NOT SEEN YET"
"""stands above the rows until all VMs are read"""


class Figure(NamedTuple):
    """One line of the table."""

    what: str
    measured: str
    most: str
    holds: bool | None


def figure(what: str, value: float, most: float, unit: str, aside: str = "") -> Figure:
    measured = f"{value:.{max(3, len(str(int(value))))}g} {unit}{f' ({aside})' if aside else ''}"
    return Figure(what, measured, f"{most:g} {unit}", value <= most)


@contextmanager
def decked(site: LargeSite) -> Iterator[Deck]:
    """A drdeck that knows the site, without a controller yet."""
    with tempfile.TemporaryDirectory() as directory:
        lines = [f'default_site = "{SITE}"', f"[sites.{SITE}]", 'kind = "vsphere"', f'url = "{site.url}"']
        lines += [f'username = "{site.user}"', f'ca_file = "{site.ca_file}"', f'root = "{site.root}"']
        deck = Deck(Path(directory), "\n".join(lines) + "\n", {PASSWORD: site.password})
        try:
            yield deck
        finally:
            deck.stop()


def lease(_: LargeSite, __: float) -> list[Figure]:
    sites = []
    for domains in (1, MANY):
        vcenter = VCenter(pace=0)
        try:
            sites.append(asyncio.run(quiet_day.counted(vcenter, domains)))
        finally:
            vcenter.stop()
    lines = [
        figure("SetField a day, of a quiet session, failed ones too", sites[0].renewals, 100, "calls"),
        figure("definitions (Global.ManageCustomFields) in that day", sites[0].definitions, 0, "calls"),
    ]
    for domains, most_mb in MOST_MB.items():
        cost = quiet_day.cost_of_a_day(sites[0], sites[1], domains)
        aside = f"{cost.events:.0f} events, {cost.calls:.0f} calls"
        what = f"sent and received a day, {domains} in a quiet session"
        lines.append(figure(what, cost.bytes / 1e6, most_mb, "MB", aside))
    return lines


def rights(_: LargeSite, __: float) -> list[Figure]:
    vcenter = VCenter(pace=0)
    try:
        with tempfile.TemporaryDirectory() as directory:
            life = privilege.life_without(Path(directory), vcenter)
    finally:
        vcenter.stop()
    what = "need Global.ManageCustomFields, failover to exit"
    # once a vCenter: what a record has one of, the parts of its lists, and a domain's first claim
    aside = f"set-up {life.at_set_up}; ended {life.ended_as}"
    return [figure(what, life.afterwards, 0, "calls", aside)]


def a_pause(_: LargeSite, __: float) -> list[Figure]:
    vcenter = VCenter(pace=0)
    try:
        with tempfile.TemporaryDirectory() as directory:
            calls = asyncio.run(pause.calls_after_a_pause(Path(directory), vcenter))
    finally:
        vcenter.stop()
    anew = sum(calls[name] for name in pause.ANEW)
    return [figure("logins, views and filters anew, a pause of 4 s", anew, 0, "calls")]


def chains(_: LargeSite, __: float) -> list[Figure]:
    """Points on running VMs, by the rules with the clock moved; and the reading of the largest VM."""
    single = points.rounds(1, 60, days=6)
    many = points.rounds(200, 5, days=0.25, interval_s=900, keep=31, points_for_s=DAY_S)
    removal = points.removal_of_all(30)
    vcenter = VCenter(pace=0)
    try:
        size = asyncio.run(bytes_of_a_full_vm(vcenter))
    finally:
        vcenter.stop()
    age = f"{many.oldest_s / 60:.0f} min, {'an' if many.alarmed else 'no'} alarm"
    holds = many.alarmed or many.oldest_s <= 900
    return [
        figure("chain kept on a running VM, default", single.longest_chain, 6, "points"),
        figure("so long points are made, default", single.made_for_s / DAY_S, 3, "days"),
        Figure("newest point of the oldest of 200 VMs, 5 s each", age, "15 min or alarm", holds),
        figure("copied when 30 points of 1 GiB go", removal.copied, 30, "GiB", f"{removal.tasks} task"),
        figure("full reading of a VM, 31 snapshots, 3 disks", size / 1024, 20, "KiB"),
    ]


def reading(site: LargeSite, _: float) -> list[Figure]:
    def once(by: str) -> dict[str, Any]:
        words = [sys.executable, "-m", "tests.benchmarks.figures.reading", file.name, by]
        answer: dict[str, Any] = json.loads(
            subprocess.run(words, check=True, capture_output=True, cwd=ROOT, timeout=LIMIT.s / 2).stdout
        )
        return answer

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(site._asdict()))
        file.flush()
        ours = once("drdeck")
        try:
            script = once("script")
            bare = f"{script['cpu_s']:.1f} s, {script['mb']:.0f} MB"
        except subprocess.TimeoutExpired as slow:
            bare = f"not done in {slow.timeout:.0f} s"
    aside = f"bare pyvmomi {bare}; drdeck {ours['mb']:.0f} MB"
    return [figure(f"processor time of reading {site.vms} VMs", ours["cpu_s"], 6, "s", aside)]


def controller(site: LargeSite, idle_s: float) -> list[Figure]:
    with decked(site) as deck:
        before = processes.cpu_s(site.pid)
        screen_s, first_s = _first_views(deck)
        simulator_s = processes.cpu_s(site.pid) - before
        pid = int(deck.json("controller", "status")["pid"])
        _until_quiet(pid)
        began, used = time.monotonic(), processes.cpu_s(pid)
        time.sleep(idle_s)
        idle = 100 * (processes.cpu_s(pid) - used) / (time.monotonic() - began)
        memory = processes.memory_mb(pid)
        command_s, command_cpu_s = processes.median_s(
            lambda: processes.run(deck.argv("domains"), deck.env), RUNS
        )
        python_s, python_cpu_s = processes.median_s(lambda: processes.python("pass"), RUNS)
        keys, console_mb = _keys(deck)
    aside = f"of it the simulator's processor {simulator_s:.1f} s"
    own = f"of a processor {command_cpu_s - python_cpu_s:.3f} s"
    return [
        figure(f"first useful screen of {site.vms} VMs, cold", screen_s, 2, "s"),
        figure("whole first view of them, cold", first_s, 6, "s", aside),
        figure("controller's memory", memory, 150, "MB"),
        figure("console's memory", console_mb, 47, "MB"),
        figure("controller's processor, idle", idle, 0.5, "% of a core"),
        figure("`drdeck domains`, running, over `python -c pass`", command_s - python_s, 0.12, "s", own),
        figure("key to first byte, p95", 1000 * keys, 20, "ms"),
    ]


def _first_views(deck: Deck) -> tuple[float, float]:
    """Seconds from a cold start of the console to its first rows, and to those with all VMs read."""
    began, terminal = time.monotonic(), Terminal(deck.argv(), deck.env, 120, 40)
    try:
        terminal.wait_for("domain000")
        rows_s = time.monotonic() - began
        terminal.wait_gone(UNSEEN)
        return rows_s, time.monotonic() - began
    finally:
        _leave(terminal)


def _leave(terminal: Terminal) -> None:
    terminal.press("d")
    terminal.ended()


def _until_quiet(pid: int) -> None:
    """Until the controller has read all that it reads beside its first view."""
    for _ in range(60):
        used = processes.cpu_s(pid)
        time.sleep(2)
        if processes.cpu_s(pid) - used < 0.1:
            return


def _keys(deck: Deck) -> tuple[float, float]:
    """Seconds from a key to the first byte of what it changes, of 40 keys the 38th; and the console's MB."""
    terminal = Terminal(deck.argv(), deck.env, 120, 40)
    try:
        terminal.wait_for("domain000")
        terminal.settle()
        took = []
        for number in range(KEYS):
            before, began = len(terminal.raw), time.monotonic()
            os.write(terminal.fd, b"\x1b[B" if number % 20 < 10 else b"\x1b[A")
            while len(terminal.raw) == before and terminal.read(1):
                pass
            took.append(time.monotonic() - began)
            terminal.settle(0.2)
        return sorted(took)[int(KEYS * 0.95) - 1], processes.memory_mb(terminal.pid)
    finally:
        _leave(terminal)


def _first_row(argv: list[str], env: dict[str, str], text: str, leave: str = "d") -> tuple[float, float]:
    """Seconds until a text stands on the screen, and those of a processor that it took."""
    began = time.monotonic()
    terminal = Terminal(argv, env, 120, 40)
    terminal.wait_for(text)
    took, used = time.monotonic() - began, processes.cpu_s(terminal.pid)
    terminal.press(leave)
    terminal.ended()
    return took, used


def first_row(_: LargeSite, __: float) -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        deck = Deck(
            Path(directory), 'default_site = "t"\n[sites.t]\nkind = "training"\nscenario = "ransomware"\n'
        )
        bare = [sys.executable, "-m", "tests.benchmarks.figures.bare_table"]
        try:
            cold, warm, table = list[float](), list[float](), list[float]()
            warm_cpu, table_cpu = list[float](), list[float]()
            for _lap in range(RUNS):
                deck.stop()
                cold.append(_first_row(deck.argv(), deck.env, "erp-prod")[0])
                for laps, cpu, argv, text, leave in (
                    (warm, warm_cpu, deck.argv(), "erp-prod", "d"),
                    (table, table_cpu, bare, "first-row", "ctrl+q"),
                ):
                    took_s, used_s = _first_row(argv, deck.env | {"PYTHONPATH": str(ROOT)}, text, leave)
                    laps.append(took_s)
                    cpu.append(used_s)
        finally:
            deck.stop()
    bare_s, warm_s, cold_s = (statistics.median(laps) for laps in (table, warm, cold))
    used = f"processor {statistics.median(warm_cpu):.2f} s / {statistics.median(table_cpu):.2f} s"
    return [
        figure("first row, controller running, against a bare table", warm_s / bare_s, 1.25, "x",
               f"{warm_s:.2f} s / {bare_s:.2f} s; {used}"),
        figure("first row, cold, training site, against it", cold_s / bare_s, 2, "x", f"{cold_s:.2f} s"),
    ]  # fmt: skip


def bytes_written(_: LargeSite, __: float) -> list[Figure]:
    """Bytes of the console on the line, at 80x24: of a start, and of 30 s in which nothing changes."""
    started, idle = line_bytes.counted()
    return [
        figure("the console's start on the line, 80x24", started, 3_400, "bytes"),
        figure("30 s of the console with nothing new", idle, 0, "bytes"),
    ]


SECTIONS: dict[str, Callable[[LargeSite, float], list[Figure]]] = {
    "lease": lease,
    "rights": rights,
    "pause": a_pause,
    "points": chains,
    "reading": reading,
    "controller": controller,
    "row": first_row,
    "line": bytes_written,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--site", type=Path)
    parser.add_argument("--vms", type=int, default=10_000)
    parser.add_argument("--idle", type=float, default=60.0)
    parser.add_argument("--limit", type=float, default=LIMIT.s)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    options = parser.parse_args()
    LIMIT.s = options.limit
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode
    versions = f"textual {version('textual')}, pyvmomi {version('pyvmomi')}"
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}")
    vcenter = None
    if options.site is not None:
        site = large_site.read(options.site)
    elif {"reading", "controller"} & set(options.only):
        vcenter, began = VCenter(pace=0), time.monotonic()
        site = large_site.laid_out(vcenter, options.vms)
        print(f"{options.vms} VMs laid out in {time.monotonic() - began:.0f} s", flush=True)
    else:
        site = LargeSite("", "", "", "", "", 0, 0)
    wrong = False
    try:
        for name in options.only:
            load = processes.load()
            try:
                figures = SECTIONS[name](site, options.idle)
            except (
                subprocess.TimeoutExpired,
                subprocess.CalledProcessError,
                TimeoutError,
                AssertionError,
            ) as error:
                print(f"{name}: not measured: {str(error).splitlines()[0][:120]}", flush=True)
                wrong = True
                continue
            loads = f"load {load:.1f} to {processes.load():.1f}"
            for line in figures:
                mark = "ok" if line.holds else "OVER"
                print(
                    f"{line.what:<54} {line.measured:<52} at most {line.most:<12} {mark:<4} {loads}",
                    flush=True,
                )
                wrong = wrong or not line.holds
    finally:
        if vcenter is not None:
            vcenter.stop()
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
