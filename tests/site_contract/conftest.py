"""The benches that every rule is tried on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.site_contract.bench import Bench, MakeBench, Plan
from tests.site_contract.on_jetstream import JetStreamBench
from tests.site_contract.on_training import TrainingBench
from tests.site_contract.on_vsphere import VCenters, VSphereBench
from tests.support.vcenter.vcsim import VCenter

AnyBench = Bench | JetStreamBench


@pytest.fixture(scope="session")
def vcenters(vcsim_built: None) -> Iterator[VCenters]:
    """Guests boot at once there: tools run soon after power on."""
    centers = VCenters(VCenter(boot=0.05), VCenter(boot=0.05))
    yield centers
    for center in centers:
        center.stop()


@pytest.fixture(params=["training", "vsphere"])
async def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MakeBench]:
    """Makes the domain "erp" at the site under test, standing as `Plan` says, with a controller over it.

    What holds of every view is checked at the end of each test.
    """
    benches: list[Bench] = []
    centers = request.getfixturevalue("vcenters") if request.param == "vsphere" else None

    async def maker(**how: Any) -> Bench:
        plan = Plan(**how)
        bench: Bench
        if centers is None:
            bench = TrainingBench(plan, tmp_path)
        else:
            bench = VSphereBench(plan, tmp_path, centers, monkeypatch)
        benches.append(bench)
        await bench.begin()
        return bench

    yield maker
    for bench in benches:
        await bench.close()
    for bench in benches:
        bench.check_history()


@pytest.fixture(params=["training", "vsphere", "jetstream"])
async def any_site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AnyBench]:
    """A domain with data that is in order, `unsettled`, at a site of each kind: what may be asked of all."""
    bench: AnyBench
    if request.param == "jetstream":
        bench = JetStreamBench(tmp_path)
    elif request.param == "training":
        bench = TrainingBench(Plan(unsettled=True), tmp_path)
    else:
        centers = request.getfixturevalue("vcenters")
        bench = VSphereBench(Plan(unsettled=True), tmp_path, centers, monkeypatch)
    await bench.begin()
    yield bench
    await bench.close()
