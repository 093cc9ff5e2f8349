"""kill -9 of a real controller process at its points, over a flow on the vCenter simulator.

Tried are those around each call on a VM and a spread of the others, all with DRDECK_ALL_POINTS=1. Each
write of the journal is tried in CI by test_crash_points.py, within one process.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.faults.lanes import side_by_side, vcenters
from tests.support.faults.live import ACTS, UNDISTURBED, Live, all_points, spread
from tests.support.vcenter.vcsim import VCenter

pytestmark = pytest.mark.timeout(1800)
EVERY = 1 if os.environ.get("DRDECK_ALL_POINTS") else 8 if os.environ.get("CI") else 40
"""So many of the other points lie from one that is tried to the next."""
PARTS = 2
"""tests that the points are spread over, so that several processes can share them"""
LANES = 5
BOOT_S = 0.02


async def die_at(point: str, directory: Path, vcenter: VCenter) -> None:
    directory.mkdir()
    live, log = Live(directory, vcenter), directory / "points"
    try:
        await live.begin(point, log)
        await live.flow()
    finally:
        await live.end()
    assert live.died_at(point, log), f"{point} was not reached"
    assert live.truth() == UNDISTURBED
    assert live.sessions() == 1
    assert live.wrong_in_journal() == []


@pytest.mark.parametrize("part", range(PARTS))
async def test_dying_at_points(part: int, tmp_path: Path, vcsim_built: None) -> None:
    async with vcenters(1, BOOT_S) as servers:
        points = await all_points(tmp_path / "undisturbed", servers[0])
    mine = spread(points, ACTS if EVERY > 1 else (), EVERY)[part::PARTS]

    async def die(line: str, vcenter: VCenter) -> None:
        point = line.partition(" ")[0]
        await die_at(point, tmp_path / point.replace(":", "-"), vcenter)

    await side_by_side(die, mine, LANES, BOOT_S)
    print(f"{len(mine)} of {len(points)} points: all ended as undisturbed")
