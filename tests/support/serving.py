"""A controller at work on its socket, in the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from drdeck.controller.controller import Controller
from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.server import Server
from drdeck.controller.journal.event_store import Journal
from tests.support.fakesite import FakeSite
from tests.support.waiting import ended, eventually


@contextlib.asynccontextmanager
async def serving(server: Server, controller: Controller) -> AsyncIterator[None]:
    """From the first sight of the site until the block ends; then the journal is closed too."""
    await server.start()
    task = asyncio.create_task(controller.run())
    try:
        await eventually(lambda: controller.watcher.error is None)
        yield
    finally:
        await server.close()
        await ended(task)
        controller.journal.close()


class Rig:
    """A controller over a site in memory, served on a socket."""

    def __init__(self, directory: Path) -> None:
        self.site = FakeSite()
        self.path = directory / "run" / "controller.sock"
        self.journal = Journal(directory / "journal.db")
        self.controller = Controller(self.site, self.journal)
        self.stopped = asyncio.Event()
        self.server = Server(self.controller, self.path, self.stopped.set)


@contextlib.asynccontextmanager
async def served(directory: Path) -> AsyncIterator[Rig]:
    rig = Rig(directory)
    async with serving(rig.server, rig.controller):
        yield rig


HELLO = p.line(p.Hello(version=p.VERSION, who="a@b"))
