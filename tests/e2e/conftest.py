"""What the flows share: makers of flows, and a deck on two vCenters, that end their controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support import flowsite
from tests.support.deck import Deck
from tests.support.flow import Flow
from tests.support.flowsite import PITR_DOMAIN
from tests.support.vcsim import VCenter

MakeFlow = Callable[..., Flow]
MakeDeck = Callable[[VCenter, VCenter], Deck]


@pytest.fixture
def make_flow(tmp_path: Path) -> Iterator[MakeFlow]:
    made: list[Flow] = []

    def make(*args: Any, **kwargs: Any) -> Flow:
        directory = tmp_path / f"deck{len(made)}"
        directory.mkdir()
        made.append(Flow(directory, *args, **kwargs))
        return made[-1]

    yield make
    for flow in made:
        flow.stop()


@pytest.fixture
def points() -> list[datetime]:
    """The instants of the replicas' snapshots, oldest first."""
    return flowsite.instants()


@pytest.fixture
def make_deck(tmp_path: Path, points: list[datetime]) -> Iterator[MakeDeck]:
    """drdeck with a runbook of two groups, each command a process of its own."""
    made: list[Deck] = []

    def make(recovery: VCenter, protected: VCenter) -> Deck:
        root = flowsite.lay_out(recovery, protected, points)
        made.append(flowsite.deck(tmp_path, recovery, root, protected, PITR_DOMAIN))
        return made[-1]

    yield make
    for deck in made:
        deck.stop()


@pytest.fixture
def deck(make_deck: MakeDeck, recovery: VCenter, protected_vcenter: VCenter) -> Deck:
    """The same, on two vCenters of which the recovery one boots its guests quickly."""
    return make_deck(recovery, protected_vcenter)
