"""The Textual app: keeps the newest state, shows screens, carries actions out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import RenderableType
from textual import events, on
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.binding import Binding
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.worker import WorkerFailed

from drdeck.config.settings import ConsoleSettings
from drdeck.console.actions.dialog_queue import DialogQueue
from drdeck.console.actions.key_queue import KeyQueue
from drdeck.console.actions.notifications import Notifications
from drdeck.console.actions.telling import Telling
from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.screens.domain_list import DomainsScreen
from drdeck.console.screens.screen import ConsoleScreen
from drdeck.console.terminal.clipboard import sequence
from drdeck.console.terminal.diff_writer import Frame
from drdeck.console.terminal.driver import Keyboard
from drdeck.console.terminal.size_guard import too_small
from drdeck.console.terminal.summons import summons
from drdeck.console.widgets.row_list import CharacterBar
from drdeck.controller.ipc.client import Client, Disconnected
from drdeck.model.actions.request import Request
from drdeck.model.text import in_ascii
from drdeck.terminal_info import is_terminal, size_without_terminal, terminal_size

from .key_bindings import bindings, keys_of, normal, own_bindings
from .link import BACKOFF, Attached, Lost, News, follow
from .repaint import Repainter
from .site_mark import UNMARKED, SiteMark, Sites
from .state import State
from .themes import THEMES, looks_for

if TYPE_CHECKING:
    from drdeck.coach.coach import Coach
    from drdeck.console.actions.action_runner import ActionRunner
    from drdeck.console.actions.plan_runner import PlanRunner
    from drdeck.console.coach_session import CoachSession
    from drdeck.console.dialogs.add_site import AddSite
    from drdeck.console.dialogs.choose_lesson import Lessons
    from drdeck.console.widgets.network_mapping import NetworkMapping

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

BRIEF_S = 4.0
"""Seconds for which a sentence stands that only says that something began."""
HOLD_S = 0.15
WAITS = "waiting for the controller ..."
_HERE = Path(__file__).parent
LATER = (
    "drdeck.console.dialogs.action_lists",
    "drdeck.console.dialogs.ask_password",
    "drdeck.console.dialogs.fact_sheets",
    "drdeck.console.dialogs.results_list",
    "drdeck.console.dialogs.choose_columns",
    "drdeck.console.dialogs.add_site",
    "drdeck.console.dialogs.choose_lesson",
    "drdeck.console.screens.run_pitr",
    "drdeck.console.screens.task_log",
    "drdeck.console.actions.flows",
    "drdeck.console.actions.life_flows",
    "drdeck.console.actions.action_runner",
    "drdeck.console.screens.plan_run",
    "drdeck.console.actions.plan_flows",
    "drdeck.console.actions.plan_runner",
)
"""Imported one after another once the first list stands on the screen, so that no key waits for them."""
GARBAGE_KEPT = 2_000
"""New objects until those in cycles go: a drawn screen leaves thousands, which are megabytes of 50,000."""
PAUSE_S = 0.01
"""Between two of these, for what a key leads to comes first."""


class DrdeckApp(App[None], inherit_bindings=False):
    """The console.

    `attach` gives a connected client. `real_now` and `monotonic` are clocks that tests can turn.
    """

    TITLE = "drdeck"
    TICK_S = 1.0
    """Seconds between two looks at the clock."""
    CSS_PATH = _HERE / "screens" / "screens.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [
        *bindings(),
        Binding("ctrl+c", "begin('quit')", "Quit", show=False),
        Binding("ctrl+l", "repaint", "Repaint", show=False, priority=True),
    ]

    def __init__(
        self,
        attach: Callable[[], Awaitable[Client]],
        options: ConsoleSettings,
        *,
        real_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        backoff: tuple[float, ...] = BACKOFF,
        environ: Mapping[str, str] | None = None,
        coach: Coach | None = None,
        add_site: AddSite | None = None,
        lessons: Lessons | None = None,
        sites: Sites | None = None,
        read_only: bool = False,
        fresh: bool = False,
        mark: SiteMark = UNMARKED,
    ) -> None:
        self.options = options
        self.environ = dict(os.environ) if environ is None else environ
        self.looks = looks_for(options, environ)  # before Textual takes NO_COLOR out of the environment
        in_ascii.set(self.looks.ascii)
        super().__init__(driver_class=Keyboard)
        self.console.size = terminal_size(self.environ) or size_without_terminal(self.environ)
        self.real_now, self.monotonic = real_now, monotonic
        self.add_site, self.read_only, self.fresh = add_site, read_only, fresh
        self.mark = mark
        self.drafts: dict[tuple[str, str], Request] = {}
        self.lessons = lessons
        self.lesson: str | None = None
        """the lesson for which this console ends"""
        self.sites = sites
        self.next_site: str | None = None
        """the site for whose console this one ends"""
        self.state = State(read_only_here=read_only)
        self._brief = "", 0.0
        """the sentence that stands for some seconds only, and until when"""
        self.drawing = False
        """true from the first news on, which come at once where a controller runs, or from HOLD_S on"""
        self.remapped: Mapping[str, str] = normal(options.keys)
        self.final_error: str | None = None
        self.mistaken = False
        """true when the console ended by a mistake of its own"""
        self._reach, self._backoff = attach, backoff
        self._client: Client | None = None
        self._news_came = asyncio.Event()
        """set once there were first news, or a reason why there are none"""
        self._watched: str | None = None
        self._frame = Frame()
        self.keys = KeyQueue(self, self._hand_on)
        self.repainter, self.dialog_queue = Repainter(self), DialogQueue(self)
        self.notifications = Notifications(self)
        self.telling = Telling(self)
        self.coach_session = None if coach is None else _coached(self, coach)
        ScrollBar.renderer = CharacterBar
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES[self.looks.theme].name
        self.animation_level = "none"

    @cached_property
    def action_runner(self) -> ActionRunner:
        """The runner of actions, with all dialogs and screens: no list waits for them (`LATER`)."""
        from drdeck.console.actions.action_runner import ActionRunner

        return ActionRunner(self)

    @cached_property
    def plan_runner(self) -> PlanRunner:
        from drdeck.console.actions.plan_runner import PlanRunner

        return PlanRunner(self)

    def get_default_screen(self) -> Screen[None]:
        return DomainsScreen()

    def on_mount(self) -> None:
        if self.remapped:
            self.set_keymap(dict(self.remapped))
            for keys, action, label in own_bindings(self.remapped):
                self.bind(keys, action, description=label, show=False)
        self.repainter.start()
        self.set_timer(HOLD_S, self.begin_drawing)
        self.set_interval(self.TICK_S, self._tick)
        self.run_worker(follow(self._reach, self.post_message, self._backoff), group="link")

    def refresh_css(self, animate: bool = True) -> None:
        """Textual's own; of the theme that was set before there is a screen, only its colours: the style
        sheets, which are not parsed yet, would be parsed twice."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def get_line_filters(self) -> list[LineFilter]:
        own = [] if self.looks.theme == "mono" else list(super().get_line_filters())
        return [*own, *self.looks.filters]

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Textual's own, but only what differs from what stands on the terminal is written."""
        drawn = renderable
        ready = self._running and not self._batch_count and not self.is_headless
        if ready and isinstance(renderable, CompositorUpdate) and screen is self.screen:
            whole = partial(screen._compositor.render_strips, self.size)
            drawn = self._frame.after(renderable, screen, self.size, whole)
        elif renderable is not None:
            self._frame.doubt()
        super()._display(screen, drawn)

    @on(Driver.SignalResume)
    def _came_back(self) -> None:
        self.action_repaint()

    def on_resize(self, event: events.Resize) -> None:
        self.console.size = event.size  # Rich has an own way to find it, by the environment
        self._frame.forget()

    def action_repaint(self) -> None:
        """Write all anew: the line garbled something, or another program wrote."""
        self._frame.forget()
        self.screen.refresh()

    async def on_event(self, event: events.Event) -> None:
        """Keys are handed on in their order, and swallowed while nothing can be seen."""
        if isinstance(event, events.Key) and not event.is_forwarded and self.screen_stack:
            if too_small(self.size):
                event.stop()
                leaves = (*keys_of("detach", self.remapped), *keys_of("quit", self.remapped), "ctrl+c")
                if event.key in leaves and isinstance(self.screen, Dialog):
                    self.exit()  # what it asks was not answered: there is nothing to hand over
                elif event.key in leaves:
                    self.dialog_queue.leave()
                return
            leaves = (*keys_of("quit", self.remapped), *keys_of("detach", self.remapped))
            await self.keys.put(event, at_once=event.key in (*leaves, "escape", "ctrl+c"))
            return
        await super().on_event(event)

    async def _hand_on(self, event: events.Key) -> None:
        """A key whose turn it is: to the dialog or screen first, to the coach, then to the focus."""
        screen = self.screen
        if isinstance(screen, ConsoleScreen | Dialog):
            screen.say("")
        if isinstance(screen, Dialog) and screen.too_early(event):
            return
        if isinstance(screen, ConsoleScreen | Dialog) and screen.before_key(event):
            return
        if self.coach_session is not None and self.coach_session.takes(event.key):
            return
        await super().on_event(event)

    # -- what the controller says

    @property
    def client(self) -> Client:
        if self._client is None or self.state.lost is not None:
            raise Disconnected(self.state.lost or "no controller is attached yet")
        return self._client

    async def first_news(self) -> Client:
        """The client; right after the start it is waited for. Raises Disconnected."""
        if not self._news_came.is_set():
            self.say(WAITS)
            await self._news_came.wait()
            self.unsay(WAITS)
        return self.client

    def now(self) -> datetime:
        """The site's time."""
        return self.state.now(self.real_now())

    def on_attached(self, event: Attached) -> None:
        self._client = event.client
        reached = self.state.attached + 1
        self.state = replace(self.state, welcome=event.client.welcome, lost=None, attached=reached)
        watched, self._watched = self._watched, None
        self._subscribe(watched)
        if self.coach_session is not None:
            self.coach_session.look()
        self._news()

    def on_news(self, event: News) -> None:
        self._news()

    def on_lost(self, event: Lost) -> None:
        self._client = None
        self.state = replace(self.state, lost=event.why)
        self._news_came.set()
        if event.final:
            self.final_error = event.why
            self.exit(return_code=1)
            return
        self.repainter.soon()

    def _news(self) -> None:
        client = self._client
        if client is not None and not client.closed.is_set():
            listing, detail = client.listing or self.state.listing, client.detail
            self.state = replace(
                self.state, welcome=client.welcome, listing=listing, detail=detail, lost=None
            )
            if listing is not None:
                self._news_came.set()
        self.repainter.guarded(self.notifications.look)
        self.repainter.guarded(self.telling.look)
        self.repainter.soon()

    def watch_domain(self, name: str | None) -> None:
        """Have the insides of one domain sent; the others are known by their rows."""
        if name != self._watched:
            self._subscribe(name)

    def _subscribe(self, name: str | None) -> None:
        self._watched = name
        with contextlib.suppress(Disconnected):  # done again when a controller is there
            self.client.subscribe(name)
            self.state = replace(self.state, detail=self.client.detail)

    # -- drawing

    def begin_drawing(self) -> None:
        """Draw from now on, and import meanwhile what keys lead to."""
        if not self.drawing and self.screen_stack:  # none is left where it was ended before it began
            self.drawing = True
            self.screen.refresh()
            self.screen.call_after_refresh(self.redraw, self.screen)  # what may come a moment later
            self.run_worker(_import_later(), group="imports")

    def redraw(self, screen: Screen[Any], part: Callable[[], None] | None = None) -> None:
        """Draw one screen from the newest state; with `part`, what that draws of it."""
        self.repainter.draw(screen, part)

    def _tick(self) -> None:
        if isinstance(self._driver, Keyboard) and self._driver.hung_up():
            self.exit(return_code=128 + signal.SIGHUP)
        if self.coach_session is not None:
            self.coach_session.look()
        self.repainter.guarded(self.telling.look)
        text, until = self._brief
        if text and self.monotonic() >= until:
            self._brief = "", 0.0
            self.unsay(text)
        self.repainter.tick()

    def _fatal_error(self) -> None:
        """Textual's own shows the values of local variables, a password just typed among them."""
        error: BaseException | None = self._exception
        if isinstance(error, WorkerFailed):
            error = error.error
        log.critical("the console ended by a mistake of its own", exc_info=error)
        self.mistaken = True
        self.final_error = (
            f"this console ended by a mistake of its own ({type(error).__name__}); the controller continues,"
            " and drdeck attaches again"
        )
        self._close_messages_no_wait()

    def say(self, text: str) -> None:
        """A sentence in the last line, until the next key."""
        screens = [s for s in self.screen_stack if isinstance(s, ConsoleScreen) and s.is_mounted]
        if screens:
            screens[-1].say(text)

    def say_briefly(self, text: str) -> None:
        """A sentence for some seconds: the screen shows what comes of it, and the keys are wanted again."""
        self.say(text)
        self._brief = text, self.monotonic() + BRIEF_S

    def unsay(self, text: str) -> None:
        """Take a sentence out of the last line, if it still stands there."""
        for screen in self.screen_stack:
            if isinstance(screen, ConsoleScreen) and screen.is_mounted:
                screen.unsay(text)

    def copy_out(self, text: str) -> str | None:
        """Hand a text to the terminal's clipboard; returns what was handed over, None without a terminal."""
        driver = self._driver
        if driver is None or not self.on_terminal():
            return None
        written, copied = sequence(text, tmux=bool(self.environ.get("TMUX")))
        driver.write(written)
        return copied

    def summon(self, text: str) -> None:
        """Tell the terminal that somebody is needed, by the settings."""
        written = summons(text, self.options.tell_by, tmux=bool(self.environ.get("TMUX")))
        if self._driver is not None and written and self.on_terminal():
            self._driver.write(written)

    def on_terminal(self) -> bool:
        """True if the drawing goes to a terminal; Textual draws on stderr."""
        return not self.is_headless and is_terminal(sys.__stderr__)

    # -- actions

    async def ask(self, dialog: Dialog[Answer]) -> Answer | None:
        """Show a dialog and wait for its answer; in a worker only."""
        self.dialog_queue.stay()
        answer = await self.push_screen_wait(dialog)
        self.dialog_queue.expect(answer is not None)
        return answer

    def on_network_mapping_nothing_to_repeat(self) -> None:
        dialog = self.screen
        if isinstance(dialog, Dialog):
            dialog.say("Choose a network first, with the right arrow or enter: = gives it to all")

    def on_network_mapping_listed(self, event: NetworkMapping.Listed) -> None:
        """Show the networks that are offered for one, above whatever form that is in."""
        from drdeck.console.dialogs.action_lists import NetworkList

        def take(network: str | None) -> None:
            if network is not None:
                event.mapping.take(event.row, network)

        self.push_screen(NetworkList(event.row, event.mapping.networks), take)

    def action_begin(self, name: str) -> None:
        """A key of the action list was pressed."""
        screen = self.screen
        if isinstance(screen, ConsoleScreen):
            self.action_runner.perform(name, screen.target())


def _coached(app: DrdeckApp, coach: Coach) -> CoachSession:
    from drdeck.console.coach_session import CoachSession

    return CoachSession(app, coach)


async def _import_later() -> None:
    for module in LATER:
        await asyncio.sleep(PAUSE_S)
        importlib.import_module(module)
    gc.freeze()  # what is imported stays: no key waits while it is looked through for cycles
    gc.set_threshold(GARBAGE_KEPT)
    gc.enable()
