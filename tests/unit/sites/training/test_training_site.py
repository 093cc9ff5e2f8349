"""The site around the simulation: its speed, its clock, and watching it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from drdeck.model.commands import StartContinuousFailover
from drdeck.model.domains import Mode
from drdeck.model.views import SiteView
from drdeck.sites.contract import RecoverySite, Refused, SiteUnreachable
from drdeck.sites.training.site import TrainingSite
from tests.support.training.training_build import START, as_json, domain, fault, scenario
from tests.support.training.training_played import REAL, SCRIPT, Clock, played, site


async def test_it_is_a_recovery_site(tmp_path: Path) -> None:
    training = site(tmp_path, Clock())
    assert isinstance(training, RecoverySite) and training.kind == "training"
    with pytest.raises(SiteUnreachable):
        await training.observe()
    await training.open()
    await training.open()
    view = await training.observe()
    assert view.clock.site == START and view.clock.real == REAL and view.domain("erp") is not None
    assert (await training.observe()).serial > view.serial
    assert training.maintenance_due(START) == []
    assert {f.level for f in await training.findings()} == {"ok"}
    await training.close()
    with pytest.raises(SiteUnreachable):
        training.check(SCRIPT[0][1])


@pytest.mark.parametrize("speed", [2.0, 5.0, 8.0, 50.0, 1000.0])
async def test_the_same_at_any_speed(tmp_path: Path, speed: float) -> None:
    clock = Clock()
    slow_site = site(tmp_path / "one", clock)
    await slow_site.open()
    slow = await played(slow_site, clock)
    clock = Clock()
    fast_site = site(tmp_path / "two", clock, speed)
    await fast_site.open()
    fast = await played(fast_site, clock)
    assert as_json(slow.domains) == as_json(fast.domains)
    assert fast.clock.speed == speed and slow.clock.site == fast.clock.site
    assert slow.domains[0].mode is Mode.RUNNING_IN_FAILOVER


async def test_its_clock_goes_on_although_ours_was_set_back_while_it_was_closed(tmp_path: Path) -> None:
    clock = Clock()
    await site(tmp_path, clock).open()
    clock.on(-86_400)
    again = site(tmp_path, clock)
    await again.open()
    before = again.site_now()
    clock.on(60)
    assert again.site_now() - before == timedelta(seconds=60)


async def test_commands_given_twice_count_once(tmp_path: Path) -> None:
    clock = Clock()
    training = site(tmp_path, clock)
    await training.open()
    await training.execute(SCRIPT[0][1])
    clock.on(50)
    await training.execute(SCRIPT[0][1])
    assert training.check(SCRIPT[0][1]) is None
    assert ": 1 command" in (await training.findings())[2].text
    again = site(tmp_path, clock)
    await again.open()
    await again.execute(SCRIPT[0][1])
    other = StartContinuousFailover(operation="z", domain="erp")
    assert again.check(other) is not None
    with pytest.raises(Refused, match="imported"):
        await again.execute(other)


async def test_unknown_domains_are_refused(tmp_path: Path) -> None:
    training = site(tmp_path, Clock())
    await training.open()
    with pytest.raises(Refused, match="no domain"):
        await training.points("none")
    with pytest.raises(Refused, match="no domain"):
        await training.protected_site("none")


async def test_the_protected_site(tmp_path: Path) -> None:
    clock = Clock()
    plot = scenario(domain(), domain("gone", protected_site="lost"))
    training = site(tmp_path, clock, plot=plot)
    await training.open()
    here = await training.protected_site("erp")
    assert (here.state, here.running, here.total) == ("reachable", 3, 3)
    lost = await training.protected_site("gone")
    assert (lost.state, lost.running) == ("lost", None)
    await played(training, clock, 250)
    assert (await training.protected_site("erp")).running == 0


async def test_jumping_and_changing_speed(tmp_path: Path) -> None:
    clock = Clock()
    training = site(tmp_path, clock, 60)
    await training.open()
    training.jump(30 * 86400)
    assert training.site_now() == START + timedelta(days=30)
    clock.on(1)
    assert training.site_now() == START + timedelta(days=30, seconds=60)
    training.set_speed(1)
    clock.on(1)
    assert training.site_now() == START + timedelta(days=30, seconds=61)
    again = site(tmp_path, clock, 5)
    await again.open()
    assert again.site_now() == START + timedelta(days=30, seconds=61)
    clock.on(1)
    assert again.site_now() == START + timedelta(days=30, seconds=66)
    clock.on(-3600)
    assert again.site_now() == START + timedelta(days=30, seconds=66), "a clock that goes back"
    for bad in (0, -5, float("nan"), float("inf"), 1e12):
        with pytest.raises(ValueError, match="jump"):
            again.jump(bad)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_impossible_speeds(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        site(tmp_path, Clock(), speed)


async def following(views: AsyncIterator[SiteView]) -> SiteView:
    return await asyncio.wait_for(anext(views), 60)


async def test_watching_yields_at_once_and_when_something_was_done(tmp_path: Path) -> None:
    clock = Clock()
    training = site(tmp_path, clock)
    await training.open()
    views = training.watch()
    first = await following(views)
    assert first.domains[0].mode is Mode.IMPORTED
    await training.execute(SCRIPT[0][1])
    second = await following(views)
    assert second.domains[0].mode is Mode.REHYDRATING and second.serial > first.serial
    training.jump(3600)
    assert (await following(views)).domains[0].mode is Mode.SYNCHRONISED
    await views.aclose()  # type: ignore[attr-defined]
    assert not training._wakers


async def test_watching_follows_by_itself_what_goes_on(tmp_path: Path) -> None:
    training = TrainingSite("lab", scenario(), tmp_path, 1000)
    await training.open()
    await training.execute(SCRIPT[0][1])
    modes = []
    async with asyncio.timeout(60):
        async for view in training.watch():
            modes.append(view.domains[0].mode)
            if modes[-1] is Mode.SYNCHRONISED:
                break
    assert len(modes) <= 4


async def test_watching_does_not_yield_what_has_not_changed(tmp_path: Path) -> None:
    training = site(tmp_path, Clock())
    await training.open()
    views = training.watch()
    await following(views)
    waiting = asyncio.ensure_future(anext(views))
    for _ in range(5):
        training.wake()
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_two_watchers_see_the_same(tmp_path: Path) -> None:
    training = site(tmp_path, Clock(), plot=scenario(faults=(fault("slow_vm"),)))
    await training.open()
    first, second = training.watch(), training.watch()
    await following(first)
    await following(second)
    await training.execute(SCRIPT[0][1])
    assert (await following(first)).domains == (await following(second)).domains


async def test_closing_ends_the_watch_plainly(tmp_path: Path) -> None:
    training = site(tmp_path, Clock())
    await training.open()
    views = training.watch()
    await following(views)
    await training.close()
    with pytest.raises(SiteUnreachable):
        await following(views)
