"""A controller that nobody looks at, and one that is looked at, use next to no processor time."""

from __future__ import annotations

import time
from pathlib import Path

from drdeck.controller.ipc.client import Client
from tests.support.faults.live import Live
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

BEATS = 3
MOST = 0.1
"""part of one processor"""


async def test_nothing_spins(tmp_path: Path, vcenter: VCenter) -> None:
    live = Live(tmp_path, vcenter)
    try:
        await live.begin()
        await live.start()
        assert live.client is not None
        for number in range(8):
            client = Client(live.paths.socket, "console")
            await client.connect()
            client.subscribe()
            await client.get_listing()
            assert client._writer is not None and client._reader is not None
            if number % 2:
                client._writer.transport.abort()  # as when its process is killed
            else:
                client._reader.cancel()  # as when it does not read
        await live.client.get_listing()
        before, began, heard = live.cpu_s(), time.monotonic(), vcenter.calls()["CurrentTime"]
        await eventually(lambda: vcenter.calls()["CurrentTime"] >= heard + BEATS)
        used, passed = live.cpu_s() - before, time.monotonic() - began
        assert used < passed * MOST, f"{used:.2f} s of processor time in {passed:.1f} s"
    finally:
        await live.end()
