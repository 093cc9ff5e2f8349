"""Times as operators type and read them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.model.times import parse_duration, parse_instant, show, show_clock, show_duration

NOW = datetime(2026, 1, 16, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-16T22:10:00Z", "2026-01-16T22:10:00Z"),
        ("2026-01-16T23:10:00+01:00", "2026-01-16T22:10:00Z"),
        ("2026-01-16T22:10:00.25Z", "2026-01-16T22:10:00.25Z"),
        ("2026-01-16 22:10", "2026-01-16T22:10:00Z"),
        ("22:10", "2026-01-16T22:10:00Z"),
        ("22:31", "2026-01-15T22:31:00Z"),
        ("22:10:05.5", "2026-01-16T22:10:05.5Z"),
        ("-15m", "2026-01-16T22:15:00Z"),
        ("-1h30m", "2026-01-16T21:00:00Z"),
        ("-0s", "2026-01-16T22:30:00Z"),
    ],
)
def test_an_instant_as_typed(text: str, instant: str) -> None:
    assert show(parse_instant(text, NOW)[0]) == instant


@pytest.mark.parametrize("text", ["22:10", "2026-01-16T22:10:00"])
def test_a_zone_that_was_assumed_is_said(text: str) -> None:
    assert "UTC" in parse_instant(text, NOW)[1]


@pytest.mark.parametrize(
    "text",
    ["", "now", "25:00", "12:60", "-", "-5", "-5y", "2026-01-16", "15m", "-99999999999d", "12:00:00.1234567"],
)
def test_what_is_no_time_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write"):
        parse_instant(text, NOW)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))
def test_what_is_shown_can_be_typed_to_the_microsecond(instant: datetime) -> None:
    assert parse_instant(show(instant), NOW)[0] == instant


@given(st.text(max_size=30))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (lambda: parse_instant(text, NOW), lambda: parse_duration(text)):
        with contextlib.suppress(ValueError):
            parse()


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("15m", 900), ("1h30m", 5400), ("3d", 259200)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_durations_for_people() -> None:
    assert [show_duration(s) for s in (0, 59, 61, 3600, 100_000)] == [
        "0s", "59s", "00:01:01", "01:00:00", "1d 03:46",
    ]  # fmt: skip
    assert show_clock(timedelta(hours=30).total_seconds()) == "30:00:00"
