"""Liveness of a controller: one that is stopped keeps its connections, and says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .client import Client, ControllerError

BEAT_S, SILENT_S = 1.5, 3.0
"""Between an answer and the next question to the controller, and how long it may take to answer."""
GIVE_UP_S, FOLLOWS_S = 20.0, 60.0
"""How long a command puts up with silence while it asks, and while it only follows what goes on."""
SILENT = "the controller does not answer: it may be paused or very busy"
AGAIN = "the controller answers again"


async def mind(client: Client, silent: Callable[[], object], again: Callable[[], object]) -> None:
    """Watch until the connection is gone, or given up after `client.patience_s` of silence.

    `silent` is called within BEAT_S + SILENT_S, and `again` once the controller answers after that. Time is
    counted in small pieces, so that a stall of our own (a prompt, Ctrl-Z) is not taken for one of its.
    """
    closing = asyncio.ensure_future(client.closed.wait())
    try:
        while not (await asyncio.wait({closing}, timeout=BEAT_S))[0]:
            answering = asyncio.ensure_future(_answers(client))
            for _ in range(2):  # after a stall of our own, the answer is there before the second half is over
                await asyncio.wait({answering}, timeout=SILENT_S / 2)
            if answering.done():
                continue
            silent()
            waited = BEAT_S + SILENT_S
            while not answering.done():
                if waited >= client.patience_s:
                    client.give_up(waited)
                    break
                piece = min(SILENT_S / 2, client.patience_s - waited)
                await asyncio.wait({answering}, timeout=piece)
                waited += piece
            if await answering:
                again()
    finally:
        closing.cancel()


async def _answers(client: Client) -> bool:
    """Once the controller answers; False when the connection is gone."""
    try:
        await client.status()
    except ControllerError:
        return not client.closed.is_set()
    return True
