"""How long something took that must be quick, on a machine that has other things to do as well."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def _waited(pid: int) -> dict[str, float]:
    """Seconds that each thread of a process has waited for a processor; empty where nobody counts them."""
    waited_s = {}
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError, ValueError):
                waited_s[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
    return waited_s


class Stopwatch:
    """Runs from its making. Other work of the machine does not count: the time in which this process, or one
    of `pids`, was ready and got no processor."""

    def __init__(self, *pids: int) -> None:
        self._pids = {os.getpid(), *pids}
        self._waited = {pid: _waited(pid) for pid in self._pids}
        self._began = time.monotonic()

    def seconds(self) -> float:
        """So far; never negative."""
        passed = time.monotonic() - self._began
        held_up = 0.0
        for pid in self._pids:
            before = self._waited[pid]
            held_up += sum(now - before.get(thread, 0.0) for thread, now in _waited(pid).items())
        return max(0.0, passed - held_up)
