"""The tie to the controller: attach, follow, and attach again when it is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from textual.message import Message

from drdeck.controller.ipc.client import Client, ControllerError, Disconnected
from drdeck.controller.ipc.liveness import SILENT, mind

log = logging.getLogger(__name__)

BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries to attach again; the last one stays."""


class Attached(Message):
    """A controller was reached; its first news follow."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client


class News(Message):
    """The client holds something newer."""


class Lost(Message):
    """No controller now; `why` is one sentence, `final` that trying again is of no use."""

    def __init__(self, why: str, final: bool = False) -> None:
        super().__init__()
        self.why = why
        self.final = final


async def _mind(client: Client, post: Callable[[Message], object]) -> None:
    await mind(client, silent=lambda: post(Lost(SILENT)), again=lambda: post(Attached(client)))


async def follow(
    attach: Callable[[], Awaitable[Client]],
    post: Callable[[Message], object],
    backoff: tuple[float, ...] = BACKOFF,
) -> None:
    """Hold a connection for as long as the console lives; all that happens is posted."""
    tries, first = 0, True
    while True:
        try:
            client = await attach()
        except ControllerError as error:
            log.debug("not attached: %s", error)
            final = first and not isinstance(error, Disconnected)
            post(Lost(str(error), final=final))
            if final:
                return
        except Exception as error:  # whatever goes wrong on the way to a controller: say it, go on trying
            log.exception("attaching failed")
            post(Lost(f"no controller: {error}"))
        else:
            tries, first = 0, False

            def changed() -> None:
                post(News())

            client.on_change = changed
            log.debug("attached")
            post(Attached(client))
            try:
                await _mind(client, post)
            finally:
                await client.close()  # the process may open another site: not "also here" meanwhile
            log.debug("the connection to the controller was lost")
            post(Lost("connection to the controller lost; attaching again"))
        await asyncio.sleep(backoff[min(tries, len(backoff) - 1)])
        tries += 1
