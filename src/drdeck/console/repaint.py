"""Drawing in time: with the news, at most so often, and what runs with the clock each second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from textual.screen import Screen
from textual.timer import Timer

from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.ports import Console
from drdeck.console.screens.screen import ConsoleScreen

from .format import hour

log = logging.getLogger(__name__)

REPAINT_S = 0.5
"""News are drawn at most this often."""


class Repainter:
    """Draws the screens that are seen from the newest state."""

    def __init__(self, app: Console) -> None:
        self._app = app
        self._drawn_at = float("-inf")
        self._due: Timer | None = None
        self._minute = ""

    def start(self) -> None:
        """From now on the clock runs."""
        self._minute = hour(self._app.now())

    def soon(self) -> None:
        """Draw all that is seen, now or as soon as it may be."""
        if self._due is not None:
            return
        wait = self._drawn_at + REPAINT_S - time.monotonic()
        if wait <= 0:
            self._all()
        else:
            self._due = self._app.set_timer(wait, self._all)

    def _all(self) -> None:
        self._due = None
        self._drawn_at = time.monotonic()
        if self._app.coach_session is not None:
            self._app.coach_session.look()
        for screen in self._visible_screens():
            self.draw(screen)
        self._app.dialog_queue.show_waiting()
        log.debug("news drawn in %.0f ms", 1000 * (time.monotonic() - self._drawn_at))

    def _visible_screens(self) -> list[Screen[Any]]:
        """The topmost full screen and the dialogs over it."""
        stack = self._app.screen_stack
        full = [i for i, screen in enumerate(stack) if isinstance(screen, ConsoleScreen)]
        return list(stack[full[-1] :]) if full else []

    def draw(self, screen: Screen[Any], part: Callable[[], None] | None = None) -> None:
        """Draw one screen; of a full one only what `part` draws, where that is given."""
        if not screen.is_mounted or screen not in self._app.screen_stack:
            return
        if isinstance(screen, ConsoleScreen):
            self.guarded(part or screen.draw)
        elif isinstance(screen, Dialog):
            self.guarded(lambda: screen.take(self._app.state))
        if not self._app.drawing and screen.outer_size and self._app.state.heard:
            self._app.begin_drawing()

    def tick(self) -> None:
        """A second has passed."""
        minute = hour(self._app.now())
        turned, self._minute = minute != self._minute, minute
        for screen in self._visible_screens():
            if isinstance(screen, ConsoleScreen) and screen.is_mounted:
                self.guarded(lambda s=screen: s.tick(turned))  # type: ignore[misc]
        self._app.dialog_queue.show_waiting()

    def guarded(self, draw: Callable[[], None]) -> None:
        """Draw; a bug in it is logged and said, and no more."""
        try:
            draw()
        except Exception as error:
            log.exception("news could not be drawn")
            self._app.say(f"Something could not be drawn ({type(error).__name__}); the log says why")
