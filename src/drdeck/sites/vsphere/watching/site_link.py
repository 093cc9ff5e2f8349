"""The connection to a site's vCenter: opened, kept over short silences, and opened anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from drdeck.sites.contract import LoginRefused, SiteError, SiteUnreachable
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.vcenter.connection import Connection
from drdeck.sites.vsphere.vcenter.heartbeat import FIRST_S, Heartbeat
from drdeck.sites.vsphere.view.site_state import SiteState

KEEP_S = 12.0
"""After a silence of less, sessions and calls under way are kept: a busy vCenter may pause for so long, and a
dead connection is given up by TCP itself soon after."""

Connect = Callable[[], Awaitable[Connection]]


class SiteLink:
    """The connection that there is, if any; its heartbeat and its long poll are the state's.

    `new_watch` makes the long poll of a connection.
    """

    def __init__(
        self, connect: Connect, state: SiteState, new_watch: Callable[[Connection], InventoryWatch]
    ) -> None:
        self._connect, self._state, self._new_watch = connect, state, new_watch
        self.connection: Connection | None = None
        self._shut_out = False
        """the watching session ended, and no new one was let in; the commanding one may live"""
        self._resumable = False
        """watching worked and was then cut off: its sessions are most likely as they were"""

    def connected(self) -> Connection:
        """The connection. Raises SiteUnreachable while there is none."""
        if self.connection is None:
            raise SiteUnreachable("drdeck is not connected to this site now")
        return self.connection

    def watching(self) -> InventoryWatch:
        """The long poll. Raises SiteUnreachable while there is none."""
        if self._state.watch is None:
            raise SiteUnreachable("drdeck is not connected to this site now")
        return self._state.watch

    async def open(self) -> None:
        """Connect, or go on with the connection that a short silence left. Raises LoginRefused, SiteError."""
        heart = self._state.heart
        if heart is not None:
            silent_s = heart.silent_s
            await heart.beat()  # nothing is given up before it answers again
            if self._resumable and silent_s < KEEP_S and self.connection is not None:
                self._resumable = False
                # what is asked to be watched stays watched: a busy vCenter pauses for some seconds
                await self.connection.freshen()
                return
        connection = await self._watched_again() or await self._anew()
        self.connection, self._resumable, self._shut_out = connection, False, False
        if heart is None:
            heart = self._state.heart = Heartbeat(connection)
        heart.follow(connection)
        await heart.beat(FIRST_S)
        self._state.watch = self._new_watch(connection)

    async def _watched_again(self) -> Connection | None:
        """The connection that there is, where nothing but the login of its watching session is wrong: what
        the other one does is not cut off, for a vCenter says InvalidLogin too while its SSO is away."""
        if self.connection is None or not self._shut_out:
            return None
        try:
            await self.connection.watch_again()
        except LoginRefused:
            raise
        except SiteError:
            return None
        return self.connection

    async def _anew(self) -> Connection:
        self._shut_out = False
        if self.connection is not None:
            await self.connection.close()
            self.connection = self._state.watch = None
        return await self._connect()

    def cut_off(self, error: SiteUnreachable, worked: bool) -> None:
        """The watching ended by `error`; `worked`: it had read the site before."""
        self._shut_out = isinstance(error, LoginRefused)
        self._resumable = worked and not self._shut_out
        if self._resumable and self._state.heart is not None:
            error.silent_s = self._state.heart.silent_s

    async def close(self) -> None:
        if self.connection is not None:
            await self.connection.close()
