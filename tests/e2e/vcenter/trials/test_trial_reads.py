"""What a test costs the vCenter before it begins: its folder is read once by each look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drdeck.model import commands as c
from tests.site_contract.bench import DOMAIN, Plan
from tests.site_contract.on_vsphere import VCenters, VSphereBench
from tests.support.vcenter.vcsim import VCenter


@pytest.fixture
async def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recovery: VCenter, protected_vcenter: VCenter
) -> AsyncIterator[VSphereBench]:
    bench = VSphereBench(
        Plan(state="imported", tests=True), tmp_path, VCenters(recovery, protected_vcenter), monkeypatch
    )
    await bench.begin()
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    yield bench
    await bench.close()


async def test_the_folder_is_read_once_by_each_look(bench: VSphereBench) -> None:
    site: Any = bench.site
    trials = site._executor.trials

    async def prepared() -> None:
        command = c.StartTrial(operation="op-1", domain=DOMAIN, asked_by="anna@jump1", networks={})
        await trials.prepare(command, site._state.find(DOMAIN)[1])

    async def room() -> None:
        assert await site.trial_room(DOMAIN, (), None)

    cost = {}
    for look in (prepared, room):
        before = bench.recovery.calls()
        await look()
        cost[look.__name__] = bench.recovery.calls() - before
    assert [calls["FindByInventoryPath"] for calls in cost.values()] == [1, 1], cost
