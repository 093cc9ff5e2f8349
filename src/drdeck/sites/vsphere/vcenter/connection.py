"""Two sessions with a vCenter: one watches, one commands, so that neither ever waits for the other."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pyVmomi import vim

from drdeck.config.settings import VCenterSettings
from drdeck.model.passwords import Password

from .endpoint import Endpoint
from .errors import translate, words
from .stale_sessions import StaleSessions
from .threads import in_thread
from .transport import AnswerLost, CertificateRefused, Stub

__all__ = [
    "AnswerLost",
    "CertificateRefused",
    "Connection",
    "Endpoint",
    "VCenterSession",
    "in_thread",
    "translate",
    "words",
]

T = TypeVar("T")

CONNECT_S = 10.0
CALL_S = 60.0
POLL_S = 25
"""How long a vCenter may hold the long poll; well below the time that we wait for its answer."""
LOGOUT_S = 3.0


class Credentials:
    """User name and password of one connection; the password is had when a trusted server wants it first.

    Once refused it is not sent again, by any session of the connection: that would lock the user out. A
    source that is a function says itself when one may be sent again; `hears` is told of each login: of None
    where it was let in, else of the refusal, for which it gives what is raised.
    """

    def __init__(
        self, username: str, password: str | Callable[[], str], hears: Callable[[Any], Any] | None = None
    ) -> None:
        self.username, self._source, self._hears = username, password, hears
        self._password: Password | None = None
        self._refused: vim.fault.InvalidLogin | None = None
        self._lock = threading.Lock()

    def log_in(self, manager: Any) -> Any:
        """The session as vCenter has it. Raises what pyVmomi raises, and the source of the password."""
        with self._lock:
            kept = self._password
            if kept is not None:
                try:
                    return self._log_in(manager, kept)
                except vim.fault.InvalidLogin as refused:
                    self._refused, self._password = refused, None
            if self._refused is not None and self._hears is None:
                raise self._refused
            password = Password(self._source() if callable(self._source) else self._source)
            try:
                # the one that was just refused is not sent twice; there may be another by now
                if password == kept and self._refused is not None:
                    raise self._refused
                session = self._log_in(manager, password)
            except vim.fault.InvalidLogin as refused:
                self._refused = refused
                raise (refused if self._hears is None else self._hears(refused)) from None
            self._password, self._refused = password, None
            return session

    def _log_in(self, manager: Any, password: Password) -> Any:
        # English words, so that an operator may search for them
        session = manager.Login(self.username, password.text, "en")
        if self._hears is not None:
            self._hears(None)
        return session


class VCenterSession:
    """One logged-in session. Its calls block; several threads may call at once.

    `stale_sessions`: of all sessions that this process had with this vCenter one after another.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        *,
        connect_s: float = CONNECT_S,
        call_s: float = CALL_S,
        poll_s: float = 0.0,
        stale_sessions: StaleSessions | None = None,
    ) -> None:
        self.endpoint, self._credentials = endpoint, credentials
        self._connect_s = connect_s
        self.stale_sessions = stale_sessions or StaleSessions()
        self.stub = Stub(endpoint, connect_s, call_s, poll_s, self.stale_sessions.agent)
        self.stub.on_lost = self.stale_sessions.doubt
        self.si: Any = vim.ServiceInstance("ServiceInstance", self.stub)
        self._content: Any = None
        self.user = self.key = ""
        """the account's name and the session's key, as vCenter's events have them; empty before login"""
        self._lock = threading.RLock()  # what settles may have to log in anew

    @property
    def content(self) -> Any:
        """The vCenter's service content; read once."""
        if self._content is None:
            self._content = self.si.RetrieveContent()
        return self._content

    @property
    def session_id(self) -> str:
        """The vCenter session id, as other appliances take it; empty before login."""
        cookie = str(self.stub.cookie).partition(";")[0].partition("=")[2]
        return cookie.strip('"')

    def log_in(self) -> None:
        """Log in anew. Raises what pyVmomi raises."""
        with self._lock:
            self._log_in()

    def _log_in(self) -> None:
        self.stub.cookie = ""
        self._content = None
        session = self._credentials.log_in(self.content.sessionManager)
        self.user, self.key = str(session.userName), str(session.key)
        self.stub.logins += 1
        self.stub.log_in = self._log_in_again

    def _log_in_again(self, logins: int) -> None:
        with self._lock:
            if self.stub.logins == logins:  # else another thread has just done it
                self._log_in()

    def settle(self) -> None:
        """End every session in whose name something may still come; log in anew where it is this one.

        Raises what pyVmomi raises, and AnswerLost.
        """
        if not (self.stale_sessions.stale or self.stale_sessions.left_behind):
            return
        with self._lock:
            if self.stale_sessions.stale:
                mine = str(self.stub.cookie) in self.stale_sessions.stale
                other = Stub(self.endpoint, self._connect_s, self.stub.call_s, agent=self.stub.agent)
                try:
                    self.stale_sessions.settle(other, self.content.sessionManager)
                finally:
                    other.DropConnections()
                if mine:
                    self._log_in()
            if self.stale_sessions.left_behind:
                self.stale_sessions.settle_others(self.content, self.user)

    def abandon(self) -> None:
        """Break what is under way, and say nothing more: who connects next ends the session. Never raises."""
        if self.session_id:
            self.stale_sessions.doubt(str(self.stub.cookie))
        self.stub.silent, self.stub.log_in = True, None
        self.stub.abort()
        self.stub.DropConnections()

    def close(self) -> None:
        """Break what is under way, log out, and drop the connections; never raises."""
        self.stub.log_in = None
        self.stub.abort()
        if self.session_id:
            self.stub.schemeArgs["connect_s"] = self.stub.call_s = LOGOUT_S
            self.stub.DropConnections()
            cookie = str(self.stub.cookie)
            with contextlib.suppress(Exception):  # gone is gone; the vCenter ends idle sessions itself
                self.content.sessionManager.Logout()
                self.stale_sessions.ended(cookie)
        self.stub.cookie = ""
        self.stub.DropConnections()


class Connection:
    """A vCenter that is watched through `polling` and commanded through `commands`.

    A `password` that is a function is called, in a thread, once the server is trusted and wants it.
    Every awaitable raises SiteUnreachable (LoginRefused), Refused or ResultUnknown, never pyVmomi's own.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        username: str,
        password: str | Callable[[], str],
        *,
        connect_s: float = CONNECT_S,
        call_s: float = CALL_S,
        poll_s: int = POLL_S,
        stale_sessions: StaleSessions | None = None,
        hears: Callable[[Any], Any] | None = None,
    ) -> None:
        """`hears`: is told how each login went, see Credentials."""
        self.endpoint, self.username, self.poll_s = endpoint, username, poll_s
        self.server = endpoint.server
        credentials = Credentials(username, password, hears)
        self.polling = VCenterSession(
            endpoint, credentials, connect_s=connect_s, call_s=call_s, poll_s=poll_s
        )
        self.commands = VCenterSession(
            endpoint, credentials, connect_s=connect_s, call_s=call_s, stale_sessions=stale_sessions
        )

    async def open(self) -> None:
        """Log both sessions in, once: to connect anew, close this one and make another."""

        def log_in() -> None:
            self.polling.log_in()
            self.commands.log_in()

        await self._run(log_in, "log in")

    async def watch_again(self) -> None:
        """Log the watching session in anew, which has ended; the other, and what it does, goes on."""
        await self._run(self.polling.log_in, "log in")
        await self.settle()

    async def close(self) -> None:
        """Log both out; never raises."""
        await asyncio.gather(in_thread(self.polling.close), in_thread(self.commands.close))

    async def abandon(self) -> None:
        """Send nothing any more, not even a logout: the next connection ends these sessions."""
        self.polling.stale_sessions = self.commands.stale_sessions
        await asyncio.gather(in_thread(self.polling.abandon), in_thread(self.commands.abandon))

    async def freshen(self) -> None:
        """Use no connection any more that was there before a silence, but for the calls under way.

        A firewall may have forgotten them without a word; nobody would answer there for a long time. A long
        poll that nobody answers any more is noticed by its being cancelled.
        """

        def renew() -> None:
            self.polling.stub.DropConnections()
            self.commands.stub.DropConnections()

        await in_thread(renew)

    async def poll(self, work: Callable[[VCenterSession], T], aim: str) -> T:
        """Run blocking work on the watching session; `aim` says what, for messages: "read the folders"."""
        return await self._run(lambda: work(self.polling), aim)

    async def command(self, work: Callable[[VCenterSession], T], aim: str) -> T:
        """Run blocking work on the commanding session, once nothing can come of what was asked before."""

        def settled() -> T:
            self.commands.settle()
            return work(self.commands)

        return await self._run(settled, aim)

    async def settle(self) -> None:
        """From here on nothing comes of a request whose answer was lost: what is read now stays true."""
        await self._run(self.commands.settle, "end a session in which something may still come")

    async def _run(self, work: Callable[[], T], aim: str) -> T:
        try:
            return await in_thread(work)
        except Exception as exc:
            raise translate(exc, aim, f"vCenter {self.server}") from exc

    @property
    def session_id(self) -> str:
        """The id of the commanding session."""
        return self.commands.session_id


def endpoint_of(vcenter: VCenterSettings) -> Endpoint:
    """The endpoint of a vCenter of the settings, with what makes us believe it."""
    return Endpoint(
        url=vcenter.url,
        ca_file=vcenter.ca_file,
        thumbprint=vcenter.thumbprint,
        insecure=vcenter.insecure,
    )
