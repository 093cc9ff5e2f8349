"""A vCenter that goes away in mid-rollback: said soon, nothing lost, and on with it soon after its return."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck.model.actions import Request
from tests.faults.live import UNDISTURBED
from tests.faults.proxy import Weather
from tests.faults.table import rigged
from tests.support.flowsite import DOMAIN
from tests.support.vcsim import VCenter

pytestmark = [pytest.mark.vcsim, pytest.mark.timeout(1200)]
SAID_S = ON_S = 5.0
GONE_S = float(os.environ.get("DRDECK_OUTAGE_S", "10"))


@pytest.fixture
def quick(vcsim_built: None) -> Iterator[VCenter]:
    server = VCenter(boot=0.05)
    yield server
    server.stop()


@pytest.mark.parametrize("how", ["hangs", "refuses"])
async def test_gone_in_mid_rollback(tmp_path: Path, quick: VCenter, how: str) -> None:
    async with rigged(tmp_path, quick) as rig:
        live = rig.live
        await live.begin()
        await live.start()
        await live.complete()
        quick.slow("RevertToSnapshot_Task", None, 300)
        ident = await live.ask(Request(action="pitr_run", domain=DOMAIN, to=live.points[0]))
        while not quick.calls()["RevertToSnapshot_Task"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

        def error() -> str | None:
            return live.client.listing.error if live.client and live.client.listing else None

        gone = time.monotonic()
        await rig.proxy.set(Weather(hangs=how == "hangs", refuses=how == "refuses"))
        await live.until(error)
        said = time.monotonic() - gone
        assert said < SAID_S, f"said after {said:.1f} s"
        await asyncio.sleep(max(0.0, GONE_S - said))
        assert error() and not live.ended(ident)

        back = time.monotonic()
        await rig.proxy.set(Weather())
        await live.until(lambda: error() is None)
        seen = time.monotonic() - back
        await live.until(lambda: live.ended(ident))
        print(f"said after {said:.1f} s, seen again after {seen:.1f} s, over {time.monotonic() - back:.1f} s")
        assert seen < ON_S, f"seen again after {seen:.1f} s"
        await live.roll_back(live.points[1])
        await live.leave()
        await live.end()
        truth = live.truth()
        assert truth._replace(acts={}) == UNDISTURBED._replace(acts={})
        assert truth.acts["PowerOnVM_Task"] == 3 and truth.acts["CreateSnapshot_Task"] == 1


async def test_a_slow_answer_is_no_outage(tmp_path: Path, quick: VCenter) -> None:
    """With a round trip of 0.4 s nothing is called gone, and nothing begins anew."""
    async with rigged(tmp_path, quick) as rig:
        await rig.proxy.set(Weather(latency_s=0.2))
        await rig.live.begin()
        await rig.live.start()
        before = quick.calls()
        errors = []
        until = time.monotonic() + 4
        while time.monotonic() < until:
            client = await rig.live.alive()
            if client.listing is not None and client.listing.error is not None:
                errors.append(client.listing.error)
            await asyncio.sleep(0.05)
        made = quick.calls() - before
        assert errors == [] and made["CurrentTime"] >= 1 and made["Login"] == 0
