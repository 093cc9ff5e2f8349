"""Undo and release at a vCenter whose answers are lost, whose tasks hang, and whose points are left over."""

from __future__ import annotations

import pytest

from drdeck.controller.journal.operations import OperationState
from drdeck.model.domains import Mode, Owner
from tests.site_contract.bench import DOMAIN, VMS, MakeBench
from tests.site_contract.on_vsphere import BUSY_MS, VSphereBench

pytestmark = pytest.mark.parametrize("make", ["vsphere"], indirect=True)
ENTRY_LIMIT_S = 120
LOST = [
    (method, how)
    for method in ("SetField", "PowerOffVM_Task", "RevertToSnapshot_Task", "RemoveSnapshot_Task")
    for how in ("lose", "drop")
]
OF_RECORD = [(m, h) for m, h in LOST if m in ("SetField", "RemoveSnapshot_Task")]
"""What a commit and a release make of them."""


def entry_points(bench: VSphereBench) -> list[str]:
    return [s.name for vm in VMS for s in bench.recovery.snapshots(vm) if s.name.startswith("drdeck-before-")]


@pytest.mark.parametrize(("method", "how"), LOST)
async def test_an_undo_ends_the_same_whatever_is_lost(make: MakeBench, method: str, how: str) -> None:
    bench = await make(protected="off", pitr=False)  # no group points beside the entry points
    assert isinstance(bench, VSphereBench)
    before = bench.truth()
    await bench.done(bench.failover("regular"))
    await bench.quiet()
    calls = bench.recovery.calls()
    bench.recovery.rule(method, how, times=1)
    undo = await bench.done(bench.asks("failover_undo", confirm=DOMAIN))
    assert bench.mode == Mode.IMPORTED and bench.domain.owner is Owner.REMOTE
    after = bench.truth()
    assert (after.power, after.standing, after.named) == (before.power, before.standing, before.named)
    calls_made = bench.recovery.calls() - calls
    assert calls_made["RemoveSnapshot_Task"] <= len(VMS) + (method == "RemoveSnapshot_Task" and how == "drop")
    assert calls_made["PowerOffVM_Task"] <= len(VMS) + (method == "PowerOffVM_Task" and how == "drop")
    assert entry_points(bench) == []
    assert len(bench.domain.excluded) == 1 and bench.operation(undo).state is OperationState.DONE


@pytest.mark.parametrize(("method", "how"), OF_RECORD)
async def test_a_release_ends_the_same_whatever_is_lost(make: MakeBench, method: str, how: str) -> None:
    bench = await make(protected="off")
    assert isinstance(bench, VSphereBench)
    await bench.done(bench.failover("regular"))
    for vm in VMS:
        bench.recovery.power_off(vm)
    await bench.until(lambda d: all(vm.power == "off" for vm in d.vms))
    await bench.quiet()
    bench.recovery.rule(method, how, times=1)
    release = await bench.submit(bench.asks("domain_release", confirm=DOMAIN))
    await bench.until(lambda d: d.mode is Mode.RELEASING)
    for vm in VMS:
        bench.recovery.make_snapshot(vm, "replica anew", bench.now())
    assert (await bench.ended(release)).state is OperationState.DONE
    assert bench.mode == Mode.IMPORTED and entry_points(bench) == [], "not committed: undo is given up by it"
    replicas = [s.name for vm in VMS for s in bench.recovery.snapshots(vm) if s.name == "replica anew"]
    assert len(replicas) == len(VMS), "the tool's points stay"


async def test_an_exit_that_resets_all_leaves_no_entry_point(make: MakeBench) -> None:
    bench = await make()
    assert isinstance(bench, VSphereBench)
    await bench.recovered_into_session()
    assert len(entry_points(bench)) == len(VMS)
    assert all(not vm.exit_removes for vm in bench.domain.vms), "it is drdeck's own"
    await bench.leave()
    await bench.until(lambda d: d.mode is Mode.RUNNING_IN_FAILOVER)
    assert entry_points(bench) == []


async def test_an_exit_after_a_rollback_keeps_it(make: MakeBench) -> None:
    bench = await make()
    assert isinstance(bench, VSphereBench)
    await bench.recovered_into_session()
    points = await bench.group_points()
    await bench.roll_back(points[-1])
    await bench.leave()
    await bench.until(lambda d: d.mode is Mode.RUNNING_IN_FAILOVER)
    assert len(entry_points(bench)) == len(VMS)
    assert bench.domain.undo is not None and bench.domain.undo.possible


async def test_an_entry_point_that_hangs_is_asked_about_soon(make: MakeBench) -> None:
    bench = await make(pitr=False)
    assert isinstance(bench, VSphereBench)
    bench.recovery.slow("CreateSnapshot_Task", bench.recovery.vm(VMS[0]), BUSY_MS, times=1)
    before = bench.recovery.calls()["CreateSnapshot_Task"]
    ident = await bench.submit(bench.failover("force"))
    await bench.until_true(lambda: bench.recovery.calls()["CreateSnapshot_Task"] == before + len(VMS))
    await bench.until_true(lambda: any(key.startswith("network:vm-") for key in bench.operation(ident).done))
    await bench.advance(ENTRY_LIMIT_S + 1)
    await bench.look()  # a clock that is moved by hand wakes nobody
    text = await bench.question_text(ident)
    assert VMS[0] in text and VMS[1] not in text and "Not ended within" in text
    question = bench.operation(ident).question
    assert question is not None and set(question.choices) == {"wait", "retry", "skip"}
    await bench.answer(ident, "skip")
    await bench.until_true(lambda: bench.operation(ident).ended, bench.state_text)
    assert bench.truth().power[VMS[1]] == "on", "the others are up"
    bench.recovery.release()


@pytest.mark.parametrize("how", ["", "lose", "drop"])
async def test_the_originals_are_started_where_the_settings_want_it(make: MakeBench, how: str) -> None:
    bench = await make(pitr=False, protected="off", starts_there=True)
    assert isinstance(bench, VSphereBench)
    await bench.done(bench.failover("regular"))
    assert set(bench.truth().source.values()) == {"off"}
    says = (await bench.controller.desk.preview(bench.asks("failover_undo"))).says
    assert any("at the protected site are powered on once those here are off" in text for text in says)
    if how:
        bench.protected.rule("PowerOnVM_Task", how, times=1)
    await bench.done(bench.asks("failover_undo", confirm=DOMAIN))
    truth = bench.truth()
    assert set(truth.source.values()) == {"on"} and set(truth.power.values()) == {"off"}
    assert bench.mode == Mode.IMPORTED and bench.domain.owner is Owner.REMOTE


async def test_one_that_does_not_start_there_is_asked_about(make: MakeBench) -> None:
    bench = await make(pitr=False, protected="off", starts_there=True)
    assert isinstance(bench, VSphereBench)
    await bench.done(bench.failover("regular"))
    bench.protected.fail_power_on(VMS[0], times=-1)
    undo = await bench.submit(bench.asks("failover_undo", confirm=DOMAIN))
    assert f"power on {VMS[0]} at the protected site" in await bench.question_text(undo)
    assert set(bench.truth().power.values()) == {"off"}, "nothing runs on both sides"
    await bench.answer(undo, "skip")
    assert (await bench.ended(undo)).state is OperationState.DONE
    assert bench.truth().source == {VMS[0]: "off", VMS[1]: "on"} and bench.mode == Mode.IMPORTED


async def test_none_is_started_there_whose_replica_runs_here(make: MakeBench) -> None:
    bench = await make(pitr=False, protected="off", starts_there=True)
    assert isinstance(bench, VSphereBench)
    await bench.done(bench.failover("regular"))
    bench.recovery.rule("PowerOffVM_Task", "fail", VMS[0], text="The host does not answer.")
    undo = await bench.submit(bench.asks("failover_undo", confirm=DOMAIN))
    assert f"power off {VMS[0]}" in await bench.question_text(undo)
    await bench.answer(undo, "skip")
    assert (await bench.ended(undo)).state is OperationState.DONE
    assert bench.truth().power == {VMS[0]: "on", VMS[1]: "off"}
    assert bench.truth().source == {VMS[0]: "off", VMS[1]: "on"}


async def test_work_of_others_and_a_silent_site_are_typed_over(make: MakeBench) -> None:
    bench = await make(pitr=False, protected="lost")
    assert isinstance(bench, VSphereBench)
    await bench.done(bench.failover("force"))
    await bench.quiet()
    bench.recovery.make_snapshot(VMS[0], "nightly", bench.now())
    await bench.until(lambda d: d.undo is not None and bool(d.undo.others))
    undo = bench.asks("failover_undo", confirm=DOMAIN)
    preview = await bench.controller.desk.preview(undo)
    assert preview.against_names == ("no-answer", "others-at-work"), preview.against
    assert preview.against[1].endswith(f'which stay: "nightly" of {VMS[0]}.')
    await bench.refused(undo, "does not answer", "unconfirmed")
    await bench.refused(bench.asks("failover_undo", confirm=DOMAIN, even_though=("no-answer",)),
                        "--even-though no-answer,others-at-work", "unconfirmed")  # fmt: skip
    await bench.done(bench.asks("failover_undo", confirm=DOMAIN, even_though=preview.against_names))
    assert [s.name for s in bench.recovery.snapshots(VMS[0])].count("nightly") == 1, "it is not drdeck's"


@pytest.mark.parametrize(("method", "how"), OF_RECORD)
async def test_a_commit_ends_the_same_whatever_is_lost(make: MakeBench, method: str, how: str) -> None:
    bench = await make(protected="off", pitr=False)
    assert isinstance(bench, VSphereBench)
    await bench.done(bench.failover("regular"))
    await bench.quiet()
    points, calls = bench.truth().named, bench.recovery.calls()
    bench.recovery.rule(method, how, times=1)
    commit = await bench.done(bench.asks("failover_commit"))
    assert bench.operation(commit).state is OperationState.DONE and bench.domain.committed_at is not None
    removals = (bench.recovery.calls() - calls)["RemoveSnapshot_Task"]
    assert removals <= len(VMS) + (method == "RemoveSnapshot_Task" and how == "drop"), "none is removed twice"
    assert entry_points(bench) == [] and bench.truth().named == points
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.truth().local
