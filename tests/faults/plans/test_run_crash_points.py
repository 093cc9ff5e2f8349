"""The controller dies at every write of a run: the end is that of nobody dying, and nothing is done twice.

Points are taken in turn, so that all of them are a matter of seconds for each of a few workers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.faults.dying import Point
from tests.support.plans.plan_world import NAMES, PlanWorld

ACTS = ["BeginCompletion", "StartSession", "RollBack", "StartReverted", "ExitSession"]
LANES = 4


def check(world: PlanWorld) -> None:
    """Each act once for each domain, in order, and nothing started before all were reverted."""
    calls = world.commands_taken()
    for name in NAMES:
        assert [act for act, domain in calls if domain == name] == ACTS
    acts = [act for act, _ in calls]
    assert acts.index("StartReverted") > max(i for i, act in enumerate(acts) if act == "RollBack")
    begun = [domain for act, domain in calls if act == "BeginCompletion"]
    assert begun == list(NAMES), "by waves"
    assert world.run is not None and str(world.run.end_state) == "done"


async def undisturbed(directory: Path) -> int:
    """The number of writes of a flow in which nobody dies."""
    directory.mkdir()
    world = PlanWorld(directory)
    await world.flow()
    check(world)
    assert world.journal is not None
    kinds = world.journal.kinds
    assert kinds.index("run_begun") < kinds.index("accepted"), "journaled before anything is begun"
    assert kinds.index("run_batch") < len(kinds) - kinds[::-1].index("accepted")
    assert await world.finish() == []
    return len(kinds)


@pytest.mark.parametrize("lane", range(LANES))
async def test_every_point_of_a_run(lane: int, tmp_path: Path) -> None:
    writes = await undisturbed(tmp_path / "undisturbed")
    points = [Point(when, number) for number in range(1, writes + 1) for when in ("before", "after")]
    for point in points[lane::LANES]:
        directory = tmp_path / str(point)
        directory.mkdir()
        world = PlanWorld(directory, iter([point]))
        try:
            await world.flow()
            assert world.deaths == 1, f"{point} was not reached"
            check(world)
            assert await world.finish() == []
        except BaseException as error:
            error.add_note(f"killed {point}")
            raise
