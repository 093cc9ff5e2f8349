"""kill -9 of a real controller process at its points, over a flow on the vCenter simulator.

Every point is tried with DRDECK_ALL_POINTS=1 (some minutes); else a spread of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.live import UNDISTURBED, Live
from tests.support.vcsim import VCenter

pytestmark = [pytest.mark.vcsim, pytest.mark.timeout(1800)]
ALL = os.environ.get("DRDECK_ALL_POINTS") == "1"
PARTS = 4
"""tests that the points are spread over, so that several processes can share them"""
SAMPLE = 4
"""points per part by default"""


@pytest.fixture(scope="module")
def shared(vcsim_built: None) -> Iterator[VCenter]:
    server = VCenter(boot=0.02)
    yield server
    server.stop()


async def all_points(directory: Path, vcenter: VCenter) -> list[str]:
    """What a flow passes when nobody dies, and that it ends as told."""
    directory.mkdir()
    live, log = Live(directory, vcenter), directory / "points"
    try:
        await live.begin(log=log)
        await live.flow()
    finally:
        await live.end()
    assert live.truth() == UNDISTURBED and live.sessions() == 1
    return log.read_text().splitlines()


async def die_at(point: str, directory: Path, vcenter: VCenter) -> None:
    directory.mkdir()
    live = Live(directory, vcenter)
    try:
        await live.begin(point)
        await live.flow()
    finally:
        await live.end()
    assert live.deaths == 1, f"{point} was not reached"
    truth = live.truth()
    # what is rolled back is rolled back again when nobody can tell, but never after anything was started
    reverts = truth.acts["RevertToSnapshot_Task"]
    truth = truth._replace(acts={**truth.acts, "RevertToSnapshot_Task": min(2, reverts)})
    assert truth == UNDISTURBED and reverts <= 3
    assert live.sessions() == 1
    assert live.wrong_in_journal() == []


@pytest.mark.parametrize("part", range(PARTS))
async def test_dying_at_points(part: int, tmp_path: Path, shared: VCenter) -> None:
    points = await all_points(tmp_path / "undisturbed", shared)
    mine = points[part::PARTS]
    if not ALL:
        mine = mine[part * 2 :: max(1, len(mine) // SAMPLE)][:SAMPLE]
    for number, line in enumerate(mine):
        point, _, what = line.partition(" ")
        try:
            await die_at(point, tmp_path / str(number), shared)
        except BaseException as error:
            error.add_note(f"killed {point}: {what}")
            raise
    print(f"{len(mine)} of {len(points)} points: all ended as undisturbed")
