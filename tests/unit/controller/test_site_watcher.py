"""How old what is seen of a site is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from drdeck.controller.site_watcher import SiteWatcher
from drdeck.model.views import SiteClock, SiteView
from drdeck.sites.contract import RecoverySite, SiteUnreachable

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(("silent_s", "age"), [(4.0, 4.0), (None, 120.0)])
async def test_a_quiet_site_was_seen_until_it_fell_silent(silent_s: float | None, age: float) -> None:
    """Not only until it changed last."""
    clock = [1000.0]

    class Quiet:
        async def open(self) -> None:
            if clock[0] > 1000:
                await asyncio.Event().wait()

        async def watch(self) -> AsyncIterator[SiteView]:
            yield SiteView(
                site="s", kind="fake", serial=1, clock=SiteClock(site=START, real=START), domains=()
            )
            clock[0] += 120
            lost = SiteUnreachable("silent")
            lost.silent_s = silent_s
            raise lost

    watcher = SiteWatcher(cast(RecoverySite, Quiet()), lambda: START, lambda: clock[0])
    lost = asyncio.Event()
    watcher.on_change = lambda: lost.set() if watcher.error == "silent" else None
    watching = asyncio.create_task(watcher.watch())
    await lost.wait()
    watching.cancel()
    assert watcher.stale_s() == age
    assert watcher.seen_by_site() == START + timedelta(seconds=120 - age)
