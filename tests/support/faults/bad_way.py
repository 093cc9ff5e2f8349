"""A journal that may die or be full, and a training site to which the way is bad."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from drdeck.controller.journal.event_store import Entry, Event, JournalError
from drdeck.model.views import SiteView
from drdeck.sites.contract import ResultUnknown, SiteUnreachable
from drdeck.sites.training.simulation.fault_injection import SiteCommand
from drdeck.sites.training.site import TrainingSite
from drdeck.sites.training.state_store import StateStore
from tests.support.faults.dying import DyingJournal, Killed

if TYPE_CHECKING:
    from tests.support.faults.chaos import Chaos


class Fate(NamedTuple):
    """What becomes of a command on its way: after how long each copy of it reaches the site, and how long
    the answer to the first then takes; `lost`: instead, nobody waits longer than that for any answer.
    `unsent`: it did not leave, as is seen at once."""

    lands: tuple[float, ...] = (0.0,)
    answer: float = 0.0
    lost: float | None = None
    unsent: bool = False


class ChaosJournal(DyingJournal):
    """Tells the world what is written, and what it died of. Its disk is full while the world says so."""

    world: Chaos

    def append_all(self, entries: Sequence[Entry]) -> list[Event]:
        if self.world.disk_full and not self.dead:
            raise JournalError("the journal cannot be written: database or disk is full")
        alive = not self.dead
        try:
            events = super().append_all(entries)
        except Killed:
            if self.world.journal is self:  # not of a controller that was buried before
                self.world.died.set()
            if alive and self.point is not None and self.point.when == "after":
                self._tell(entries)
            raise
        self._tell(entries)
        return events

    def _tell(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.world.wrote(entry.kind, entry.data)


class ChaosSite(TrainingSite):
    """The way to it loses, doubles and delays; what lands there lands whoever asked for it lives or not."""

    world: Chaos

    def _opened(self) -> tuple[StateStore, Any]:
        if self.world.site_lost:
            raise SiteUnreachable("the way to the site is cut")
        return super()._opened()

    async def watch(self) -> AsyncIterator[SiteView]:
        world, views = self.world, list[SiteView]()
        async for view in super().watch():
            if world.view_delays:
                await asyncio.sleep(world.view_delays.pop(0))
            yield view
            world.newest = max(world.newest, view.serial)
            views.append(view)
            if world.old_views:
                yield views[-1 - world.old_views.pop(0) % len(views)]

    async def observe(self) -> SiteView:
        if self.world.view_delays:
            await asyncio.sleep(self.world.view_delays.pop(0))
        return await super().observe()

    async def execute(self, command: SiteCommand, begun: object = None) -> str:
        self._opened()
        world = self.world
        world.called(command)
        fate = world.fates.pop(0) if world.fates else Fate()
        if fate.unsent:
            world.unanswered[command.operation, command.key] = world.life, self._serial
            raise SiteUnreachable("lost for a moment")
        landings = [world.keep(world.land(command, after)) for after in fate.lands]
        if fate.lost is not None:
            await asyncio.sleep(fate.lost)
            world.unanswered[command.operation, command.key] = world.life, self._serial
            raise ResultUnknown("the answer was lost")
        await asyncio.shield(landings[0])
        await asyncio.sleep(fate.answer)
        return ""

    async def take(self, command: SiteCommand) -> None:
        """What reaches the site is carried out."""
        store, simulation = self._opened()
        now = self.site_now()
        if not store.has(command) and simulation.refusal(command, now) is None:
            before = next(d for d in simulation.domains(now) if d.name == command.domain)
            self.world.taken(command, before, now)
        await super().execute(command)
        self.world.shown_since.setdefault((command.operation, command.key), (self.world.life, self._serial))
