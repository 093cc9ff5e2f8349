"""Dialogs that come up by themselves, when it is their turn: what was found, what ended, what is wanted.

They are imported when one is needed: the first screen does not wait for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drdeck.console.ports import Console
from drdeck.console.state import describe
from drdeck.controller.ipc.protocol import Listing
from drdeck.controller.journal.operations import ENDED, OperationState, OperationView
from drdeck.model.passwords import OWN, PasswordWanted


class Notifications:
    """Tells what the news of the controller bring."""

    def __init__(self, app: Console) -> None:
        self._app = app
        self._news_seen = SeenNews()
        self._results: list[OperationView] = []
        """those that ended while this console was here, newest first"""
        self._unread: set[str] = set()
        self.password_asked = False
        """a box asks for a password now"""

    def follow(self, operation: str) -> None:
        """Have the end of an operation told."""
        self._news_seen.following.add(operation)

    def look(self) -> None:
        """Tell what is new, each thing once."""
        app = self._app
        listing = app.state.listing
        if listing is None:
            return
        failover = self._news_seen.in_progress(listing)
        if failover is not None:
            self._greet(failover)
        for operation in self._news_seen.ended(listing):
            self._tell_end(operation)
        for password in self._news_seen.passwords_wanted(listing):
            self.ask_password(password.of)

    def _greet(self, operation: OperationView) -> None:
        """A failover was found open on attaching."""
        app = self._app

        async def tell() -> None:
            from drdeck.console.dialogs.fact_sheets import (
                progress_dialog,
            )  # not before there is a first screen

            others = [
                o
                for o in app.state.open_operations()
                if o.action == operation.action and o.id != operation.id
            ]
            dialog = progress_dialog(operation, app.state.domain(operation.domain), app.now(), others)
            if await app.ask(dialog):
                app.action_runner.open_domain(operation.domain)

        app.dialog_queue.when_free(tell)

    def _tell_end(self, operation: OperationView) -> None:
        """An operation that this console followed has ended: a line at once, its window when nobody types."""
        app = self._app
        if operation.action != "cfo_complete" and not operation.error:
            app.say(last_word(operation))
            return
        self._results.insert(0, operation)
        app.say(last_word(operation))
        if operation.run:
            return  # of forty the run's screen tells, and its report; the list of results has them
        self._unread.add(operation.id)

        async def tell() -> None:
            if self._unread == {operation.id}:  # of several none opens: they would queue up before the keys
                await self._read(operation)

        app.dialog_queue.when_free(tell)

    @property
    def unread(self) -> int:
        """Number of results that nobody has looked at."""
        return len(self._unread)

    def show_results(self) -> None:
        """The one result that waits, or the list to choose from; the action of the key."""
        waiting = [operation for operation in self._results if operation.id in self._unread]
        if not self._results:
            self._app.say("nothing has ended while this console was here; the Task Log has what ended before")
        elif len(waiting) == 1:
            self._app.dialog_queue.start(self._read(waiting[0]))
        else:
            self._app.dialog_queue.start(self._choose_result())

    async def _choose_result(self) -> None:
        from drdeck.console.dialogs.results_list import ResultsDialog

        chosen_id = ""
        while True:
            dialog = ResultsDialog(self._results, self._unread, chosen_id)
            picked = await self._app.ask(dialog)
            if picked is None:
                return
            chosen_id = picked.id
            await self._read(picked)

    async def _read(self, operation: OperationView) -> None:
        """Show a result in a window; from now on it counts as read."""
        from drdeck.console.dialogs.confirmation import Notice
        from drdeck.console.dialogs.fact_sheets import result_dialog

        self._unread.discard(operation.id)
        if operation.action == "cfo_complete":
            await self._app.ask(result_dialog(operation))
        else:
            await self._app.ask(Notice(describe(operation), [last_word(operation)]))

    def ask_password(self, of: str = OWN, by_key: bool = False) -> None:
        """Ask for a password of the site, or of its protected site, if it is wanted; `by_key`: at once, for
        somebody pressed the key."""
        app = self._app

        async def tell() -> None:
            from drdeck.console.dialogs.ask_password import PasswordDialog

            listing, screen = app.state.listing, app.screen
            need = next((w for w in listing.passwords if w.of == of), None) if listing else None
            if isinstance(screen, PasswordDialog) and screen.of == of:
                return  # it is being asked for
            if listing is not None and need is not None:
                self.password_asked = True
                app.redraw(screen)
                try:
                    await app.ask(
                        PasswordDialog(listing.site, need, lambda word: app.client.secret(word, of))
                    )
                finally:
                    self.password_asked = False
                    app.redraw(screen)

        if by_key:
            app.dialog_queue.start(tell())
        else:
            app.dialog_queue.when_free(tell)

    def give_password(self) -> None:
        """Ask for all passwords that are wanted; the action of the key."""
        listing = self._app.state.listing
        needs = listing.passwords if listing is not None else ()
        if not needs:
            self._app.say("no login waits for a password")
        for number, need in enumerate(needs):
            self.ask_password(need.of, by_key=number == 0)  # the others follow, one after another


@dataclass
class SeenNews:
    """Remembers what this console has seen, so that each thing is told once."""

    following: set[str] = field(default_factory=set)
    """operations that were open when last looked at, or asked for from here"""
    greeted: bool = False
    asked_passwords: set[tuple[str, int]] = field(default_factory=set)

    def ended(self, listing: Listing) -> list[OperationView]:
        """Operations that ended since they were last looked at; notes the open ones."""
        over = [o for o in listing.operations if o.state in ENDED and o.id in self.following]
        self.following -= {o.id for o in over}
        self.following |= {o.id for o in listing.operations if o.state not in ENDED}
        return over

    def in_progress(self, listing: Listing) -> OperationView | None:
        """Once, on attaching: a failover that is open already."""
        if self.greeted or listing.clock is None:
            return None
        self.greeted = True
        return next(
            (o for o in listing.operations if o.action == "cfo_complete" and o.state not in ENDED), None
        )

    def passwords_wanted(self, listing: Listing) -> list[PasswordWanted]:
        """Those that were not asked for yet; one that was refused is asked for again."""
        now = {(w.of, w.number): w for w in listing.passwords}
        new = [w for key, w in now.items() if key not in self.asked_passwords]
        self.asked_passwords = set(now)
        return new


def last_word(operation: OperationView) -> str:
    """The end of an operation, in a sentence."""
    what = f"{describe(operation)} of {operation.domain}"
    if operation.state is OperationState.DONE:
        return f"{what}: done"
    if operation.state is OperationState.ABORTED:
        return f"{what}: aborted, {operation.error}" if operation.error else f"{what}: aborted"
    return f"{what} failed: {operation.error or 'the site gave no reason'}"
