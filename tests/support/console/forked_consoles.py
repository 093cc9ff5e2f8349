"""`python -m tests.support.console.forked_consoles`: the console on many terminals, each forked.

Reads cases as JSON from the file of the first argument, and writes what became of them to the second: the
bottom line, what stands on the screen, all bytes, and the exit code after `d`. Everything is imported once,
so that all kinds of terminals can be tried.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.support.console.terminal import Terminal

ENDED_S = 60.0


def be_the_console(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Go on as Python does when it starts."""
    os.environ.clear()
    os.environ.update(env)
    streams: list[Any] = [os.fdopen(number, "w" if number else "r", closefd=False) for number in range(3)]
    sys.stdin, sys.stdout, sys.stderr = streams
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
    sys.argv = list(argv)
    from drdeck.__main__ import main

    try:
        main()
    except SystemExit as ended:
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    os._exit(0)


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """A console that is left by its key as soon as it stands there; one that refuses ends by itself."""
    (columns, rows), window = case["size"], tuple(case["window"])
    t = Terminal(case["argv"], case["env"], columns, rows, window, instead=be_the_console)
    try:
        stands = ""
        if case["waits_for"]:
            t.wait_for(*case["waits_for"], within=ENDED_S)
            stands = t.text()
            t.press("d")
        code = t.ended(within=ENDED_S)
    except AssertionError as error:
        return {"fails": str(error)}
    finally:
        t.close()
    return {"code": code, "stands": stands, "text": t.text(), "raw": t.raw.decode("latin-1")}


def run() -> None:
    import drdeck.cli.root
    import drdeck.console.app  # noqa: F401

    cases = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    Path(sys.argv[2]).write_text(json.dumps([outcome(case) for case in cases]), "utf-8")


if __name__ == "__main__":
    run()
