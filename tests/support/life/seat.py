"""A seat at the console of a deck's controller, for whoever goes a domain's life by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drdeck.controller.ipc.client import Client
from drdeck.controller.process.paths import paths_for
from drdeck.model.actions.request import Request
from tests.support.console.console_deck import running
from tests.support.deck import SITE, Deck
from tests.support.life.keyboard import Operator


@asynccontextmanager
async def seated(deck: Deck, domain: str, site: str = SITE) -> AsyncIterator[Operator]:
    """An operator at a console of the deck's controller, which runs."""

    async def attach() -> Client:
        client = Client(paths_for(site, deck.state).socket, "console")
        await client.connect()
        return client

    async with running(attach, size=(100, 30)) as console:
        await console.sees(domain)
        yield Operator(console, domain)


async def look_there(deck: Deck, domain: str) -> None:
    """Have drdeck look at the other side now: no vCenter tells that an attribute changed."""
    client = Client(paths_for(SITE, deck.state).socket, "console")
    await client.connect()
    await client.preview(Request(action="failover_undo", domain=domain))
    await client.close()
