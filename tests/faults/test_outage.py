"""A vCenter that goes away in mid-rollback: said soon, nothing lost, and on with it soon after its return.

It is gone for DRDECK_OUTAGE_S seconds, 6 unless told: DRDECK_OUTAGE_S=600 is what an operator may meet.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from drdeck.model.actions.request import Request
from tests.support.faults.lanes import side_by_side
from tests.support.faults.live import UNDISTURBED, Live, news
from tests.support.faults.proxy import Weather
from tests.support.faults.table import rigged
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(1200)
SAID_S = ON_S = 5.0
GONE_S = float(os.environ.get("DRDECK_OUTAGE_S", "6"))
BOOT_S = 0.05
GONE = {
    "hangs": Weather(hangs=True),
    "refuses": Weather(refuses=True),
    "breaks TLS": Weather(garbles=True),
}


async def until_stale_for(live: Live, seconds: float) -> None:
    """Until the controller says that what it shows is so old."""

    async def age() -> float:
        assert live.client is not None
        return (await live.client.get_listing()).stale_s or 0.0

    deadline = time.monotonic() + seconds + 30
    while await age() < seconds:
        assert live.client is not None and time.monotonic() < deadline
        await news(live.client, 0.2)


async def gone_in_mid_rollback(how: str, directory: Path, vcenter: VCenter) -> str:
    async with rigged(directory, vcenter) as rig:
        live = rig.live
        await live.begin()
        await live.start()
        await live.complete()
        vcenter.slow("RevertToSnapshot_Task", None, 300)
        ident = await live.ask(Request(action="pitr_run", domain=DOMAIN, to=live.points[0]))
        await eventually(lambda: vcenter.calls()["RevertToSnapshot_Task"])

        began, watch = time.monotonic(), live.stopwatch()
        await rig.proxy.set(GONE[how])
        await live.until(lambda: live.error)
        said_s = watch.seconds()
        assert said_s < SAID_S, f"said after {said_s:.1f} s"
        await until_stale_for(live, GONE_S)
        assert live.error and not live.ended(ident)

        back = time.monotonic()
        lasted, watch = back - began, live.stopwatch()
        await rig.proxy.set(Weather())
        await live.until(lambda: live.error is None)
        on_s = watch.seconds()
        await live.until(lambda: live.ended(ident))
        over = time.monotonic() - back
        assert on_s < ON_S, f"seen again after {on_s:.1f} s"
        await live.roll_back(live.points[1])
        await live.leave()
        await live.end()
        truth = live.truth()
        assert truth._replace(acts={}) == UNDISTURBED._replace(acts={})
        assert truth.acts["PowerOnVM_Task"] == 3 and truth.acts["CreateSnapshot_Task"] == 1
        assert live.wrong_in_journal() == []
        return (
            f"{how} for {lasted:.0f} s: said after {said_s:.1f} s,"
            f" seen again after {on_s:.1f} s, rolled back after {over:.1f} s"
        )


async def test_gone_in_mid_rollback(tmp_path: Path, vcsim_built: None) -> None:
    async def on_vcenter(how: str, vcenter: VCenter) -> None:
        directory = tmp_path / how.replace(" ", "-")
        directory.mkdir()
        print(await gone_in_mid_rollback(how, directory, vcenter))

    await side_by_side(on_vcenter, list(GONE), len(GONE), BOOT_S)


async def test_a_slow_answer_is_no_outage(tmp_path: Path, vcenter: VCenter) -> None:
    """With a round trip of 0.4 s nothing is called gone, and nothing begins anew."""
    async with rigged(tmp_path, vcenter) as rig:
        await rig.live.begin()
        await rig.live.start()
        before = vcenter.calls()
        await rig.proxy.set(Weather(latency_s=0.2))
        errors = []
        while (vcenter.calls() - before)["CurrentTime"] < 3:
            client = await rig.live.alive()
            await news(client, 0.1)
            errors += [rig.live.error] if rig.live.error else []
        assert errors == [] and (vcenter.calls() - before)["Login"] == 0
