"""Ways back: a continuous failover that is cancelled, a failover that is undone or committed."""

from __future__ import annotations

import contextlib
from datetime import datetime

from drdeck.controller.journal.operations import OperationState
from drdeck.model.domains import Mode, Owner
from drdeck.sites.contract import Refused
from tests.site_contract.bench import DOMAIN, SHUTDOWN_S, VMS, Bench, MakeBench


async def test_a_cancelled_continuous_failover_can_be_started_again(make: MakeBench) -> None:
    bench = await make(state="imported")
    await bench.done(bench.asks("cfo_start"))
    await bench.done(bench.asks("cfo_cancel"))
    assert bench.mode == Mode.IMPORTED and bench.domain.owner is Owner.REMOTE
    assert not bench.truth().local and bench.domain.networks.mapping == {}
    await bench.refused(bench.asks("cfo_cancel"), "no continuous failover is in progress")
    await bench.done(bench.asks("cfo_start"))
    await bench.done(bench.failover("force"))
    await bench.refused(bench.asks("cfo_cancel"), "no continuous failover is in progress")


async def test_it_aborts_a_start_that_waits(make: MakeBench) -> None:
    bench = await make(state="imported", behind=True)
    start = await bench.submit(bench.asks("cfo_start"))
    await bench.until(lambda d: d.mode is Mode.REHYDRATING)
    await bench.done(bench.asks("cfo_cancel"))
    ended = await bench.ended(start)
    assert ended.state is OperationState.ABORTED, ended
    await bench.look()
    assert bench.mode == Mode.IMPORTED, "nobody starts it again"
    assert not bench.domain.again


async def test_it_gives_up_a_completion_before_ownership(make: MakeBench) -> None:
    bench = await make(stubborn=VMS[0])
    complete = await bench.submit(bench.failover("planned"))
    await bench.until(lambda d: d.mode is Mode.COMPLETING)
    await bench.advance(SHUTDOWN_S + 1)
    assert VMS[0] in await bench.question_text(complete)
    consequences = (await bench.controller.desk.preview(bench.asks("cfo_cancel"))).says
    assert any("stay off at the protected" in text for text in consequences), consequences
    await bench.done(bench.asks("cfo_cancel"))
    ended = await bench.ended(complete)
    assert ended.state is OperationState.ABORTED and "stay off" in str(ended.error)
    assert bench.mode == Mode.IMPORTED and bench.domain.failover is None and bench.domain.question is None
    assert not bench.truth().local


async def test_not_once_this_site_owns_it(make: MakeBench) -> None:
    bench = await make(powerless=VMS[0])
    complete = await bench.submit(bench.failover("force"))
    await bench.question_text(complete)
    await bench.refused(bench.asks("cfo_cancel"), "owns", moving=True)


async def test_an_undone_failover_is_imported_again_and_can_be_begun_anew(make: MakeBench) -> None:
    bench = await make(protected="off")
    before = bench.truth()
    await bench.done(bench.failover("regular"))
    await bench.advance(3600)
    await bench.quiet()
    domain = bench.domain
    assert domain.undo is not None and domain.undo.possible
    assert 3500 < (domain.undo.loses_s(bench.now()) or 0) < 4500
    undo = bench.asks("failover_undo")
    preview = await bench.controller.desk.preview(undo)
    assert preview.tier == 3 and any("is given up" in text and "(" in text for text in preview.says)
    await bench.refused(undo, "must be confirmed", "unconfirmed")
    await bench.done(bench.asks("failover_undo", confirm=DOMAIN))

    assert bench.mode == Mode.IMPORTED and bench.domain.owner is Owner.REMOTE
    after = bench.truth()
    assert not after.local and set(after.power.values()) == {"off"}
    assert after.standing == before.standing and after.named <= before.named | shown_points(bench)
    (period,) = bench.domain.excluded
    assert period.start == domain.undo.since and period.end is not None
    assert bench.domain.failover is None and bench.domain.undo is None and bench.domain.undoing is None
    await bench.refused(bench.asks("failover_undo", confirm=DOMAIN), "only a failover that runs here")

    await bench.done(bench.asks("cfo_start"))
    await bench.done(bench.failover("force"))
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.truth().local


def shown_points(bench: Bench) -> frozenset[datetime]:
    """Points of before the failover, as far as the site makes more of them while it goes on."""
    (period,) = bench.domain.excluded
    return frozenset(at for at in bench.truth().named if at <= period.start or at > (period.end or at))


async def test_what_was_rolled_back_can_still_be_undone(make: MakeBench) -> None:
    bench = await make(protected="off")
    before = bench.truth()
    await bench.recovered_into_session("regular")
    await bench.refused(bench.asks("failover_undo", confirm=DOMAIN), "has a PITR session", moving=True)
    points = await bench.group_points()
    await bench.roll_back(points[1])
    await bench.leave()
    await bench.until(lambda d: d.mode is Mode.RUNNING_IN_FAILOVER)
    await bench.done(bench.asks("failover_undo", confirm=DOMAIN))
    assert bench.truth().standing == before.standing
    assert len(bench.domain.excluded) == 1, "the session lies in the period of the failover"


async def test_not_after_an_exit_that_reset_all(make: MakeBench) -> None:
    bench = await make()
    await bench.recovered_into_session()
    await bench.leave()
    await bench.until(lambda d: d.mode is Mode.RUNNING_IN_FAILOVER)
    await bench.refused(bench.asks("failover_undo", confirm=DOMAIN), "exited without a rollback")
    assert bench.domain.undo is not None and not bench.domain.undo.possible


async def test_a_committed_failover_cannot_be_undone(make: MakeBench) -> None:
    bench = await make()
    await bench.refused(bench.asks("failover_commit"), "only a failover that runs here can be committed")
    await bench.done(bench.failover("force"))
    assert (await bench.controller.desk.preview(bench.asks("failover_commit"))).tier == 2
    await bench.done(bench.asks("failover_commit"))
    assert bench.domain.committed_at is not None and bench.mode == Mode.RUNNING_IN_FAILOVER
    await bench.refused(bench.asks("failover_undo", confirm=DOMAIN), "was committed at")
    await bench.refused(bench.asks("failover_commit"), "was committed at")
    await bench.session_by_hand()


async def test_undo_and_commit_given_again_change_nothing(make: MakeBench) -> None:
    bench = await make(protected="off")
    await bench.done(bench.failover("regular"))
    undo = await bench.done(bench.asks("failover_undo", confirm=DOMAIN))
    await bench.look()
    before, mode = bench.truth(), bench.mode
    with contextlib.suppress(Refused):
        await bench.site.execute(bench.command(undo, "UndoFailover"))
    await bench.look()
    assert (bench.truth(), bench.mode) == (before, mode)
    await bench.done(bench.asks("cfo_start"))
    await bench.done(bench.failover("force"))
    commit = await bench.done(bench.asks("failover_commit"))
    committed_at = bench.domain.committed_at
    with contextlib.suppress(Refused):
        await bench.site.execute(bench.command(commit, "CommitFailover"))
        await bench.site.execute(bench.command(undo, "UndoFailover"))
    await bench.look()
    assert bench.domain.committed_at == committed_at and bench.truth().local
