"""A request whose answer was lost may lie somewhere still, and be carried out long after we gave it up.

Nothing can call it back, but a vCenter refuses what comes in the name of a session that has ended. So
before anybody looks what became of it, and before anything more is asked, that session is ended: what
is seen then stays true.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from pyVmomi import vim

from .transport import Stub


class Fence:
    """The sessions, by cookie, in whose name a request may still be carried out; kept in memory only."""

    def __init__(self) -> None:
        self._cookies: set[str] = set()
        self._guard = threading.Lock()

    def doubt(self, cookie: str) -> None:
        """The answer to a changing request of this session was lost."""
        with self._guard:
            self._cookies.add(cookie)

    def ended(self, cookie: str) -> None:
        """This session is known to have ended."""
        with self._guard:
            self._cookies.discard(cookie)

    @property
    def doubtful(self) -> frozenset[str]:
        with self._guard:
            return frozenset(self._cookies)

    def settle(self, stub: Stub, session_manager: Any) -> None:
        """End them all, through a stub that nobody else uses. Raises what pyVmomi raises, and AnswerLost."""
        for cookie in self.doubtful:
            stub.cookie = cookie
            with contextlib.suppress(vim.fault.NotAuthenticated):  # ended already
                vim.SessionManager(session_manager._GetMoId(), stub).Logout()
            self.ended(cookie)
