"""Processes and what they take: processor time, memory, and the seconds until they say something."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support import ROOT


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int | str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def load() -> float:
    """The machine's load of the last minute."""
    return os.getloadavg()[0]


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that something takes, and those of a processor that ended child processes took of them."""
    used, began = _of_children_s(), time.monotonic()
    work()
    return time.monotonic() - began, _of_children_s() - used


def median_s(work: Callable[[], object], times: int) -> tuple[float, float]:
    """The medians of both, of so many times."""
    walls, processors = zip(*(seconds(work) for _ in range(times)), strict=True)
    return statistics.median(walls), statistics.median(processors)


def _of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def run(argv: Sequence[str], env: Mapping[str, str]) -> None:
    subprocess.run(argv, env=dict(env), check=True, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=600)
