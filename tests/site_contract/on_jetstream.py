"""The bench over the vendor's appliance, of which a stand-in answers: looked at, and never acted on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from drdeck.controller.controller import Controller
from drdeck.controller.journal.event_store import Journal
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain
from drdeck.sites.contract import RecoverySite
from tests.support.appliance.sample import DOMAIN_ID, sound
from tests.support.appliance.stand_in import Reply, StandIn
from tests.support.appliance.watching import site_of
from tests.support.waiting import ended, eventually

NAME = "erp-prod"


class JetStreamBench:
    """As much of a `Bench` as a site has that can only be looked at."""

    name = NAME

    def __init__(self, directory: Path) -> None:
        self._stand_in = StandIn()
        self._stand_in.say(DOMAIN_ID, sound(criticalAlerts=[]))
        site, _ = site_of(self._stand_in, state=directory)
        self.site = cast(RecoverySite, site)
        self.controller = Controller(self.site, Journal(directory / "journal.db"))
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._task = asyncio.create_task(self.controller.run())
        await eventually(lambda: self.controller.watcher.error is None and self.controller.view is not None)

    async def close(self) -> None:
        if self._task is not None:
            await ended(self._task)
        self.controller.journal.close()
        self._stand_in.stop()

    @property
    def domain(self) -> Domain:
        return self.controller.desk.domain(NAME)

    def asks(self, action: str, **details: Any) -> Request:
        return Request(action=action, domain=NAME, **details)

    async def until(self, holds: Callable[[Domain], object]) -> Domain:
        await eventually(lambda: holds(self.domain))
        return self.domain

    async def look(self) -> None:
        """Until the controller has seen an answer that was asked for from now on."""
        requests = self._stand_in.count()
        await eventually(lambda: self._stand_in.count() > requests + 1)

    async def trouble(self) -> None:
        """The appliance has an alert."""
        self._stand_in.say(DOMAIN_ID, sound())

    async def mend(self) -> None:
        self._stand_in.say(DOMAIN_ID, sound(criticalAlerts=[]))

    def fall_silent(self) -> None:
        self._stand_in.instead = Reply(status=500)

    def answer_again(self) -> None:
        self._stand_in.instead = None
