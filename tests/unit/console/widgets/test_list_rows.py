"""Rows of the list: each mode has its few words."""

from __future__ import annotations

import pytest

from drdeck.console.widgets.domain_columns import domain_row
from drdeck.console.widgets.list_rows import STATE, state_text
from drdeck.model.domains import Mode
from drdeck.model.facts.life_facts import WayBack
from tests.support.console.fake_client import NOW, domain


@pytest.mark.parametrize("mode", list(Mode))
def test_each_mode_is_drawn_and_fits(mode: Mode) -> None:
    assert 0 < len(state_text(domain(mode=mode), NOW)) <= STATE


def test_before_its_vms_were_read_a_domain_counts_none() -> None:
    """ "0/0" would be a statement about them."""
    row = domain(mode=Mode.UNKNOWN, mode_says="Rehydration", vms_total=0, unread=True)
    _, state, *rest = "".join(text for text, _ in domain_row(row, 120, NOW)).split()
    assert state == "Rehydration" and "/" not in "".join(rest)


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (WayBack(returning="op-1"), "Failing back"),
        (WayBack(restored_at=NOW), "Not protected"),
        (WayBack(), "Running in Failover"),
    ],
)
def test_a_domain_that_runs_here_says_how(back: WayBack, words: str) -> None:
    assert state_text(domain(mode=Mode.RUNNING_IN_FAILOVER, way_back=back), NOW) == words
