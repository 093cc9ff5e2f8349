"""`python -m tests.support.stream_states`: drdeck's commands, each forked with its streams in some state.

Reads cases as JSON from the file of the first argument, and writes what became of them to the second.
Everything is imported once, so that all commands can be tried in all states.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

LIMIT_S = 30
LATE_S = 0.3


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


def _never_waits(number: int) -> None:
    """A full pipe that does not block, whose reader is late: what some CI runners and ssh leave behind."""
    os.dup2(_late_reader(number)[1], number)


_late: dict[int, tuple[int, int]] = {}
"""Number of a stream -> ends of the pipe made for it, before the fork."""
FILLER = b"\0" * 4096


def _late_reader(number: int) -> tuple[int, int]:
    if number not in _late:
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, len(FILLER))
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        os.write(writing, FILLER)
        _late[number] = reading, writing
    return _late[number]


def _read_late(texts: dict[int, bytes]) -> None:
    for number, (reading, _) in _late.items():
        with contextlib.suppress(BlockingIOError):
            texts[number] = texts.get(number, b"") + os.read(reading, 1024)


STATES: dict[str, Callable[[int], None]] = {
    "closed": _closed, "null": _null, "full": _full, "broken": _broken, "never waits": _never_waits,
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
    for number, state in enumerate(states):
        if state == "never waits":
            _late_reader(number)
    late: dict[int, bytes] = {}
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
            if time.monotonic() > began + LATE_S:
                _read_late(late)
        took_s = time.monotonic() - began
        texts = [_text(file, late, number) for number, file in ((1, out), (2, err))]
        code = os.waitstatus_to_exitcode(ended[1])
        return {"code": code, "out": texts[0], "err": texts[1], "took_s": took_s}


def _text(file: IO[bytes], late: dict[int, bytes], number: int) -> str:
    """All that came out of a stream."""
    ends = _late.pop(number, None)
    if ends is None:
        file.seek(0)
        return file.read().decode()
    os.close(ends[1])
    data = late.get(number, b"")
    with contextlib.suppress(BlockingIOError):  # a child of the command may hold it open still
        while piece := os.read(ends[0], 65536):
            data += piece
    os.close(ends[0])
    return data.removeprefix(FILLER).decode()


def _import_all(group: Any) -> None:
    """What the commands are imported from, when each is used for the first time."""
    for command in getattr(group, "commands", {}).values():
        _import_all(command)


def run() -> None:
    from drdeck.__main__ import main as warm
    from drdeck.cli.root import cli
    from drdeck.controller.ipc import client

    assert callable(warm) and client
    _import_all(cli)
    cases = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    outcomes = [_outcome(case["argv"], case["states"]) for case in cases]
    Path(sys.argv[2]).write_text(json.dumps(outcomes), "utf-8")


if __name__ == "__main__":
    run()
