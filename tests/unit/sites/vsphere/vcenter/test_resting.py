"""Rests between two views: somebody who waits cuts one short, but for the least."""

from __future__ import annotations

import asyncio

from drdeck.sites.vsphere.vcenter.resting import rest

LONG_S = 3600.0


async def test_who_waits_cuts_a_rest_short_but_for_its_least() -> None:
    hurried, loop = asyncio.Event(), asyncio.get_running_loop()
    hurried.set()
    began_s = loop.time()
    await rest(LONG_S, hurried, least_s=0.02)
    assert loop.time() - began_s >= 0.02, "news of many domains gather"
    assert not hurried.is_set()


async def test_who_waits_for_the_next_view_ends_a_rest_that_goes_on() -> None:
    hurried = asyncio.Event()
    resting = asyncio.create_task(rest(LONG_S, hurried, least_s=0.001))
    await asyncio.sleep(0.002)
    hurried.set()
    await resting
    assert not hurried.is_set()


async def test_no_rest_is_longer_than_it_is_to_be() -> None:
    await rest(0.002, asyncio.Event(), least_s=0.001)
    await rest(0.0, asyncio.Event())
