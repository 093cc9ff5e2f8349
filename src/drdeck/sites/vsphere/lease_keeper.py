"""Driving the domains of a site: becoming the driver, staying it, and succeeding another one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.record.lease import HeldElsewhere, Leases
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions
from drdeck.sites.vsphere.vcenter.transport import steady

from .site_state import SiteState

LOOK_S = 0.5
"""So long a look at who drives a domain holds for the calls that are made there."""


class LeaseLook(NamedTuple):
    """A look at a lease that is ours: when it began and until when it holds, as `steady` counts."""

    began_s: float
    until_s: float
    logins: int
    """the login of our session with which it was made"""


class LeaseKeeper:
    """The leases of one controller at one site, and what comes with them.

    `connected` gives the connection there is, or raises SiteUnreachable. `fences`: of the site's vCenters.
    """

    def __init__(
        self,
        sight: SiteState,
        length_s: float,
        connected: Callable[[], Connection],
        fences: Sequence[StaleSessions],
    ) -> None:
        self._sight, self._connected, self._fences = sight, connected, fences
        self.leases = Leases(sight.me, sight.now, length_s)
        self.leases.on_taken = self._succeed
        self._looks: dict[str, LeaseLook] = {}
        self._looking: dict[str, asyncio.Lock] = {}

    async def keep(self, watch: InventoryWatch) -> None:
        """Stay the driver of what is under way here, also while nothing is to be done; and look again
        before another's time seems to be over: the picture may be older than its last word."""
        while True:
            await asyncio.sleep(self.leases.length_s / 6)
            doubtful = False
            for folder in watch.inventory.domains if watch.inventory else ():
                mine = self.leases.tiring(folder.id)
                if not mine and not self._sight.other_tires(folder, self.leases.length_s / 2):
                    continue
                try:  # what fails here is said by the next act, which looks again
                    record = self._sight.find(folder.name)[1].record
                    if not record.completing and record.session is None:
                        continue
                    if mine:
                        await self.drive(folder, f"stay the driver of {folder.name}")
                    else:
                        doubtful = True
                except HeldElsewhere:
                    doubtful = True
                except SiteError:
                    continue
            if doubtful:
                with contextlib.suppress(SiteError):
                    await watch.refresh_attributes()

    async def drive(self, folder: FolderFacts, doing: str, force: bool = False) -> float:
        """Be the driver of a domain; until when, as `steady` counts. Raises HeldElsewhere, SiteUnreachable,
        Refused, ResultUnknown.

        Calls that are made at a time share a look at vCenter: one that is older than LOOK_S, or of a session
        that has ended since, counts for none. Who took the domain by force has ended our sessions first.
        """
        async with self._looking.setdefault(folder.id, asyncio.Lock()):
            connection = self._connected()
            look = self._looks.get(folder.id)
            current = look is not None and look.logins == connection.commands.stub.logins
            if look is not None and current and not force and steady() - look.began_s < LOOK_S:
                return look.until_s
            began_s, logins = steady(), connection.commands.stub.logins
            self._looks.pop(folder.id, None)
            until_s = await connection.command(
                lambda session: self.leases.hold(session, folder.id, force), doing
            )
            self._looks[folder.id] = LeaseLook(began_s, until_s, logins)
            return until_s

    def _succeed(self, session: VCenterSession, driver: str, force: bool) -> None:
        """A domain was taken from another driver: nothing that it asked for may land any more.

        One that lives and drives other domains is left alone, unless an operator takes this one over:
        it logs in anew, and looks at its leases before it repeats what was refused. Blocks. Raises
        HeldElsewhere where what is to be done was decided on what was seen before; and what pyVmomi raises.
        """
        if not force and self._sight.drives(driver):
            return
        for fence in self._fences:
            fence.succeed(driver)
        session.settle()
        if not force:
            raise HeldElsewhere(f"it was driven by {driver} until now; drdeck looks again before it goes on")
