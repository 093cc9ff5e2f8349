"""Turning from following the protected site to leaving it in peace, and back."""

from __future__ import annotations

import asyncio
import contextlib

from drdeck.sites.contract import SiteUnreachable
from drdeck.sites.vsphere.protected_site import ProtectedVCenter
from drdeck.sites.vsphere.vcenter.connection import Connection, Endpoint
from tests.support.waiting import eventually


async def test_who_turns_may_be_cancelled_meanwhile() -> None:
    """Else the controller's end would wait for ever for what has lost its cancel."""
    trying, cancelled, slow = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def connect() -> Connection:
        trying.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            await slow.wait()  # a logout that takes its time
        raise SiteUnreachable("it is gone")

    endpoint = Endpoint(url="http://127.0.0.1:1/sdk")
    side = ProtectedVCenter(
        lambda: asyncio.ensure_future(connect()), "/DC0/vm/prod", endpoint, "prod", lambda: None
    )
    await side.leave_in_peace(False)
    await trying.wait()
    turning = asyncio.create_task(side.leave_in_peace(True))
    await cancelled.wait()
    turning.cancel()
    await asyncio.wait((turning,), timeout=0)
    slow.set()
    with contextlib.suppress(asyncio.CancelledError):
        await turning
    assert turning.cancelled()
    await side.leave_in_peace(True)
    await eventually(lambda: "cannot be reached" in side.lost)
    await side.close()
