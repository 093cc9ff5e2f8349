"""The controller dies before and after every write of its journal on a domain's way back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, Mode, Owner
from tests.support.faults.dying import Point
from tests.support.faults.lives import TrainingWorld
from tests.support.training.training_build import domain as training_domain
from tests.support.training.training_build import scenario

ACTS = {
    "undone": ["BeginCompletion", "FinishFailover", "UndoFailover", "StartContinuousFailover"],
    "failed back": [
        "BeginCompletion",
        "FinishFailover",
        "CommitFailover",
        "FailBack",
        "ResumeRehydration",
    ],
    "restored": ["BeginCompletion", "FinishFailover", "CommitFailover", "RestoreDomain"],
    "tested": ["StartTrial", "EndTrial", "StartTrial", "BeginCompletion", "FinishFailover"],
}
BEFORE = {"tested": ("test_start", "test_end", "test_start")}
"""way -> what is done before the failover, which ends a test that goes on"""
WAYS = {
    "tested": (),
    "undone": ("failover_undo", "cfo_start"),
    "failed back": ("failover_commit", "domain_failback", "cfo_resume"),
    "restored": ("failover_commit", "domain_restore"),
}


class Way(TrainingWorld):
    """One way back after a failover, each act of it done before the next."""

    def __init__(self, directory: Path, way: str, points: Iterator[Point] | None = None) -> None:
        super().__init__(directory, points)
        self.way = way
        lost = "reachable" if way == "failed back" else "lost"
        self.plot = scenario(training_domain(state="synchronised", protected_site=lost, protected_vms="off"))

    async def flow(self) -> None:
        await self.begin()
        name = self.domain_name
        await self.until(lambda: self.domain_now and self.domain_now.mode is Mode.SYNCHRONISED)
        for action in BEFORE.get(self.way, ()):
            await self.done(await self.ask(Request(action=action, domain=name)))
        even_though = ("answers", "vms-running")
        force = Request(
            action="cfo_complete",
            domain=name,
            type=FailoverType.FORCE,
            confirm=name,
            even_though=even_though,
        )
        await self.done(await self.ask(force))
        for action in WAYS[self.way]:
            though = ("no-answer",) if action == "failover_undo" else ()
            request = Request(action=action, domain=name, confirm=name, even_though=though)
            await self.done(await self.ask(request))
            domain = self.domain_now
            assert domain is not None
            here = domain.mode in (Mode.RUNNING_IN_FAILOVER, Mode.PROTECTED)
            assert here == (domain.owner is Owner.LOCAL), "owner and mode never disagree"


async def lived(way: str, directory: Path, point: Point | None = None) -> list[str]:
    """The kinds of event of one way; its end is that of nobody dying."""
    directory.mkdir()
    world = Way(directory, way, iter([point]) if point is not None else None)
    await world.flow()
    assert world.deaths == (point is not None), f"{point} was not reached"
    assert world.acts() == ACTS[way]
    assert world.journal is not None
    kinds = list(world.journal.kinds)
    assert await world.finish() == []
    return kinds


@pytest.mark.parametrize("way", WAYS)
async def test_every_point(way: str, tmp_path: Path) -> None:
    kinds = await lived(way, tmp_path / "undisturbed")
    for number, when in itertools.product(range(1, len(kinds) + 1), ("before", "after")):
        point = Point(when, number)
        try:
            await lived(way, tmp_path / str(point), point)
        except BaseException as error:
            error.add_note(f"killed {point}, a {kinds[number - 1]}")
            raise
