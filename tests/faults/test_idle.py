"""A controller that nobody looks at, and one that is looked at, use next to no processor time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drdeck.controller.client import Client
from tests.faults.live import Live
from tests.support.vcsim import VCenter

pytestmark = pytest.mark.vcsim
IDLE_S = 4.0
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
        before = live.cpu_s()
        await asyncio.sleep(IDLE_S)
        used = live.cpu_s() - before
        assert used < IDLE_S * MOST, f"{used:.2f} s of processor time in {IDLE_S:g} s"
    finally:
        await live.end()
