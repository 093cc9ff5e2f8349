"""An event loop whose clock stands still while there is anything to do, and else goes on to the next timer.

Hours of waiting take no time, and every run of the same code meets the same times in the same order. For
code whose peers all live in the loop: sockets are looked at, threads and processes are not waited for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable


class Stuck(AssertionError):
    """Everything waits, and no timer is set that could end it."""


class _Selector(selectors.DefaultSelector):
    """Never waits: it says how long it would have."""

    def __init__(self, waited: Callable[[float], None]) -> None:
        super().__init__()
        self._waited = waited

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Stuck("nothing is left that could happen")
        if not ready and timeout:
            self._waited(timeout)
        return ready


class VirtualTime(asyncio.SelectorEventLoop):
    """`time()` begins at 0."""

    def __init__(self) -> None:
        self._passed = 0.0
        super().__init__(_Selector(self._wait))

    def time(self) -> float:
        return self._passed

    def _wait(self, seconds: float) -> None:
        self._passed += seconds
