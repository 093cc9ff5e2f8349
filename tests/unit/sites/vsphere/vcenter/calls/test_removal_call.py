"""Removals on a vCenter: one call where all goes, nothing of others ever, and room looked at before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drdeck.config.backup_names import BACKUP_LASTS
from drdeck.sites.contract import Busy, Refused
from drdeck.sites.vsphere.plan.restore_points import point_name, removal
from drdeck.sites.vsphere.vcenter.calls.call_arguments import RemovalArguments
from drdeck.sites.vsphere.vcenter.calls.datastore_room import REMOVAL_ROOM
from drdeck.sites.vsphere.vcenter.calls.removal_call import remove_snapshots
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from tests.support.vcenter.call_steps import carry_out
from tests.support.vcenter.domain_states import at, chain, snap, vm
from tests.support.vcenter.logged_in import logged_in
from tests.support.vcenter.vcsim import VCenter

POINTS = [(point_name(at(minutes)), at(minutes)) for minutes in (-10, -5, 0)]


@pytest.fixture
def session(vcenter: VCenter) -> Iterator[VCenterSession]:
    vcenter.layout({"erp": ["db01"]}, snapshots=POINTS)
    with logged_in(vcenter) as session:
        yield session


def names(vcenter: VCenter) -> list[str]:
    return [s.name for s in vcenter.snapshots("db01")]


def arguments(vcenter: VCenter) -> RemovalArguments:
    return RemovalArguments(snapshots=" ".join(s.id for s in vcenter.snapshots("db01")))


def test_all_go_by_one_call(session: VCenterSession, vcenter: VCenter) -> None:
    before = vcenter.calls()
    carry_out(remove_snapshots(session, vcenter.vm("db01")._moId, arguments(vcenter), "remove all"))
    calls = vcenter.calls() - before
    assert names(vcenter) == []
    assert (calls["RemoveAllSnapshots_Task"], calls["RemoveSnapshot_Task"]) == (1, 0)


def test_a_snapshot_of_somebody_that_came_meanwhile_stays(session: VCenterSession, vcenter: VCenter) -> None:
    args = arguments(vcenter)
    vcenter.make_snapshot("db01", "before the update")
    before = vcenter.calls()
    carry_out(remove_snapshots(session, vcenter.vm("db01")._moId, args, "remove all"))
    calls = vcenter.calls() - before
    assert names(vcenter) == ["before the update"]
    assert (calls["RemoveAllSnapshots_Task"], calls["RemoveSnapshot_Task"]) == (0, 3)


def test_nothing_is_removed_where_there_is_no_room(session: VCenterSession, vcenter: VCenter) -> None:
    store = vcenter.read(vcenter.vm("db01"), "datastore")["datastore"][0].name
    vcenter.set_room(store, free=REMOVAL_ROOM - 1, capacity=1 << 40)
    args = RemovalArguments(snapshot=vcenter.snapshots("db01")[0].id)
    with pytest.raises(Refused, match=f'prune it: the datastore "{store}" has .* free'):
        carry_out(remove_snapshots(session, vcenter.vm("db01")._moId, args, "prune it"))
    assert len(names(vcenter)) == len(POINTS)
    vcenter.set_room(store, free=REMOVAL_ROOM, capacity=1 << 40)
    carry_out(remove_snapshots(session, vcenter.vm("db01")._moId, args, "prune it"))
    assert len(names(vcenter)) == len(POINTS) - 1


def test_nothing_is_removed_beneath_a_backup_that_came_meanwhile(
    session: VCenterSession, vcenter: VCenter
) -> None:
    args, now = arguments(vcenter), session.si.CurrentTime()
    vcenter.make_snapshot("db01", "NBU_SNAPSHOT_7", at=now)
    with pytest.raises(Busy, match='prune it: a backup works with its snapshot "NBU_SNAPSHOT_7"'):
        carry_out(remove_snapshots(session, vcenter.vm("db01")._moId, args, "prune it"))
    assert names(vcenter) == [*(name for name, _ in POINTS), "NBU_SNAPSHOT_7"]


def test_what_a_backup_left_behind_keeps_nothing_from_going(
    session: VCenterSession, vcenter: VCenter
) -> None:
    args, now = arguments(vcenter), session.si.CurrentTime()
    vcenter.make_snapshot("db01", "NBU_SNAPSHOT_7", at=now - 2 * BACKUP_LASTS)
    carry_out(remove_snapshots(session, vcenter.vm("db01")._moId, args, "prune it"))
    assert names(vcenter) == ["NBU_SNAPSHOT_7"]


@pytest.mark.parametrize(
    ("others", "doomed", "asked_for"),
    [
        (False, {"1", "2", "3"}, {"snapshots": "1 2 3"}),
        (False, {"1", "2"}, {"snapshot": "1"}),
        (True, {"1", "2", "3"}, {"snapshot": "1"}),
        (True, {"1", "2", "3", "4"}, {"snapshot": "1"}),
    ],
)
def test_one_call_only_where_all_are_drdecks_and_all_go(
    others: bool, doomed: set[str], asked_for: dict[str, str]
) -> None:
    points = [snap(str(n), n, "ours") for n in (1, 2, 3)]
    machine = vm("a", **chain(*points, *([snap("4", 4)] if others else [])))
    args = removal(machine, doomed, 60).args
    assert {key: args[key] for key in asked_for} == asked_for
    assert ("snapshots" in args) == ("snapshots" in asked_for)
