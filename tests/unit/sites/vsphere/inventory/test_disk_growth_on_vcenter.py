"""What was written, as a watch and the points of a site tell it, through the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drdeck.config.settings import DomainSettings, Duration, PitrSettings, VSphereSettings
from drdeck.model.times import show
from drdeck.sites.vsphere import make_vsphere_site
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory
from tests.support.passwords import Known
from tests.support.vcenter.inventory_watching import domain_vms, until, watching
from tests.support.vcenter.soapcount import soap_calls
from tests.support.vcenter.vcsim import VCenter

MIB = 1 << 20
QUIET = 100 * MIB


def known(seen: Inventory) -> list[int | None]:
    return [s.written for s in domain_vms(seen, "erp")["db01"].snapshots]


async def test_seen_by_the_watch_at_no_further_call(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01", "web01"]})
    async with watching(vcenter) as watch:
        changes = watch.changes()
        first = await anext(changes)
        assert known(first) == [None] * 3
        vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, MIB, disks=2)
        with soap_calls() as calls:
            seen = await until(changes, lambda seen: known(seen)[1] is not None)
        assert set(calls) <= {"WaitForUpdatesEx"}
        db = domain_vms(seen, "erp")["db01"]
        assert [s.written for s in db.snapshots] == [None, 10 * MIB, 14 * MIB]
        assert domain_vms(seen, "erp")["web01"] is domain_vms(first, "erp")["web01"]

        # what grows now, and logs, are no news
        vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, 900 * MIB, disks=2, log=4711)
        again = await watch.refresh()
        assert again.serial == seen.serial and domain_vms(again, "erp")["db01"] is db

        vcenter.make_snapshot("db01", "frozen")
        vcenter.set_growth("db01", 10 << 30, 5 * MIB, 7 * MIB, 900 * MIB, 0, disks=2)
        seen = await until(changes, lambda seen: known(seen)[-1] is not None)
        assert known(seen)[1:] == [
            10 * MIB,
            14 * MIB,
            1800 * MIB,
        ]
        vcenter.remove_snapshot("db01", "frozen")
        seen = await until(changes, lambda seen: len(known(seen)) == 3)
        assert known(seen)[1:] == [10 * MIB, 14 * MIB]


def _site(vcenter: VCenter, root: str) -> Any:
    pitr = PitrSettings(enabled=True, window=Duration(86400), interval=Duration(900))
    settings = VSphereSettings(
        url=vcenter.url,
        username=vcenter.user,
        ca_file=str(vcenter.ca_file),
        root=root,
        domains={"erp": DomainSettings(pitr=pitr)},
    )
    return make_vsphere_site("dr", settings, Known(vcenter.password))


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
        assert calls.total() == 0
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
