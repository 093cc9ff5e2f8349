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
from drdeck.terminal_info import is_terminal

from . import exit_codes, output
from .exit_codes import Exit
from .output import readable

TRIES = 3
no_input = False
"""With --no-input: nothing is asked, as without a terminal."""


def may_ask() -> bool:
    """True where somebody can be asked."""
    return not no_input and is_terminal(sys.stdin)


class Asker:
    """Asks for each password that is wanted, again when it was refused, three times at most."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._attempts: set[tuple[str, int]] = set()

    def next_login(self, listing: Listing, of: str = OWN) -> PasswordWanted | None:
        """The password to ask for now; None without a terminal, or with the answer still on its way."""
        if not may_ask() or len(self._attempts) >= TRIES:
            return None
        need = next((w for w in listing.passwords if w.of == of), None)
        return None if need is None or (of, need.number) in self._attempts else need

    def waits(self, listing: Listing, of: str = OWN) -> bool:
        """True while a password is tried that was typed here, or that is good: then nobody is asked."""
        needs = [w for w in listing.passwords if w.of == of]
        return not needs or any((w.of, w.number) in self._attempts for w in needs)

    async def ask(self, need: PasswordWanted, site: str) -> None:
        """Prompt, and hand it over. Raises ControllerError."""
        self._attempts.add((need.of, need.number))
        if need.why:
            output.note(need.why)
        typed = Password(ask(whose(need, site), hidden=True))
        try:
            await self._client.secret(typed, need.of)
        except ControllerError as error:
            if error.code != "usage":
                raise
            output.note(str(error))
            self._attempts.discard((need.of, need.number))


def whose(need: PasswordWanted, site: str) -> str:
    """ "Password of USER at ADDRESS", as far as known."""
    user = f" of {need.user}" if need.user else ""
    return f"Password{user} at {need.address or site}"


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """While a person is asked, Ctrl-C ends the asking: an event loop would wait for its next turn.

    A signal to end does so too, so that a terminal that shows no password shows letters again.
    """
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _refuse(text: str) -> None:
    if no_input:
        raise Exit(exit_codes.USAGE, f"--no-input: this would be asked: {text}; give it as an option")


def confirm(text: str) -> bool:
    """A question whose answer is no unless it is said. Raises like `ask`."""
    _refuse(text)
    with interruptible():
        return click.confirm(readable(text), default=False, err=True)


def ask(text: str, hidden: bool = False) -> str:
    """The typed line, prompted for on stderr. Raises click.Abort for Ctrl-C and at the end of the input, and
    Exit(2) with --no-input."""
    _refuse(text)
    with interruptible():
        return str(click.prompt(readable(text), hide_input=hidden, err=True))
