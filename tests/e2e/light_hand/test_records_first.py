"""A site that takes long to be read: its domains are shown by their records, and nothing is done to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from drdeck.controller.ipc.client import ControllerError
from drdeck.model.actions.request import Request
from drdeck.model.domains import Mode, Owner
from drdeck.model.views import RECORDS_SEEN
from tests.support.faults.live import OTHER, Live
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually


async def test_rows_come_before_the_vms_and_nothing_is_done(tmp_path: Path, recovery: VCenter) -> None:
    live = Live(tmp_path, recovery)
    recovery.add_domain(OTHER)
    try:
        await live.begin()
        await live.start()
        await live.complete()
        assert live.domain_now and live.domain_now.session
        started = live.domain_now.session.started_at
        await live.end()
        before = recovery.calls()
        recovery.hold("CreateFilter")  # so that nothing is read but what comes before it
        await live.begin()
        await live.until(lambda: live.error == RECORDS_SEEN)
        assert live.client and live.client.listing
        listing = live.client.listing
        assert listing.clock is None and listing.domains == (), "for what decides by it, it is not seen yet"
        row = next((domain for domain in listing.records if domain.name == DOMAIN), None)
        assert row and row.session and row.unread and row.vms == ()
        assert (row.mode, row.owner, row.session.started_at) == (Mode.PITR_SESSION, Owner.LOCAL, started)
        other = next(domain for domain in listing.records if domain.name == OTHER)
        assert other.unread and other.mode is Mode.IMPORTED
        with pytest.raises(ControllerError) as refused:
            await live.client.submit(Request(action="pitr_exit", domain=DOMAIN, confirm=DOMAIN))
        assert (refused.value.code, str(refused.value)) == ("unreachable", RECORDS_SEEN)
        # what is held has to have come, else nothing would let it go
        await eventually(lambda: (recovery.calls() - before)["CreateFilter"] > 0)
        calls = recovery.calls() - before
        assert not calls["WaitForUpdatesEx"] and calls["RetrievePropertiesEx"] <= 8, calls
        recovery.release()
        await live.until(live.active)
        assert live.domain_now and not live.domain_now.unread and live.domain_now.vms_total == 1
        assert live.error is None and live.client and live.client.listing and not live.client.listing.records
    finally:
        recovery.release()
        await live.end()
