"""Every fault in every step: the end of the step is the same, or drdeck asks; nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.faults.table import FAULTS, SAME, rows

pytestmark = pytest.mark.timeout(600)
PARTS = 2
"""tests that the faults are spread over, so that several processes can share them"""
LANES = 7


@pytest.mark.parametrize("part", range(PARTS))
async def test_each_step(
    part: int, tmp_path: Path, vcsim_built: None, record_property: Callable[[str, object], None]
) -> None:
    outcomes = await rows(FAULTS[part::PARTS], tmp_path, LANES)
    for name, steps in outcomes:
        record_property(name, steps)
        assert all(said == SAME or said.startswith("asks: ") for said in steps), name
