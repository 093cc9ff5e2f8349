"""PITR sessions: how they start, and what is not protected while they last."""

from __future__ import annotations

import pytest

from drdeck.controller.journal.operations import OperationState
from drdeck.model.actions.action_table import menu
from drdeck.model.domains import Mode, Owner, SessionState
from drdeck.model.pitr import excluded_by
from tests.site_contract.bench import INTERVAL_S, VMS, MakeBench


@pytest.mark.parametrize("kind", ["regular", "planned", "force"])
async def test_it_starts_by_itself_once_and_is_part_of_the_failover(make: MakeBench, kind: str) -> None:
    bench = await make(protected="off" if kind == "regular" else "on")
    ident = await bench.submit(bench.failover(kind, run_pitr=True))
    if kind == "planned":
        await bench.rest_of_data()
    await bench.active()
    domain = bench.domain
    assert domain.session is not None and domain.session.after_failover == ident
    assert bench.truth().session == domain.session.id
    assert domain.recovered and set(bench.truth().power.values()) == {"on"}
    states = [d.session.state for d in bench.history if d.session]
    assert states[0] is SessionState.WAITING, "consistency is waited for, not demanded"

    await bench.advance(1800)
    await bench.look()
    assert len(bench.intents("StartSession")) == 1
    assert {d.session.id for d in bench.history if d.session} == {domain.session.id}
    assert bench.operation(ident).state is OperationState.OPEN and bench.mode == Mode.PITR_SESSION

    exit_ = await bench.leave()
    assert (await bench.ended(ident)).state is OperationState.DONE
    assert bench.operation(exit_).state is OperationState.DONE
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.truth().session is None
    await bench.advance(1800)
    assert len(bench.intents("StartSession")) == 1


async def test_only_if_ticked(make: MakeBench) -> None:
    bench = await make()
    await bench.done(bench.failover("force", run_pitr=False))
    await bench.advance(600)
    assert bench.mode == Mode.RUNNING_IN_FAILOVER
    assert all(d.session is None for d in bench.history) and bench.intents("StartSession") == []
    assert bench.domain.excluded == ()


async def test_only_when_every_vm_is_ready(make: MakeBench) -> None:
    bench = await make(powerless=VMS[1])
    ident = await bench.submit(bench.failover("force", run_pitr=True))
    question = await bench.question_text(ident)
    assert VMS[1] in question
    await bench.until_true(lambda: bench.truth().power == {VMS[0]: "on", VMS[1]: "off"}, bench.state_text)
    await bench.advance(300)
    assert bench.domain.session is None and bench.truth().session is None
    assert bench.intents("StartSession") == [] and not bench.domain.recovered
    assert bench.operation(ident).question is not None
    await bench.answer(ident, "retry")
    await bench.active()
    assert set(bench.truth().power.values()) == {"on"}
    assert len(bench.intents("StartSession")) == 1


async def test_it_waits_for_consistency_and_is_not_refused(make: MakeBench) -> None:
    bench = await make(state="owned", unsettled=True)
    await bench.disturb()
    ident = await bench.submit(bench.asks("pitr_start"))
    await bench.until(lambda d: d.session is not None)
    session = bench.domain.session
    assert session is not None and session.state is SessionState.WAITING and session.started_at is None
    await bench.until_true(lambda: bench.operation(ident).waits_for, bench.state_text)
    assert bench.mode == Mode.RUNNING_IN_FAILOVER, "a session that waits is none yet"
    assert bench.domain.unprotected_s(bench.now()) is None
    await bench.refused(bench.asks("pitr_run", to=bench.now()), "still starting|still open")
    await bench.settle()
    await bench.active()
    assert (await bench.ended(ident)).state is OperationState.DONE


async def test_by_hand_only_where_owned_and_pitr_enabled(make: MakeBench) -> None:
    bench = await make(state="synchronised")
    assert bench.domain.owner is Owner.REMOTE
    assert "Start PITR Session" not in [a.label for a, _ in menu(bench.domain, bench.now())]
    await bench.refused(bench.asks("pitr_start"), "does not own")
    await bench.refused(bench.asks("pitr_run", to=bench.now()), "has no PITR session")
    await bench.refused(bench.asks("pitr_exit"), "has no PITR session")


async def test_by_hand_where_pitr_is_off(make: MakeBench) -> None:
    bench = await make(state="owned", pitr=False)
    assert bench.domain.owner is Owner.LOCAL
    await bench.refused(bench.asks("pitr_start"), "is not PITR-enabled")


async def test_its_vms_are_not_protected_and_then_again(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.session_by_hand()
    domain = bench.domain
    at_first, rpo = domain.unprotected_s(bench.now()), domain.rpo_s(bench.now())
    assert at_first is not None and rpo is not None and rpo >= at_first
    named = bench.truth().named
    for _ in range(3):
        await bench.advance(INTERVAL_S)
        assert bench.site.maintenance_due(bench.now()) == []
    later = bench.domain.unprotected_s(bench.now())
    assert later is not None and later - at_first == pytest.approx(3 * INTERVAL_S, abs=10)
    assert (bench.domain.rpo_s(bench.now()) or 0) - rpo == pytest.approx(3 * INTERVAL_S, abs=10)
    assert bench.truth().named <= named, "no point is made meanwhile"

    await bench.leave()
    ended = bench.now()
    assert bench.domain.unprotected_s(ended) is None
    assert all(d.newest_point is None or d.newest_point <= ended for d in bench.history)
    await bench.advance(INTERVAL_S + 5)
    # of all VMs: the newest point is there once the first has its part of it
    await bench.until(lambda d: d.consistent_at is not None and d.consistent_at > ended)
    newest = (await bench.group_points())[-1]
    assert newest > ended and newest in bench.truth().named
    assert excluded_by(newest, bench.domain.excluded) is None
    assert (bench.domain.rpo_s(bench.now()) or 0) < INTERVAL_S


async def test_a_part_of_the_vms(make: MakeBench) -> None:
    bench = await make(state="owned")
    before = bench.truth()
    consequences = (await bench.controller.desk.preview(bench.asks("pitr_start", vms=(VMS[1],)))).says
    assert any("no restore point is made of the others either" in one for one in consequences)
    consequences = (await bench.controller.desk.preview(bench.asks("pitr_start"))).says
    assert not any("the others" in one for one in consequences)
    await bench.session_by_hand(VMS[1])
    session = bench.domain.session
    assert session is not None and session.vms == (VMS[1],) and session.after_failover is None
    points = sorted(p.time for p in (await bench.points()).points if p.kind != "entry")
    other = bench.asks("pitr_run", to=points[-2], vms=(VMS[0],))
    await bench.refused(other, "not in the PITR session")
    named = bench.truth().named
    await bench.advance(INTERVAL_S * 2)
    assert bench.site.maintenance_due(bench.now()) == []
    assert bench.truth().named <= named, "a point is of all VMs, so none is made of the others either"
    await bench.roll_back(points[-2])
    truth = bench.truth()
    assert truth.standing == {VMS[0]: before.standing[VMS[0]], VMS[1]: points[-2]}
    assert truth.power == before.power and set(truth.power.values()) == {"on"}
    await bench.leave()
    assert bench.truth().standing[VMS[0]] == before.standing[VMS[0]]
    assert len(bench.domain.excluded) == 1 and bench.truth().reset is None


async def test_an_unknown_vm_is_no_part(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.refused(bench.asks("pitr_start", vms=("nobody",)), 'no VM named "nobody"', code="usage")
    await bench.session_by_hand()
    await bench.refused(bench.asks("pitr_start"), "already has a PITR session")
