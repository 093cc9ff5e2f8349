"""Drives the app in a test: keys, waiting for conditions, and reading the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from textual._context import visible_screen_stack
from textual.pilot import Pilot

from drdeck.config.settings import ConsoleSettings
from drdeck.console.actions.dialog_queue import QUIET_S
from drdeck.console.app import DrdeckApp
from drdeck.console.dialogs.dialog import Dialog
from drdeck.controller.ipc.client import Client
from tests.support.console.fake_client import NOW, Attach, FakeClient


class Deck:
    """A running app with its clocks in the test's hands."""

    def __init__(self, app: DrdeckApp, pilot: Pilot[None], clocks: dict[str, Any]) -> None:
        self.app, self.pilot, self.clocks = app, pilot, clocks
        self.pressed = 0

    @property
    def text(self) -> str:
        """The screen as characters, a line a row."""
        visible_screen_stack.set(self.app._background_screens)  # a dialog does not hide what is behind it
        width, _ = self.app.size  # while the terminal changes its size the rows follow a little later
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join(strip.text[:width].rstrip() for strip in strips)

    def words(self) -> str:
        """The screen with the dialog's frame and the line breaks taken out."""
        return " ".join(self.text.replace("│", " ").replace("|", " ").split())

    async def press(self, *keys: str) -> None:
        """Keys from an operator who reads before pressing: dialogs hear again."""
        for key in keys:
            self.pass_time(1.0)
            await self.pilot.press(key)
            self.pressed += 1
            await self.settle()

    async def type(self, text: str) -> None:
        self.pass_time(1.0)
        for char in text:
            await self.pilot.press(_KEYS.get(char, char))
        await self.settle()

    async def more(self, label: str) -> None:
        """Choose an item of the More menu."""
        await self.press("m")
        await self.sees(label)
        for _ in range(20):
            if any(line.strip(" │").startswith(f"> {label}") for line in self.text.split("│")):
                break
            await self.press("down")
        await self.press("enter")

    def pass_time(self, seconds: float) -> None:
        self.clocks["monotonic"] += seconds

    async def becomes_quiet(self) -> None:
        """Nobody typed for long enough: windows that nobody asked for may open."""
        self.pass_time(QUIET_S + 1)
        self.app.dialog_queue.show_waiting()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(3):
            await self.pilot.pause()

    async def until(self, true: Callable[[], bool], what: str = "") -> None:
        """Wait for a condition, for a bounded time."""
        try:
            async with asyncio.timeout(60):
                while not true():
                    await self.pilot.pause()
        except TimeoutError:
            raise AssertionError(f"never came: {what}\n{self.text}") from None

    async def sees(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        for text in texts:
            await self.until(lambda t=text: t in self.text or t in self.words(), text)  # type: ignore[misc]

    def focused(self) -> str:
        widget = self.app.screen.focused
        return "" if widget is None else widget.id or type(widget).__name__

    @property
    def dialog(self) -> Dialog[Any] | None:
        return self.app.screen if isinstance(self.app.screen, Dialog) else None


_KEYS = {"-": "minus", ":": "colon", " ": "space", "/": "slash", "[": "left_square_bracket",
         "]": "right_square_bracket", '"': "quotation_mark", "'": "apostrophe", ".": "full_stop"}  # fmt: skip


@asynccontextmanager
async def running(
    client: FakeClient | Attach,
    size: tuple[int, int] = (80, 24),
    settings: ConsoleSettings | None = None,
    environ: dict[str, str] | None = None,
    first: str | None = "Protected Domains",
    **more: Any,
) -> AsyncIterator[Deck]:
    """The console over a fake client, attached, with the list on the screen."""
    attach = client.attach if isinstance(client, FakeClient) else client
    clocks: dict[str, Any] = {"monotonic": 100.0, "now": NOW}

    def now() -> datetime:
        instant: datetime = clocks["now"]
        return instant

    async def reach() -> Client:
        return await attach()

    app = DrdeckApp(
        reach,
        settings or ConsoleSettings(),
        real_now=now,
        monotonic=lambda: float(clocks["monotonic"]),
        backoff=(0.05,),
        environ={"LANG": "en_US.UTF-8"} if environ is None else environ,
        **more,
    )
    async with app.run_test(size=size) as pilot:
        deck = Deck(app, pilot, clocks)
        if first is not None:
            await deck.sees(first)
            await deck.until(lambda: app.state.listing is not None, "first news")
            await deck.settle()
        yield deck
