"""Pace of the questions to vCenter's event history: neither its size nor many events make a storm of them."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_S, MOST_S = 2.0, 120.0
"""Between two questions: after one that was rare, and at most."""
REST = 20.0
"""So many times what a question took passes before the next one: it is read from tables of millions."""


class HistoryPace:
    """Back-off of questions that follow each other: each pause is twice the last one, until they are rare."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._pause_s = 0.0
        self._again_s = float("-inf")

    def wait_s(self) -> float:
        """Seconds until the history may be asked; 0: now."""
        return max(0.0, self._again_s - self._steady())

    def note(self, took_s: float) -> None:
        """Take note of a question, and of how long its answer took, a failure as well."""
        now_s = self._steady()
        soon = now_s - took_s - self._again_s < self._pause_s
        self._pause_s = min(MOST_S, 2 * self._pause_s) if soon and self._pause_s else FIRST_S
        self._again_s = now_s + max(self._pause_s, min(MOST_S, REST * took_s))
