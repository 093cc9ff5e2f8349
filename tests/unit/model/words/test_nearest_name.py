"""The name that was probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.model.words.nearest_name import did_you_mean, nearest

DOMAINS = ("erp-prod", "erp-test", "files", "größe")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("erp-prod", "erp-prod"),
        ("erp-rpod", "erp-prod"),
        ("ERP-Prod", "erp-prod"),
        ("file", "files"),
        ("fi", "files"),
        ("e", None),
        ("gro\u0308sse", "größe"),
        ("payroll", None),
        ("", None),
    ],
)
def test_the_nearest(typed: str, meant: str | None) -> None:
    assert nearest(typed, DOMAINS) == meant


@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=20))
def test_it_is_one_of_those_that_there_are(typed: str, names: list[str]) -> None:
    assert nearest(typed, names) in (None, *names)


@pytest.mark.parametrize(
    ("typed", "names", "words"),
    [
        ("erp-rpod", DOMAINS, 'did you mean "erp-prod"?'),
        ("payroll", DOMAINS, 'there are: "erp-prod", "erp-test", "files", "größe"'),
        (
            "payroll",
            [f"d{n}" for n in range(40)],
            'there are: "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"',
        ),
        ("payroll", (), "there is none"),
    ],
)
def test_the_words_behind_a_slip(typed: str, names: tuple[str, ...], words: str) -> None:
    assert did_you_mean(typed, names).startswith(words)
    assert ("and 32 more" in did_you_mean(typed, names)) == (len(names) == 40)
