"""Rows of the list: each mode has its few words."""

from __future__ import annotations

import pytest

from drdeck.console.widgets.list_rows import STATE, state_text
from drdeck.model.domains import Mode
from drdeck.model.facts.life_facts import WayBack
from tests.support.console.fake_client import NOW, domain


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.UNKNOWN])
def test_each_mode_is_drawn_and_fits(mode: Mode) -> None:
    assert 0 < len(state_text(domain(mode=mode), NOW)) <= STATE


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
