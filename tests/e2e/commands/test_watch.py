"""`watch` of a whole start, by lines that differ and by milestones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path, '[sites.training]\nkind = "training"\nscenario = "first-failover"\nspeed = 200\n')
    deck.here = True
    yield deck
    deck.stop()


@pytest.mark.parametrize("options", [(), ("--milestones",)])
def test_no_line_repeats_the_one_before(deck: Deck, options: tuple[str, ...]) -> None:
    deck.run("cfo", "start", "intranet", "--network", "*=DRSeg")
    watched = deck.run(
        "watch", "intranet", "--until", "synchronised", "--timeout", "120", *options
    ).stdout.splitlines()
    assert len(watched) > 1
    words = [line.split("  ")[2:] if not options else line.split(". ")[:-1] for line in watched]
    for earlier, later in itertools.pairwise(words):
        assert later and later != earlier
        repeated = [w for w in later if w in earlier and not w.startswith("unprotected")]
        assert repeated == [], (earlier, later)
    if options:
        assert all(line.startswith("intranet: ") and line.endswith("Z") for line in watched)
        assert "Continuous Rehydration in Progress" in watched[-1]
