"""The protected site's vCenter: watched beside, and never needed but by a planned failover."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from drdeck.sites.site import CertificateWrong, LoginRefused, Refused, SiteError

from .connection import Connection
from .facts import Inventory
from .inventory import InventoryWatch
from .situation import Protected

log = logging.getLogger("drdeck.vsphere")

CHECK_S = 10.0
"""How long a look at the protected site may take."""
RETRY_S = 5.0
_SHUT_OUT = (LoginRefused, CertificateWrong, Refused)


class ProtectedSide:
    """Follows the protected site in the background; `on_change` is called when something there changed.

    `connect` logs in and returns a connection, or raises SiteError.
    """

    def __init__(
        self,
        connect: Callable[[], asyncio.Future[Connection]],
        root: str,
        address: str,
        on_change: Callable[[], None],
    ) -> None:
        self._connect, self._root, self.address, self._on_change = connect, root, address, on_change
        self.connection: Connection | None = None
        self.lost = "it was not looked at yet"
        self.shut_out = False
        """it may well be there: a password, a certificate or a folder keeps us from seeing it"""
        self._watch: InventoryWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()
        self._again = asyncio.Event()

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(), name="protected-site")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._task
        if self.connection is not None:
            await self.connection.close()
            self.connection = None

    @property
    def inventory(self) -> Inventory | None:
        return self._watch.inventory if self._watch else None

    def of(self, domain: str) -> Protected:
        """The protected VMs of a domain, as seen last."""
        inventory = self.inventory
        if inventory is None:
            return Protected(lost=self.lost or "it was not looked at yet")
        folder = next((f for f in inventory.domains if f.name == domain), None)
        if folder is None:
            return Protected(lost=self.lost or f'it has no folder "{domain}" under {self._root}')
        return Protected(vms=inventory.vms_of(folder.id), lost=self.lost)

    def has(self, domain: str) -> bool:
        inventory = self.inventory
        return inventory is not None and any(f.name == domain for f in inventory.domains)

    async def settle(self) -> None:
        """End the sessions in which something may still come, as far as it answers."""
        if self.connection is not None:
            with contextlib.suppress(SiteError):  # else before the next command there
                await self.connection.settle()

    async def look(self) -> str:
        """Look now; empty when it answers, else why it does not."""
        try:
            async with asyncio.timeout(CHECK_S):
                if self._watch is None or self.lost:
                    self._first.clear()
                    self.start()
                    self._again.set()
                    await self._first.wait()
                    if self.lost:
                        return self.lost
                assert self._watch is not None
                await self._watch.refresh()
                return ""
        except TimeoutError:
            return self.lost or f"no answer within {CHECK_S:g} s"
        except SiteError as error:
            self.shut_out = isinstance(error, _SHUT_OUT)
            return str(error)

    async def _follow(self) -> None:
        while True:
            try:
                if self.connection is None:
                    self.connection = await self._connect()
                self._watch = InventoryWatch(self.connection, self._root, growth=False)
                async for _ in self._watch.changes():
                    self._say("")
            except SiteError as error:
                self.shut_out = isinstance(error, _SHUT_OUT)
                self._say(str(error))
            except Exception as error:
                log.exception("watching the protected site failed, which is a bug")
                self._say(f"drdeck failed while watching it: {error!r}")
            if self.connection is not None:
                await self.connection.close()
                self.connection = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), RETRY_S)
            self._again.clear()

    def _say(self, lost: str) -> None:
        self.lost = lost
        self._first.set()
        self._on_change()
