"""Findings about hosts' clocks, as a table."""

from __future__ import annotations

import pytest

from drdeck.sites.vsphere.doctor.host_clocks import MOST_HOSTS, findings_of


@pytest.mark.parametrize(
    ("ahead_s", "silent", "total", "level", "texts"),
    [
        ({"a": 0.2, "b": -1.25}, {}, 2, "ok", ["2 within 1.2 s of vCenter's"]),
        ({"a": 5.0}, {}, MOST_HOSTS + 9, "ok", [f"1 within 5.0 s of vCenter's ({MOST_HOSTS + 9} there are)"]),
        ({"a": 5.1, "b": 0.0}, {}, 2, "warn", ["the clock of host a is 5 s ahead of vCenter's"]),
        (
            {"a": -3600.0, "b": 90.0},
            {},
            2,
            "warn",
            ["host a is 3,600 s behind vCenter's", "host b is 90 s ahead of vCenter's"],
        ),
        (
            {"a": 0.0},
            {"b": "No permission", "c": "No permission"},
            3,
            "warn",
            ["not told by b, c: No permiss"],
        ),
    ],
)
def test_each_clock_that_is_far_off_or_not_told_is_named(
    ahead_s: dict[str, float], silent: dict[str, str], total: int, level: str, texts: list[str]
) -> None:
    findings = findings_of(ahead_s, silent, total)
    assert {finding.level for finding in findings} == {level}
    for finding, text in zip(findings, texts, strict=True):
        assert text in finding.text
