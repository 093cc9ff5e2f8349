"""The coach in the console: its keys, its looks at the site, and the link that drops for a lesson."""

from __future__ import annotations

from textual.widgets import Input
from textual.worker import Worker

from drdeck.coach.coach import Coach
from drdeck.coach.progress import ProgressError
from drdeck.console.ports import Console
from drdeck.console.screens.screen import ConsoleScreen
from drdeck.console.terminal.size_guard import is_low
from drdeck.controller.ipc.client import Client, ControllerError, Disconnected

SAID_S = 5.0
"""How long it stands below that an objective is met, unless a key takes it away."""


class CoachSession:
    """The coach beside a console: its keys, and its looks at the site."""

    def __init__(self, app: Console, coach: Coach) -> None:
        self.coach = coach
        self._folded_by_hand: bool | None = None
        """whether the panel is folded, once the operator said so"""
        self._app = app
        self._looks: Worker[None] | None = None

    @property
    def folded(self) -> bool:
        """True if only the first line of the panel is seen: by the operator's word, else where a screen
        needs the room of a low terminal."""
        if self._folded_by_hand is not None:
            return self._folded_by_hand
        full = [screen for screen in self._app.screen_stack if isinstance(screen, ConsoleScreen)]
        return bool(full) and is_low(self._app.size) and full[-1].HELP != "list"

    def takes(self, key: str) -> bool:
        """Act on a key of the coach: h, unless it is typed into a field, and ctrl+t. False for others."""
        typed = isinstance(self._app.screen.focused, Input)
        if key not in ("h", "ctrl+t") or (key == "h" and typed):
            return False
        if key == "h" and not self.folded:
            try:
                self.coach.help()
            except ProgressError as error:
                self._app.say(str(error))
        else:
            self._folded_by_hand = not self.folded
        self.draw()
        return True

    def draw(self) -> None:
        """Draw the panel of the screen that is seen."""
        for screen in self._app.screen_stack[::-1]:
            if isinstance(screen, ConsoleScreen):
                if screen.is_mounted:
                    screen.draw_coach()
                return

    def look(self) -> None:
        """Look at the site, unless the last look is still under way."""
        if self._looks is not None and not self._looks.is_finished:
            return
        try:
            client = self._app.client
        except Disconnected:
            return
        self._looks = self._app.run_worker(self._observe(client), group="coach")

    def _say_met(self) -> None:
        """For some seconds: what the keys are is wanted again soon."""
        text = f"Objective met, {self.coach.standing} now"
        self._app.say(text)
        self._app.set_timer(SAID_S, lambda: self._app.unsay(text))

    async def _observe(self, client: Client) -> None:
        try:
            news = await self.coach.observe(client)
        except Disconnected:
            return
        except (ControllerError, ProgressError) as error:
            self._app.say(f"The coach cannot see: {error}")
            return
        if news.met:
            self._say_met()
        self.draw()
        if self.coach.drop is not None:
            self._app.exit()
