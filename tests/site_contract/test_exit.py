"""Leaving a PITR session: what is kept, what is reset, and what must be said first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drdeck.controller.journal.operations import OperationState
from drdeck.model.actions.confirming import consequences
from drdeck.model.domains import Mode
from tests.site_contract.bench import DOMAIN, INTERVAL_S, VMS, MakeBench


async def test_after_a_rollback_the_older_points_stay(make: MakeBench) -> None:
    bench = await make()
    first = await bench.recovered_into_session()
    points = await bench.group_points()
    entry = (await bench.points()).points[0]
    assert entry.kind == "entry"
    await bench.roll_back(points[2])
    await bench.done(bench.asks("pitr_exit"))  # tier 2: no name is asked for
    assert (await bench.ended(first)).state is OperationState.DONE
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.truth().reset is None
    assert bench.truth().standing == dict.fromkeys(VMS, points[2])
    left = await bench.group_points()
    assert left[:3] == points[:3] and entry.time not in left
    assert entry.time not in bench.truth().named

    await bench.advance(60)
    await bench.session_by_hand()
    await bench.roll_back(points[1])
    assert bench.truth().standing == dict.fromkeys(VMS, points[1])


async def test_a_rollback_to_the_entry_point_keeps_the_window(make: MakeBench) -> None:
    """The way out that is named before an exit that would reset everything."""
    bench = await make()
    await bench.recovered_into_session()
    points = await bench.group_points()
    exit_ = bench.asks("pitr_exit")
    assert "roll back to the entry point first" in " ".join(consequences(exit_, bench.domain, bench.now()))
    await bench.roll_back((await bench.points()).points[0].time)
    await bench.done(bench.asks("pitr_exit"))
    assert bench.truth().reset is None and (await bench.group_points())[: len(points)] == points


async def test_the_branch_that_was_left_is_dropped(make: MakeBench) -> None:
    """Points of drdeck's own making; those of other tools stay at a vCenter, which prunes only its own."""
    bench = await make(state="owned")
    await bench.session_by_hand()
    points = await bench.group_points()
    await bench.roll_back(points[2])
    await bench.done(bench.asks("pitr_exit"))
    assert await bench.group_points() == points[:3]
    assert not set(points[3:]) & bench.truth().named


async def test_without_a_rollback_after_a_failover_everything_is_reset(make: MakeBench) -> None:
    bench = await make()
    first = await bench.recovered_into_session()
    points = await bench.group_points()
    exit_ = bench.asks("pitr_exit")
    warning = " ".join(consequences(exit_, bench.domain, bench.now()))
    assert "all PITR data is reset" in warning and "No instant" in warning
    for confirm in (None, "", DOMAIN.title(), f"{DOMAIN} "):
        await bench.refused(bench.asks("pitr_exit", confirm=confirm), "resets all PITR data", "unconfirmed")
    assert (await bench.controller.desk.preview(exit_)).tier == 3
    await bench.done(bench.asks("pitr_exit", confirm=DOMAIN))
    assert (await bench.ended(first)).state is OperationState.DONE

    reset = bench.truth().reset
    assert reset is not None and reset == bench.domain.reset_at and reset > points[-1]
    assert all(p.time > reset for p in (await bench.points()).points)
    assert bench.mode == Mode.RUNNING_IN_FAILOVER
    await bench.advance(INTERVAL_S + 5)
    await bench.until(lambda d: d.consistent_at is not None and d.consistent_at > reset)
    await bench.session_by_hand()
    for instant in (points[0], points[-1], points[-1] + timedelta(seconds=1), reset):
        await bench.refused(bench.asks("pitr_run", to=instant), "was reset|before the PITR window")
    fresh = await bench.group_points()
    assert fresh and min(fresh) > reset
    await bench.roll_back(fresh[-1])
    assert bench.truth().standing == dict.fromkeys(VMS, fresh[-1])


async def test_by_hand_without_a_rollback_nothing_is_reset(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.session_by_hand()
    points = await bench.group_points()
    exit_ = bench.asks("pitr_exit")
    assert "reset" not in " ".join(consequences(exit_, bench.domain, bench.now()))
    await bench.refused(exit_, "without a rollback", "unconfirmed")
    await bench.leave()
    assert bench.truth().reset is None and bench.domain.reset_at is None
    assert await bench.group_points() == points
    assert set(points) <= bench.truth().named
    await bench.session_by_hand()
    await bench.roll_back(points[1])
    assert bench.truth().standing == dict.fromkeys(VMS, points[1])


@pytest.mark.parametrize("rolled_back", [True, False])
async def test_the_period_stays_in_the_record(make: MakeBench, rolled_back: bool) -> None:
    bench = await make()
    await bench.recovered_into_session()
    (running,) = bench.domain.excluded
    assert running.end is None
    if rolled_back:
        await bench.roll_back((await bench.group_points())[1])
    await bench.advance(300)
    await bench.leave()
    (period,) = bench.domain.excluded
    assert period.end is not None and period.covers(running.start + timedelta(seconds=150))
    assert abs((period.start - running.start).total_seconds()) < 1
    assert abs((bench.now() - period.end).total_seconds()) < 5
    await bench.advance(3600)
    assert bench.domain.excluded == (period,) and bench.truth().closed == 1
