"""The vCenter session whose id the appliance takes: made, kept alive, and made anew once it is refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from drdeck.model.passwords import Password
from drdeck.sites.contract import LoginRefused, SiteError, SiteUnreachable
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession

from .appliance import SessionRefused

log = logging.getLogger(__name__)
T = TypeVar("T")

KEEP_S = 240.0
"""Between two small calls that keep the session: vCenter ends one that is idle for half an hour."""
RELOGIN_S = 30.0
"""After a login no other one is tried for so long, whatever the appliance says."""


class ApplianceSession:
    """One connection to the vCenter. All methods belong to one event loop.

    `connected` is called with each new connection, `lost` before one is closed.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        connected: Callable[[Connection], None],
        lost: Callable[[], None],
    ) -> None:
        self._connect, self._connected, self._lost = connect, connected, lost
        self._connection: Connection | None = None
        self._logging_in = asyncio.Lock()
        self._logged_in_s = self._kept_s = 0.0

    async def open(self) -> None:
        """Log in, unless that is done. Raises SiteUnreachable, LoginRefused."""
        async with self._logging_in:
            if self._connection is None:
                self._connection = await self._connect()
                self._logged_in_s = self._kept_s = _loop_s()
                self._connected(self._connection)

    async def used(self, ask: Callable[[str], Awaitable[T]]) -> T:
        """The answer of `ask`, given the session id; where that is refused, once more with a new one.

        Raises what `ask` raises; SessionRefused where a new session is refused too.
        """
        key = self._key()
        try:
            return await ask(key)
        except SessionRefused as refused:
            if not await self._renewed(key):
                raise
            log.info("logged in to vCenter again, for the appliance did not accept the session")
            try:
                return await ask(self._key())
            except SessionRefused:
                text = f"{refused}; drdeck has logged in to vCenter again, without avail"
                raise SessionRefused(text) from None

    def _key(self) -> str:
        if self._connection is None:
            raise SiteUnreachable("drdeck is not logged in to the vCenter of this site now")
        return Password(self._connection.session_id)  # a string that no repr shows

    async def _renewed(self, refused: str) -> bool:
        """True where there is another session than the refused one by now; of many askers one logs in."""
        async with self._logging_in:
            if self._key() != refused:
                return True
            if _loop_s() - self._logged_in_s < RELOGIN_S:
                return False
            connection = self._connection
            assert connection is not None

            def log_in(session: VCenterSession) -> None:
                with contextlib.suppress(Exception):  # ended there already, most likely
                    session.content.sessionManager.Logout()
                session.log_in()

            self._logged_in_s = _loop_s()
            try:
                await connection.command(log_in, "log in again")
            except LoginRefused:
                await self._drop()
                raise
            return True

    async def keep(self) -> None:
        """Keep the session from ending for idleness, every few minutes."""
        connection = self._connection
        if connection is None or _loop_s() - self._kept_s < KEEP_S:
            return
        self._kept_s = _loop_s()
        try:
            await connection.command(lambda session: session.si.CurrentTime(), "keep the session")
        except LoginRefused:
            await self._drop()
            raise
        except SiteError as error:
            log.info("the vCenter session could not be kept: %s", error)

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._lost()
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        await self._drop()


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
