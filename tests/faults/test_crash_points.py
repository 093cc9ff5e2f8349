"""The controller dies before and after every write of its journal: the end is that of nobody dying.

Between a call to the site and the write of its outcome is the point before that write; between the
write of an intent and its call is the point after that write.
"""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest

from tests.support.faults.dying import Point
from tests.support.faults.lives import FakeWorld, TrainingWorld, World

ACTS = ["BeginCompletion", "StartSession", "RollBack", "RollBack", "ExitSession"]


async def undisturbed(kind: type[World], directory: Path) -> list[str]:
    """The kinds of event that a flow writes when nobody dies."""
    directory.mkdir()
    world = kind(directory)
    await world.flow()
    assert world.journal is not None
    kinds = list(world.journal.kinds)
    assert world.acts() == ACTS
    assert await world.finish() == []
    return kinds


async def disturbed(kind: type[World], directory: Path, point: Point) -> None:
    directory.mkdir()
    world = kind(directory, iter([point]))
    await world.flow()
    assert world.deaths == 1, f"{point} was not reached"
    assert world.acts() == ACTS
    domain = world.domain_now
    assert domain is not None and domain.session is None
    assert await world.finish() == []


@pytest.mark.parametrize("kind", [FakeWorld, TrainingWorld])
async def test_every_point(kind: type[World], tmp_path: Path) -> None:
    kinds = await undisturbed(kind, tmp_path / "undisturbed")
    assert Counter(kinds) == {"accepted": 4, "intent": 5, "outcome": 5, "ended": 4}
    for number, when in itertools.product(range(1, len(kinds) + 1), ("before", "after")):
        point = Point(when, number)
        try:
            await disturbed(kind, tmp_path / str(point), point)
        except BaseException as error:
            error.add_note(f"killed {point}, a {kinds[number - 1]}")
            raise


@pytest.mark.parametrize("point", [Point("before", 2), Point("after", 2)], ids=str)
@pytest.mark.parametrize("kind", [FakeWorld, TrainingWorld])
async def test_no_controller_lives_for_more_than_two_writes(
    kind: type[World], point: Point, tmp_path: Path
) -> None:
    """Two is the least with which anything is ever done: what is intended is written, and what came of it."""
    world = kind(tmp_path, itertools.repeat(point))
    await world.flow()
    assert world.deaths >= 9
    assert world.acts() == ACTS
    assert await world.finish() == []
