"""What comes with a lease: how long it is renewed for, and the end of the sessions of who had it before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.model import commands as c
from drdeck.model.domains import SessionState
from drdeck.sites.contract import SiteUnreachable
from drdeck.sites.vsphere import make_vsphere_site
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts
from drdeck.sites.vsphere.lease_keeper import LeaseKeeper
from drdeck.sites.vsphere.record.attribute_names import FAILOVER, ROLLBACK, SESSION
from drdeck.sites.vsphere.record.attributes import write
from drdeck.sites.vsphere.site import VSphereSite
from drdeck.sites.vsphere.view.site_state import SiteState
from tests.support.passwords import OnePassword
from tests.support.vcenter.domain_states import failover, rollback, session
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import ended, eventually

DOMAIN = "erp"
LENGTH_S, QUIET_S = 0.06, 60.0


def record(state: SessionState) -> dict[str, str]:
    attributes = {FAILOVER: write(failover("finished")), SESSION: write(session(state))}
    if state is SessionState.ROLLING_BACK:
        attributes[ROLLBACK] = write(rollback("revert"))
    return attributes


@pytest.mark.parametrize(
    ("attributes", "quiet"),
    [
        (record(SessionState.ACTIVE), [True]),
        (record(SessionState.ROLLING_BACK), [False]),
        (record(SessionState.EXITING), [False]),
        ({FAILOVER: write(failover("power"))}, [False]),
        ({FAILOVER: write(failover("finished"))}, []),
        ({}, []),
    ],
)
async def test_only_what_is_under_way_is_kept_and_long_only_while_a_session_is_quiet(
    attributes: dict[str, str], quiet: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = SiteState("dr", VSphereSettings(url="https://vcsa/sdk", username="u", root="/DC0/vm"), None)
    folder = FolderFacts(id="erp", name=DOMAIN, parent="root", attributes=attributes)
    watch: Any = SimpleNamespace(
        inventory=SimpleNamespace(domains=(folder,), root=FolderFacts("root", "drdeck", "vm"))
    )
    no_connection: Any = None
    keeper = LeaseKeeper(state, (LENGTH_S, QUIET_S), no_connection, [])
    renewals, looks = list[bool](), 0

    def tires(ident: str, quiet: bool = False) -> bool:
        nonlocal looks
        looks += 1
        return True

    async def drive(folder: FolderFacts, aim: str, force: bool = False, quiet: bool = False) -> float:
        renewals.append(quiet)
        return 0.0

    monkeypatch.setattr(keeper.leases, "tiring", tires)
    monkeypatch.setattr(keeper, "drive", drive)
    keeping = asyncio.create_task(keeper.keep(watch))
    try:
        await eventually(lambda: looks >= 4)
    finally:
        await ended(keeping)
    assert set(renewals) == set(quiet)


@pytest.fixture
async def jump_hosts(vcenter: VCenter) -> AsyncIterator[tuple[VSphereSite, VSphereSite]]:
    vcenter.layout({DOMAIN: ["db01"]})
    settings = VSphereSettings(
        url=vcenter.url, username=vcenter.user, ca_file=str(vcenter.ca_file), root=vcenter.root
    )
    anna, bob = (
        make_vsphere_site("dr", settings, OnePassword(vcenter.password), me) for me in ("a@1#1", "b@2#2")
    )
    for site in (anna, bob):
        await site.open()
    yield anna, bob
    for site in (anna, bob):
        await site.close()


async def test_who_is_taken_over_loses_the_session_that_commands(
    jump_hosts: tuple[VSphereSite, VSphereSite], vcenter: VCenter
) -> None:
    """A request of hers that is on its way still lands in the name of that session (docs/architecture.md)."""
    anna, bob = jump_hosts
    await anna.observe()
    await anna.execute(c.StartContinuousFailover(operation="op-1", domain=DOMAIN))
    await bob.observe()
    hers = anna._link.connected()
    commanding, watching = hers.commands.key, hers.polling.key
    assert {commanding, watching} <= set(vcenter.sessions())
    with pytest.raises(SiteUnreachable, match="is driven by"):
        await bob.execute(c.CancelContinuousFailover(operation="op-2", domain=DOMAIN))
    assert commanding in vcenter.sessions(), "who only asks ends nothing"
    await bob.execute(c.TakeOver(operation="op-3", domain=DOMAIN))
    assert commanding not in vcenter.sessions()
    assert watching in vcenter.sessions(), "she goes on following"
    await bob.execute(c.CancelContinuousFailover(operation="op-4", domain=DOMAIN))
