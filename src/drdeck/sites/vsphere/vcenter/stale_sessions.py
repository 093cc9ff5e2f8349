"""A request whose answer was lost may lie somewhere still, and be carried out long after we gave it up.

Nothing can call it back, but a vCenter refuses what comes in the name of a session that has ended. So
before anybody looks what became of it, and before anything more is asked, that session is ended: what
is seen then stays true. A controller that was killed cannot do that: the next one does, which finds its
sessions in vCenter's list by the user agent that they logged in with.

Why so: a request has no id by which it could be found again or called back; the header's operationID goes
to vCenter's logs and into no TaskInfo. All that ties it to its sender is the session's cookie, and without a
session a call ends with NotAuthenticated (API reference: SessionManager, Logout, TerminateSession).
UserSession.userAgent is there since API 5.1.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import secrets
import threading
from datetime import datetime
from typing import Any

from pyVmomi import vim, vmodl

from .transport import AGENT, Stub

log = logging.getLogger(__name__)

_PC = vmodl.query.PropertyCollector
_MARK = re.compile(r"drdeck/\S+ \(commands; (?P<holder>[0-9a-f]+); (?P<life>[0-9a-f]+)\)")


def _digest(holder: str) -> str:
    """Whatever a holder is called, this fits a header."""
    return hashlib.sha256(holder.encode()).hexdigest()[:16]


class StaleSessions:
    """The sessions in whose name a request may still be carried out; kept in memory only.

    `me`: the name under which this controller drives domains; those that had it before are dead, for
    only one process at a time has it. `life`: what tells this one from them.
    """

    def __init__(self, me: str = "", life: str = "") -> None:
        self.life = life or secrets.token_hex(8)
        self.agent = f"{AGENT} (commands; {_digest(me)}; {self.life})" if me else AGENT
        self._cookies: set[str] = set()
        self._left_behind = {me} if me else set[str]()
        self._guard = threading.Lock()

    def doubt(self, cookie: str) -> None:
        """The answer to a changing request of this session was lost."""
        with self._guard:
            self._cookies.add(cookie)

    def ended(self, cookie: str) -> None:
        """This session is known to have ended."""
        with self._guard:
            self._cookies.discard(cookie)

    def succeed(self, holder: str) -> None:
        """Count what this holder asked for no more: a domain of its own is driven from here now."""
        with self._guard:
            self._left_behind.add(holder)

    @property
    def stale(self) -> frozenset[str]:
        """Sessions of this process, by cookie."""
        with self._guard:
            return frozenset(self._cookies)

    @property
    def left_behind(self) -> frozenset[str]:
        """Holders that may have left sessions behind."""
        with self._guard:
            return frozenset(self._left_behind)

    def settle(self, stub: Stub, session_manager: Any) -> None:
        """End those of this process, through a stub that nobody else uses.

        Raises what pyVmomi raises, and AnswerLost.
        """
        for cookie in self.stale:
            stub.cookie = cookie
            with contextlib.suppress(vim.fault.NotAuthenticated):  # ended already
                vim.SessionManager(session_manager._GetMoId(), stub).Logout()
            self.ended(cookie)
            log.debug("ended a session of this process in which an answer was lost")

    def settle_others(self, content: Any, user: str) -> None:
        """End those that commanded for the holders that are gone, of the account `user` only.

        Who may not read the list of sessions goes on without (API reference: sessionList and
        TerminateSession want Sessions.TerminateSession); it is tried again for the next such holder.
        Raises what pyVmomi raises, and AnswerLost.
        """
        holders = self.left_behind
        try:
            while keys := self._left_by(holders, content, user):
                try:
                    content.sessionManager.TerminateSession(sessionId=keys)
                    log.info("ended %d sessions of drivers before this one", len(keys))
                    break
                except vim.fault.NotFound:  # one went by itself, and those after it were left
                    continue
        except vim.fault.NoPermission as refused:
            log.warning("cannot end what a driver before this one left: no %s", refused.privilegeId)
        with self._guard:
            self._left_behind -= holders

    def _left_by(self, holders: frozenset[str], content: Any, user: str) -> list[str]:
        digests = {_digest(holder) for holder in holders}
        keys = []
        for session in _sessions(content):
            mark = _MARK.fullmatch(str(session.userAgent or ""))
            if mark and mark["holder"] in digests and mark["life"] != self.life and session.userName == user:
                keys.append(str(session.key))
        return keys


def last_active(content: Any, holder: str) -> datetime | None:
    """The last time that a session which commands for this holder was used, by vCenter's clock; None: it
    has none. With one call (API reference: UserSession.lastActiveTime). Raises NoPermission where the
    list of sessions may not be read (Sessions.TerminateSession)."""
    times = []
    for session in _sessions(content):
        mark = _MARK.fullmatch(str(session.userAgent or ""))
        if mark and mark["holder"] == _digest(holder):
            times.append(session.lastActiveTime)
    return max(times, default=None)


def _sessions(content: Any) -> list[Any]:
    """The sessions that a vCenter has, with one call. Raises NoPermission where they may not be seen."""
    spec = _PC.FilterSpec(
        objectSet=[_PC.ObjectSpec(obj=content.sessionManager)],
        propSet=[_PC.PropertySpec(type=vim.SessionManager, pathSet=["sessionList"])],
    )
    answer = content.propertyCollector.RetrievePropertiesEx([spec], _PC.RetrieveOptions())
    for thing in answer.objects or () if answer is not None else ():
        for missing in thing.missingSet or ():
            raise missing.fault
        for prop in thing.propSet or ():
            return list(prop.val or ())
    return []
