"""The tie to the controller: attach, follow, and attach again when it is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from textual.message import Message

from drdeck.controller.client import Client, ControllerError, Disconnected

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


BEAT_S, SILENT_S = 1.5, 3.0
"""Between an answer and the next question to the controller, and how long it may take to answer."""
SILENT = "the controller does not answer: it may be paused or very busy"


async def _mind(client: Client, post: Callable[[Message], object]) -> None:
    """Until the connection is gone. A controller that is stopped keeps it open and says nothing."""
    gone = asyncio.ensure_future(client.closed.wait())
    try:
        while not (await asyncio.wait({gone}, timeout=BEAT_S))[0]:
            asked = asyncio.ensure_future(_answers(client))
            for _ in range(2):  # after a stall of our own, the answer is there before the second half is over
                await asyncio.wait({asked}, timeout=SILENT_S / 2)
            if asked.done():
                continue
            post(Lost(SILENT))
            if await asked:
                post(Attached(client))
    finally:
        gone.cancel()


async def _answers(client: Client) -> bool:
    """Once the controller answers; False when the connection is gone."""
    try:
        await client.status()
    except ControllerError:
        return not client.closed.is_set()
    return True


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
            post(Attached(client))
            await _mind(client, post)
            post(Lost("connection to the controller lost; attaching again"))
        await asyncio.sleep(backoff[min(tries, len(backoff) - 1)])
        tries += 1
