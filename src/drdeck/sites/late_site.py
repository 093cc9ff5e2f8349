"""A vCenter's site that is imported when it is opened, so that its controller answers before.

Its library and its rooms take as long to import as all else of a controller together. What is asked of it
before has them imported first, in a thread; what needs a view has none yet.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from drdeck.config.settings import VSphereSettings
from drdeck.model.alarms import Finding
from drdeck.model.commands import AnyCommand
from drdeck.model.domains import Domain, ProtectedSite
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.guard import Hazards
from drdeck.model.pitr import Points, Writing
from drdeck.model.planned import PlannedCall
from drdeck.model.plans.room_check import RoomForAll
from drdeck.model.plans.run_note import RunMark, RunNote
from drdeck.model.views import NOT_SEEN, SiteView

from .contract import (
    KeepsRuns,
    LooksAtRoom,
    RecoverySite,
    Refused,
    ShowsRecordsFirst,
    SiteUnreachable,
    TaskBegun,
)

KIND = "vsphere"


class VCenterSite(RecoverySite, ShowsRecordsFirst, KeepsRuns, LooksAtRoom, Protocol):
    """All that the controller uses of a vCenter's site."""


class LateSite:
    """Stands for a vCenter's site from the start on, and becomes it by what is asked first."""

    kind = KIND
    keeps_points = True

    def __init__(
        self, name: str, settings: VSphereSettings, room: str, make: Callable[[], VCenterSite]
    ) -> None:
        """`room`: the module that takes long to import; `make` makes the site, which is short then."""
        self.name, self.parallel = name, settings.parallel
        self.call_places: Mapping[str, int] = settings.places.of_calls()
        self.on_records: Callable[[tuple[Domain, ...]], None] = lambda domains: None
        self._room, self._make = room, make
        self._site: VCenterSite | None = None
        self._making = asyncio.Lock()

    async def _real(self) -> VCenterSite:
        """The site, made in the event loop's thread: only the import is in another. Raises Refused."""
        async with self._making:
            if self._site is None:
                await asyncio.to_thread(importlib.import_module, self._room)
                try:
                    self._site = self._make()
                except ValueError as error:
                    raise Refused(str(error)) from None
                self._site.on_records = lambda domains: self.on_records(domains)
            return self._site

    async def open(self) -> None:
        await (await self._real()).open()

    def watch(self) -> AsyncIterator[SiteView]:
        if self._site is None:
            raise SiteUnreachable(NOT_SEEN)
        return self._site.watch()

    async def observe(self) -> SiteView:
        return await (await self._real()).observe()

    async def points(self, domain: str) -> Points:
        return await (await self._real()).points(domain)

    async def writing(self, domain: str) -> Writing:
        return await (await self._real()).writing(domain)

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        return await (await self._real()).protected_site(domain, without)

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        return await (await self._real()).hazards(domain, vms)

    async def obstacles(self, domain: str, networks: Mapping[str, str], without: tuple[str, ...]) -> Hazards:
        return await (await self._real()).obstacles(domain, networks, without)

    async def room(self, domains: Sequence[str]) -> RoomForAll:
        return await (await self._real()).room(domains)

    async def trial_room(
        self, domain: str, vms: tuple[str, ...], to: datetime | None
    ) -> tuple[TrialRoom, ...]:
        return await (await self._real()).trial_room(domain, vms, to)

    async def keep_run(self, note: RunNote, marks: Mapping[str, RunMark]) -> None:
        await (await self._real()).keep_run(note, marks)

    async def forget_run(self, ident: str) -> None:
        await (await self._real()).forget_run(ident)

    async def findings(self) -> list[Finding]:
        return await (await self._real()).findings()

    def check(self, command: AnyCommand) -> str | None:
        return NOT_SEEN if self._site is None else self._site.check(command)

    async def lacking(self, command: AnyCommand) -> str | None:
        return await (await self._real()).lacking(command)

    async def execute(self, command: AnyCommand, begun: TaskBegun | None = None) -> str:
        return await (await self._real()).execute(command, begun)

    def maintenance_due(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        return [] if self._site is None else self._site.maintenance_due(now)

    async def close(self) -> None:
        if self._site is not None:
            await self._site.close()
