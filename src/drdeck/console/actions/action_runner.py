"""Carries actions out: which screen, dialog or flow a key leads to."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Sequence
from datetime import datetime

from drdeck.console.attention import OpenQuestion, Wanting, asking, needs_of
from drdeck.console.dialogs.action_lists import Item, MoreMenu
from drdeck.console.dialogs.add_site import AddSiteDialog
from drdeck.console.dialogs.choose_lesson import LessonsDialog
from drdeck.console.dialogs.confirmation import Confirm, Notice
from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.dialogs.palette_dialog import Palette
from drdeck.console.format import as_typed
from drdeck.console.key_bindings import keys_of
from drdeck.console.ports import Console
from drdeck.console.screens.alarm_list import AlarmsScreen
from drdeck.console.screens.doctor_report import DoctorScreen
from drdeck.console.screens.domain_list import DomainsScreen
from drdeck.console.screens.domain_screen import DomainScreen
from drdeck.console.screens.run_pitr import RunPitrScreen
from drdeck.console.screens.screen import ConsoleScreen
from drdeck.console.screens.task_log import LogScreen
from drdeck.console.screens.task_steps_screen import StepsScreen
from drdeck.console.state import NOT_SEEN, describe
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.actions.action_table import BY_NAME, help_of, menu, refusal
from drdeck.model.actions.request import Request
from drdeck.model.text import clean

from . import flows, life_flows
from .answering import answer_question
from .palette import (
    BETWEEN,
    DOMAIN,
    INSTANT,
    SITE,
    VIEW,
    VM,
    everything,
    help_dialog,
    instant_items,
    vm_items,
)


class ActionRunner:
    """Starts the screen, dialog or flow of an action."""

    def __init__(self, app: Console) -> None:
        self._app = app
        self._gone_to: str | None = None
        """the domain to which the last key for the next one led"""

    def perform(self, name: str, target: str | None) -> None:
        """Carry an action out; `target` is the domain that it is about."""
        app, screen = self._app, self._app.screen
        if isinstance(screen, Dialog):
            return
        if name.startswith((DOMAIN, VIEW, VM, SITE, INSTANT)):
            self._go_to(name, target)
        elif name == "detach":
            app.dialog_queue.leave()
        elif name == "quit":
            self.quit()
        elif name == "help":
            app.push_screen(help_dialog(app))
        elif name == "palette":
            app.dialog_queue.start(self._look_up(target))
        elif name == "plan":
            app.plan_runner.show(screen.marked if isinstance(screen, DomainsScreen) else ())
        elif name == "lessons":
            app.dialog_queue.start(self._choose_lesson())
        elif name == "log":
            if not isinstance(screen, LogScreen):
                app.push_screen(LogScreen(target))
        elif name == "doctor":
            if not isinstance(screen, DoctorScreen):
                app.push_screen(DoctorScreen(target))
        elif name == "password":
            app.notifications.give_password()
        elif name == "results":
            app.notifications.show_results()
        elif name == "add_site":
            app.dialog_queue.start(self._add_site())
        elif name == "copy":
            self._copy()
        elif name in ("filter", "sort", "columns"):
            if isinstance(screen, DomainsScreen):
                {"filter": screen.action_filter, "sort": screen.action_sort,
                 "columns": screen.action_columns}[name]()  # fmt: skip
        elif name in ("next_need", "previous_need"):
            self.next_need(1 if name == "next_need" else -1)
        elif name == "alarms":
            if not isinstance(screen, AlarmsScreen):
                app.push_screen(AlarmsScreen())
        elif name == "answer":
            if isinstance(screen, ConsoleScreen):
                screen.action_answer()
        elif name == "back":
            if isinstance(screen, ConsoleScreen):
                screen.action_back()
        else:
            self._perform_on(name, target)

    def _go_to(self, name: str, target: str | None) -> None:
        """Go where an item of the palette leads."""
        app, screen = self._app, self._app.screen
        kind, _, rest = name.partition(":")
        if kind == "domain":
            self.open_domain(rest)
        elif kind == "vm":
            domain, _, vm = rest.partition(BETWEEN)
            self.open_domain(domain, vm)
        elif kind == "view" and isinstance(screen, DomainsScreen):
            screen.show_view(app.options.views[rest])
        elif kind == "site":
            app.next_site = rest
            app.dialog_queue.leave()
        elif kind == "pitr" and target is not None:
            self._ask("pitr_run", target, instant=rest)

    async def _look_up(self, target: str | None) -> None:
        """The palette over the screen, the VMs' names once they have come."""
        app, screen, names = self._app, self._app.screen, list[Item]()
        palette = Palette(
            lambda: [*everything(app, screen, target), *names],
            lambda text: instant_items(app, target, text),
        )

        async def read_names() -> None:
            with contextlib.suppress(ControllerError):  # the rest can be found without
                names.extend(vm_items(await app.client.vms()))
                app.redraw(palette)

        reading = app.run_worker(read_names(), group="names")
        try:
            await self._choose(palette, target)
        finally:
            reading.cancel()

    def _perform_on(self, name: str, target: str | None) -> None:
        """The actions that are about a domain."""
        app = self._app
        domain = app.state.domain(target) if target is not None else None
        if target is None or domain is None:
            app.say("no domain is chosen" if app.state.site_seen else NOT_SEEN)
        elif name == "open":
            self.open_domain(target)
        elif name == "steps":
            if not isinstance(app.screen, StepsScreen):
                app.push_screen(StepsScreen(target))
        elif name == "more":
            more = MoreMenu(lambda: self._more(target), keys_of("more", app.remapped))
            app.dialog_queue.start(self._choose(more, target))
        elif BY_NAME[name].menu:
            self._ask(name, target)

    def _more(self, target: str) -> list[Item]:
        """The More menu's items, as the domain is now."""
        app = self._app
        domain = app.state.domain(target)
        if domain is None:
            return []
        items = [
            Item(a.name, a.label, help_of(a, domain), why)
            for a, why in menu(domain, app.now(), app.state.read_only)
        ]
        if domain.observed_only:
            return items
        plan = BY_NAME["plan"]
        return [*items, Item(plan.name, f"{plan.label} ...", plan.help)]

    def _ask(self, name: str, target: str, instant: str = "") -> None:
        """Something that changes the site: refused here only as a courtesy, the controller decides.

        `instant`: what is typed into Run PITR's field.
        """
        app = self._app
        domain = app.state.domain(target)
        assert domain is not None
        request = Request(action=name, domain=target)
        closed = refusal(request, domain, app.now(), app.state.read_only) or app.state.lost
        if closed is not None:
            app.dialog_queue.start(flows.refused(app, BY_NAME[name].label, closed))
        elif name != "pitr_run":
            app.dialog_queue.start(self._following((flows.FLOWS | life_flows.FLOWS)[name](app, target)))
        elif not isinstance(app.screen, RunPitrScreen):
            app.push_screen(RunPitrScreen(target, instant))
        elif instant:
            app.screen.go_to(instant)

    def open_domain(self, name: str, vm: str = "") -> None:
        """Show one domain, the cursor on a VM. Not over a dialog: a key that was typed before it opened must
        not hide it."""
        screen = self._app.screen
        if isinstance(screen, Dialog):
            return
        if not isinstance(screen, DomainScreen) or screen.domain_name != name:
            self._app.push_screen(DomainScreen(name, vm=vm))
        elif vm:
            screen.go_to(vm)

    def roll_back(self, name: str, to: datetime, vms: tuple[str, ...], total: int) -> None:
        """Confirm and ask for a rollback."""
        self._app.dialog_queue.start(self._following(flows.roll_back(self._app, name, to, vms, total)))

    def answer(self, question: OpenQuestion, choice: str) -> None:
        """Answer what an operation asks, or the site of a VM."""
        self._app.dialog_queue.start(answer_question(self._app, question, choice))

    def next_question(self) -> None:
        """Go to the domain that asks next, from wherever one is."""
        self._go(asking(self._app.state), 1, "no question waits anywhere", opens=True)

    def next_need(self, by: int) -> None:
        """Go to the next (or previous) domain that needs somebody."""
        self._go(needs_of(self._app.state, self._app.now()), by, "nothing needs you now")

    def _go(self, needs: Sequence[Wanting], by: int, none: str, opens: bool = False) -> None:
        """On the list the cursor goes there; from another screen the domain's own opens in its place.

        `opens`: from the list too, where it has no room to show the domain beside it.
        """
        app, screen = self._app, self._app.screen
        names = list(dict.fromkeys(need.domain for need in needs))
        if not names or not isinstance(screen, ConsoleScreen):
            app.say(none if app.state.site_seen else NOT_SEEN)
            return
        here = screen.target()
        begun = here in names and (by < 0 or self._gone_to == here or not isinstance(screen, DomainsScreen))
        place = (names.index(here) + by) % len(names) if begun and here is not None else 0
        name = self._gone_to = names[place]
        need = next(need for need in needs if need.domain == name)
        text = f"{place + 1} of {len(names)}: {clean(name)}: {need.why}"
        if isinstance(screen, DomainsScreen):
            screen.go_to(name)
            if opens and not screen.wide:
                app.push_screen(DomainScreen(name))
            else:
                app.say(text)
        elif isinstance(screen, DomainScreen) and screen.domain_name != name:
            app.switch_screen(DomainScreen(name, text))
        elif screen.domain_name != name:
            app.push_screen(DomainScreen(name, text))
        else:
            app.say(text)

    async def _following(self, work: Awaitable[str | None]) -> None:
        operation = await work
        if operation is not None:
            self._app.notifications.follow(operation)

    async def _choose(self, dialog: MoreMenu, target: str | None) -> None:
        name = await self._app.ask(dialog)
        if name is not None:
            self._app.dialog_queue.then(lambda: self.perform(name, target))

    def _copy(self) -> None:
        """Copy what the screen has under its cursor, made harmless: pasted, it must not act."""
        app = self._app
        source = app.screen.copied() if isinstance(app.screen, ConsoleScreen) else None
        if source is None:
            app.say("nothing here can be copied")
            return
        what, text = source[0], clean(source[1], lines=True)
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
            app.say(as_typed.get()("lessons are for training sites: drdeck train"))
            return
        lesson = await app.ask(LessonsDialog(app.lessons()))
        if lesson is not None:
            app.lesson = lesson
            app.call_later(app.dialog_queue.leave)

    async def _add_site(self) -> None:
        app = self._app
        if app.add_site is None:
            app.say(as_typed.get()("a site is added by: drdeck sites add"))
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
            f"{describe(o)} of {o.domain} continues without this console: {o.waits_for or 'at work'}"
            for o in app.state.open_operations()
        ]
        session = app.state.longest_session(app.now())
        if session is not None:
            going.append(f"The VMs of {session[0].name} are not protected: its PITR session is active.")
        says = going or ["Nothing is under way. The controller ends when nobody needs it."]

        def leave(answer: bool | None) -> None:
            if answer:
                app.dialog_queue.leave()

        app.push_screen(Confirm("Quit", says, "Quit", key="y"), leave)
