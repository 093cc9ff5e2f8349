"""Rules around a rollback, wherever VMs are: nothing of others is lost unsaid, nothing is left wrong."""

from __future__ import annotations

from drdeck.controller.journal.operations import OperationState
from tests.site_contract.bench import VMS, Bench, MakeBench

APP, DB = VMS


def networks(bench: Bench) -> dict[str, tuple[str, ...]]:
    return {vm.name: vm.networks for vm in bench.domain.vms}


async def test_after_a_rollback_vms_stand_where_the_failover_put_them(make: MakeBench) -> None:
    """register V1, V13: whatever network the point was made on."""
    bench = await make()
    await bench.recovered_into_session()
    before = networks(bench)
    assert all(before.values()), before
    points = await bench.group_points()
    for to in (points[0], points[-1]):
        ident = await bench.roll_back(to)
        await bench.until(lambda d: d.recovered)
        assert networks(bench) == before
        assert bench.operation(ident).state is OperationState.DONE
        assert not any(vm.error or vm.lacks_entry for vm in bench.domain.vms)


async def test_snapshots_of_others_are_counted_and_named_before(make: MakeBench) -> None:
    """register V5: before a rollback and before an exit, in a session of some VMs of those only."""
    bench = await make(state="owned")
    await bench.session_by_hand()
    to = (await bench.group_points())[1]
    for action in ("pitr_run", "pitr_exit"):
        quiet = " ".join((await bench.controller.desk.preview(bench.asks(action, to=to))).says)
        assert "by others" not in quiet
    for name in VMS:
        await bench.meddler(name)
    await bench.until(lambda d: sum(len(vm.foreign_snapshots) for vm in d.vms) == 2)
    for action in ("pitr_run", "pitr_exit"):
        consequences = " ".join((await bench.controller.desk.preview(bench.asks(action, to=to))).says)
        assert "2 snapshots by others from this session" in consequences, consequences
        for vm in bench.domain.vms:
            assert f'"{vm.foreign_snapshots[0]}" of {vm.name}' in consequences


async def test_entry_points_are_made_only_where_they_lack(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.refused(bench.asks("pitr_entry"), "no PITR session")
    await bench.session_by_hand()
    assert not any(vm.lacks_entry for vm in bench.domain.vms)
    await bench.refused(bench.asks("pitr_entry"), "every VM in the PITR session .* has its entry point")


async def test_nothing_is_uncovered_and_nobody_left_out_of_plain_vms(make: MakeBench) -> None:
    """register V2: what is said of some VMs is said of those alone."""
    bench = await make()
    await bench.recovered_into_session()
    assert [(vm.not_covered, vm.left_out, vm.question) for vm in bench.domain.vms] == [((), False, None)] * 2
    request = bench.asks("pitr_run", to=(await bench.group_points())[0])
    preview = await bench.controller.desk.preview(request)
    assert not preview.dangers and "not covered" not in " ".join((*preview.says, *preview.warns))


async def test_a_vm_that_there_is_not_is_never_guessed(make: MakeBench) -> None:
    bench = await make(state="owned")
    await bench.session_by_hand()
    request = bench.asks("pitr_run", to=(await bench.group_points())[1], vms=("erp-db",))
    await bench.refused(request, 'no VM named "erp-db"; did you mean "erp-db01"', code="usage")
