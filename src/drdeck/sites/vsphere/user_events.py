"""Lines of drdeck's in vCenter's own events, so that colleagues see in their client what it does.

On the datacenter, for an event of a user's own is refused on a folder of VMs (API reference:
EventManager.LogUserEvent). They are courtesy: nothing waits for one, and one that is lost is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from pyVmomi import vim

from drdeck.sites.contract import Refused, SiteError
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession

log = logging.getLogger(__name__)


class UserEvents:
    """Writes them, one after the other. `datacenter` gives the id of the one that they are about; `connected`
    gives the connection, or raises SiteUnreachable."""

    def __init__(self, datacenter: Callable[[], str], connected: Callable[[], Connection]) -> None:
        self._datacenter, self._connected = datacenter, connected
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None
        self._refusal = ""

    def tell(self, line: str) -> None:
        """Have a line written soon; empty: nothing is."""
        if not line:
            return
        self._lines.put_nowait(line)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="user-events")

    async def _write(self) -> None:
        while not self._lines.empty():
            line = self._lines.get_nowait()

            def write(session: VCenterSession, line: str = line) -> None:
                datacenter = vim.Datacenter(self._datacenter(), session.stub)
                session.content.eventManager.LogUserEvent(datacenter, line)

            try:
                await self._connected().poll(write, "write a line into vCenter's events")
                self._refusal = ""
            except Refused as refused:
                if str(refused) != self._refusal:  # once, and not for each line
                    self._refusal = str(refused)
                    log.warning("%s; drdeck writes none", refused)
            except SiteError as error:
                log.info("%s", error)

    def close(self) -> None:
        """Write no more."""
        if self._writer is not None:
            self._writer.cancel()
