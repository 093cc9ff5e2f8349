"""What was written, as a watch and the points of a site tell it, through the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drdeck.config.settings import DomainSettings, Duration, PitrSettings, VSphereSettings
from drdeck.model.times import show
from drdeck.sites.vsphere import make_vsphere_site
from drdeck.sites.vsphere.inventory.disk_growth import DiskGrowth
from tests.support.passwords import OnePassword
from tests.support.vcenter.inventory_watching import domain_vms, watching
from tests.support.vcenter.soapcount import soap_calls
from tests.support.vcenter.vcsim import VCenter

MIB = 1 << 20
QUIET = 100 * MIB


async def test_asked_for_once_and_kept(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01", "web01"]})
    vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, MIB, disks=2)
    growth = DiskGrowth()
    async with watching(vcenter) as watch:

        async def grown(vm: str = "db01") -> list[int | None]:
            vms = domain_vms(await watch.refresh(), "erp")
            await watch.connection.poll(lambda session: growth.read(session, list(vms.values())), "read")
            return [s.written for s in growth.of(vms[vm]).snapshots]

        assert await grown() == [None, 10 * MIB, 14 * MIB]
        assert await grown("web01") == [None] * 3
        with soap_calls() as calls:
            assert await grown() == [None, 10 * MIB, 14 * MIB]
        assert calls["RetrievePropertiesEx"] == 1, "the refreshed attributes; no layout"

        vcenter.make_snapshot("db01", "frozen")
        vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, 900 * MIB, 0, disks=2)
        assert (await grown())[1:] == [10 * MIB, 14 * MIB, 1800 * MIB], "nobody told of the new sizes"
        vcenter.remove_snapshot("db01", "frozen")
        assert (await grown())[1:] == [10 * MIB, 14 * MIB]


def _site(vcenter: VCenter, root: str) -> Any:
    pitr = PitrSettings(enabled=True, window=Duration(86400), interval=Duration(900))
    settings = VSphereSettings(
        url=vcenter.url,
        username=vcenter.user,
        ca_file=str(vcenter.ca_file),
        root=root,
        domains={"erp": DomainSettings(pitr=pitr)},
    )
    return make_vsphere_site("dr", settings, OnePassword(vcenter.password))


@pytest.mark.parametrize("loud", [True, False])
async def test_points_of_a_site_tell_when_it_began(vcenter: VCenter, loud: bool) -> None:
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    times = [newest - timedelta(minutes=15 * n) for n in reversed(range(9))]
    root = vcenter.layout({"erp": ["db01", "web01"]}, snapshots=[(f"drdeck-{show(t)}", t) for t in times])
    quiet = [10 << 30] + [QUIET] * 9
    vcenter.set_growth("web01", *quiet)
    vcenter.set_growth("db01", *quiet[:6], *([30 * QUIET] * 3 if loud else quiet[6:9]), 0)
    site = _site(vcenter, root)
    await site.open()
    try:
        await site.observe()
        with soap_calls() as calls:
            points = (await site.points("erp")).points[::-1]
        assert calls == {"RetrievePropertiesEx": 1}
    finally:
        await site.close()
    assert [p.time for p in points] == times
    clock = times[5].strftime("%H:%M:%SZ" if times[5].second else "%H:%MZ")
    hint = f"write rate x30 from {clock} (db01)" if loud else None
    assert [p.hint for p in points] == [None] * 6 + [hint] * 3
    assert [p.written_bytes for p in points] == [
        None,
        *[2 * QUIET] * 5,
        *[31 * QUIET if loud else 2 * QUIET] * 3,
    ]
