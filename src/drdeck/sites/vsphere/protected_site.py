"""The protected site's vCenter: watched beside, and never needed but by a planned failover.

While a Force Failover is under way it is left in peace: only whether it answers is asked, without a login.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from pyVmomi import vim

from drdeck.model.domains import ProtectedSite
from drdeck.model.text import composed
from drdeck.sites.contract import CertificateWrong, LoginRefused, Refused, SiteError
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.plan.domain_state import ProtectedVms
from drdeck.sites.vsphere.record.attributes import BrokenRecord, read
from drdeck.sites.vsphere.vcenter.connection import Connection, in_thread, translate
from drdeck.sites.vsphere.vcenter.endpoint import Endpoint
from drdeck.sites.vsphere.vcenter.transport import Stub

log = logging.getLogger(__name__)

CHECK_S = 10.0
"""How long a look at the protected site may take."""
RETRY_S = 5.0
NOT_YET = "it was not looked at yet"
_SHUT_OUT = (LoginRefused, CertificateWrong, Refused)


class ProtectedVCenter:
    """Follows the protected site in the background; `on_change` is called when something there changed.

    `connect` logs in and returns a connection, or raises SiteError. Begins with `leave_in_peace` or `look`.
    """

    def __init__(
        self,
        connect: Callable[[], asyncio.Future[Connection]],
        root: str,
        endpoint: Endpoint,
        address: str,
        on_change: Callable[[], None],
    ) -> None:
        self._connect, self._root, self.address, self._on_change = connect, root, address, on_change
        self.connection: Connection | None = None
        self.inventory: Inventory | None = None
        """what was seen last"""
        self.lost = NOT_YET
        self.shut_out = False
        """it may well be there: a password, a certificate or a folder keeps us from seeing it"""
        self.in_peace = False
        """nothing is read there, but for an operator who is about to complete another domain"""
        self._stub = Stub(endpoint, connect_s=CHECK_S, call_s=CHECK_S)
        self._looks = 0
        self._watch: InventoryWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._follows = False
        self._turning = asyncio.Lock()
        self._first = asyncio.Event()
        self._again = asyncio.Event()

    async def leave_in_peace(self, in_peace: bool) -> None:
        """Read nothing there from now on, or follow it."""
        if self._task is None or in_peace != self.in_peace:
            self.in_peace = in_peace
            await self._turn()

    async def _turn(self) -> None:
        """Do what is wanted now: follow it, or listen whether it answers."""
        async with self._turning:
            follow = self._looks > 0 or not self.in_peace
            if self._task is not None and not self._task.done() and follow == self._follows:
                return
            await self._stop()
            self._follows = follow
            if follow:
                self.lost = NOT_YET  # what was seen before may be old by now
                self._first.clear()
            else:
                await self._abandon()
            work = self._follow() if follow else self._listen()
            self._task = asyncio.create_task(work, name="protected-site")

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))  # who stops it may be cancelled meanwhile, and must learn that

    async def _abandon(self) -> None:
        connection, self.connection, self._watch = self.connection, None, None
        if connection is not None:
            await connection.abandon()

    async def close(self) -> None:
        await self._stop()
        self._stub.DropConnections()
        if self.connection is not None:
            await self.connection.close()
            self.connection = None

    def of(self, domain: str) -> ProtectedVms:
        """The protected VMs of a domain, as seen last."""
        inventory = self.inventory
        if inventory is None:
            return ProtectedVms(lost=self.lost or NOT_YET)
        folder = self._folder(inventory, domain)
        if folder is None:
            return ProtectedVms(lost=self.lost or f'it has no folder "{domain}" under {self._root}')
        owned, since = _ownership(folder)
        return ProtectedVms(inventory.vms_of(folder.id), self.lost, owned, since)

    def has(self, domain: str) -> bool:
        inventory = self.inventory
        return inventory is not None and self._folder(inventory, domain) is not None

    @staticmethod
    def _folder(inventory: Inventory, domain: str) -> FolderFacts | None:
        """The folder of a domain, whose letters the two vCenters may hold in two forms."""
        name = composed(domain)
        return next((f for f in inventory.domains if composed(f.name) == name), None)

    async def state(
        self,
        domain: str,
        forced: bool,
        now: Callable[[], datetime],
        counts: Callable[[VmFacts], bool] = lambda vm: True,
    ) -> ProtectedSite:
        """Look at it now; with `forced` only whether it answers. `now`: the recovery site's clock; `counts`:
        whether a VM there is one of those that are failed over."""
        lost, at = await (self.answers() if forced else self.look()), now()
        if lost:
            state = "unknown" if self.shut_out else "lost"
            return ProtectedSite(state=state, address=self.address, checked_at=at, detail=lost)
        its = self.of(domain)
        if not self.has(domain):
            detail = f"{self.address}: {its.lost}"
            return ProtectedSite(address=self.address, checked_at=at, detail=detail)
        return ProtectedSite(
            state="reachable",
            address=self.address,
            running=sum(1 for vm in its.vms if vm.power == "on" and counts(vm)),
            total=sum(1 for vm in its.vms if counts(vm)),
            checked_at=at,
            owned=its.owned,
        )

    async def settle(self) -> None:
        """End the sessions in which something may still come, as far as it answers."""
        if self.connection is not None:
            with contextlib.suppress(SiteError):  # else before the next command there
                await self.connection.settle()

    async def answers(self) -> str:
        """A call without login, for the answer's sake; empty, or why there is none."""

        def ask() -> None:
            si: Any = vim.ServiceInstance("ServiceInstance", self._stub)
            try:
                si.RetrieveContent()
            finally:
                self._stub.DropConnections()

        try:
            async with asyncio.timeout(CHECK_S):
                await in_thread(ask)
        except TimeoutError:
            return f"no answer within {CHECK_S:g} s"
        except Exception as error:
            failure = translate(error, "hear from it", f"vCenter {self.address}")
            self.shut_out = isinstance(failure, _SHUT_OUT)
            return str(failure)
        return ""

    async def look(self) -> str:
        """Look now, whatever goes on; empty when it answers, else why it does not."""
        async with self.looked_at() as lost:
            return lost

    @contextlib.asynccontextmanager
    async def looked_at(self) -> AsyncIterator[str]:
        """Inside, it is followed whatever goes on; yields what `look` returns."""
        self._looks += 1
        try:
            yield await self._look()
        finally:
            self._looks -= 1
            await self._turn()

    async def _look(self) -> str:
        try:
            async with asyncio.timeout(CHECK_S):
                await self._turn()
                if self._watch is None or self.lost:
                    self._first.clear()
                    self._again.set()
                    await self._first.wait()
                    if self.lost:
                        return self.lost
                assert self._watch is not None
                self.inventory = await self._watch.refresh()
                return ""
        except TimeoutError:
            return self.lost or f"no answer within {CHECK_S:g} s"
        except SiteError as error:
            self.shut_out = isinstance(error, _SHUT_OUT)
            return str(error)

    async def _listen(self) -> None:
        while True:
            self._say(await self.answers())
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        while True:
            try:
                if self.connection is None:
                    self.connection = await self._connect()
                self._watch = InventoryWatch(self.connection, self._root)
                async for inventory in self._watch.changes():
                    self.inventory = inventory
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
                async with asyncio.timeout(RETRY_S):
                    await self._again.wait()
            self._again.clear()

    def _say(self, lost: str) -> None:
        self.lost = lost
        self._first.set()
        self._on_change()


def _ownership(folder: FolderFacts) -> tuple[bool | None, datetime | None]:
    """Word of a drdeck of the protected site, by its record, that it owns a domain, and since when; None
    where it has no record of it, or one that makes no sense."""
    try:
        record = read(folder.attributes)
    except BrokenRecord:
        return None, None
    f = record.failover
    if record.mode is None and f is None:
        return None, None
    return record.owned, (f.recovered or f.since) if f is not None and record.owned else None
