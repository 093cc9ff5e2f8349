"""Many runs that mostly wait, several side by side, each lane with a vCenter of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from tests.support.vcenter.vcsim import VCenter

T = TypeVar("T")


@contextlib.asynccontextmanager
async def vcenters(count: int, boot: float) -> AsyncIterator[list[VCenter]]:
    """So many simulators; all are ended, whatever happens."""
    simulators: list[VCenter] = []
    try:
        for _ in range(count):
            simulators.append(await asyncio.to_thread(VCenter, boot=boot))
        yield simulators
    finally:
        for vcenter in simulators:
            vcenter.stop()


async def side_by_side(
    work: Callable[[T, VCenter], Awaitable[None]], things: Sequence[T], lanes: int, boot: float
) -> None:
    """`work` for each thing; what failed is raised together when all are through, each with its thing."""
    left = list(reversed(things))
    failed: list[Exception] = []

    async def lane(vcenter: VCenter) -> None:
        while left:
            thing = left.pop()
            try:
                await work(thing, vcenter)
            except Exception as error:
                error.add_note(f"at {thing}")
                failed.append(error)

    async with vcenters(min(lanes, len(left)), boot) as servers:
        await asyncio.gather(*map(lane, servers))
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(things)} failed", failed)
