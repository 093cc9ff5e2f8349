"""What was written before each of a domain's points, and the hint that it gives."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.model.domains import Period, SessionState
from drdeck.model.pitr import ENOUGH, Interval, RestorePoint, Run, times_usual, usual
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan import restore_points
from drdeck.sites.vsphere.plan.write_hints import LEAST, with_growth
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import PitrRecord
from tests.support.vcenter.domain_states import at, chain, session, snap, vm

MIB = 1 << 20


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
    interval = Interval(at(0), at(0) + timedelta(seconds=seconds), written)
    assert times_usual(interval, rate, LEAST) == pytest.approx(factor)


def test_how_a_run_is_told() -> None:
    run = Run()
    assert run.tell((), 0, at(0)) is None
    assert run.tell(("erp-db01",), 29.7, at(42)) == "write rate x30 from 10:42Z (erp-db01)"
    hint = run.tell(("erp-app01", "erp-db01", "erp-db02"), 12.2, at(57))
    assert hint == "write rate x12 from 10:42Z (erp-app01 and 2 more)"
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


def with_figures(*vms: VmFacts, record: Record | None = None, since: float = -10_000) -> list[RestorePoint]:
    """The points with their figures, oldest first."""
    record = record or Record()
    offered = [
        restore_points.describe(vms, i, kind, record) for i, kind in restore_points.instants(vms, record)
    ]
    points = with_growth(offered, vms, record, at(since))
    assert [(p.time, p.kind, p.vms) for p in points] == [(p.time, p.kind, p.vms) for p in offered]
    return list(reversed(points))


def test_each_point_has_the_sum_since_the_one_before() -> None:
    points = with_figures(grown("a", 3, 5), grown("b", 20, 0))
    assert [p.written_bytes for p in points] == [None, 23, 5]
    assert [p.hint for p in points] == [None] * 3


@pytest.mark.parametrize("began", range(5, 20))
@pytest.mark.parametrize("part", [0.0, 0.5, 0.95])
def test_the_start_of_an_incident_is_found_within_two_points(began: int, part: float) -> None:
    """It begins when so much of an interval has passed, and goes on for five or to the end."""
    night = [QUIET] * 20
    night[began : began + 5] = [30 * QUIET] * len(night[began : began + 5])
    night[began] = int(QUIET * (part + 30 * (1 - part)))
    points = with_figures(grown("db", *night), grown("web", *[QUIET] * 20))
    first = next((p for p in points if p.hint), None)
    if first is None:
        assert (began, part) == (19, 0.95)  # of which nearly nothing is seen yet
        return
    assert timedelta() <= first.time - at((began + part) * STEP) <= timedelta(minutes=2 * STEP)
    assert points[began].hint is None
    assert f"from {at((began + (part > 0.9)) * STEP):%H:%MZ} (db)" in (first.hint or "")


def test_an_incident_that_ends() -> None:
    points = with_figures(grown("a", *[QUIET] * 6, 30 * QUIET, 10 * QUIET, *[QUIET] * 6))
    hints = [(n, p.hint) for n, p in enumerate(points) if p.hint]
    assert hints == [(7, "write rate x30 from 11:30Z (a)"), (8, "write rate x10 from 11:30Z (a)")]


def test_several_vms_are_named_in_their_order() -> None:
    loud = [QUIET] * 6 + [50 * QUIET]
    points = with_figures(grown("a", *[QUIET] * 7), grown("b", *loud), grown("c", *[QUIET] * 6, 30 * QUIET))
    assert points[-1].hint == "write rate x50 from 11:30Z (b, c)"


def test_one_small_vm_among_large_ones_is_found() -> None:
    small = [QUIET] * 6 + [30 * QUIET] + [QUIET]
    points = with_figures(grown("big", *[1000 * QUIET] * 8), grown("small", *small))
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
    assert not [p.hint for p in with_figures(*vms) if p.hint]


def test_small_deltas_are_silent() -> None:
    assert not [p.hint for p in with_figures(grown("a", *[MIB, 0] * 6, 3 * LEAST, LEAST)) if p.hint]


def test_a_vm_that_never_wrote_and_then_does() -> None:
    points = with_figures(grown("a", *[0] * 6, 100 * LEAST))
    assert points[-1].hint == "write rate x100 from 11:30Z (a)"


def test_too_few_points_to_tell() -> None:
    assert not [p.hint for p in with_figures(grown("a", QUIET, QUIET, 900 * QUIET)) if p.hint]
    assert with_figures(grown("a", QUIET, QUIET, QUIET, 900 * QUIET))[-1].hint
    assert with_figures() == []


def test_unknown_stays_unknown() -> None:
    points = with_figures(grown("a", *[None] * 6))
    assert [(p.written_bytes, p.hint) for p in points] == [(None, None)] * 7
    half = with_figures(grown("a", *[QUIET] * 6, 30 * QUIET), grown("b", *[QUIET] * 3, None, *[QUIET] * 3))
    assert [p.written_bytes for p in half][3:6] == [2 * QUIET, None, 2 * QUIET]
    assert half[-1].hint == "write rate x30 from 11:30Z (a)"  # what one VM does not tell hides no other


def test_a_vm_that_came_later() -> None:
    points = with_figures(grown("a", 1, 1, 1, 1), grown("b", 5, 5, start=2 * STEP))
    assert [p.written_bytes for p in points] == [None, 1, None, 6, 6]
    assert points[1].missing == ("b",)


def test_a_vm_that_missed_a_point() -> None:
    """Its bytes come with its next point; its rate is that of the whole time."""
    late = grown("b", *[2 * QUIET] * 5, step=2 * STEP)
    points = with_figures(grown("a", *[QUIET] * 10), late)
    assert [p.written_bytes for p in points][1:5] == [QUIET, 3 * QUIET, QUIET, 3 * QUIET]
    assert not [p.hint for p in points if p.hint]


def test_points_of_other_tools_at_different_times() -> None:
    """A point's hint is about the data that it brings back, whenever that was made."""
    a = grown("a", *[QUIET] * 5, 30 * QUIET, own="")
    b = grown("b", *[QUIET] * 6, start=7, own="")
    hints = [(p.time, p.hint) for p in with_figures(a, b) if p.hint]
    assert hints == [(t, "write rate x30 from 11:15Z (a)") for t in (at(90), at(97))]


def test_an_abandoned_branch_keeps_its_figures() -> None:
    a = grown("a", *[QUIET] * 5, 30 * QUIET)
    entry = msgspec.structs.replace(snap("e", 91, "ours", parent="a6"), written=4)
    fork = msgspec.structs.replace(snap("f", 110, "ours", parent="a2"), written=7 * QUIET)
    rolled = msgspec.structs.replace(a, snapshots=(*a.snapshots, entry, fork), current_snapshot="f")
    points = with_figures(rolled)
    assert [p.written_bytes for p in points][-3:] == [30 * QUIET, 4, None]  # the last stands on an older one
    assert [bool(p.hint) for p in points][-3:] == [True, False, False]


def test_what_happens_in_a_session_is_not_the_usual_work() -> None:
    a = grown("a", *[QUIET] * 6)
    after = msgspec.structs.replace(snap("n", 120, "ours", parent="a6"), written=900 * QUIET)
    facts = msgspec.structs.replace(a, snapshots=(*a.snapshots, after), current_snapshot="n")
    period = Period(start=at(92), end=at(105))
    last = with_figures(facts, record=Record(excluded=(period,)))[-1]
    assert (last.written_bytes, last.hint) == (900 * QUIET, None)
    assert with_figures(facts)[-1].hint == "write rate x450 from 11:30Z (a)"
    during = Record(session=session(SessionState.ACTIVE, started=at(92), entry=at(91)))
    assert with_figures(facts, record=during)[-1].time == at(90)


def test_only_the_window_and_only_what_is_left_counts() -> None:
    noisy = [300 * QUIET] * 6 + [QUIET] * 6 + [30 * QUIET]
    a = grown("a", *noisy)
    assert with_figures(a, since=6 * STEP)[-1].hint == "write rate x30 from 13:00Z (a)"
    left = with_figures(a, since=6 * STEP, record=Record(pitr=PitrRecord(reset=at(6 * STEP))))
    assert [p.written_bytes for p in left][:2] == [None, QUIET] and left[-1].hint
