"""Rest after a round over all operations or runs, whose processor time grows with the VMs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

CHEAP_S = 0.01
"""Processor time of a round that no rest follows."""
ROUNDS = 3.0
"""So many times what a round took passes before the next one: a quarter of a core at most, at any size."""


@contextlib.asynccontextmanager
async def rest_in_proportion(least_s: float = 0.0) -> AsyncIterator[None]:
    """Sleep after the block for `least_s`, and longer if it took long; what comes in the meantime is looked
    at together."""
    began_s = time.thread_time()
    yield
    cost_s = time.thread_time() - began_s
    rest_s = max(least_s, ROUNDS * cost_s if cost_s > CHEAP_S else 0.0)
    if rest_s > 0:
        await asyncio.sleep(rest_s)
