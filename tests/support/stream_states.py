"""`python -m tests.support.stream_states`: drdeck's commands, each forked with its streams in some state.

Reads cases as JSON from the file of the first argument, and writes what became of them to the second.
Everything is imported once, so that all commands can be tried in all states.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_S = 30


def _closed(number: int) -> None:
    os.close(number)


def _null(number: int) -> None:
    os.dup2(os.open(os.devnull, os.O_RDWR), number)


def _full(number: int) -> None:
    os.dup2(os.open("/dev/full", os.O_RDWR), number)


def _broken(number: int) -> None:
    """A pipe whose other end is gone."""
    reading, writing = os.pipe()
    os.close(reading if number else writing)
    os.dup2(writing if number else reading, number)


STATES: dict[str, Callable[[int], None]] = {
    "closed": _closed, "null": _null, "full": _full, "broken": _broken,
}  # fmt: skip


def _be_the_command(argv: list[str], states: list[str]) -> None:
    """Replace the streams as a shell would, and go on as Python does when it starts."""
    for number, state in enumerate(states):
        if state:
            STATES[state](number)
    streams: list[Any] = [
        None if state == "closed" else os.fdopen(number, "w" if number else "r", closefd=False)
        for number, state in enumerate(states)
    ]
    sys.stdin, sys.stdout, sys.stderr = streams
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
    sys.argv = ["drdeck", *argv]
    from drdeck.__main__ import main

    main()


def _outcome(argv: list[str], states: list[str]) -> dict[str, Any]:
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            _null(0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            _be_the_command(argv, states)
        deadline = time.monotonic() + LIMIT_S
        while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                os.kill(pid, 9)
            time.sleep(0.005)
        took_s = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        code = os.waitstatus_to_exitcode(ended[1])
        return {"code": code, "out": out.read().decode(), "err": err.read().decode(), "took_s": took_s}


def run() -> None:
    from drdeck.cli.root import run as warm

    cases = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    assert callable(warm)
    outcomes = [_outcome(case["argv"], case["states"]) for case in cases]
    Path(sys.argv[2]).write_text(json.dumps(outcomes), "utf-8")


if __name__ == "__main__":
    run()
