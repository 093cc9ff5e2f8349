"""Controller processes that are there at once: forked from one that has everything imported already."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.faults.process"])


def _live(arguments: list[str], env: dict[str, str], out: Connection) -> None:
    from tests.support.faults import process

    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
    out.close()
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    process.run(arguments)


class Forked:
    """`drdeck ARGUMENTS` with this environment, which dies where FAULTS_POINT says (see process.py)."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        read, write = os.pipe()
        self._out = os.fdopen(read, "rb")
        with Connection(write, readable=False) as out:
            self._process = _CONTEXT.Process(target=_live, args=(list(arguments), dict(env), out))
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def first_line(self) -> bytes:
        """What it says first; empty when it ends without a word. Blocks."""
        return self._out.readline()

    def wait(self) -> int | None:
        """Until it has ended; its exit code, or the signal as a negative number."""
        self._process.join()
        return self._process.exitcode

    def kill(self) -> None:
        """kill -9, if it still lives; returns when it is gone."""
        if self._process.is_alive():
            with contextlib.suppress(ProcessLookupError):  # it died, and nobody has told us yet
                os.kill(self.pid, signal.SIGKILL)
        self._process.join()
        self._out.close()
        self._process.close()
