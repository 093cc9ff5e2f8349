"""kill -9 of a real controller at every write and call of a run on the simulator, and take-overs of it.

Two waves, one instant for both, and the way out: its end is that of nobody dying. Tried are some points that
make a run, few others, and all with DRDECK_ALL_POINTS=1. Another jump host takes it over in mid-wave, twice.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.faults.lanes import side_by_side, vcenters
from tests.support.plans.live_run import UNDISTURBED, LiveRun
from tests.support.vcenter.vcsim import VCenter

pytestmark = pytest.mark.timeout(1800)
ALL = bool(os.environ.get("DRDECK_ALL_POINTS"))
EVERY = 1 if ALL else 67 if os.environ.get("CI") else 134
"""So many of the other points lie from one that is tried to the next."""
LANES = 4
BOOT_S = 0.02
ALWAYS = ("after:run_begun", "sent:PowerOnVM_Task", "before:run_batch", "sent:RevertToSnapshot_Task",
          "after:barrier_lifted")  # fmt: skip
"""First passings of what makes a run."""


class Death(NamedTuple):
    """Where a controller dies, and whether another jump host takes the run over."""

    point: str
    heir: bool = False


async def live_through(
    directory: Path, vcenter: VCenter, death: Death | None = None, log: Path | None = None
) -> int:
    """The number of deaths in a whole run, which ended as undisturbed."""
    directory.mkdir()
    (directory / "heir").mkdir()
    live = LiveRun(directory, vcenter, directory / "heir" if death and death.heir else None)
    try:
        await live.begin(death.point if death else "", log)
        await live.flow()
        assert live.run_truth() == UNDISTURBED
    finally:
        await live.end()
    return live.deaths


async def test_dying_anywhere_in_a_run(tmp_path: Path, vcsim_built: None) -> None:
    log = tmp_path / "points"
    async with vcenters(1, BOOT_S) as servers:
        await live_through(tmp_path / "undisturbed", servers[0], log=log)
    points = [line.split() for line in log.read_text().splitlines()]
    starts = [point for point, what in points if what == "PowerOnVM_Task" and point.startswith("sent")]
    taken_over = [Death(point, heir=True) for point in starts[:2]]  # one of each wave
    others = [Death(point) for point, _ in points][EVERY // 2 :: EVERY]
    deaths = [*taken_over, *(Death(point) for point in ALWAYS), *others]
    # two domains at once: which of their calls has a number is not the same each time, nor how many there are
    surely = {*taken_over, *(Death(point) for point in ALWAYS)}

    async def die(death: Death, vcenter: VCenter) -> None:
        name = f"{death.point}{'-heir' if death.heir else ''}".replace(":", "-")
        died = await live_through(tmp_path / name, vcenter, death)
        assert died == 1 or (death not in surely and died == 0), f"{died} deaths"

    await side_by_side(die, deaths, LANES, BOOT_S)
    print(f"{len(deaths)} deaths of {len(points)} points: all ended as undisturbed")
