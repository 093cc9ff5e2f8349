"""A maker of decks on two vCenters, and one of them, that end their controllers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.deck import Deck
from tests.support.vcenter import flowsite
from tests.support.vcenter.flowsite import PITR_DOMAIN, MakeDeck
from tests.support.vcenter.vcsim import VCenter


@pytest.fixture
def points() -> list[datetime]:
    """The instants of the replicas' snapshots, oldest first."""
    return flowsite.instants()


@pytest.fixture
def make_deck(tmp_path: Path, points: list[datetime]) -> Iterator[MakeDeck]:
    """drdeck with a runbook of two groups, each command a process of its own."""
    decks: list[Deck] = []

    def make(recovery: VCenter, protected: VCenter) -> Deck:
        root = flowsite.lay_out(recovery, protected, points)
        decks.append(flowsite.deck(tmp_path, recovery, root, protected, PITR_DOMAIN))
        return decks[-1]

    yield make
    for deck in decks:
        deck.stop()


@pytest.fixture
def deck(make_deck: MakeDeck, recovery: VCenter, protected_vcenter: VCenter) -> Deck:
    """The same, on two vCenters of which the recovery one boots its guests quickly."""
    return make_deck(recovery, protected_vcenter)
