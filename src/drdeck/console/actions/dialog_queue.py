"""One flow of dialogs at a time, what came up by itself behind it, and leaving last."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from textual.timer import Timer
from textual.worker import Worker

from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.ports import Console, Flow
from drdeck.console.screens.screen import ConsoleScreen
from drdeck.console.widgets.screen_frame import TypedInto
from drdeck.controller.ipc.client import ControllerError

log = logging.getLogger(__name__)

LEAVE_S = 15.0
"""Seconds that leaving waits for the controller to take what was confirmed."""
QUIET_S = 3.0
"""A window that nobody asked for opens only when no key was pressed for so long: it must not steal any."""


class DialogQueue:
    """Keeps dialogs from interleaving: none may catch the keys that were meant for another."""

    def __init__(self, app: Console) -> None:
        self._app = app
        self._flow: Worker[None] | None = None
        self._leaving: Timer | None = None
        self._waiting: list[Callable[[], Flow]] = []
        self._next: Callable[[], None] | None = None
        self._expects = False
        """the flow is on its way to a window of its own"""

    @property
    def expecting(self) -> bool:
        """True while keys must wait for a window: it is on its way, or not drawn yet."""
        top = self._app.screen
        if isinstance(top, Dialog):
            return not top.hears
        return self._flow is not None and self._expects

    def expect(self, window: bool) -> None:
        """Say whether the flow leads to a window next, or hands over what was confirmed."""
        self._expects = window
        if not window:
            self._app.keys.stir()

    def then(self, work: Callable[[], None]) -> None:
        """Do this right after the flow: no key may come in between."""
        self._next = work

    def start(self, work: Flow) -> None:
        """Run a flow, unless one still waits."""
        if self._flow is not None:
            work.close()
            self._app.say("the last action still waits for the controller; escape gives it up")
            return
        self._expects = True
        self._flow = self._app.run_worker(self._guard(work), group="flow")

    def give_up(self) -> bool:
        """Stop waiting for a flow that shows no dialog; False when there is none."""
        if self._flow is None:
            return False
        self._flow.cancel()
        self._flow = None
        self._app.keys.stir()
        self._app.say("No longer waiting; the Task Log shows whether it was accepted")
        return True

    def when_free(self, tell: Callable[[], Flow]) -> None:
        """Run a flow that nobody asked for as soon as no dialog is open, and nobody types."""
        self._waiting.append(tell)
        self._app.call_later(self.show_waiting)

    def show_waiting(self) -> None:
        app = self._app
        if not self._waiting or self._flow is not None or not isinstance(app.screen, ConsoleScreen):
            return
        if app.monotonic() - app.keys.last_at >= QUIET_S and not isinstance(app.screen.focused, TypedInto):
            self.start(self._waiting.pop(0)())

    def leave(self) -> None:
        """End the console, but first hand over what was confirmed: it must not be lost on the way."""
        app = self._app
        if self._flow is None:
            app.exit()
        elif self._leaving is None:
            app.say("handing over what was asked, then leaving ...")
            self._leaving = app.set_timer(LEAVE_S, app.exit)

    def stay(self) -> None:
        """There is something to answer before leaving."""
        if self._leaving is not None:
            self._leaving.stop()
            self._leaving = None

    async def _guard(self, work: Awaitable[None]) -> None:
        app = self._app
        try:
            await work
        except ControllerError as error:
            await self._notice("Not possible", str(error))
        except Exception as error:
            log.exception("a flow failed")
            text = f"This console made a mistake ({type(error).__name__}: {error}); the log says more"
            await self._notice("Cancelled, or it is in the Task Log", text)
        self._flow, work_after, self._next = None, self._next, None
        if self._leaving is not None:
            app.exit()
        elif work_after is not None:
            work_after()
        app.keys.stir()
        app.call_later(self.show_waiting)

    async def _notice(self, title: str, text: str) -> None:
        from drdeck.console.dialogs.confirmation import Notice  # not before there is a first screen

        await self._app.ask(Notice(title, [text]))
