"""What becomes of the two sessions while a vCenter refuses every login, as it does while its SSO is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.controller.passwords.password_store import WORKED_RETRY_S, PasswordStore
from drdeck.controller.site_watcher import SiteWatcher
from drdeck.model import commands as c
from drdeck.model.times import utcnow
from drdeck.sites.contract import LoginRefused
from drdeck.sites.vsphere.login import connector
from drdeck.sites.vsphere.site import VSphereSite
from drdeck.sites.vsphere.vcenter.connection import Connection
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import ended, eventually

DOMAIN = "erp"
BEGIN = c.StartContinuousFailover(operation="op-1", domain=DOMAIN)


class Rig(NamedTuple):
    """A watched site, the connection that it has, and the clock of its passwords in seconds."""

    site: VSphereSite
    watcher: SiteWatcher
    connection: Connection
    clock: list[float]

    async def begin(self) -> None:
        await self.site.execute(BEGIN)


@pytest.fixture
async def rig(vcenter: VCenter) -> AsyncIterator[Rig]:
    vcenter.layout({DOMAIN: ["db01"]})
    clock, connections = [1000.0], list[Connection]()
    passwords = PasswordStore("dr-west", {"DRDECK_PASSWORD_DR_WEST": vcenter.password}, lambda: clock[0])
    settings = VSphereSettings(
        url=vcenter.url, username=vcenter.user, ca_file=str(vcenter.ca_file), root=vcenter.root
    )
    connect = connector(settings, passwords)

    async def noted() -> Connection:
        connections.append(await connect())
        return connections[-1]

    site = VSphereSite("dr-west", settings, noted)
    watcher = SiteWatcher(site, utcnow, time.monotonic)
    watching = asyncio.create_task(watcher.watch())
    await eventually(lambda: watcher.view is not None)
    yield Rig(site, watcher, connections[0], clock)
    await ended(watching)
    await site.close()
    assert len(connections) == 1, "nothing else than the one session was to be opened anew"


async def test_the_commanding_one_lives_while_the_other_is_shut_out(rig: Rig, vcenter: VCenter) -> None:
    mine, right = rig.connection.commands.key, vcenter.password
    vcenter.change_password("as if SSO were away")
    vcenter.end_session(rig.connection.polling.key)
    await eventually(lambda: rig.watcher.needs_password)
    assert "does not accept" in (rig.watcher.error or "") and mine in vcenter.sessions()
    rig.watcher.password_given()  # it is looked again, and not sent again
    sent = vcenter.calls()["Login"]
    await eventually(lambda: rig.watcher.needs_password)
    assert vcenter.calls()["Login"] == sent

    vcenter.change_password(right)
    rig.clock[0] += WORKED_RETRY_S[0]
    rig.watcher.password_given()
    await eventually(lambda: rig.watcher.error is None)
    await rig.begin()
    assert mine in vcenter.sessions() and mine == rig.connection.commands.key


async def test_the_watching_one_lives_while_the_other_is_shut_out(rig: Rig, vcenter: VCenter) -> None:
    mine, right = rig.connection.polling.key, vcenter.password
    vcenter.change_password("as if SSO were away")
    vcenter.end_session(rig.connection.commands.key)
    for _ in range(3):
        with pytest.raises(LoginRefused, match="does not accept"):
            await rig.begin()
    assert vcenter.calls()["Login"] == 4, "the test's own, drdeck's two, and one that was refused"
    vcenter.power_on("db01")

    def power() -> str:
        assert rig.watcher.view is not None
        return rig.watcher.view.domains[0].vms[0].power

    await eventually(lambda: power() == "on")
    assert rig.watcher.error is None

    vcenter.change_password(right)
    rig.clock[0] += WORKED_RETRY_S[0]
    await rig.begin()
    assert mine in vcenter.sessions() and mine == rig.connection.polling.key
