"""Dialogs that come up by themselves, when it is their turn: what was found, what ended, what is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drdeck.controller.operations import OperationView
from drdeck.model.passwords import OWN

from .dialogs.confirm import Notice
from .dialogs.facts import progress_dialog, result_dialog
from .dialogs.password import PasswordDialog
from .state import describe
from .tidings import last_word

if TYPE_CHECKING:
    from .app import DrdeckApp


class Unasked:
    """Tells what the news of the controller bring."""

    def __init__(self, app: DrdeckApp) -> None:
        self._app = app

    def look(self) -> None:
        """Tell what is new, each thing once."""
        app = self._app
        listing = app.state.listing
        if listing is None:
            return
        found = app.tidings.in_progress(listing)
        if found is not None:
            self._greet(found)
        for operation in app.tidings.ended(listing):
            self._tell_end(operation)
        for wanted in app.tidings.passwords_wanted(listing):
            self.ask_password(wanted.of)

    def _greet(self, operation: OperationView) -> None:
        """A failover was found open on attaching."""
        app = self._app

        async def tell() -> None:
            dialog = progress_dialog(operation, app.state.domain(operation.domain), app.now())
            if await app.ask(dialog):
                app.acts.open_domain(operation.domain)

        app.turns.when_free(tell)

    def _tell_end(self, operation: OperationView) -> None:
        """An operation that this console followed has ended."""
        app = self._app

        async def tell() -> None:
            if operation.action == "cfo_complete":
                await app.ask(result_dialog(operation))
            else:
                await app.ask(Notice(describe(operation), [last_word(operation)]))

        if operation.action == "cfo_complete" or operation.error:
            app.turns.when_free(tell)
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

        app.turns.when_free(tell)

    def give_password(self) -> None:
        """What the key for it does: ask for all that are wanted."""
        listing = self._app.state.listing
        wanted = listing.passwords if listing is not None else ()
        if not wanted:
            self._app.say("no login waits for a password")
        for one in wanted:
            self.ask_password(one.of)
