"""A domain's return: restored here, released to the other side, or failed back."""

from __future__ import annotations

import contextlib
import json

import pytest

from drdeck.controller.journal.operations import OperationState
from drdeck.model.domains import Mode, Owner
from drdeck.model.times import show
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.record.attribute_names import PREFIX
from tests.site_contract.bench import DOMAIN, VMS, Bench, MakeBench
from tests.site_contract.on_training import TrainingBench
from tests.site_contract.on_vsphere import VSphereBench


async def committed(make: MakeBench, **how: object) -> Bench:
    bench = await make(**how)
    await bench.done(bench.failover("force"))
    await bench.done(bench.asks("failover_commit"))
    return bench


async def test_restore_makes_it_primary_here_once_it_is_committed(make: MakeBench) -> None:
    bench = await make()
    await bench.refused(bench.asks("domain_restore"), "only a domain that runs here can be restored here")
    await bench.done(bench.failover("force"))
    await bench.refused(bench.asks("domain_restore"), "is not committed; commit it first")
    await bench.done(bench.asks("failover_commit"))
    before = bench.truth()
    restore = await bench.done(bench.asks("domain_restore"))
    domain = bench.domain
    assert domain.way_back.restored_at is not None and domain.owner is Owner.LOCAL
    assert (bench.truth().power, bench.truth().local) == (before.power, True), "nothing is asked of the site"
    await bench.refused(bench.asks("domain_restore"), "is the primary site")
    with contextlib.suppress(Refused):
        await bench.site.execute(bench.command(restore, "RestoreDomain"))
    await bench.look()
    assert bench.domain.way_back.restored_at == domain.way_back.restored_at
    await bench.session_by_hand()
    await bench.leave()
    await bench.until(lambda d: d.session is None)
    assert bench.domain.way_back.restored_at == domain.way_back.restored_at


async def test_protected_is_said_only_where_it_is_seen(make: MakeBench) -> None:
    bench = await committed(make, protected="off")
    await bench.done(bench.asks("domain_restore"))
    if isinstance(bench, TrainingBench):
        assert bench.mode == Mode.PROTECTED, "what is written here goes to the storage site"
        return
    assert isinstance(bench, VSphereBench)
    assert bench.mode == Mode.RUNNING_IN_FAILOVER
    assert bench.domain.mode_label == "Running here, not protected"
    for vm in VMS:
        bench.protected.make_snapshot(vm, "replica of what runs here", bench.now())
    await bench.until(lambda d: d.way_back.restored_at)
    assert bench.domain.mode_label == "Running here, not protected", "no settings say where it goes"


async def test_no_release_while_a_vm_runs_here(make: MakeBench) -> None:
    bench = await make()
    await bench.refused(
        bench.asks("domain_release", confirm=DOMAIN), "only a domain that runs here can be released"
    )
    await bench.done(bench.failover("force"))
    await bench.refused(bench.asks("domain_release", confirm=DOMAIN), "are not off here.*" + VMS[0])
    await bench.refused(bench.asks("release_cancel"), "is not being released")
    await bench.session_by_hand()
    await bench.refused(bench.asks("domain_release", confirm=DOMAIN), "has a PITR session", moving=True)


async def test_failback_is_of_the_training_site(make: MakeBench) -> None:
    bench = await make(behind=True)
    await bench.catch_up()
    await bench.until(lambda d: d.mode is Mode.SYNCHRONISED)
    await bench.done(bench.failover("force"))
    if isinstance(bench, VSphereBench):
        await bench.refused(bench.asks("domain_failback"), "not supported at this site: it moves no data")
        await bench.refused(bench.asks("cfo_resume"), "it needs an imported domain")
        return
    await bench.advance(6 * 3600)
    fail_back = await bench.submit(bench.asks("domain_failback"))
    labels, remaining = set[str](), set[int | None]()

    def over() -> bool:
        labels.add(bench.domain.step.label if bench.domain.step else "")
        remaining.add(bench.domain.remaining_bytes)
        return bench.operation(fail_back).ended

    await bench.until_true(over, bench.state_text)
    assert bench.operation(fail_back).state is OperationState.DONE, bench.operation(fail_back).error
    assert {"Recover VMs' data from Storage Site", "Take Protected Domain ownership"} <= labels
    assert len(remaining) > 2, "its data flows back"
    assert bench.mode == Mode.IMPORTED and bench.domain.owner is Owner.REMOTE
    truth = bench.truth()
    assert not truth.local and set(truth.power.values()) == {"off"} and set(truth.source.values()) == {"on"}
    await bench.advance(3600)
    await bench.done(bench.asks("cfo_resume"))
    assert bench.mode == Mode.SYNCHRONISED
    await bench.refused(bench.asks("cfo_resume"), "it needs an imported domain")
    await bench.done(bench.failover("force"))
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.truth().local


async def test_only_one_way_at_a_time(make: MakeBench) -> None:
    bench = await committed(make)
    if isinstance(bench, VSphereBench):
        return
    fail_back = await bench.submit(bench.asks("domain_failback"))
    await bench.until(lambda d: d.way_back.returning)
    for action in ("failover_undo", "domain_restore", "domain_release", "pitr_start"):
        await bench.refused(bench.asks(action, confirm=DOMAIN), "is being failed back", moving=True)
    await bench.ended(fail_back)


# -- released, at a vCenter


AT_A_VCENTER = pytest.mark.parametrize("make", ["vsphere"], indirect=True)
"""a training site knows that the protected site does not own it before a failback"""


async def released(make: MakeBench) -> tuple[VSphereBench, str]:
    bench = await committed(make, protected="off")
    assert isinstance(bench, VSphereBench)
    for vm in VMS:
        bench.recovery.power_off(vm)
    await bench.until(lambda d: all(vm.power == "off" for vm in d.vms))
    await bench.quiet()
    request = bench.asks("domain_release")
    assert (await bench.controller.desk.preview(request)).tier == 3
    await bench.refused(request, "no record at the other side.*must be confirmed", "unconfirmed")
    release = await bench.submit(bench.asks("domain_release", confirm=DOMAIN))
    await bench.until(lambda d: d.mode is Mode.RELEASING)
    return bench, release


@AT_A_VCENTER
async def test_it_waits_for_replicas_and_says_of_which_vms(make: MakeBench) -> None:
    bench, release = await released(make)
    domain = bench.domain
    assert domain.mode_label == "Waits for replicas" and domain.owner is Owner.REMOTE
    assert set(domain.way_back.missing) == set(VMS)
    assert "no restore point since" in domain.way_back.missing[VMS[0]]
    assert VMS[0] in str(bench.operation(release).waits_for)
    points = bench.recovery.snapshots(VMS[0])
    for action in ("cfo_start", "failover_undo", "domain_release", "domain_restore", "pitr_start"):
        await bench.refused(
            bench.asks(action, confirm=DOMAIN), "aits for replicas|its owner site only", moving=True
        )
    bench.recovery.make_snapshot(VMS[0], "replica anew", bench.now())
    await bench.until(lambda d: set(d.way_back.missing) == {VMS[1]})
    assert bench.domain.mode is Mode.RELEASING
    assert set(points) <= set(bench.recovery.snapshots(VMS[0])), "nothing is removed before all are there"
    bench.recovery.make_snapshot(VMS[1], "replica anew", bench.now())
    ended = await bench.ended(release)
    assert ended.state is OperationState.DONE, ended.error
    assert bench.mode == Mode.IMPORTED and bench.domain.owner is Owner.REMOTE
    for vm in VMS:
        assert not [snap for snap in bench.recovery.snapshots(vm) if snap.name.startswith("drdeck-")]
    kept = {name for name, value in bench.recovery.attributes(DOMAIN).items() if value}
    left = {name.removeprefix(PREFIX) for name in kept if name.startswith(PREFIX)}
    assert left <= {"mode", "pitr", "lease", "excluded", "asked"}, left
    assert bench.domain.reset_at is not None, "its PITR window begins anew"
    await bench.done(bench.asks("cfo_start"))
    await bench.done(bench.failover("force"))
    assert bench.mode == Mode.RUNNING_IN_FAILOVER
    assert bench.domain.undo is not None and bench.domain.undo.possible


@AT_A_VCENTER
async def test_a_release_is_cancelled_while_it_waits(make: MakeBench) -> None:
    bench, release = await released(make)
    await bench.done(bench.asks("release_cancel"))
    assert (await bench.ended(release)).state is OperationState.ABORTED
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.domain.owner is Owner.LOCAL
    assert bench.domain.committed_at is not None and bench.truth().local
    with contextlib.suppress(Refused):
        await bench.site.execute(bench.command(release, "ReleaseDomain"))


@AT_A_VCENTER
async def test_a_vm_that_runs_again_is_missing_too(make: MakeBench) -> None:
    bench, _ = await released(make)
    bench.recovery.power_on(VMS[0])
    await bench.until(lambda d: "runs here" in d.way_back.missing.get(VMS[0], ""))
    for vm in VMS:
        bench.recovery.make_snapshot(vm, "replica anew", bench.now())
    await bench.until(lambda d: set(d.way_back.missing) == {VMS[0]})
    assert bench.mode == Mode.RELEASING


@AT_A_VCENTER
async def test_the_record_at_the_other_side_counts(make: MakeBench) -> None:
    bench = await committed(make, protected="off")
    assert isinstance(bench, VSphereBench)
    for vm in VMS:
        bench.recovery.power_off(vm)
    there = {"id": "op-there", "type": "planned", "began": show(bench.now())}

    def says(phase: str) -> None:
        value = json.dumps({**there, "phase": phase, "since": show(bench.now())})
        bench.protected.set_attribute(DOMAIN, "drdeck.failover", value)

    says("point")
    await bench.until(lambda d: d.way_back.owned_there is False)
    await bench.refused(bench.asks("domain_release", confirm=DOMAIN), "does not own", moving=True)
    says("finished")
    await bench.until(lambda d: d.way_back.owned_there)
    await bench.quiet()
    preview = await bench.controller.desk.preview(bench.asks("domain_release"))
    assert preview.tier == 2 and "owns the domain" in preview.says[0]
    release = await bench.submit(bench.asks("domain_release"))
    await bench.until(lambda d: d.mode is Mode.RELEASING)
    await bench.refused(bench.asks("release_cancel"), "two owners would write it", moving=True)
    assert not bench.operation(release).ended, "points of before the failover do not count"
