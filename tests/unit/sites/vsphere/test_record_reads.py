"""Reads that a step of a domain's record takes, with the lease in hand."""

from __future__ import annotations

import asyncio
import time

from drdeck.config.settings import VSphereSettings
from drdeck.controller.passwords.password_store import PasswordStore
from drdeck.controller.site_watcher import SiteWatcher
from drdeck.model import commands as c
from drdeck.model.domains import FailoverType, Mode
from drdeck.model.times import utcnow
from drdeck.sites.vsphere.login import connector
from drdeck.sites.vsphere.site import VSphereSite
from tests.support.vcenter.soapcount import soap_calls
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import ended, eventually

DOMAIN = "erp"


async def test_a_step_reads_once_what_its_lease_and_its_record_are(vcenter: VCenter) -> None:
    """The look at the lease brings the record, and what was written needs not be read back."""
    vcenter.layout({DOMAIN: []})
    passwords = PasswordStore("dr-west", {"DRDECK_PASSWORD_DR_WEST": vcenter.password}, time.monotonic)
    settings = VSphereSettings(
        url=vcenter.url, username=vcenter.user, ca_file=str(vcenter.ca_file), root=vcenter.root
    )
    site = VSphereSite("dr-west", settings, connector(settings, passwords))
    watcher = SiteWatcher(site, utcnow, time.monotonic)
    watching = asyncio.create_task(watcher.watch())

    async def events_of(steps: int) -> None:
        """Wait until the site has written its event of each step, which it does behind it."""
        await eventually(lambda: vcenter.calls()["LogUserEvent"] >= steps)

    try:
        await eventually(lambda: watcher.view is not None)
        await site.execute(c.StartContinuousFailover(operation="op-1", domain=DOMAIN))
        vcenter.set_attribute(DOMAIN, "note of others", "x")
        await events_of(1)
        with soap_calls() as calls:
            await site.execute(c.CancelContinuousFailover(operation="op-2", domain=DOMAIN))
        assert calls["SetField"] >= 1 and calls["RetrievePropertiesEx"] <= 1, calls
        await eventually(lambda: watcher.view is not None and watcher.view.domains[0].mode is Mode.IMPORTED)
        await site.execute(c.StartContinuousFailover(operation="op-3", domain=DOMAIN))
        begin = c.BeginCompletion(operation="op-4", domain=DOMAIN, type=FailoverType.FORCE)
        await events_of(3)
        with soap_calls() as calls:
            await site.execute(begin)
        assert calls["SetField"] >= 1 and calls["RetrievePropertiesEx"] <= 1, calls
        assert '"op-4"' in vcenter.attributes(DOMAIN)["drdeck.failover"]
        await eventually(lambda: watcher.view is not None and watcher.view.domains[0].phase is not None)
    finally:
        await ended(watching)
        await site.close()
