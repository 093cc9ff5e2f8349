"""Restore points: which there are, and where a VM goes back to."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.model.domains import Period
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.plan import restore_points
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import PitrRecord
from tests.support.vcenter.domain_states import T0, at, chain, snap, vm

MINUTES = st.integers(-500, 500).map(lambda quarter: quarter / 4)


@st.composite
def records(draw: st.DrawFn) -> Record:
    spans = draw(st.lists(st.tuples(MINUTES, st.floats(0, 60)), max_size=3))
    reset = draw(st.none() | MINUTES)
    return Record(
        pitr=PitrRecord(reset=None if reset is None else at(reset)),
        excluded=tuple(Period(start=at(m), end=at(m + length)) for m, length in spans),
    )


@st.composite
def vms(draw: st.DrawFn) -> VmFacts:
    snapshots = [
        snap(f"s{i}", minutes, "ours" if own else "")
        for i, (minutes, own) in enumerate(draw(st.lists(st.tuples(MINUTES, st.booleans()), max_size=12)))
    ]
    return vm("a", **chain(*snapshots))


@given(vms(), records(), MINUTES)
def test_the_newest_usable_one_at_or_before(machine: VmFacts, record: Record, minutes: float) -> None:
    to = at(minutes)
    snapshot = restore_points.target(machine, to, record)
    allowed = [
        s
        for s in machine.snapshots
        if restore_points.instant_of(s) <= to
        and (record.pitr.reset is None or restore_points.instant_of(s) > record.pitr.reset)
        and not any(p.covers(restore_points.instant_of(s)) for p in record.excluded)
    ]
    if snapshot is None:
        assert not allowed
        return
    assert snapshot in allowed
    assert restore_points.instant_of(snapshot) == max(restore_points.instant_of(s) for s in allowed)


@given(st.lists(vms(), max_size=4), records())
def test_what_is_offered_can_be_had(machines: list[VmFacts], record: Record) -> None:
    offered = restore_points.instants(machines, record)
    assert [i for i, _ in offered] == sorted((i for i, _ in offered), reverse=True)
    assert len({i for i, _ in offered}) == len(offered)
    for instant, kind in offered:
        point = restore_points.describe(tuple(machines), instant, kind, record)
        assert point.vms >= 1 and point.vms + len(point.missing) == len(machines)
        assert point.skew_s >= 0


def copied(machine: VmFacts, order: list[str], size: int = 1) -> int:
    """What removals in an order copy, each snapshot's delta of so much merged into what stands below it."""
    standing = [s.id for s in machine.snapshots if s.id in restore_points.ancestors(machine)]
    deltas, total = dict.fromkeys(standing, size), 0
    for ident in order:
        if ident not in standing:
            continue  # a leaf of an abandoned branch: its file goes
        at_place = standing.index(ident)
        total += deltas[ident]
        if at_place:  # the delta below grows, and is copied whole when its own turn comes
            deltas[standing[at_place - 1]] += deltas[ident]
        standing.remove(ident)
    return total


@given(vms())
def test_each_block_of_the_running_chain_is_copied_once(machine: VmFacts) -> None:
    ids = {s.id for s in machine.snapshots}
    order = [s.id for s in restore_points.removal_order(machine, ids)]
    assert sorted(order) == sorted(ids)
    assert copied(machine, order) == len(ids)


def test_thirty_points_of_a_gib_cost_thirty_gib_and_no_more() -> None:
    machine = vm("a", **chain(*(snap(str(n), n, "ours") for n in range(30))))
    order = [s.id for s in restore_points.removal_order(machine, {s.id for s in machine.snapshots})]
    assert copied(machine, order, 1 << 30) == 30 << 30
    assert copied(machine, order[::-1], 1 << 30) == 465 << 30, "the other way round"


def test_abandoned_branches_go_leaf_by_leaf_before_the_chain_that_runs() -> None:
    base, old, older = snap("1", 0), snap("2", 1, parent="1"), snap("3", 2, parent="2")
    runs = snap("4", 3, parent="1")
    machine = vm("a", snapshots=(base, old, older, runs), current_snapshot="4")
    order = [s.id for s in restore_points.removal_order(machine, {"1", "2", "3", "4"})]
    assert order == ["3", "2", "1", "4"]
    assert [s.id for s in restore_points.removal_order(machine, {"2", "4"})] == ["2", "4"]


@pytest.mark.parametrize(
    ("name", "mine", "instant"),
    [
        ("drdeck-2026-11-22T09:30:00Z", True, at(-30)),
        ("drdeck-2026-11-22T09:30:00.25Z", True, at(-30) + timedelta(milliseconds=250)),
        ("drdeck-2026-13-22T09:30:00Z", True, T0),  # no date: vCenter's word counts
        ("drdeck-2026-11-22T09:30:00+01:00", False, T0),
        ("my drdeck-2026-11-22T09:30:00Z", False, T0),
        ("drdeck-2026-11-22T09:30:00Z backup", False, T0),
        ("HBR 1", False, T0),
    ],
)
def test_whose_it_is_and_from_when(name: str, mine: bool, instant: datetime) -> None:
    snapshot = SnapshotFact("s", name, "drdeck: group point", T0, None)
    assert restore_points.ours(snapshot) is mine
    assert restore_points.instant_of(snapshot) == instant
    anybody = SnapshotFact("s", name, "before the upgrade", T0, None)
    assert not restore_points.ours(anybody) and restore_points.instant_of(anybody) == T0


def test_names_and_instants_go_together() -> None:
    for instant in (T0, T0 + timedelta(milliseconds=7), T0 + timedelta(microseconds=1)):
        snapshot = SnapshotFact("s", restore_points.point_name(instant), "drdeck: group point", at(60), None)
        assert restore_points.ours(snapshot) and restore_points.instant_of(snapshot) == instant


def test_snapshots_of_other_tools_that_belong_together() -> None:
    a = vm("a", **chain(snap("a1", 0), snap("a2", 10)))
    b = vm("b", **chain(snap("b1", 0.5), snap("b2", 12)))
    offered = restore_points.instants([a, b], Record())
    assert offered == [(at(12), "foreign"), (at(10), "foreign"), (at(0.5), "foreign")]
    point = restore_points.describe((a, b), at(10), "foreign", Record())
    assert (point.vms, point.skew_s, point.missing) == (1, 570.0, ("b",)), "b would go back further"
    assert restore_points.describe((a, b), at(0.5), "foreign", Record()).missing == ()
    assert restore_points.describe((a, b), at(0), "foreign", Record()).missing == ("b",)


def test_a_vm_that_joined_a_group_point_late_shows_in_its_skew() -> None:
    group = restore_points.point_name(at(5))
    a = vm("a", **chain(snap("a1", 5, group)))
    b = vm("b", **chain(snap("b1", 5.75, group)))
    point = restore_points.describe((a, b), at(5), "group", Record())
    assert (point.vms, point.skew_s, point.missing) == (2, 45.0, ())


def test_dates_that_cannot_be() -> None:
    """register F2: a host whose clock is wrong dates its snapshots wrong."""
    odd = vm("a", **chain(snap("1", -60), snap("2", 120), snap("3", -30 * 525_600)))
    now = at(0)
    assert [restore_points.misdated(x, now) for x in odd.snapshots] == [False, True, True]
    assert restore_points.newest(odd, Record(), now) == at(-60)
    assert restore_points.instants([odd], Record(), now) == [(at(-60), "foreign")]
    slightly = vm("a", **chain(snap("1", 0.5)))
    assert restore_points.newest(slightly, Record(), now) == now, "within what clocks differ by"


def test_of_equal_instants_the_later_in_the_tree() -> None:
    """register F27."""
    both = vm("a", **chain(snap("1", 0), snap("2", 0)))
    point = restore_points.target(both, at(1), Record())
    assert point is not None and point.id == "2"


@pytest.mark.parametrize(
    ("ident", "number", "newer"),
    [("snapshot-8", 7, True), ("snapshot-7", 7, False), ("snapshot-1000000", 999_999, True), ("s", 0, False)],
)
def test_what_came_later_is_told_by_its_id(ident: str, number: int, newer: bool) -> None:
    assert restore_points.has_newer(vm("a", **chain(snap(ident, 0))), number, Record()) is newer


def test_a_failovers_entry_point_is_nowhere_a_restore_point() -> None:
    """It is of before the failover: only its undo goes back there. By drdeck's description, which a snapshot
    that somebody named alike has not."""
    name = restore_points.entry_name("op-1")
    theirs = snap("4711", 0)
    entry = SnapshotFact("4712", name, "drdeck: entry point", at(5), "4711")
    machine = vm("a", snapshots=(theirs, entry), current_snapshot="4712")
    assert restore_points.target(machine, at(10), Record()) == theirs
    assert restore_points.instants([machine], Record()) == [(at(0), "foreign")]
    assert restore_points.newest(machine, Record(), at(10)) == at(0)
    assert not restore_points.has_newer(machine, 4711, Record())
    alike = vm("a", snapshots=(theirs, SnapshotFact("4712", name, "mine", at(5), "4711")))
    assert restore_points.instants([alike], Record())[0] == (at(5), "foreign")


@pytest.mark.parametrize("patterns", [["*"], ["drdeck-before-*"], ["[!x]*"]])
def test_no_pattern_gives_the_entry_point_of_a_failover_away(patterns: list[str]) -> None:
    """An undo of the failover would have nothing to go back to."""
    entry = SnapshotFact("e", restore_points.entry_name("op-1"), "drdeck: before the failover", at(0), None)
    a = vm("a", snapshots=(entry, snap("f", 1), snap("o", 2, "ours")), current_snapshot="o")
    assert "e" not in [x.id for x in restore_points.prunable(a, patterns)]
    assert "o" in [x.id for x in restore_points.prunable(a, patterns)]
