"""Every fault in every step: the end of the step is the same, or drdeck asks; nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.table import FAULTS, SAME, Fault, row
from tests.support.vcsim import VCenter

pytestmark = [pytest.mark.vcsim, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def shared(vcsim_built: None) -> Iterator[VCenter]:
    server = VCenter(boot=0.05)
    yield server
    server.stop()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_each_step(
    fault: Fault, tmp_path: Path, shared: VCenter, record_property: Callable[[str, object], None]
) -> None:
    told = await row(fault, tmp_path, shared)
    record_property("fault", fault.name)
    record_property("told", told)
    assert all(said == SAME or said.startswith("asks: ") for said in told)
