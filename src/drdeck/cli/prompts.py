"""Questions on the terminal that one Ctrl-C ends; a password is handed to the controller."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator

import click

from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.ipc.protocol import Listing
from drdeck.model.passwords import OWN, Password, PasswordWanted

from . import output
from .output import readable

TRIES = 3


class Asker:
    """Asks for each password that is wanted, again when it was refused, three times at most."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked: set[tuple[str, int]] = set()

    def wanted(self, listing: Listing, of: str = OWN) -> PasswordWanted | None:
        """What to ask now; None without a terminal, or when the answer is still on its way."""
        if not sys.stdin.isatty() or len(self._asked) >= TRIES:
            return None
        found = next((w for w in listing.passwords if w.of == of), None)
        return None if found is None or (of, found.number) in self._asked else found

    def waits(self, listing: Listing, of: str = OWN) -> bool:
        """Whether a password is being tried that was typed here, or that is good: then nobody is asked."""
        asked = [w for w in listing.passwords if w.of == of]
        return not asked or any((w.of, w.number) in self._asked for w in asked)

    async def ask(self, wanted: PasswordWanted, site: str) -> None:
        """Prompt, and hand it over. Raises ControllerError."""
        self._asked.add((wanted.of, wanted.number))
        if wanted.why:
            output.note(wanted.why)
        typed = Password(ask(whose(wanted, site), hidden=True))
        try:
            await self._client.secret(typed, wanted.of)
        except ControllerError as error:
            if error.code != "usage":
                raise
            output.note(str(error))
            self._asked.discard((wanted.of, wanted.number))


def whose(wanted: PasswordWanted, site: str) -> str:
    """ "Password of USER at ADDRESS", as far as known."""
    user = f" of {wanted.user}" if wanted.user else ""
    return f"Password{user} at {wanted.address or site}"


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """While a person is asked, Ctrl-C ends the asking: an event loop would wait for its next turn."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def confirm(text: str) -> bool:
    """A question whose answer is no unless it is said. Raises click.Abort like `ask`."""
    with interruptible():
        return click.confirm(readable(text), default=False, err=True)


def ask(text: str, hidden: bool = False) -> str:
    """What is typed, asked for on stderr. Raises click.Abort for Ctrl-C and at the end of the input."""
    with interruptible():
        return str(click.prompt(readable(text), hide_input=hidden, err=True))
