"""A controller at work on its socket, in the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from drdeck.controller.controller import Controller
from drdeck.controller.ipc.server import Server
from tests.support.waiting import eventually


@contextlib.asynccontextmanager
async def serving(server: Server, controller: Controller) -> AsyncIterator[None]:
    """From the first sight of the site until the block ends; then the journal is closed too."""
    await server.start()
    task = asyncio.create_task(controller.run())
    try:
        await eventually(lambda: controller.error is None)
        yield
    finally:
        await server.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        controller.journal.close()
