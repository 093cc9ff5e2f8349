"""Leases of a site's domains: becoming the holder, staying it, and succeeding another one."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pyVmomi import vim

from drdeck.model.domains import SessionState
from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.record.attribute_names import LEASE
from drdeck.sites.vsphere.record.attributes import BrokenRecord, read
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.kept.run_slots import read_notes
from drdeck.sites.vsphere.record.leases.lease import HeldElsewhere, Leases, read_fields
from drdeck.sites.vsphere.record.leases.lease_record import parse
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions, last_active
from drdeck.sites.vsphere.vcenter.transport import steady

from .view.site_state import SiteState

LOOK_S = 0.5
"""So long a look at who drives a domain holds for the calls that are made there."""
SILENT = timedelta(seconds=120)
"""A holder whose session was not used for so long is gone: it uses its own every two seconds (heartbeat)."""
GONE_LOOK_S = 20.0
"""Between two looks at the sessions of others."""


class LeaseLook(NamedTuple):
    """A look at a lease that is ours: when it began and until when it holds, as `steady` counts."""

    began_s: float
    until_s: float
    logins: int
    """the login of our session with which it was made"""


def is_quiet(record: Record) -> bool:
    """True for a PITR session in which nothing goes on."""
    return record.session is not None and record.session.state is SessionState.ACTIVE


class LeaseKeeper:
    """The leases of one controller at one site, and what comes with them.

    `lengths_s`: of a lease, and of one of a session in which nothing goes on. `connected` gives the
    connection there is, or raises SiteUnreachable. `stale_sessions`: of the site's vCenters.
    """

    def __init__(
        self,
        state: SiteState,
        lengths_s: tuple[float, float],
        connected: Callable[[], Connection],
        stale_sessions: Sequence[StaleSessions],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_change` is called when others are seen to be gone, or back."""
        self._state, self._connected, self._stale_sessions = state, connected, stale_sessions
        self._on_change = on_change
        self.leases = Leases(state.me, state.now, lengths_s[0], quiet_s=lengths_s[1])
        self.leases.on_taken = self._succeed
        self.leases.silent = self._silent
        self.leases.read_fields = self._read_fields
        self._sessions_looked_at_s = -math.inf
        self._looks: dict[str, LeaseLook] = {}
        self._looking: dict[str, asyncio.Lock] = {}

    async def keep(self, watch: InventoryWatch) -> None:
        """Stay the holder of what is under way here, also while nothing is to be done; and look again
        before another's time seems to be over: the view may be older than its last word."""
        while True:
            await asyncio.sleep(self.leases.length_s / 6)
            outdated = False
            await self._look_for_gone(watch)
            for folder in watch.inventory.domains if watch.inventory else ():
                other_tires = self._state.other_tires(folder, self.leases.length_s / 2)
                # a lease of ours that lapsed, as while vCenter was out of reach, is taken up again as well
                if not other_tires and not self.leases.tiring(folder.id, quiet=True):
                    continue
                try:  # what fails here is said by the next call, which looks again
                    record = read(folder.attributes)
                    if not record.completing and record.session is None:
                        continue
                    quiet = is_quiet(record)
                    if self.leases.tiring(folder.id, quiet):
                        await self.drive(folder, f"stay the driver of {folder.name}", quiet=quiet)
                    elif other_tires:
                        outdated = True
                except HeldElsewhere:
                    outdated = True
                except (SiteError, BrokenRecord):
                    continue
            if outdated:
                with contextlib.suppress(SiteError):
                    await watch.refresh_attributes()

    async def _look_for_gone(self, watch: InventoryWatch) -> None:
        """Look which of the others that hold a domain for long have no session at vCenter any more: their
        domains are shown as left, and may be taken up at once."""
        soon = self._state.now() + timedelta(seconds=self.leases.length_s)
        folders = watch.inventory.domains if watch.inventory else ()
        leases = (parse(words) for folder in folders if (words := folder.attributes.get(LEASE)))
        others = {v.by for v in leases if v is not None and v.by != self._state.me and v.until > soon}
        if watch.inventory is not None:
            holders = read_notes(watch.inventory.root.attributes).by.values()
            others |= {by for by in holders if by not in ("", self._state.me)}
        silent = {who: since for who, since in self._state.silent.items() if who in others}
        if others and steady() - self._sessions_looked_at_s >= GONE_LOOK_S:
            self._sessions_looked_at_s = steady()
            with contextlib.suppress(SiteError):
                silent = await self._connected().command(
                    lambda session: {
                        who: silent.get(who, self._state.now())
                        for who in sorted(others)
                        if self._silent(session, who)
                    },
                    "see who is at work",
                )
        if silent != self._state.silent:
            self._state.silent = silent
            self._on_change()

    def _silent(self, session: VCenterSession, holder: str) -> bool:
        """True for a holder that has no session any more which it used of late. Blocks. Raises what pyVmomi
        raises; where the sessions may not be read, none is silent before its time is over."""
        try:
            used: datetime | None = last_active(session.content, holder)
        except vim.fault.NoPermission:
            return False
        return used is None or used < self._state.now() - SILENT

    async def drive(self, folder: FolderFacts, aim: str, force: bool = False, quiet: bool = False) -> float:
        """Be the holder of a domain; until when, as `steady` counts. Raises HeldElsewhere, SiteUnreachable,
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
                lambda session: self.leases.hold(session, folder.id, force, quiet), aim
            )
            if not quiet:  # it has looked at less than a call is to know
                self._looks[folder.id] = LeaseLook(began_s, until_s, logins)
            return until_s

    def _read_fields(
        self, session: VCenterSession, folders: Collection[str]
    ) -> tuple[dict[str, int], dict[str, dict[int, str]]]:
        """Read what a look at a lease needs, and have the watching take it: the record is in it. Blocks."""
        watch = self._state.watch
        if watch is None:
            return read_fields(session, folders)
        with watch.attributes.reading(folders) as reading:
            fields, values = read_fields(session, folders)
            watch.attributes.take(reading, {key: name for name, key in fields.items()}, values)
        return fields, values

    def _succeed(self, session: VCenterSession, holder: str, force: bool) -> None:
        """A domain was taken from another holder: nothing that it asked for may land any more.

        One that lives and drives other domains is left alone, unless an operator takes this one over:
        it logs in anew, and looks at its leases before it repeats what was refused. Blocks. Raises
        HeldElsewhere where what is to be done was decided on what was seen before; and what pyVmomi raises.
        """
        if not force and self._state.drives(holder):
            return
        for stale in self._stale_sessions:
            stale.succeed(holder)
        session.settle()
        if not force:
            raise HeldElsewhere(
                f"it was driven by {holder} until now; drdeck looks again before it continues"
            )
