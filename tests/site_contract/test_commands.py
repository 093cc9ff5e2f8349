"""What a site does with a command that it has had before, and a controller with a second request."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest

from drdeck.model.domains import Domain, Mode
from drdeck.model.facts.life_facts import WayBack
from drdeck.sites.contract import Refused
from tests.site_contract.bench import Bench, MakeBench


def _here(domain: Domain) -> Any:
    """A domain as it is at this site; the other side, and where networks of one name are, is read in its own
    time."""
    networks = msgspec.structs.replace(domain.networks, places={})
    return msgspec.to_builtins(msgspec.structs.replace(domain, way_back=WayBack(), networks=networks))


async def given_again(bench: Bench, ident: str, key: str) -> None:
    """The command of an operation once more: nothing changes, at the site or in what it shows."""
    await bench.quiet()
    if bench.session is None:
        await bench.look()  # points may have been made until now
    before, domain, serial = bench.truth(), bench.domain, bench.serial
    await bench.site.execute(bench.command(ident, key))
    await bench.until_true(lambda: bench.serial > serial)
    assert bench.truth() == before, key
    assert _here(bench.domain) == _here(domain), key


async def test_commands_given_twice_change_nothing(make: MakeBench) -> None:
    bench = await make(state="imported")
    start = await bench.submit(bench.asks("cfo_start"))
    await bench.until(lambda d: d.mode is not Mode.IMPORTED)
    await bench.ended(start)
    await given_again(bench, start, "StartContinuousFailover")

    complete = await bench.recovered_into_session()
    await given_again(bench, complete, "BeginCompletion")
    await given_again(bench, complete, "StartSession")

    points = await bench.group_points()
    for to in points[1:3]:
        back = await bench.roll_back(to)
        await given_again(bench, back, "RollBack")

    await bench.submit(bench.asks("pitr_exit"))
    await bench.ended(complete)
    await given_again(bench, complete, "BeginCompletion")


async def test_finishing_twice(make: MakeBench) -> None:
    bench = await make()
    complete = await bench.done(bench.failover("force"))
    await given_again(bench, complete, "FinishFailover")
    await given_again(bench, complete, "BeginCompletion")


@pytest.mark.parametrize("key", ["RollBack", "ExitSession"])
async def test_twice_at_the_same_time(make: MakeBench, key: str) -> None:
    """Given again while the first is still under way."""
    bench = await make(state="owned")
    await bench.session_by_hand()
    points = await bench.group_points()
    await bench.roll_back(points[0])
    request = bench.asks("pitr_run", to=points[2]) if key == "RollBack" else bench.asks("pitr_exit")
    ident = await bench.submit(request)
    await bench.until_true(lambda: key in bench.operation(ident).done)
    with contextlib.suppress(Refused):
        await bench.site.execute(bench.command(ident, key))
    await bench.ended(ident)
    assert bench.operation(ident).error is None
    if key == "RollBack":
        assert bench.domain.session is not None and bench.domain.session.rollbacks == 2
    else:
        assert bench.truth().session is None and bench.truth().closed == 1


async def test_an_exit_given_again_late_changes_nothing(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.session_by_hand()
    ident = await bench.leave()
    await bench.quiet()
    before = bench.truth()
    with contextlib.suppress(Refused):
        await bench.site.execute(bench.command(ident, "ExitSession"))
    assert bench.truth() == before


async def test_a_start_given_again_after_its_session(make: MakeBench) -> None:
    bench = await make(state="owned")
    ident = await bench.session_by_hand()
    await bench.leave()
    await bench.quiet()
    before = bench.truth()
    await bench.site.execute(bench.command(ident, "StartSession"))
    await bench.look()
    assert bench.truth() == before and bench.domain.session is None


async def test_one_operation_at_a_time_in_a_domain(make: MakeBench) -> None:
    bench = await make(state="imported", behind=True)
    start = await bench.submit(bench.asks("cfo_start"))
    await bench.until(lambda d: d.mode is Mode.REHYDRATING)
    await bench.refused(bench.asks("cfo_start"), "needs an imported domain|still open", moving=True)
    await bench.catch_up()
    await bench.ended(start)

    complete = await bench.submit(bench.failover("force", run_pitr=True))
    await bench.refused(bench.failover("force"), f"{complete}|only while it is in progress", moving=True)
    await bench.active()
    await bench.refused(bench.failover("force"), f"{complete}|only while it is in progress", moving=True)
    await bench.refused(bench.asks("pitr_start"), "already has a PITR session", moving=True)

    # rolling back and exiting are steps of the failover, but one after the other
    points = await bench.group_points()
    back = await bench.submit(bench.asks("pitr_run", to=points[1]))
    await bench.refused(bench.asks("pitr_run", to=points[2]), f"{back}|is rolling back now", moving=True)
    await bench.refused(bench.asks("pitr_exit"), f"{back}|is rolling back now", moving=True)
    await bench.ended(back)
    exit_ = await bench.submit(bench.asks("pitr_exit"))
    await bench.refused(bench.asks("pitr_run", to=points[2]), f"{exit_}|is being exited", moving=True)
    await bench.ended(exit_)
    await bench.ended(complete)
    assert bench.mode == Mode.RUNNING_IN_FAILOVER
