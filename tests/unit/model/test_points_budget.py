"""How many VMs a round of restore points has room for."""

from __future__ import annotations

import pytest

from drdeck.model.points_budget import points_late, removals_late, rounds_late, vms_of_a_round


@pytest.mark.parametrize(
    ("vms", "interval_s", "text"),
    [
        (96, 900, ""),
        (97, 900, "room for 96 of 97 VMs at some 5 s a snapshot, 8 at a time: the newest point of a VM is"),
        (97, 900, "up to 30m old"),
        (200, 900, "up to 45m old, and not 15m"),
        (200, 14400, "up to 12h old, and not 4h"),
        (49, 30, "room for 48 of 49 VMs"),
        (200, 0, ""),
    ],
)  # fmt: skip
def test_a_domain_against_a_round(vms: int, interval_s: float, text: str) -> None:
    assert (text in points_late(vms, interval_s)) if text else points_late(vms, interval_s) == ""


def test_however_short_the_interval_some_join() -> None:
    assert vms_of_a_round(1) == 8


@pytest.mark.parametrize(
    ("vms", "at_once", "interval_s", "text"),
    [
        (720, 4, 900, ""),
        (721, 4, 900, "each interval of 15m a point of 721 VMs is to be removed here, which takes 16m"),
        (200, 1, 900, "takes 17m"),
    ],
)
def test_a_datastore_against_an_interval(vms: int, at_once: int, interval_s: float, text: str) -> None:
    late = removals_late(vms, at_once, interval_s)
    assert (text in late) if text else late == ""


@pytest.mark.parametrize(
    ("domains", "text"),
    [
        ([(20, 900.0)] * 35, ""),
        ([(20, 900.0)] * 40, "of 800 VMs in 40 domains"),
        ([(20, 14_400.0)] * 500, ""),
        ([(20, 14_400.0)] * 1200, "take 2.1 times as long as the intervals"),
        ([(710, 900.0), (1, 0.0)], ""),
        ([(20, 900.0)] * 36 + [(1, 900.0)], "of 721 VMs in 37 domains"),
    ],
)
def test_domains_together_against_their_intervals(domains: list[tuple[int, float]], text: str) -> None:
    late = rounds_late(domains)
    assert (text in late) if text else late == ""
