"""Commands with streams that are missing, full or shared: all of it out, or a code that says no."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck

COMMANDS = ("", "--help", "domains --json", "nope")
"""As processes of their own; tests/e2e/commands/test_all_streams.py forks all the others."""
STATES = ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "0>/dev/null")


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path, '[sites.training]\nkind = "training"\n')
    yield new_deck
    new_deck.stop()


@pytest.mark.parametrize("state", STATES)
def test_no_command_minds_what_its_streams_are(deck: Deck, state: str) -> None:
    deck.run("controller", "start")
    for command in COMMANDS:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {state}', "sh", *deck.argv(*command.split())], env=deck.env,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        for bad in ("Traceback", "Exception ignored", "lost sys"):
            assert bad not in done.stderr, f"{command} {state}: {done.stderr}"
        assert done.returncode in (0, 1, 2, 3), f"{command} {state}: {done.returncode} {done.stderr}"
        if ">&-" in state.split() or state.startswith(">"):
            assert done.returncode != 0, f"{command} {state}: nothing came out"


def unread(pipe: int) -> int:
    """Bytes that lie in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_pipe_that_is_not_waited_for_gets_all(deck: Deck) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    script = "from drdeck.cli import output; output.say('x' * 500_000)"
    script = f"from drdeck.standard_streams import prepare; prepare(); {script}"
    argv = [deck.argv()[0], "-c", script]
    process = subprocess.Popen(argv, env=deck.env, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    while unread(reading) < 4096:
        assert process.poll() is None
    with os.fdopen(reading, "rb") as slow:
        data = slow.read()
    _, complaints = process.communicate(timeout=30)
    assert (process.returncode, len(data), complaints) == (0, 500_001, b"")
