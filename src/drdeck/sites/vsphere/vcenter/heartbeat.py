"""Heartbeat of a vCenter, asked for again and again beside the long poll; its clock comes with it.

A long poll is silent for as long as nothing changes, and a link that went dead is silent as well. So
that nobody looks at an old picture for long, a small call of its own goes out every moment.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from pyVmomi import vim, vmodl

from drdeck.sites.contract import SiteUnreachable

from .connection import Connection, in_thread, translate
from .transport import Stub

BEAT_S = 1.5
"""Between an answer and the next call."""
SILENT_S = 3.0
"""No answer for so long, and the site is said to be out of sight."""
FIRST_S = 10.0
"""The first call may take this long: it makes the connection, and the link may be slow."""
AGAIN_S = 0.3

_WALL, _STEADY = datetime.now(UTC), time.monotonic()


def steady_utc() -> datetime:
    """Our clock as it was when this process started, and the time since: setting it changes nothing."""
    return _WALL + timedelta(seconds=time.monotonic() - _STEADY)


class Heartbeat:
    """Asks one vCenter for its time, on connections of its own, as the session that commands.

    `offset`: how far its clock is ahead of `steady_utc`; `skew`: of our clock as it is set now.
    """

    def __init__(self, connection: Connection) -> None:
        self.server = connection.server
        self.offset = self.skew = timedelta()
        agent = connection.commands.stub.agent  # of whose session it is
        self._stub = Stub(connection.endpoint, connect_s=SILENT_S, call_s=SILENT_S, agent=agent)
        self._si: Any = vim.ServiceInstance("ServiceInstance", self._stub)
        self._connection = connection
        self._heard = time.monotonic()

    def follow(self, connection: Connection) -> None:
        """From now on it is the session of this connection."""
        self._connection = connection

    @property
    def silent_s(self) -> float:
        """Seconds since the last answer."""
        return time.monotonic() - self._heard

    async def run(self) -> None:
        """Until it falls silent: then raises SiteUnreachable."""
        await self.beat(FIRST_S)
        while True:
            await asyncio.sleep(BEAT_S)
            await self.beat()

    async def beat(self, within_s: float = SILENT_S) -> None:
        """One answer. Raises SiteUnreachable when there is none in time, whatever was tried."""
        why: SiteUnreachable | None = None
        try:
            async with asyncio.timeout(within_s):
                while True:
                    try:
                        await in_thread(self._ask)
                    except Exception as error:
                        failure = translate(error, "hear from it", f"vCenter {self.server}")
                        why = SiteUnreachable(str(failure))
                        await asyncio.sleep(AGAIN_S)
                    else:
                        return
        except TimeoutError:
            raise why or SiteUnreachable(
                f"vCenter {self.server} has been silent for {self.silent_s:.0f} s;"
                " check the network and that vCenter runs"
            ) from None

    def _ask(self) -> None:
        before, wall = steady_utc(), datetime.now(UTC)
        self._stub.cookie = self._connection.commands.stub.cookie
        try:
            theirs = self._si.CurrentTime().astimezone(UTC)
        except vmodl.MethodFault:
            self._heard = time.monotonic()  # a refusal is an answer too: the session has ended
            return
        half = (steady_utc() - before) / 2
        self.offset, self.skew = theirs - (before + half), theirs - (wall + half)
        self._heard = time.monotonic()

    def close(self) -> None:
        """Drop its connections."""
        self._stub.DropConnections()
