"""kill -9 of a real controller at every write of its journal and every call, over a life on the simulator.

No second clone, nothing destroyed but the test VM, nothing left that nobody names. Tried are those around
clone, destroy and revert, and of the others a sixth in CI, ten elsewhere, all with DRDECK_ALL_POINTS=1.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.faults.lanes import side_by_side, vcenters
from tests.support.life.whole_life import LifeTruth, WholeLife
from tests.support.vcenter.vcsim import VCenter

pytestmark = pytest.mark.timeout(1800)
EVERY = 1 if os.environ.get("DRDECK_ALL_POINTS") else 6 if os.environ.get("CI") else 33
"""So many of the other points lie from one that is tried to the next."""
LANES = 3
BOOT_S = 0.02
ALWAYS = ("CloneVM_Task", "Destroy_Task", "RevertToSnapshot_Task")
UNDISTURBED = LifeTruth(
    mode="imported",
    record=("drdeck.excluded", "drdeck.mode", "drdeck.pitr", "drdeck.tested"),
    snapshots=("replica 0", "replica 1", "replica 2", "replica anew"),
    power="off",
    test_vms=(),
    destroyed=((),),
    clones=1,
    alarms=(),
)


async def live_through(directory: Path, vcenter: VCenter, point: str = "") -> Path:
    """The log of the points that were passed."""
    directory.mkdir()
    life, log = WholeLife(directory, vcenter), directory / "points"
    try:
        await life.begin(point, log)
        await life.flow()
        assert life.life_truth() == UNDISTURBED
    finally:
        await life.end()
    assert life.died_at(point, log) if point else life.deaths == 0, f"{point} was not reached"
    assert life.wrong_in_journal() == []
    return log


async def test_dying_anywhere_in_a_life(tmp_path: Path, vcsim_built: None) -> None:
    async with vcenters(1, BOOT_S) as servers:
        log = await live_through(tmp_path / "undisturbed", servers[0])
    points = log.read_text().splitlines()
    around = [point for point in points if point.endswith(ALWAYS)]
    assert len(around) == 2 * len(ALWAYS), around
    others = [point for point in points if point not in around]
    mine = around + others[::EVERY]

    async def die(line: str, vcenter: VCenter) -> None:
        point = line.partition(" ")[0]
        await live_through(tmp_path / point.replace(":", "-"), vcenter, point)

    await side_by_side(die, mine, LANES, BOOT_S)
    print(f"{len(mine)} of {len(points)} points: all ended as undisturbed")
