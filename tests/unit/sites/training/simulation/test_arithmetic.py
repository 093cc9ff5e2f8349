"""The arithmetic beneath the simulation: rates, shares, points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.sites.training.simulation.bandwidth import GREEDY, share
from drdeck.sites.training.simulation.restore_points import Grid, WriteHints, merged
from drdeck.sites.training.simulation.write_rates import WriteRates, together
from drdeck.sites.training.units import MICRO, SECOND, percent

CHANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=8)


def writes(changes: list[tuple[int, int]], first: int = 3) -> WriteRates:
    rates = WriteRates(0, first)
    for at, rate in sorted(changes, key=lambda change: change[0]):
        rates.set(at, rate)
    return rates


@given(CHANGES, st.integers(-20, 80), st.integers(-20, 80))
def test_sums_are_the_rates_added_up(changes: list[tuple[int, int]], start: int, end: int) -> None:
    rates = writes(changes)
    start, end = min(start, end), max(start, end)
    assert rates.between(start, end) == sum(rates.rate(at) for at in range(start, end))
    assert sum((b - a) * rate for a, b, rate in rates.spans(start, end)) == rates.between(start, end)


@given(st.lists(CHANGES, max_size=4), st.integers(-20, 80))
def test_together_is_the_sum(many: list[list[tuple[int, int]]], at: int) -> None:
    parts = [writes(changes, first) for first, changes in enumerate(many)]
    total = together(parts)
    assert total.rate(at) == sum(part.rate(at) for part in parts)
    assert total.upto(at) == sum(part.upto(at) for part in parts)


@given(CHANGES, st.integers(0, 300))
def test_when_is_the_last_instant_that_fits(changes: list[tuple[int, int]], amount: int) -> None:
    rates = writes(changes)
    at = rates.when(amount, 100)
    assert rates.upto(at) <= amount and at <= 100
    assert at == 100 or rates.upto(at + 1) > amount


@given(st.integers(1, 1000), st.lists(st.one_of(st.just(GREEDY), st.integers(0, 400)), max_size=8))
def test_the_link_is_never_overdrawn_and_never_idle(link: int, demands: list[int]) -> None:
    given_ = share(link, demands)
    assert sum(given_) <= link and min(given_, default=0) >= 0
    for demand, got in zip(demands, given_, strict=True):
        assert demand == GREEDY or got <= demand
    short = [got for demand, got in zip(demands, given_, strict=True) if demand == GREEDY or got < demand]
    if short:
        assert max(short) == min(short) >= max(given_, default=0), "who wants more has as much as anybody"
        assert sum(given_) > link - len(demands), "nothing is left over"


GAPS = st.lists(st.tuples(st.integers(-50, 150), st.integers(0, 40)), max_size=5)


@given(st.integers(1, 13), st.integers(-40, 60), st.integers(0, 120), GAPS, st.integers(-60, 180))
def test_the_grid_counts_what_it_lists(
    interval: int, low: int, length: int, gaps: list[tuple[int, int]], upto: int
) -> None:
    grid = Grid(0, interval, low, low + length, merged((a, a + b) for a, b in gaps))
    expected = [
        at
        for at in range(low + 1, low + length + 1)
        if at % interval == 0 and not any(a < at <= a + b for a, b in gaps)
    ]
    assert grid.times() == expected and grid.count() == len(expected)
    assert grid.oldest() == (expected[0] if expected else None)
    assert grid.newest(upto) == max((at for at in expected if at <= upto), default=None)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, 100.0), (0, 10, 0.0), (9999, 10000, 99.9), (10, 10, 100.0), (-1, 5, 0.0)],
)
def test_percent_says_100_only_when_done(part: int, whole: int, expected: float) -> None:
    assert percent(part, whole) == expected


def test_a_hint_names_factor_beginning_and_vms() -> None:
    hour = 3600 * SECOND
    quiet, loud = WriteRates(0, 100), WriteRates(0, 10)
    loud.set(5 * hour + 30 * SECOND, 300)
    loud.set(6 * hour, 10)
    hints = WriteHints([("big", quiet), ("small", loud)], 0, 8 * hour)
    minute = 60 * SECOND
    assert hints.of(5 * hour - minute, 5 * hour) == (60 * 110 * MICRO, None)
    assert hints.of(5 * hour, 5 * hour + minute)[1] == "write rate x16 from 05:00Z (small)"
    assert hints.of(5 * hour + minute, 5 * hour + 2 * minute)[1] == "write rate x30 from 05:00Z (small)"
    assert hints.of(6 * hour, 6 * hour + minute)[1] is None
