"""The Textual app: keeps the newest state, shows screens, carries actions out."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.filter import LineFilter
from textual.screen import Screen
from textual.timer import Timer

from drdeck.controller.client import Client, ControllerError, Disconnected
from drdeck.controller.operations import OperationView
from drdeck.model.actions import ACTIONS, BY_NAME, Request, menu, refusal
from drdeck.settings import ConsoleSettings

from . import flows
from .dialogs.base import Dialog
from .dialogs.confirm import Confirm, Notice
from .dialogs.facts import Help, progress_dialog, result_dialog, row
from .dialogs.menu import Item, MoreMenu, Palette
from .dialogs.password import PasswordDialog
from .keys import bindings, help_rows
from .link import BACKOFF, Attached, Lost, News, follow
from .looks import THEMES, looks_for
from .screens.base import ConsoleScreen
from .screens.domain import DomainScreen
from .screens.domains import DomainsScreen
from .screens.log import LogScreen
from .screens.run_pitr import RunPitrScreen
from .screens.steps import StepsScreen
from .show import Line, hour
from .state import State, describe
from .tidings import Tidings, last_word

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

REPAINT_S = 0.5
"""News are drawn at most this often."""


class DrdeckApp(App[None], inherit_bindings=False):
    """`attach` gives a connected client. `real_now` and `monotonic` are clocks that tests can turn."""

    TITLE = "drdeck"
    CSS_PATH = ["screens/screens.tcss", "dialogs/dialogs.tcss"]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [*bindings(), Binding("ctrl+c", "act('quit')", "Quit", show=False)]

    def __init__(
        self,
        attach: Callable[[], Awaitable[Client]],
        options: ConsoleSettings,
        *,
        real_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        backoff: tuple[float, ...] = BACKOFF,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.looks = looks_for(options, environ)  # before Textual takes NO_COLOR out of the environment
        super().__init__()
        self.real_now, self.monotonic = real_now, monotonic
        self.state = State()
        self.tidings = Tidings()
        self.remapped: Mapping[str, str] = getattr(options, "keys", None) or {}
        self.final_error: str | None = None
        self._reach, self._backoff = attach, backoff
        self._client: Client | None = None
        self._watched: str | None = None
        self._drawn_at = float("-inf")
        self._draw_timer: Timer | None = None
        self._minute = ""
        self._flowing = False
        self._waiting: list[Callable[[], Dialog[Any]]] = []
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES[self.looks.theme].name
        self.animation_level = "none"

    def get_default_screen(self) -> Screen[None]:
        return DomainsScreen()

    def on_mount(self) -> None:
        if self.remapped:
            self.set_keymap(dict(self.remapped))
        self.set_interval(1.0, self._tick)
        self.run_worker(follow(self._reach, self.post_message, self._backoff), group="link")

    def get_line_filters(self) -> list[LineFilter]:
        own = [] if self.looks.theme == "mono" else list(super().get_line_filters())
        return [*own, *self.looks.filters]

    async def on_event(self, event: events.Event) -> None:
        """Keys are swallowed while a dialog that has just opened is deaf."""
        if isinstance(event, events.Key) and not event.is_forwarded and self.screen_stack:
            if isinstance(self.screen, Dialog) and self.screen.deaf:
                event.stop()
                return
            if isinstance(self.screen, ConsoleScreen):
                self.screen.say("")
        await super().on_event(event)

    # -- what the controller says

    @property
    def client(self) -> Client:
        if self._client is None or self.state.lost is not None:
            raise Disconnected(self.state.lost or "no controller is attached yet")
        return self._client

    def now(self) -> datetime:
        """The site's time."""
        return self.state.now(self.real_now())

    def on_attached(self, event: Attached) -> None:
        self._client = event.client
        self.state = State(event.client.welcome, self.state.listing, self.state.detail)
        watched, self._watched = self._watched, None
        self._subscribe(watched)
        self._news()

    def on_news(self, event: News) -> None:
        self._news()

    def on_lost(self, event: Lost) -> None:
        self._client = None
        self.state = self.state.without_controller(event.why)
        if event.final:
            self.final_error = event.why
            self.exit(return_code=1)
            return
        self._draw_soon()

    def _news(self) -> None:
        client = self._client
        if client is not None and not client.closed.is_set():
            listing, detail = client.listing or self.state.listing, client.detail
            self.state = State(client.welcome, listing, detail)
        self._guarded(self._tell)
        self._draw_soon()

    def _tell(self) -> None:
        listing = self.state.listing
        if listing is None:
            return
        found = self.tidings.in_progress(listing)
        if found is not None:
            self._when_free(lambda: progress_dialog(found, self.state.domain(found.domain), self.now()))
        for operation in self.tidings.ended(listing):
            if operation.action == "cfo_complete":
                self._when_free(lambda o=operation: result_dialog(o))  # type: ignore[misc]
            elif operation.error:
                text = last_word(operation)
                self._when_free(lambda t=text, o=operation: Notice(describe(o), [t]))  # type: ignore[misc]
            else:
                self.say(last_word(operation))
        if self.tidings.wants_password(listing):
            self.ask_password()

    def watch_domain(self, name: str | None) -> None:
        """Have the insides of one domain sent; the others are known by their rows."""
        if name != self._watched:
            self._subscribe(name)

    def _subscribe(self, name: str | None) -> None:
        self._watched = name
        with contextlib.suppress(Disconnected):  # done again when a controller is there
            self.client.subscribe(name)

    # -- drawing

    def _draw_soon(self) -> None:
        if self._draw_timer is not None:
            return
        wait = self._drawn_at + REPAINT_S - time.monotonic()
        if wait <= 0:
            self._draw_all()
        else:
            self._draw_timer = self.set_timer(wait, self._draw_all)

    def _draw_all(self) -> None:
        self._draw_timer = None
        self._drawn_at = time.monotonic()
        for screen in self._seen_screens():
            self.redraw(screen)
        self._show_waiting()

    def _seen_screens(self) -> list[Screen[Any]]:
        """The topmost full screen and the dialogs over it."""
        stack = self.screen_stack
        full = [i for i, screen in enumerate(stack) if isinstance(screen, ConsoleScreen)]
        return list(stack[full[-1] :]) if full else []

    def redraw(self, screen: Screen[Any]) -> None:
        """Draw one screen from the newest state; a bug in it is logged and said, and no more."""
        if not screen.is_mounted or screen not in self.screen_stack:
            return
        if isinstance(screen, ConsoleScreen):
            self._guarded(screen.draw)
        elif isinstance(screen, Dialog):
            self._guarded(lambda: screen.take(self.state))

    def _tick(self) -> None:
        minute = hour(self.now())
        turned, self._minute = minute != self._minute, minute
        for screen in self._seen_screens():
            if isinstance(screen, ConsoleScreen) and screen.is_mounted:
                self._guarded(lambda s=screen: s.tick(turned))  # type: ignore[misc]
        self._show_waiting()

    def _guarded(self, draw: Callable[[], None]) -> None:
        try:
            draw()
        except Exception as error:
            log.exception("news could not be drawn")
            self.say(f"Something could not be drawn ({type(error).__name__}); the log says why")

    def say(self, text: str) -> None:
        """A sentence in the last line, until the next key."""
        screens = [s for s in self.screen_stack if isinstance(s, ConsoleScreen) and s.is_mounted]
        if screens:
            screens[-1].say(text)

    # -- dialogs

    async def ask(self, dialog: Dialog[Answer]) -> Answer | None:
        """Show a dialog and wait for its answer; in a worker only."""
        return await self.push_screen_wait(dialog)

    def _when_free(self, make: Callable[[], Dialog[Any]]) -> None:
        self._waiting.append(make)
        self.call_later(self._show_waiting)

    def _show_waiting(self) -> None:
        """What came up by itself waits until no dialog is open: it must not catch another one's keys."""
        if not self._waiting or self._flowing or isinstance(self.screen, Dialog):
            return
        dialog = self._waiting.pop(0)()
        self._flow(self._shown(dialog))

    async def _shown(self, dialog: Dialog[Any]) -> None:
        answer = await self.ask(dialog)
        operation = next((o for o in self.state.open_operations() if o.action == "cfo_complete"), None)
        if answer and dialog.heading == "A failover is in progress" and operation is not None:
            self.open_domain(operation.domain)

    def ask_password(self, again: bool = False) -> None:
        """Ask for the site's password, if it wants one."""
        listing = self.state.listing
        if listing is None or not listing.needs_password:
            return
        self._when_free(
            lambda: PasswordDialog(
                listing.site, listing.user, listing.error or "", lambda word: self.client.secret(word)
            )
        )

    def _flow(self, work: Coroutine[Any, Any, Any]) -> None:
        """One at a time: dialogs must not interleave."""
        if self._flowing:
            work.close()
            return
        self._flowing = True
        self.run_worker(self._guard_flow(work), group="flow")

    async def _guard_flow(self, work: Awaitable[Any]) -> None:
        try:
            await work
        except ControllerError as error:
            await self.ask(Notice("Not possible", [str(error)]))
        except Exception as error:
            log.exception("a flow failed")
            text = f"This console made a mistake ({type(error).__name__}: {error}); the log says more"
            await self.ask(Notice("Nothing was asked for, or it is in the Task Log", [text]))
        finally:
            self._flowing = False
        self._show_waiting()

    # -- actions

    def action_act(self, name: str) -> None:
        """A key of the action list was pressed."""
        screen = self.screen
        if isinstance(screen, ConsoleScreen):
            self.perform(name, screen.target())
        elif name == "quit" and not isinstance(screen, Confirm):
            self.exit()

    def perform(self, name: str, target: str | None) -> None:
        """Carry an action out; `target` is the domain that it is about."""
        screen = self.screen
        plain: dict[str, Callable[[], object]] = {
            "detach": self.exit,
            "quit": lambda: self._flow(self._quit()),
            "palette": lambda: self._flow(self._choose(Palette(self._everything(target)), target)),
            "help": lambda: self._flow(self._help()),
            "log": lambda: None if isinstance(screen, LogScreen) else self.push_screen(LogScreen(target)),
            "back": lambda: screen.action_back() if isinstance(screen, ConsoleScreen) else None,
            "filter": lambda: screen.action_filter() if isinstance(screen, DomainsScreen) else None,
        }
        if name in plain:
            plain[name]()
            return
        domain = self.state.domain(target) if target is not None else None
        if target is None or domain is None:
            self.say("no domain is chosen")
        elif name == "open":
            self.open_domain(target)
        elif name == "steps":
            if not isinstance(screen, StepsScreen):
                self.push_screen(StepsScreen(target))
        elif name == "more":
            entries = menu(domain, self.now(), self.state.read_only)
            items = [Item(a.name, a.label, a.help, why) for a, why in entries]
            self._flow(self._choose(MoreMenu(items), target))
        elif BY_NAME[name].menu:
            self._act(name, target)

    def _act(self, name: str, target: str) -> None:
        domain = self.state.domain(target)
        assert domain is not None
        closed = refusal(Request(action=name, domain=target), domain, self.now(), self.state.read_only)
        if closed is None and self.state.lost is not None:
            closed = self.state.lost
        if closed is not None:
            self._flow(flows.refused(self, BY_NAME[name].label, closed))
        elif name == "pitr_run":
            if not isinstance(self.screen, RunPitrScreen):
                self.push_screen(RunPitrScreen(target))
        else:
            self._flow(self._following(flows.FLOWS[name](self, target)))

    async def _following(self, work: Awaitable[Any]) -> None:
        operation = await work
        if isinstance(operation, str):
            self.tidings.following.add(operation)

    async def _choose(self, dialog: MoreMenu, target: str | None) -> None:
        name = await self.ask(dialog)
        if name is not None:
            self.call_later(self.perform, name, target)

    def _everything(self, target: str | None) -> list[Item]:
        domain = self.state.domain(target) if target is not None else None
        closed: dict[str, str | None] = {}
        if domain is not None:
            closed = {a.name: why for a, why in menu(domain, self.now(), self.state.read_only)}
        return [
            Item(a.name, a.label, a.help, closed.get(a.name))
            for a in ACTIONS
            if a.name not in ("palette", "back") and (not a.menu or a.name in closed)
        ]

    async def _help(self) -> None:
        screen = self.screen
        kind = screen.HELP if isinstance(screen, ConsoleScreen) else "domain"
        rows: list[Line] = []
        for keys, label, text in help_rows(kind, self.remapped):
            rows += row(f"{keys:12} {label}", text, "")
        rows += [(), *row("In a dialog", "tab, space, enter on the focused button; escape is Cancel", "")]
        await self.ask(Help("Keys of this screen", rows))

    async def _quit(self) -> None:
        going = [
            f"{describe(o)} of {o.domain} goes on without this console: {o.waits_for or 'at work'}"
            for o in self.state.open_operations()
        ]
        session = self.state.longest_session(self.now())
        if session is not None:
            going.append(f"The VMs of {session[0].name} are not protected: its PITR session is active.")
        says = going or ["Nothing goes on. The controller ends by itself when nobody needs it."]
        if await self.ask(Confirm("Quit", says, "Quit", announce=True)):
            self.exit()

    def open_domain(self, name: str) -> None:
        """Show one domain."""
        if not (isinstance(self.screen, DomainScreen) and self.screen.domain_name == name):
            self.push_screen(DomainScreen(name))

    def roll_back(self, name: str, to: datetime, vms: tuple[str, ...], total: int) -> None:
        """Confirm and ask for a rollback."""
        self._flow(self._following(flows.roll_back(self, name, to, vms, total)))

    def answer(self, operation: OperationView, choice: str) -> None:
        """Answer what an operation asks."""
        self._flow(flows.answer_question(self, operation, choice))
