"""The PITR window as a line: points, write rate, what cannot be reached, the rollback, the cursor."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from drdeck.console.actions.palette import SIGNS
from drdeck.console.format import plain_of
from drdeck.console.widgets.timeline import Span, hours, marks, rates, sparkline, stretches, timeline, usual
from drdeck.model.domains import Mode, Period
from drdeck.model.pitr import Points, RestorePoint
from tests.support.console.fake_client import NOW, changed, domain, in_session, points

MINUTE = timedelta(minutes=1)
SPAN = Span(NOW - 60 * MINUTE, NOW, 60)
"""A cell a minute"""


def points_before(*minutes: float, hint: int | None = None, written: int = 60) -> Points:
    """Points so many minutes before now, newest first; `hint`: the minute of one that is abnormal."""
    return Points(
        points=tuple(
            RestorePoint(
                time=NOW - m * MINUTE,
                kind="group",
                vms=2,
                written_bytes=written,
                hint="write rate x30" if m == hint else None,
                abnormal_since=NOW - m * MINUTE if m == hint else None,
            )
            for m in sorted(minutes)
        )
    )


def drawn(points: Points, excluded: tuple[Period, ...] = (), back: datetime | None = None) -> str:
    return "".join(text for text, _ in marks(points, excluded, SPAN, back))


def test_points_stand_at_their_minutes_and_the_last_good_one_stands_out() -> None:
    row = drawn(points_before(50, 40, 10, hint=10))
    assert [(i, c) for i, c in enumerate(row) if c != "─"] == [(10, "│"), (20, "★"), (50, "✗")]
    assert "★" not in drawn(points_before(50, 40, 10))


@pytest.mark.parametrize(
    ("period", "hatched"),
    [
        (Period(start=NOW - 30 * MINUTE, end=NOW - 20 * MINUTE), range(30, 41)),
        (Period(start=NOW - 5 * MINUTE), range(55, 60)),
        (Period(start=NOW - 90 * MINUTE, end=NOW - 55 * MINUTE), range(6)),
        (Period(start=NOW - 90 * MINUTE, end=NOW - 70 * MINUTE), range(0)),
    ],
    ids=["in it", "still active", "begun before", "over before"],
)
def test_excluded_periods_are_hatched(period: Period, hatched: range) -> None:
    row = drawn(points_before(50), (period,))
    assert [i for i, c in enumerate(row) if c == "▒"] == list(hatched)


def test_the_rollback_in_force_stands_over_its_point() -> None:
    assert drawn(points_before(50, 40), back=NOW - 40 * MINUTE)[20] == "◆"
    assert "◆" not in drawn(points_before(50, 40), back=NOW - 100 * MINUTE)


def test_the_help_names_every_sign() -> None:
    session = in_session(rollbacks=1, excluded=(Period(start=NOW - 12 * MINUTE),))
    lines = [plain_of(line) for line in timeline(session, points(), NOW, 80, NOW - 30 * MINUTE)]
    explained = "".join(sign for sign, _ in SIGNS["Run PITR"])
    for sign in set(lines[2]) - set(" ─"):
        assert sign in explained, f"{sign} is not explained"
    assert {"│", "✗", "★", "▒", "◆"} <= set(lines[2])
    assert "2026-11-22 10:12:07Z ▲" in lines[4]


def test_points_that_are_near_each_other_are_a_line_with_the_gaps_that_there_are() -> None:
    minutes = [m for m in range(60) if not 20 < m < 30]
    dense = drawn(points_before(*minutes))
    assert set(dense) == {"═", "─"}, "no ticks, and none of the gaps that come of rounding"
    assert [i for i, c in enumerate(dense) if c == "─"] == [0, *range(31, 40)]
    abnormal = points_before(*minutes)
    sick = [changed(p, abnormal_since=p.time) for p in abnormal.points if p.time > NOW - 10 * MINUTE]
    row = drawn(changed(abnormal, points=(*sick, *abnormal.points[len(sick) :])))
    assert row[50] == "★" and set(row[51:]) == {"✗"}


def test_abnormal_points_that_are_not_a_cell_apart_leave_no_good_cell_between_them() -> None:
    minutes = [m * 1.3 for m in range(40)]
    every = points_before(*minutes)
    sick = [changed(p, abnormal_since=p.time) for p in every.points[:20]]
    row = drawn(changed(every, points=(*sick, *every.points[20:])))
    assert set(row[row.index("✗") :]) == {"✗"}
    outage = [p for p in sick if not 5 < (NOW - p.time) / MINUTE < 15]
    row = drawn(changed(every, points=(*outage, *every.points[20:])))
    assert set(row[46:54]) == {"─"} and {row[43], row[57]} == {"✗"}, "an outage stays one"


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(hours=1), ["╵09:50", "╵10:00", "╵10:10", "╵10:30"]),
        (timedelta(hours=6), ["╵05:00", "╵06:00", "╵07:00", "╵08:00", "╵09:00", "╵10:00"]),
        (timedelta(days=3), ["╵11-20", "╵12:00", "╵11-21", "╵11-22"]),
    ],
)
def test_the_axis_has_round_hours_or_dates(length: timedelta, labels: list[str]) -> None:
    span = Span(NOW - length, NOW, 78)
    axis = hours(span)
    assert len(axis) <= span.width
    for label in labels:
        assert label in axis, axis
    at = span.cell(NOW.replace(hour=10, minute=0, second=0))
    if length < timedelta(days=1):
        assert axis[at:].startswith("╵10:00")


def test_only_midnight_is_a_date_on_an_axis_of_minutes() -> None:
    """After it each label is its own: what looks alike is not read as a time."""
    midnight = NOW.replace(hour=0, minute=0, second=0)
    axis = hours(Span(midnight - 12 * MINUTE, midnight + 12 * MINUTE, 78))
    assert axis.split() == ["╵23:50", "╵23:55", f"╵{midnight:%m-%d}", "╵00:05", "╵00:10"]


def test_nothing_is_known_of_what_was_written_across_a_session() -> None:
    """A rollback leaves a branch and its points behind; the rate over the gap would be made up."""
    points = points_before(58, 57, 56, 10, 9)
    session = Period(start=NOW - 20 * MINUTE, end=NOW - 12 * MINUTE)
    stretch_rates = stretches(points.points, (session,))
    assert [one.rate for one in stretch_rates] == [1.0, 1.0, 1.0]
    line = sparkline(rates(stretch_rates, SPAN), usual(stretch_rates))
    assert line[5:50].strip() == "" and set(line) == {"▂", " "}


def test_zooming_into_an_outburst_does_not_make_it_usual() -> None:
    quiet = [changed(p, written_bytes=60) for p in points_before(*range(20, 60)).points]
    loud = [changed(p, written_bytes=1800) for p in points_before(*range(20)).points]
    stretch_rates = stretches((*loud, *quiet), ())
    close = Span(NOW - 10 * MINUTE, NOW, 60)
    assert set(sparkline(rates(stretch_rates, close), usual(stretch_rates))) == {"█"}


def test_a_window_without_points_is_drawn_too() -> None:
    empty = Points(points=(), window_from=NOW - timedelta(days=3), window_to=NOW)
    lines = timeline(domain(mode=Mode.RUNNING_IN_FAILOVER), empty, NOW, 80, None)
    assert "write rate unknown" in plain_of(lines[1])
    assert plain_of(lines[2]).strip("─ ") == ""
    assert all(len(plain_of(line)) <= 80 for line in lines)


def test_the_hint_drops_names_before_the_time() -> None:
    long = f"write rate x30 from 22:41Z (a-vm-with-{'x' * 60})"
    points = changed(points_before(50, 40, 10), window_from=NOW - timedelta(days=2))
    hinted = changed(points, points=tuple(changed(p, hint=long) for p in points.points))
    head = plain_of(timeline(domain(), hinted, NOW, 80, None)[0])
    assert "write rate x30 from 22:41Z" in head and "a-vm-with" not in head
