"""Rests between two readings or views, in which news gather; somebody who waits may cut one short."""

from __future__ import annotations

import asyncio
import contextlib


async def rest(most_s: float, hurried: asyncio.Event, least_s: float = 0.0) -> None:
    """Sleep for so many seconds, or until `hurried` is set, which is taken back then; but for `least_s`."""
    if least_s > 0:
        await asyncio.sleep(least_s)
    if most_s > least_s:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s - least_s):
                await hurried.wait()
    hurried.clear()
