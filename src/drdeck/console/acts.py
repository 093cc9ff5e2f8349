"""Carries actions out: which screen, dialog or flow a key leads to, and one flow at a time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual.timer import Timer
from textual.worker import Worker

from drdeck.controller.client import ControllerError
from drdeck.controller.operations import OperationView
from drdeck.model.actions import BY_NAME, Request, menu, refusal
from drdeck.model.passwords import OWN
from drdeck.model.text import clean

from . import flows
from .dialogs.base import Dialog
from .dialogs.confirm import Confirm, Notice
from .dialogs.facts import progress_dialog, result_dialog
from .dialogs.lessons import LessonsDialog
from .dialogs.menu import Item, MoreMenu, Palette
from .dialogs.password import PasswordDialog
from .dialogs.site import AddSiteDialog
from .keys import keys_of
from .reference import everything, help_dialog
from .screens.base import ConsoleScreen
from .screens.doctor import DoctorScreen
from .screens.domain import DomainScreen
from .screens.domains import DomainsScreen
from .screens.log import LogScreen
from .screens.run_pitr import RunPitrScreen
from .screens.steps import StepsScreen
from .state import describe
from .tidings import last_word

if TYPE_CHECKING:
    from .app import DrdeckApp

log = logging.getLogger(__name__)

LEAVE_S = 15.0
"""Seconds that leaving waits for the controller to take what was confirmed."""


class Acts:
    """What the app does when asked; it keeps the dialogs that wait for their turn."""

    def __init__(self, app: DrdeckApp) -> None:
        self._app = app
        self._flow: Worker[None] | None = None
        self._leaving: Timer | None = None
        self._waiting: list[Callable[[], Coroutine[Any, Any, None]]] = []

    # -- what a key means

    def perform(self, name: str, target: str | None) -> None:
        """Carry an action out; `target` is the domain that it is about."""
        app, screen = self._app, self._app.screen
        if isinstance(screen, Dialog):
            return
        if name == "detach":
            self.leave()
        elif name == "quit":
            self.quit()
        elif name == "help":
            app.push_screen(help_dialog(app))
        elif name == "palette":
            self.start(self._choose(Palette(lambda: everything(app, screen, target)), target))
        elif name == "lessons":
            self.start(self._choose_lesson())
        elif name == "log":
            if not isinstance(screen, LogScreen):
                app.push_screen(LogScreen(target))
        elif name == "doctor":
            if not isinstance(screen, DoctorScreen):
                app.push_screen(DoctorScreen(target))
        elif name == "password":
            self._give_password()
        elif name == "add_site":
            self.start(self._add_site())
        elif name == "copy":
            self._copy()
        elif name in ("filter", "sort"):
            if isinstance(screen, DomainsScreen):
                screen.action_filter() if name == "filter" else screen.action_sort()
        elif name == "answer":
            if isinstance(screen, ConsoleScreen):
                screen.action_answer()
        elif name == "back":
            if isinstance(screen, ConsoleScreen):
                screen.action_back()
        else:
            self._perform_on(name, target)

    def _perform_on(self, name: str, target: str | None) -> None:
        """The actions that are about a domain."""
        app = self._app
        domain = app.state.domain(target) if target is not None else None
        if target is None or domain is None:
            app.say("no domain is chosen")
        elif name == "open":
            self.open_domain(target)
        elif name == "steps":
            if not isinstance(app.screen, StepsScreen):
                app.push_screen(StepsScreen(target))
        elif name == "more":
            more = MoreMenu(lambda: self._more(target), keys_of("more", app.remapped))
            self.start(self._choose(more, target))
        elif BY_NAME[name].menu:
            self._act(name, target)

    def _more(self, target: str) -> list[Item]:
        """The More menu's items, as the domain is now."""
        app = self._app
        domain = app.state.domain(target)
        if domain is None:
            return []
        return [Item(a.name, a.label, a.help, why) for a, why in menu(domain, app.now(), app.state.read_only)]

    def _act(self, name: str, target: str) -> None:
        """Something that changes the site: refused here only as a courtesy, the controller decides."""
        app = self._app
        domain = app.state.domain(target)
        assert domain is not None
        closed = refusal(Request(action=name, domain=target), domain, app.now(), app.state.read_only)
        closed = closed or app.state.lost
        if closed is not None:
            self.start(flows.refused(app, BY_NAME[name].label, closed))
        elif name != "pitr_run":
            self.start(self._following(flows.FLOWS[name](app, target)))
        elif not isinstance(app.screen, RunPitrScreen):
            app.push_screen(RunPitrScreen(target))

    def open_domain(self, name: str) -> None:
        """Show one domain. Not over a dialog: a key that was typed before it opened must not hide it."""
        screen = self._app.screen
        if isinstance(screen, Dialog) or (isinstance(screen, DomainScreen) and screen.domain_name == name):
            return
        self._app.push_screen(DomainScreen(name))

    def roll_back(self, name: str, to: datetime, vms: tuple[str, ...], total: int) -> None:
        """Confirm and ask for a rollback."""
        self.start(self._following(flows.roll_back(self._app, name, to, vms, total)))

    def answer(self, operation: OperationView, choice: str) -> None:
        """Answer what an operation asks."""
        self.start(flows.answer_question(self._app, operation, choice))

    async def _following(self, work: Awaitable[str | None]) -> None:
        operation = await work
        if operation is not None:
            self._app.tidings.following.add(operation)

    async def _choose(self, dialog: MoreMenu, target: str | None) -> None:
        name = await self._app.ask(dialog)
        if name is not None:
            self._app.call_later(self.perform, name, target)

    def _copy(self) -> None:
        """Copy what the screen has under its cursor, made harmless: pasted, it must not act."""
        app = self._app
        found = app.screen.copied() if isinstance(app.screen, ConsoleScreen) else None
        if found is None:
            app.say("nothing here can be copied")
            return
        what, text = found
        text = clean(text, lines=True)
        copied = app.copy_out(text)
        if copied is None:
            app.say("nothing was copied: this is no terminal")
        elif len(copied) < len(text):
            app.say(f"Copied the first {len(copied)} characters of {what}")
        else:
            app.say(f"Copied {what}: {copied}" if "\n" not in copied else f"Copied {what}")

    async def _choose_lesson(self) -> None:
        """A lesson has a site and a console of its own: this one ends for it."""
        app, listing = self._app, self._app.state.listing
        if app.lessons is None or listing is None or listing.kind != "training":
            app.say("lessons are for training sites: drdeck train")
            return
        chosen = await app.ask(LessonsDialog(app.lessons()))
        if chosen is not None:
            app.lesson = chosen
            app.call_later(self.leave)

    async def _add_site(self) -> None:
        app = self._app
        if app.add_site is None:
            app.say("a site is added by: drdeck sites add")
            return
        done = await app.ask(AddSiteDialog(app.add_site))
        if done is None:
            app.say("No site was added")
            return
        app.fresh = False
        app.redraw(app.screen)
        await app.ask(Notice("A site was added", done.splitlines()))

    def quit(self) -> None:
        """Say what goes on without the console, then leave; works whatever else is waited for."""
        app = self._app
        going = [
            f"{describe(o)} of {o.domain} goes on without this console: {o.waits_for or 'at work'}"
            for o in app.state.open_operations()
        ]
        session = app.state.longest_session(app.now())
        if session is not None:
            going.append(f"The VMs of {session[0].name} are not protected: its PITR session is active.")
        says = going or ["Nothing goes on. The controller ends by itself when nobody needs it."]

        def leave(answer: bool | None) -> None:
            if answer:
                self.leave()

        app.push_screen(Confirm("Quit", says, "Quit", announce=True), leave)

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

    # -- what comes up by itself

    def greet(self, operation: OperationView) -> None:
        """A failover was found open on attaching."""
        app = self._app

        async def tell() -> None:
            dialog = progress_dialog(operation, app.state.domain(operation.domain), app.now())
            if await app.ask(dialog):
                self.open_domain(operation.domain)

        self._when_free(tell)

    def tell_end(self, operation: OperationView) -> None:
        """An operation that this console followed has ended."""
        app = self._app

        async def tell() -> None:
            if operation.action == "cfo_complete":
                await app.ask(result_dialog(operation))
            else:
                await app.ask(Notice(describe(operation), [last_word(operation)]))

        if operation.action == "cfo_complete" or operation.error:
            self._when_free(tell)
        else:
            app.say(last_word(operation))

    def ask_password(self, of: str = OWN) -> None:
        """Ask for a password of the site, or of its protected site, if it is wanted."""
        app = self._app

        async def tell() -> None:
            listing = app.state.listing
            wanted = next((w for w in listing.passwords if w.of == of), None) if listing else None
            screen = app.screen
            if isinstance(screen, PasswordDialog) and screen.of == of:
                return  # it is being asked for
            if listing is not None and wanted is not None:
                await app.ask(
                    PasswordDialog(listing.site, wanted, lambda word: app.client.secret(word, wanted.of))
                )

        self._when_free(tell)

    def _give_password(self) -> None:
        listing = self._app.state.listing
        wanted = listing.passwords if listing is not None else ()
        if not wanted:
            self._app.say("no login waits for a password")
        for one in wanted:
            self.ask_password(one.of)

    def _when_free(self, tell: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._waiting.append(tell)
        self._app.call_later(self.show_waiting)

    def show_waiting(self) -> None:
        """What came up by itself waits until no dialog is open: it must not catch another one's keys."""
        if self._waiting and self._flow is None and isinstance(self._app.screen, ConsoleScreen):
            self.start(self._waiting.pop(0)())

    # -- one flow at a time

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a flow, unless one still waits: dialogs must not interleave."""
        if self._flow is not None:
            work.close()
            self._app.say("the last action still waits for the controller; escape gives it up")
            return
        self._flow = self._app.run_worker(self._guard(work), group="flow")

    def give_up(self) -> bool:
        """Stop waiting for a flow that shows no dialog; False when there is none."""
        if self._flow is None:
            return False
        self._flow.cancel()
        self._flow = None
        self._app.say("No longer waiting; the Task Log shows whether it was accepted")
        return True

    async def _guard(self, work: Awaitable[None]) -> None:
        app = self._app
        try:
            await work
        except ControllerError as error:
            await app.ask(Notice("Not possible", [str(error)]))
        except Exception as error:
            log.exception("a flow failed")
            text = f"This console made a mistake ({type(error).__name__}: {error}); the log says more"
            await app.ask(Notice("Nothing was asked for, or it is in the Task Log", [text]))
        self._flow = None
        if self._leaving is not None:
            app.exit()
        app.call_later(self.show_waiting)
