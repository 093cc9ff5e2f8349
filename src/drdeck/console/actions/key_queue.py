"""Keys in the order in which they were typed, each where the focus is by then."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.message_pump import MessagePump

from drdeck.console.ports import Console

log = logging.getLogger(__name__)

ROUNDS = 2
"""Once for the key itself, and once for the message that a widget makes of it."""
PATIENCE_S = 2.0
"""Keys wait at most so long for a window that is on its way; then they are dropped, and that is said."""
BARRIER_S = 1.0
"""A queue that has not come so far within this time is at something long, or gone."""


class KeyQueue:
    """Hands keys on one by one: the next only once all that the last one led to has happened.

    A slow line brings many keys in one packet. Handed on at once, all of them would go to where the focus
    was before the first. While a window is on its way (`expecting`), they wait for it.
    """

    def __init__(self, app: Console, hand_on: Callable[[events.Key], Awaitable[None]]) -> None:
        self._app, self._hand_on = app, hand_on
        self._keys: deque[events.Key] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.last_at = float("-inf")
        """the monotonic instant of the last key"""

    async def put(self, event: events.Key, at_once: bool = False) -> None:
        """A key was pressed; `at_once`: one that leaves or gives up, and waits for no window."""
        self.last_at = self._app.monotonic()
        if at_once and not self._keys and self._app.dialog_queue.expecting:
            await self._hand_on(event)
            return
        if self._pump is None and not self._app.dialog_queue.expecting:
            self._pump = asyncio.create_task(self._settle(), name="keys")
            await self._hand_on(event)
            return
        self._keys.append(event)
        if self._pump is None:
            self._pump = asyncio.create_task(self._settle(), name="keys")

    def stir(self) -> None:
        """A window opened, or none will: keys that wait can go on."""
        self._changed.set()

    def drop(self) -> int:
        """Forget the keys that wait; returns how many."""
        count = len(self._keys)
        self._keys.clear()
        return count

    async def _settle(self) -> None:
        """Wait until the last key has had its effect, then hand on what came meanwhile."""
        try:
            await self._effect()
            while self._keys:
                await self._window()
                if self._keys:
                    await self._hand_on(self._keys.popleft())
                    await self._effect()
        except Exception:
            log.exception("a key could not be handed on")
        finally:
            self._pump = None

    async def _window(self) -> None:
        """Wait for a window that is on its way. One that does not come in time gets no keys."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._app.dialog_queue.expecting:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            count = self.drop()
            self._app.dialog_queue.expect(False)
            if count:
                keys = "1 key" if count == 1 else f"{count} keys"
                self._app.say(f"still waiting for the controller; {keys} dropped, escape gives it up")

    async def _effect(self) -> None:
        """Until the queues between the focus and the app have worked off all that a key led to."""
        for _ in range(ROUNDS):
            for node in self._chain():
                await _passed(node)

    def _chain(self) -> list[MessagePump]:
        app: Any = self._app
        if not app.screen_stack:
            return [app]
        screen = app.screen
        focused = screen.focused
        chain = [] if focused is None else list(focused.ancestors_with_self)
        return chain if chain and chain[-1] is app else [*chain, screen, app]


async def _passed(node: MessagePump) -> None:
    """Until a node has come to the end of what is in its queue now."""
    reached = asyncio.Event()
    if not node.is_running or not node.call_later(reached.set):
        return
    try:
        async with asyncio.timeout(BARRIER_S):
            await reached.wait()
    except TimeoutError:
        log.debug("%s does not come to the keys behind", node)
