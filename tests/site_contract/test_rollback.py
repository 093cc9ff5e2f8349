"""Rolling back: where each VM goes, and which instants nobody can go to."""

from __future__ import annotations

from datetime import datetime, timedelta

from drdeck.controller.journal.operations import OperationState
from drdeck.model.domains import SessionState
from drdeck.model.pitr import excluded_by
from tests.site_contract.bench import INTERVAL_S, VMS, WINDOW_S, Bench, MakeBench

MINUTE = timedelta(minutes=1)


def both(at: datetime) -> dict[str, datetime | None]:
    return dict.fromkeys(VMS, at)


async def test_to_the_newest_point_at_or_before_then_elsewhere_then_back_to_now(make: MakeBench) -> None:
    bench = await make()
    await bench.recovered_into_session()
    session = bench.domain.session
    assert session is not None and session.entry_at is not None
    points = await bench.group_points()
    assert len(points) > 3
    for rollbacks, (to, lands) in enumerate(
        (
            (points[1] + MINUTE, points[1]),
            (points[-1], points[-1]),
            (points[-1] - timedelta(milliseconds=1), points[-2]),
            (points[0], points[0]),
        ),
        start=1,
    ):
        ident = await bench.roll_back(to)
        assert bench.truth().standing == both(lands), to
        assert set(bench.truth().power.values()) == {"on"} and bench.domain.recovered
        session = bench.domain.session
        assert session is not None and session.state is SessionState.ACTIVE
        assert session.rollbacks == rollbacks and session.last_operation == ident
        assert bench.operation(ident).state is OperationState.DONE
        assert await bench.group_points() == points, "choose another: all are still there"
    entry = (await bench.points()).points[0]
    assert entry.kind == "entry" and entry.time == session.entry_at and entry.vms == len(VMS)
    await bench.roll_back(entry.time)
    assert bench.truth().standing == both(entry.time)


async def test_the_operator_is_told_what_becomes_of_configuration(make: MakeBench) -> None:
    """The vendor's rollback leaves it alone; a vCenter's revert takes it back (register V1)."""
    bench = await make(state="owned")
    await bench.session_by_hand()
    request = bench.asks("pitr_run", to=(await bench.group_points())[1])
    consequences = " ".join((await bench.controller.desk.preview(request)).says)
    reverts = bench.site.kind == "vsphere"
    assert ("Only disks are rolled back" in consequences) is not reverts
    assert "by hand" in consequences
    assert ("configuration with them" in consequences and "mapped again" in consequences) is reverts


async def test_a_part_of_the_vms(make: MakeBench) -> None:
    bench = await make()
    await bench.recovered_into_session()
    points, before = await bench.group_points(), bench.truth()
    await bench.roll_back(points[2], VMS[0])
    assert bench.truth().standing == {**before.standing, VMS[0]: points[2]}
    assert [vm.rolled_back_to for vm in bench.domain.vms if vm.name == VMS[1]] == [None]
    await bench.roll_back(points[1], VMS[1])
    assert bench.truth().standing == {VMS[0]: points[2], VMS[1]: points[1]}
    assert set(bench.truth().power.values()) == {"on"}


async def test_each_vm_takes_its_own_newest_point(make: MakeBench) -> None:
    """After a VM alone was rolled back its branch is gone, so that the VMs' points differ."""
    bench = await make(state="owned")
    await bench.session_by_hand()
    points = await bench.group_points()
    await bench.roll_back(points[1], VMS[0])
    await bench.leave()

    await bench.session_by_hand()
    points_by_time = {p.time: p for p in (await bench.points()).points}
    assert points_by_time[points[1]].vms == len(VMS) and points_by_time[points[1]].skew_s == 0
    assert points_by_time[points[-1]].skew_s == (points[-1] - points[1]).total_seconds()
    await bench.roll_back(points[-1])
    assert bench.truth().standing == {VMS[0]: points[1], VMS[1]: points[-1]}
    await bench.roll_back(points[0])
    assert bench.truth().standing == both(points[0])


async def test_not_before_the_window_and_not_in_the_future(make: MakeBench) -> None:
    bench = await make()
    await bench.recovered_into_session()
    now = bench.now()
    offered = [p.time for p in (await bench.points()).points]
    start = now - timedelta(seconds=WINDOW_S)
    assert min(offered) >= start and max(offered) <= now
    too_old, ahead = start - MINUTE, now + timedelta(hours=1)
    await bench.refused(bench.asks("pitr_run", to=too_old), "before the PITR window")
    await bench.refused(bench.asks("pitr_run", to=ahead), "in the future")
    await bench.refused(bench.asks("pitr_run"), "needs the instant", code="usage")

    # the window moves on with the time, also while nobody looks
    oldest = min(offered)
    await bench.advance((oldest - start).total_seconds() + 120)
    assert oldest not in [p.time for p in (await bench.points()).points]
    await bench.refused(bench.asks("pitr_run", to=oldest), "before the PITR window")


async def not_offered_nor_accepted(bench: Bench, within: list[datetime]) -> None:
    """In an active session: no point lies in a period, and no instant of these is accepted."""
    listing = await bench.points()
    assert listing.excluded == bench.domain.excluded
    assert [p.time for p in listing.points if excluded_by(p.time, listing.excluded)] == []
    for instant in within:
        await bench.refused(bench.asks("pitr_run", to=instant), "a PITR session was active")


async def test_no_instant_of_a_session_ever_again(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.session_by_hand()
    started = bench.now()
    await bench.advance(INTERVAL_S * 2)
    bench.outsider()
    await bench.look()
    within = [started + MINUTE, started + timedelta(seconds=INTERVAL_S), bench.now()]
    await not_offered_nor_accepted(bench, within)
    await bench.leave()
    assert excluded_by(within[0], bench.domain.excluded) is not None

    await bench.advance(INTERVAL_S + 5)
    await bench.until(lambda d: d.consistent_at is not None and d.consistent_at > within[-1])
    between = (await bench.group_points())[-1]
    await bench.advance(60)
    await bench.session_by_hand()
    await bench.advance(INTERVAL_S)
    bench.outsider()
    await bench.look()
    await not_offered_nor_accepted(bench, [*within, bench.now()])
    await bench.roll_back(between)
    assert bench.truth().standing == both(between), "between two sessions is in neither"
    await bench.leave()

    await bench.session_by_hand()
    assert len(bench.domain.excluded) == 3 and bench.truth().closed == 2
    await bench.advance(60)
    await not_offered_nor_accepted(bench, [*within, bench.now()])


async def test_an_instant_after_a_session_takes_a_point_from_before_it(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.session_by_hand()
    before = (await bench.group_points())[-1]
    await bench.advance(300)
    bench.outsider()
    await bench.look()
    await bench.advance(60)
    await bench.leave()
    await bench.advance(60)
    to = bench.now()
    await bench.advance(60)
    await bench.session_by_hand()
    await bench.roll_back(to)
    landed = max(p for p in await bench.group_points() if p <= to)
    assert bench.truth().standing == both(landed) and landed >= before
    assert excluded_by(landed, bench.domain.excluded) is None
