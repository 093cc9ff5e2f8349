"""Questions on the terminal that one Ctrl-C ends."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import click

from .output import readable


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
