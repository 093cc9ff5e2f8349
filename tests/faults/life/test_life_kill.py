"""kill -9 of a real controller at every write of its journal and every call, over a life on the simulator.

No second clone, nothing destroyed but the test VM, nothing left that nobody names. Tried are those around
clone, destroy, revert and removal, of detach, undo, commit and release a sixth in CI, of the rest each
twentieth, for test_kill.py has most of it; few elsewhere, all with DRDECK_ALL_POINTS=1.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.faults.lanes import side_by_side, vcenters
from tests.support.faults.live import spread
from tests.support.life.whole_life import LifeTruth, WholeLife
from tests.support.vcenter.vcsim import VCenter

pytestmark = pytest.mark.timeout(1800)
ALL, CI = bool(os.environ.get("DRDECK_ALL_POINTS")), bool(os.environ.get("CI"))
BACK_EVERY = 1 if ALL else 6 if CI else 30
"""So many points of the way back lie from one that is tried to the next."""
EVERY = 1 if ALL else 20 if CI else 60
"""The same of what comes before, and of the second failover."""
LANES = 3
BOOT_S = 0.02
ALWAYS = ("CloneVM_Task", "Destroy_Task", "RevertToSnapshot_Task", "RemoveSnapshot_Task")
WAY_BACK = (2, 5, 8, 9)
"""The accepted requests that are detach, undo, commit and release, the first being 0: see WholeLife.flow"""
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


def of_requests(points: list[str]) -> list[list[str]]:
    """The points by the request that was accepted last; those before the first are left out."""
    requests = list[list[str]]()
    for point in points:
        if point.startswith("before:") and point.endswith(" accepted"):
            requests.append([])
        if requests:
            requests[-1].append(point)
    return requests


async def test_dying_anywhere_in_a_life(tmp_path: Path, vcsim_built: None) -> None:
    async with vcenters(1, BOOT_S) as servers:
        log = await live_through(tmp_path / "undisturbed", servers[0])
    points = log.read_text().splitlines()
    requests = of_requests(points)
    back = [point for number in WAY_BACK for point in requests[number]]
    rest = [point for point in points if point not in back]
    mine = spread(rest, ALWAYS, EVERY) + spread(back, ALWAYS, BACK_EVERY)
    assert {point.partition(" ")[2] for point in mine} >= set(ALWAYS), mine

    async def die(line: str, vcenter: VCenter) -> None:
        point = line.partition(" ")[0]
        await live_through(tmp_path / point.replace(":", "-"), vcenter, point)

    await side_by_side(die, mine, LANES, BOOT_S)
    print(f"{len(mine)} of {len(points)} points: all ended as undisturbed")
