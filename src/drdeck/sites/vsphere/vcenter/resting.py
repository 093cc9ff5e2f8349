"""Rests between two readings or views, in which news gather; somebody who waits may cut one short."""

from __future__ import annotations

import asyncio
import contextlib


async def rest(most_s: float, hurried: asyncio.Event) -> None:
    """Sleep for so many seconds, or until `hurried` is set, which is taken back then."""
    if most_s > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await hurried.wait()
    hurried.clear()
