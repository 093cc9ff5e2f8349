"""What was written before each point, out of the sizes of disk files, and the hint that it gives."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim

from drdeck.model.domains import Period, SessionState
from drdeck.model.hints import ENOUGH, Interval, Run, times_usual, usual
from drdeck.model.pitr import RestorePoint
from drdeck.model.times import show
from drdeck.settings import DomainSettings, Duration, PitrSettings, VSphereSettings
from drdeck.sites.vsphere import layout, make_vsphere_site, restore
from drdeck.sites.vsphere.collector import Properties
from drdeck.sites.vsphere.facts import VmFacts
from drdeck.sites.vsphere.growth import LEAST, with_growth
from drdeck.sites.vsphere.inventory import Inventory
from drdeck.sites.vsphere.layout import REDUCED
from drdeck.sites.vsphere.record import PitrRecord, Record
from tests.support.passwords import Known
from tests.support.situations import at, chain, session, snap, vm
from tests.support.soapcount import soap_calls
from tests.support.vcsim import VCenter
from tests.vsphere.test_inventory import domain_vms, until, update, watching

MIB = 1 << 20
EX = vim.vm.FileLayoutEx

# --- reading


def file(key: int, size: int | None, kind: str = "diskExtent", name: str = "x.vmdk", **more: Any) -> Any:
    return SimpleNamespace(key=key, name=name, type=kind, size=size, **{"accessible": True, **more})


def disk(*units: Sequence[int], key: int = 2000) -> Any:
    return EX.DiskLayout(key=key, chain=[EX.DiskUnit(fileKey=list(unit)) for unit in units])


def frozen(name: str, *disks: Any) -> Any:
    return EX.SnapshotLayout(key=vim.vm.Snapshot(name, None), dataKey=99, disk=list(disks))


def read(parents: dict[str, str | None], snapshots: list[Any], files: list[Any]) -> dict[str, int]:
    return layout.written(parents.items(), layout.disks(snapshots), layout.files(files))


BASE = [file(1, 400, "diskDescriptor"), file(2, 50 << 30)]
UNITS = [(1, 2), (3, 4), (5, 6), (7, 8)]
DELTAS = [
    f for n in (1, 2, 3) for f in (file(2 * n + 1, 400, "diskDescriptor"), file(2 * n + 2, n * 7 * MIB))
]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain(length: int, backwards: bool) -> None:
    """Each snapshot has what its parent has, and the delta that it froze; from whichever end it is told."""
    turn = -1 if backwards else 1
    snapshots = [frozen(f"s{n}", disk(*UNITS[: n + 1][::turn])) for n in range(length)]
    parents = {f"s{n}": f"s{n - 1}" if n else None for n in range(length)}
    growing = [file(90, 400, "diskDescriptor"), file(91, 999 * MIB)]  # since the newest: of no snapshot
    expected = {f"s{n}": n * 7 * MIB for n in range(1, length)}
    assert read(parents, snapshots, BASE + DELTAS + growing) == expected


LINE: dict[str, str | None] = {"s0": None, "s1": "s0"}


@pytest.mark.parametrize(
    ("before", "after", "extra", "written"),
    [
        ([disk((1, 2))], [disk((1, 2), (3, 4))], [], 7 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3, 4), (5, 6))], [], 21 * MIB),  # one more unit, not merged yet
        (
            [disk((20, 21), (1, 2))],
            [disk((20, 21), (1, 2), (3, 4))],
            [file(20, 9), file(21, 80 << 30)],
            7 * MIB,
        ),
        ([disk((1, 2))], [disk((1, 2), (3, 4, 30))], [file(30, 5 * MIB, name="x-ctk.vmdk")], 7 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3, 30))], [file(30, 8 * MIB + 3)], 8 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3,))], [], 0),
        ([disk((1, 2))], [disk((1, 2), (3, 30))], [file(30, 8 * MIB, "digestExtent")], 0),
    ],
    ids=["plain", "two units", "linked base", "change tracking", "rounded", "empty", "digest"],
)
def test_one_disk(before: list[Any], after: list[Any], extra: list[Any], written: int) -> None:
    found = read(LINE, [frozen("s0", *before), frozen("s1", *after)], BASE + DELTAS + extra)
    assert found == {"s1": written}


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        (
            [disk((1, 2)), disk((20,), key=2001)],
            [disk((1, 2), (3, 4)), disk((20,), (21,), key=2001)],
            18 * MIB,
        ),
        ([disk((1, 2)), disk((20,), key=2001)], [disk((1, 2), (3, 4))], 7 * MIB),
        ([disk((1, 2)), disk((20,), key=2001)], [disk((1, 2), (3, 4)), disk((20,), key=2001)], 7 * MIB),
        ([disk((1, 2))], [disk((1, 2), (3, 4)), disk((20,), key=2001)], None),
    ],
    ids=["both", "one taken away", "one independent", "one added"],
)
def test_two_disks(before: list[Any], after: list[Any], written: int | None) -> None:
    files = [*BASE, *DELTAS, file(20, 10 << 30), file(21, 11 * MIB)]
    found = read(LINE, [frozen("s0", *before), frozen("s1", *after)], files)
    assert found.get("s1") == written


@pytest.mark.parametrize(
    ("snapshots", "files"),
    [
        ([], []),
        ([], BASE + DELTAS),
        ([frozen("s1", disk((1, 2), (3, 4)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2)))], BASE + DELTAS),
        ([frozen("s0"), frozen("s1")], BASE + DELTAS),
        ([frozen("s0", disk()), frozen("s1", disk((1, 2)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((5, 6), (3, 4)))], BASE + DELTAS),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))], BASE),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))], [file(3, 400), file(4, None)]),
        ([frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))], [file(3, 400), file(4, -1)]),
        (
            [frozen("s0", disk((1, 2))), frozen("s1", disk((1, 2), (3, 4)))],
            [file(3, 400), file(4, 7, accessible=False)],
        ),
    ],
    ids=[
        "nothing", "no snapshots", "no parent", "not it", "no disks", "no chain", "no delta", "another disk",
        "no file", "no size", "no such size", "inaccessible",
    ],
)  # fmt: skip
def test_what_is_missing_makes_it_unknown(snapshots: list[Any], files: list[Any]) -> None:
    assert read(LINE, snapshots, files) == {}


def test_branches() -> None:
    """After a revert the next snapshot stands on the one gone back to."""
    snapshots = [
        frozen("s0", disk((1, 2))),
        frozen("left", disk((1, 2), (3, 4))),
        frozen("later", disk((1, 2), (3, 4), (7, 8))),
        frozen("new", disk((1, 2), (5, 6))),
    ]
    parents = {"s0": None, "left": "s0", "later": "left", "new": "s0"}
    assert read(parents, snapshots, BASE + DELTAS) == {"left": 7 * MIB, "later": 21 * MIB, "new": 14 * MIB}


def test_what_is_kept_is_small_and_parts_make_it_unknown() -> None:
    entity = vim.VirtualMachine("vm-1", None)
    raw = Properties(REDUCED)
    raw.apply(update("enter", entity, f=("assign", "layoutEx.file", BASE), n=("assign", "name", "a")))
    known = raw.of("VirtualMachine")["vm-1"]
    assert known == {"layoutEx.file": {1: 400, 2: 50 << 30}, "name": "a"}
    raw.apply(update("modify", entity, f=("assign", "layoutEx.snapshot", [frozen("s0", disk((1, 2), (3,)))])))
    assert known["layoutEx.snapshot"] == {"s0": {2000: (1, 2, 3)}}
    for part in (
        ("add", "layoutEx.file[7]", file(7, 1)),
        ("assign", "layoutEx.file[1].size", 5),
        ("remove", "layoutEx.file[1]", None),
        ("indirectRemove", "layoutEx", None),
        ("assign", "layoutEx.file", None),
    ):
        raw.apply(update("modify", entity, f=("assign", "layoutEx.file", BASE)))
        raw.apply(update("modify", entity, f=part))
        assert "layoutEx.file" not in known


# --- the rule


def spans(*rates: float, minutes: float = 15) -> list[Interval]:
    step = timedelta(minutes=minutes)
    return [Interval(at(0) + i * step, at(0) + (i + 1) * step, int(r * 900)) for i, r in enumerate(rates)]


def test_what_is_usual() -> None:
    assert usual(spans(1, 9, 2, 100)) == 5.5
    assert usual(spans(1, 9, 2, 100, 3)) == 3
    assert usual(spans(*[1] * (ENOUGH - 1))) is None
    assert usual([]) is None
    nothing = Interval(at(0), at(0), 5)
    assert usual([*spans(1, 1, 1), nothing]) is None


@pytest.mark.parametrize(
    ("written", "seconds", "rate", "factor"),
    [
        (90 * MIB, 900, MIB / 10, 1.0),
        (2700 * MIB, 900, MIB / 10, 30.0),
        (LEAST, 900, 0.0, 1.0),  # one grain of a delta is no news
        (2 * LEAST, 3, MIB / 10, 2.0),  # nor are two, within seconds
        (0, 900, 0.0, 0.0),
    ],
)
def test_times_the_usual(written: int, seconds: float, rate: float, factor: float) -> None:
    one = Interval(at(0), at(0) + timedelta(seconds=seconds), written)
    assert times_usual(one, rate, LEAST) == pytest.approx(factor)


def test_how_a_run_is_told() -> None:
    run = Run()
    assert run.tell((), 0, at(0)) is None
    assert run.tell(("erp-db01",), 29.7, at(42)) == "write rate x30 from 10:42Z (erp-db01)"
    told = run.tell(("erp-app01", "erp-db01", "erp-db02"), 12.2, at(57))
    assert told == "write rate x12 from 10:42Z (erp-app01 and 2 more)"
    assert run.tell((), 0, at(72)) is None
    assert run.tell(("a",), 6, at(72.25)) == "write rate x6 from 11:12:15Z (a)"


# --- over a domain's points

QUIET = 100 * MIB
STEP = 15.0


def grown(
    name: str, *written: int | None, start: float = 0.0, step: float = STEP, own: str = "ours"
) -> VmFacts:
    """A VM with a group point every `step` minutes; `written` up to each after the first."""
    facts = chain(*(snap(f"{name}{i}", start + i * step, own) for i in range(len(written) + 1)))
    gained = [None, *written]
    facts["snapshots"] = tuple(
        msgspec.structs.replace(s, written=w) for s, w in zip(facts["snapshots"], gained, strict=True)
    )
    return vm(name, **facts)


def told(*vms: VmFacts, record: Record | None = None, since: float = -10_000) -> list[RestorePoint]:
    """The points with their figures, oldest first."""
    record = record or Record()
    offered = [restore.describe(vms, i, kind, record) for i, kind in restore.instants(vms, record)]
    found = with_growth(offered, vms, record, at(since))
    assert [(p.time, p.kind, p.vms) for p in found] == [(p.time, p.kind, p.vms) for p in offered]
    return list(reversed(found))


def test_each_point_has_the_sum_since_the_one_before() -> None:
    points = told(grown("a", 3, 5), grown("b", 20, 0))
    assert [p.written_bytes for p in points] == [None, 23, 5]
    assert [p.hint for p in points] == [None] * 3


@pytest.mark.parametrize("began", range(5, 20))
@pytest.mark.parametrize("part", [0.0, 0.5, 0.95])
def test_the_start_of_an_incident_is_found_within_two_points(began: int, part: float) -> None:
    """It begins when so much of an interval has passed, and goes on for five or to the end."""
    night = [QUIET] * 20
    night[began : began + 5] = [30 * QUIET] * len(night[began : began + 5])
    night[began] = int(QUIET * (part + 30 * (1 - part)))
    points = told(grown("db", *night), grown("web", *[QUIET] * 20))
    first = next((p for p in points if p.hint), None)
    if first is None:
        assert (began, part) == (19, 0.95)  # of which nearly nothing is seen yet
        return
    assert timedelta() <= first.time - at((began + part) * STEP) <= timedelta(minutes=2 * STEP)
    assert points[began].hint is None
    assert f"from {at((began + (part > 0.9)) * STEP):%H:%MZ} (db)" in (first.hint or "")


def test_an_incident_that_ends() -> None:
    points = told(grown("a", *[QUIET] * 6, 30 * QUIET, 10 * QUIET, *[QUIET] * 6))
    hints = [(n, p.hint) for n, p in enumerate(points) if p.hint]
    assert hints == [(7, "write rate x30 from 11:30Z (a)"), (8, "write rate x10 from 11:30Z (a)")]


def test_several_vms_are_named_in_their_order() -> None:
    loud = [QUIET] * 6 + [50 * QUIET]
    points = told(grown("a", *[QUIET] * 7), grown("b", *loud), grown("c", *[QUIET] * 6, 30 * QUIET))
    assert points[-1].hint == "write rate x50 from 11:30Z (b and 1 more)"


def test_one_small_vm_among_large_ones_is_found() -> None:
    small = [QUIET] * 6 + [30 * QUIET] + [QUIET]
    points = told(grown("big", *[1000 * QUIET] * 8), grown("small", *small))
    assert [p.hint for p in points if p.hint] == ["write rate x30 from 11:30Z (small)"]


@given(st.integers(0, 10**6))
def test_ordinary_days_are_silent(seed: int) -> None:
    """Idle and busy hours, a third up or down by chance, and a nightly job of twice the usual."""
    chance = random.Random(seed)
    vms = [
        grown(
            name,
            *(
                int((3 if i in (12, 13) else 2 if i > 14 else 1) * QUIET * chance.uniform(0.7, 1.3))
                for i in range(30)
            ),
        )
        for name in ("a", "b")
    ]
    assert not [p.hint for p in told(*vms) if p.hint]


def test_small_deltas_are_silent() -> None:
    assert not [p.hint for p in told(grown("a", *[MIB, 0] * 6, 3 * LEAST, LEAST)) if p.hint]


def test_a_vm_that_never_wrote_and_then_does() -> None:
    points = told(grown("a", *[0] * 6, 100 * LEAST))
    assert points[-1].hint == "write rate x100 from 11:30Z (a)"


def test_too_few_points_to_tell() -> None:
    assert not [p.hint for p in told(grown("a", QUIET, QUIET, 900 * QUIET)) if p.hint]
    assert told(grown("a", QUIET, QUIET, QUIET, 900 * QUIET))[-1].hint
    assert told() == []


def test_unknown_stays_unknown() -> None:
    points = told(grown("a", *[None] * 6))
    assert [(p.written_bytes, p.hint) for p in points] == [(None, None)] * 7
    half = told(grown("a", *[QUIET] * 6, 30 * QUIET), grown("b", *[QUIET] * 3, None, *[QUIET] * 3))
    assert [p.written_bytes for p in half][3:6] == [2 * QUIET, None, 2 * QUIET]
    assert half[-1].hint == "write rate x30 from 11:30Z (a)"  # what one VM does not tell hides no other


def test_a_vm_that_came_later() -> None:
    points = told(grown("a", 1, 1, 1, 1), grown("b", 5, 5, start=2 * STEP))
    assert [p.written_bytes for p in points] == [None, 1, None, 6, 6]
    assert points[1].missing == ("b",)


def test_a_vm_that_missed_a_point() -> None:
    """Its bytes come with its next point; its rate is that of the whole time."""
    late = grown("b", *[2 * QUIET] * 5, step=2 * STEP)
    points = told(grown("a", *[QUIET] * 10), late)
    assert [p.written_bytes for p in points][1:5] == [QUIET, 3 * QUIET, QUIET, 3 * QUIET]
    assert not [p.hint for p in points if p.hint]


def test_points_of_other_tools_at_different_times() -> None:
    """A point's hint is about the data that it brings back, whenever that was made."""
    a = grown("a", *[QUIET] * 5, 30 * QUIET, own="")
    b = grown("b", *[QUIET] * 6, start=7, own="")
    hints = [(p.time, p.hint) for p in told(a, b) if p.hint]
    assert hints == [(t, "write rate x30 from 11:15Z (a)") for t in (at(90), at(97))]


def test_an_abandoned_branch_keeps_its_figures() -> None:
    a = grown("a", *[QUIET] * 5, 30 * QUIET)
    entry = msgspec.structs.replace(snap("e", 91, "ours", parent="a6"), written=4)
    fork = msgspec.structs.replace(snap("f", 110, "ours", parent="a2"), written=7 * QUIET)
    rolled = msgspec.structs.replace(a, snapshots=(*a.snapshots, entry, fork), current_snapshot="f")
    points = told(rolled)
    assert [p.written_bytes for p in points][-3:] == [30 * QUIET, 4, None]  # the last stands on an older one
    assert [bool(p.hint) for p in points][-3:] == [True, False, False]


def test_what_happens_in_a_session_is_not_the_usual_work() -> None:
    a = grown("a", *[QUIET] * 6)
    after = msgspec.structs.replace(snap("n", 120, "ours", parent="a6"), written=900 * QUIET)
    facts = msgspec.structs.replace(a, snapshots=(*a.snapshots, after), current_snapshot="n")
    period = Period(start=at(92), end=at(105))
    last = told(facts, record=Record(excluded=(period,)))[-1]
    assert (last.written_bytes, last.hint) == (900 * QUIET, None)
    assert told(facts)[-1].hint == "write rate x450 from 11:30Z (a)"
    during = Record(session=session(SessionState.ACTIVE, started=at(92), entry=at(91)))
    assert told(facts, record=during)[-1].time == at(90)


def test_only_the_window_and_only_what_is_left_counts() -> None:
    noisy = [300 * QUIET] * 6 + [QUIET] * 6 + [30 * QUIET]
    a = grown("a", *noisy)
    assert told(a, since=6 * STEP)[-1].hint == "write rate x30 from 13:00Z (a)"
    left = told(a, since=6 * STEP, record=Record(pitr=PitrRecord(reset=at(6 * STEP))))
    assert [p.written_bytes for p in left][:2] == [None, QUIET] and left[-1].hint


# --- through the simulator


def known(seen: Inventory) -> list[int | None]:
    return [s.written for s in domain_vms(seen, "erp")["db01"].snapshots]


async def test_seen_by_the_watch_at_no_further_call(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01", "web01"]})
    async with watching(vcenter) as watch:
        changes = watch.changes()
        first = await anext(changes)
        assert known(first) == [None] * 3
        vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, MIB, disks=2)
        with soap_calls() as calls:
            seen = await until(changes, lambda seen: known(seen)[1] is not None)
        assert set(calls) <= {"WaitForUpdatesEx"}
        db = domain_vms(seen, "erp")["db01"]
        assert [s.written for s in db.snapshots] == [None, 10 * MIB, 14 * MIB]
        assert domain_vms(seen, "erp")["web01"] is domain_vms(first, "erp")["web01"]

        # what grows now, and logs, are no news
        vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, 900 * MIB, disks=2, log=4711)
        again = await watch.refresh()
        assert again.serial == seen.serial and domain_vms(again, "erp")["db01"] is db

        vcenter.make_snapshot("db01", "frozen")
        vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, 900 * MIB, 0, disks=2)
        seen = await until(changes, lambda seen: known(seen)[-1] is not None)
        assert known(seen)[1:] == [
            10 * MIB,
            14 * MIB,
            1800 * MIB,
        ]
        vcenter.remove_snapshot("db01", "frozen")
        seen = await until(changes, lambda seen: len(known(seen)) == 3)
        assert known(seen)[1:] == [10 * MIB, 14 * MIB]


def _site(vcenter: VCenter, root: str) -> Any:
    pitr = PitrSettings(enabled=True, window=Duration(86400), interval=Duration(900))
    settings = VSphereSettings(
        url=vcenter.url,
        username=vcenter.user,
        ca_file=str(vcenter.ca_file),
        root=root,
        domains={"erp": DomainSettings(pitr=pitr)},
    )
    return make_vsphere_site("dr", settings, Known(vcenter.password))


@pytest.mark.parametrize("loud", [True, False])
async def test_points_of_a_site_tell_when_it_began(vcenter: VCenter, loud: bool) -> None:
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    times = [newest - timedelta(minutes=15 * n) for n in reversed(range(9))]
    root = vcenter.layout({"erp": ["db01", "web01"]}, snapshots=[(f"drdeck-{show(t)}", t) for t in times])
    quiet = [10 << 30] + [QUIET] * 9
    vcenter.set_growth("web01", *quiet)
    vcenter.set_growth("db01", *quiet[:6], *([30 * QUIET] * 3 if loud else quiet[6:9]), 0)
    site = _site(vcenter, root)
    await site.open()
    try:
        await site.observe()
        with soap_calls() as calls:
            points = (await site.points("erp")).points[::-1]
        assert calls.total() == 0
    finally:
        await site.close()
    assert [p.time for p in points] == times
    clock = times[5].strftime("%H:%M:%SZ" if times[5].second else "%H:%MZ")
    hint = f"write rate x30 from {clock} (db01)" if loud else None
    assert [p.hint for p in points] == [None] * 6 + [hint] * 3
    assert [p.written_bytes for p in points] == [
        None,
        *[2 * QUIET] * 5,
        *[31 * QUIET if loud else 2 * QUIET] * 3,
    ]
