"""The real console on the real training site, with every clock and every number in the stage's hands.

Controller, server and client are those of the product, on a socket of their own. What would differ from
one run to the next is given instead: the time, user and host, the numbers of operations, the time zone.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.style import Style
from textual import events
from textual._context import visible_screen_stack
from textual.pilot import Pilot
from textual.worker import WorkerState

from drdeck.coach.coach import Coach
from drdeck.coach.lesson_file import find
from drdeck.console.app import DrdeckApp
from drdeck.console.dialogs.choose_lesson import LessonRow
from drdeck.console.dialogs.dialog import Dialog
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.terminal_info import FULL_HEIGHT, FULL_WIDTH
from tests.ui.screens.house import SCENARIO, WITHIN_S, House
from tests.ui.screens.shots import Look, Shot, words_of

ACTOR = "ann@jump1"
_ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"
_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
_UNSET = ("NO_COLOR", "COLORTERM", "TERM", "COLUMNS", "LINES", "TEXTUAL", "FORCE_COLOR")
_CHARACTERS = {
    "minus": "-",
    "colon": ":",
    "space": " ",
    "slash": "/",
    "question_mark": "?",
    "equals_sign": "=",
    "full_stop": ".",
    "at": "@",
}
_KEYS = {character: key for key, character in _CHARACTERS.items()}
SMALLEST = (FULL_WIDTH, FULL_HEIGHT)
"""The smallest terminal in which nothing is folded and left out."""
SMALL = f"{FULL_WIDTH}x{FULL_HEIGHT}"
_ROUND_S = 0.002
_QUIET_ROUNDS = 3
"""The screen stands still when it is the same in so many rounds, in which nothing was under way."""


LESSONS = (
    LessonRow(
        "1", "The whole flow", "finished", "enter begins it anew; what was there is kept aside, once", 5
    ),
    LessonRow("2", "Find the last good point", "1 of 4", "enter continues it", 3),
    LessonRow("3", "The site is lost", "-", "enter begins it", 2),
)


class Stage:
    """The console's side, and the hand at the keyboard."""

    def __init__(self, house: House, app: DrdeckApp, pilot: Pilot[None]) -> None:
        self.house, self.app, self._pilot = house, app, pilot
        self.shots: dict[str, Shot] = {}
        self.pictures: frozenset[str] = frozenset()
        """screens of which an SVG is wanted; it takes as long as ten keys"""
        self.smallest_too = False

    # -- acting

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.house.clock.monotonic += 1.0
            await self._strike(key)

    async def more(self, label: str) -> None:
        """Choose an item of the More menu."""
        await self.press("m")
        await self.sees(label)
        for _ in range(20):
            if any(line.strip(" ").startswith(f"> {label}") for line in re.split("[│|]", self.text)):
                break
            await self.press("down")
        await self.press("enter")

    async def type(self, text: str) -> None:
        self.house.clock.monotonic += 1.0
        for char in text:
            await self._strike(_KEYS.get(char, char))

    async def _strike(self, key: str) -> None:
        event = events.Key(key, _CHARACTERS.get(key, key if len(key) == 1 else None))
        event.set_sender(self.app)
        self.app.post_message(event)
        await self.settle()

    async def advance(self, seconds: float) -> None:
        with self._unseen():
            await self.house.advance(seconds)
        await self.news()

    async def advance_until(self, holds: Callable[[], object]) -> None:
        with self._unseen():
            await self.house.advance_until(holds)
        await self.news()

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        """No news for the console meanwhile: drawing what nobody looks at takes long."""
        controller = self.house.controller
        on_change, controller.on_change = controller.on_change, lambda: None
        try:
            yield
        finally:
            controller.on_change = on_change

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)
        await self.settle()

    async def news(self) -> None:
        """Until the console has drawn what is so now."""
        self.house.server.changed()
        await self.settle()
        self.app._tick()
        await self.settle()

    async def until(self, holds: Callable[[], object]) -> None:
        """Until something holds that takes time of its own, for a bounded one."""
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                await self._pilot.pause(_ROUND_S)
        await self.settle()

    # -- looking

    async def settle(self, looking: bool = False) -> None:
        """Until nothing more comes of what was done last; `looking`: what is drawn is compared too."""
        await self.house.settle()
        quiet, before, unrest = 0, "", ""
        try:
            async with asyncio.timeout(WITHIN_S):
                while quiet < _QUIET_ROUNDS:
                    await self._pilot.pause(_ROUND_S)
                    unrest = self._unrest()
                    still = not unrest
                    drawn = self._drawn() if still and looking else ""
                    quiet = quiet + 1 if still and drawn == before else 0
                    before = drawn
        except TimeoutError:
            raise AssertionError(
                f"the screen never came to rest: {unrest or 'it changes'}\n{self._drawn()}"
            ) from None

    def _unrest(self) -> str:
        """What is under way; empty when the screen stands still."""
        if self.app._resize_timer is not None or self.app._resize_event is not None:
            return "a new size"  # Textual hands it on a moment later
        client = self.app._client
        if client is not None and not client.closed.is_set():
            if client._waiting:
                return f"{len(client._waiting)} requests wait for an answer"
            if client.listing != self.house.server.news.listing():
                return "a listing that has not come"
            detail = client.detail
            watched = self.app._watched
            if watched is not None and (detail is None or detail != self.house.server.news.detail(watched)):
                return f"the detail of {watched} that has not come"
            if self.app.state.listing is not client.listing or self.app.state.detail is not detail:
                return "news that are not drawn"
        at_work = (WorkerState.PENDING, WorkerState.RUNNING)
        busy = [w for w in self.app.workers if w.state in at_work and w.group not in ("link", "flow", "add")]
        return ", ".join(f"worker {w.group} {w.name}" for w in busy)

    def _drawn(self) -> str:
        return "\n".join("".join(text for text, _ in row) for row in self._rows())

    def _rows(self) -> tuple[tuple[tuple[str, Style], ...], ...]:
        visible_screen_stack.set(self.app._background_screens)
        width, _ = self.app.size
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return tuple(
            tuple((segment.text, segment.style or Style()) for segment in strip.crop(0, width))
            for strip in strips
        )

    @property
    def text(self) -> str:
        return self._drawn()

    @property
    def dialog(self) -> Dialog[Any] | None:
        return self.app.screen if isinstance(self.app.screen, Dialog) else None

    async def sees(self, *texts: str) -> None:
        """Fails unless all of these are on the screen, which stands still."""
        await self.settle(looking=True)
        drawn = self._drawn()
        for text in texts:
            assert text in drawn or text in words_of(drawn), f"not on the screen: {text}\n{drawn}"

    async def shoot(self, name: str, *texts: str) -> None:
        """Keep the screen under a name, in its own size and in the smallest; `texts` must be on it."""
        assert name not in self.shots, name
        await self.sees(*texts)
        svg = self.app.export_screenshot(title="drdeck") if name in self.pictures else ""
        self.shots[name] = Shot(name, self._rows(), svg)
        size = self.app.size
        if not self.smallest_too or (size.width, size.height) != PLAIN.size:
            return
        await self.resize(*SMALLEST)
        await self.settle(looking=True)
        self.shots[f"{name}.{SMALL}"] = Shot(f"{name}.{SMALL}", self._rows(), "")
        await self.resize(*PLAIN.size)
        await self.settle(looking=True)


@contextmanager
def _same_every_run() -> Iterator[None]:
    """What differs from run to run and from machine to machine, given instead."""
    numbers = iter(range(1, 1_000_000))

    def token(size: int | None = None) -> str:
        return blake2b(f"stage {next(numbers)}".encode(), digest_size=size or 32).hexdigest()

    kept = {name: os.environ.pop(name) for name in _UNSET if name in os.environ}
    os.environ.update(_TERMINAL)
    zone = os.environ.get("TZ")
    os.environ["TZ"] = _ZONE
    time.tzset()
    try:
        with (
            patch("drdeck.controller.asking.request_desk.secrets.token_hex", token),
            patch("drdeck.controller.ipc.client.who", lambda: ACTOR),
            patch("drdeck.controller.ipc.attached_client.MIN_PUSH_S", 0.001),
            patch("drdeck.console.repaint.REPAINT_S", 0.0),
            patch("drdeck.controller.plans.protected_watch.ASK_S", 1e6),
            # what a round cost this machine says how long the next one rests, while the stage's time goes on
            patch("drdeck.controller.round_rest.CHEAP_S", inf),
            patch("drdeck.controller.plans.run_keeper.APART_S", 0.0),
        ):
            yield
    finally:
        for name in _TERMINAL:
            del os.environ[name]
        os.environ.update(kept)
        if zone is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = zone
        time.tzset()


Prepare = Callable[[House], Any]


@dataclass(frozen=True)
class Setting:
    """What a console is started with. `adds`: what is said to the form for a new site, a try each, before
    the site answers."""

    size: tuple[int, int] = (80, 24)
    lesson: str | None = None
    read_only: bool = False
    password: str | None = None
    fresh: bool = False
    adds: tuple[ControllerError, ...] = ()

    async def add_site(self, answers: dict[str, Any], tried: list[str]) -> str:
        tried.append(answers["name"])
        if len(tried) <= len(self.adds):
            raise self.adds[len(tried) - 1]
        return (
            f"{answers['name']} answers: 3 Protected Domains\n"
            f'the site "{answers["name"]}" was written to ~/.config/drdeck/settings.toml;'
            " drdeck keeps no password\n"
            f"Leave this console and open the site with: drdeck --site {answers['name']}"
        )


PLAIN = Setting()


@asynccontextmanager
async def stage(
    home: Path,
    look: Look,
    prepare: Prepare | None = None,
    setting: Setting = PLAIN,
    scenario: str | Path = SCENARIO,
) -> AsyncIterator[Stage]:
    """A house in which `prepare` (a coroutine function) has happened, and a console attached to it."""
    with _same_every_run():
        course = find(setting.lesson) if setting.lesson is not None else None
        source = course.scenario_source if course is not None else scenario
        house = House(home, source, setting.read_only)
        house.site.password_wanted = setting.password
        tried: list[str] = []
        await house.start()
        try:
            if prepare is not None:
                await prepare(house)

            async def attach() -> Client:
                client = Client(house.server.paths[0], "console")
                await client.connect()
                return client

            app = DrdeckApp(
                attach,
                look.settings,
                real_now=lambda: house.clock.now,
                monotonic=lambda: house.clock.monotonic,
                backoff=(3600.0,),
                environ={"LANG": look.locale, **_TERMINAL},
                coach=None if course is None else Coach(course, home, house.journal_file),
                add_site=(lambda answers: setting.add_site(answers, tried)) if setting.adds else None,
                fresh=setting.fresh,
                lessons=lambda: LESSONS,
            )
            async with app.run_test(size=setting.size) as pilot:
                stage = Stage(house, app, pilot)
                async with asyncio.timeout(WITHIN_S):
                    while app.state.listing is None:
                        await pilot.pause(_ROUND_S)
                await stage.news()
                yield stage
        finally:
            await house.stop()
