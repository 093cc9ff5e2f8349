"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

WITHIN_S = 60.0
"""Long enough for a machine with other things to do: only who fails waits for it."""


async def eventually(holds: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Until `holds()` is true; fails after `within_s`. The event loop goes on meanwhile."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"did not come true within {within_s} s"
        await asyncio.sleep(0.005)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it is over."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
