"""Transport of calls to a vCenter: TLS as the settings ask, time-outs, and a note once a request has left."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from http.client import OK, HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from pyVmomi import SoapStubAdapter, vim, vmodl

from drdeck import __version__
from drdeck.model.certificates import Certificate

from .endpoint import Endpoint, normalise
from .readable_answer import ReadableAnswer
from .server_certificate import presented, thumbprint_of
from .update_parser import UpdateParser

log = logging.getLogger(__name__)

VERSION = "vim.version.version11"
"""The API version that we speak (6.5); newer servers answer in it."""
AGENT = f"drdeck/{__version__}"
"""What a vCenter shows in its list of sessions, as the name of the program."""

IDLE_S = 15.0
"""A connection unused for so long is not used again: a proxy may close it just as a command leaves."""

_READS = (
    "Retrieve", "Fetch", "Find", "Query", "WaitForUpdates", "CancelWaitForUpdates", "CurrentTime",
    "HasPrivilege", "HasUserPrivilege", "Login", "Logout", "TerminateSession", "SessionIsActive",
    "ReadNext", "ReadPrevious",
    "CreateContainerView", "CreateListView", "CreateFilter", "CreatePropertyCollector",
    "CreateCollectorForEvents", "CreateCollectorForTasks", "DestroyView", "DestroyPropertyFilter",
    "DestroyPropertyCollector", "DestroyCollector", "ResetCollector", "RewindCollector",
    "SetCollectorPageSize",
    "LogUserEvent",  # a line for people: one that lands late, or twice, harms nobody
)  # fmt: skip


_READ_ASIDE = ("WaitForUpdatesEx", "RetrievePropertiesEx", "ContinueRetrievePropertiesEx")
"""Calls whose answers are large, and may be read by a parser of ours."""
_NOTHING = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>'
    b'<WaitForUpdatesExResponse xmlns="urn:vim25"/></Body></Envelope>'
)


class AnswerLost(Exception):
    """A request had left and no answer came; `changing` tells whether it would have changed anything."""

    def __init__(self, method: str, changing: bool) -> None:
        super().__init__(method)
        self.method, self.changing = method, changing


class TooLate(Exception):
    """A request was kept from leaving: the time in which it was right to send it was over."""

    def __init__(self, method: str) -> None:
        super().__init__(method)


class SessionEnded(Exception):
    """A request was refused, for its session had ended; it did nothing, and must not be repeated unseen."""

    def __init__(self, method: str) -> None:
        super().__init__(method)


class CertificateRefused(Exception):
    """The server's certificate is not trusted; `expected` is the thumbprint pinned instead, if any."""

    def __init__(self, reason: str, certificate: Certificate | None, expected: str = "") -> None:
        super().__init__(reason)
        self.reason, self.certificate, self.expected = reason, certificate, expected


class ReadAside:
    """An answer that a parser of ours reads; pyVmomi's is then given one that has nothing in it.

    So that connections, cookies and faults stay pyVmomi's.
    """

    def __init__(self, answer: ReadableAnswer, parser: UpdateParser) -> None:
        self._answer, self._parser = answer, parser
        self._left: bytes | None = None
        self.status, self.reason, self.getheader = answer.status, answer.reason, answer.getheader

    def read(self, size: int = -1) -> bytes:
        """The next bytes for pyVmomi's parser. Raises what reading the answer raises."""
        if self._left is None:
            self._parser.read(self._answer)
            self._left = _NOTHING
        end = len(self._left) if size < 0 else size
        piece, self._left = self._left[:end], self._left[end:]
        return piece


class _Http(HTTPConnection):
    """Waits `connect_s` for the connection, and for each piece of an answer what its call allows."""

    used = False

    def __init__(self, host: str, port: int, *, connect_s: float, stub: Stub) -> None:
        super().__init__(host, port, timeout=connect_s)
        self._stub = stub

    def connect(self) -> None:
        super().connect()
        self._tune()

    def _tune(self) -> None:
        """Neither end may wait for the other without need."""
        # what has not left when we give up, or die, must not leave later: nobody waits for it then
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # a firewall that forgot the connection of a long poll says nothing: ask
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 3), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                self.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)
        self.sock.settimeout(self._stub.sent())

    def getresponse(self) -> Any:
        return self._stub.answers(ReadableAnswer(super().getresponse()))

    def was_closed(self) -> bool:
        """The server closed it while it lay idle: what is readable now can only be the end."""
        if self.sock is None:
            return True
        poller = select.poll()
        poller.register(self.sock, select.POLLIN)
        return bool(poller.poll(0))


class _Https(_Http, HTTPSConnection):
    """The same over TLS, with the pinned thumbprint checked on every new connection."""

    def __init__(self, host: str, port: int, *, connect_s: float, stub: Stub) -> None:
        HTTPSConnection.__init__(self, host, port, timeout=connect_s, context=stub.tls)
        self._stub = stub

    def connect(self) -> None:
        try:
            HTTPSConnection.connect(self)
        except ssl.SSLCertVerificationError as refused:
            # a second look, trusting nothing: the operator needs to see which certificate was refused
            certificate = presented(self.host, self.port, float(self.timeout or 0.0) or IDLE_S)
            raise CertificateRefused(refused.verify_message, certificate) from refused
        assert isinstance(self.sock, ssl.SSLSocket)
        self._tune()
        expected = self._stub.endpoint.thumbprint
        if expected is not None:
            thumbprint = thumbprint_of(self.sock.getpeercert(binary_form=True) or b"")
            if normalise(thumbprint) != normalise(expected):
                self.close()
                raise CertificateRefused(
                    "not the pinned certificate", Certificate(thumbprint=thumbprint), expected
                )


class Stub(SoapStubAdapter):  # type: ignore[misc]
    """pyVmomi's adapter with our time-outs, knowing whether a failed request had left.

    `log_in` is asked when the vCenter no longer knows the session; the refused call, which by that
    refusal did nothing, is then made once more. Raises AnswerLost beside what pyVmomi raises.
    `agent`: the name that the vCenter shows for its sessions.
    """

    def __init__(
        self, endpoint: Endpoint, connect_s: float, call_s: float, poll_s: float = 0.0, agent: str = AGENT
    ) -> None:
        parts = urlsplit(endpoint.url)
        port = parts.port or (443 if endpoint.tls else 80)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        path = parts.path if parts.path not in ("", "/") else "/sdk"
        super().__init__(
            url=f"{parts.scheme}://{host}:{port}{path}",
            version=VERSION,
            poolSize=16,
            connectionPoolTimeout=IDLE_S,
            customHeaders={"User-Agent": agent},
        )
        self.endpoint, self.agent = endpoint, agent
        self.log_in: Callable[[int], None] | None = None
        self.on_lost: Callable[[str], None] = lambda cookie: None
        """told the session's cookie when the answer to a changing request of it was lost"""
        self.logins = 0
        self.silent = False
        """nothing may leave any more"""
        self._local = threading.local()
        self._replaced = False
        self._open: set[_Http] = set()
        self.scheme = _Https if endpoint.tls else _Http
        self.schemeArgs = {"connect_s": connect_s, "stub": self}
        self.call_s, self.poll_s = call_s, poll_s

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Made once: reading all of a system's CA certificates takes a while."""
        return self.endpoint.context()

    def answers(self, answer: ReadableAnswer) -> Any:
        """This thread's call is being answered; the answer as pyVmomi is to have it."""
        self._local.answer = answer
        parser = getattr(self._local, "parser", None)
        if parser is None or answer.status != OK or self._local.method not in _READ_ASIDE:
            return answer
        return ReadAside(answer, parser)

    @contextlib.contextmanager
    def read_by(self, parser: UpdateParser) -> Iterator[None]:
        """In this thread what a collector answers, but a fault, is read by `parser`, and the call gives
        None."""
        self._local.parser = parser
        try:
            yield
        finally:
            self._local.parser = None

    def _tell_replaced(self, method: str) -> None:
        """Log once that this vCenter has texts which XML forbids: they are shown with other characters."""
        answer: ReadableAnswer | None = self._local.answer
        if answer is not None and answer.replaced and not self._replaced:
            self._replaced = True
            log.warning(
                "%s has texts with characters that XML forbids, seen in an answer to %s; each is shown as"
                " another one",
                self.endpoint.server,
                method,
            )

    def sent(self) -> float:
        """This thread's request has left; the seconds to wait for its answer."""
        self._local.sent = True
        log.debug("%s sent to %s", self._local.method, self.endpoint.server)
        # the vCenter itself holds the answer to a long poll back
        return self.call_s + (self.poll_s if self._local.method == "WaitForUpdatesEx" else 0.0)

    @contextlib.contextmanager
    def no_later_than(self, steady_s: float) -> Iterator[None]:
        """In this thread no changing request leaves after `steady()` has passed this. Raises TooLate.

        Nor is one repeated whose session had ended: who ended it may have taken over. Raises SessionEnded.
        """
        self._local.until = steady_s
        try:
            yield
        finally:
            self._local.until = None

    def GetConnection(self) -> Any:
        while True:
            connection = super().GetConnection()
            if not (connection.used and connection.was_closed()):
                break
            connection.close()
        if self.silent:
            self.ReturnConnection(connection)
            raise ConnectionAbortedError("nothing is asked there now")
        until = self._until(self._local.method)
        if until is not None and steady() >= until:
            self.ReturnConnection(connection)  # this is the last moment to learn that we were stopped
            raise TooLate(self._local.method)
        self._open.add(connection)
        return connection

    def _until(self, method: str) -> float | None:
        """Until when, as `steady` counts, this thread may send such a request; None: nobody minds."""
        return getattr(self._local, "until", None) if changing(method) else None

    def ReturnConnection(self, conn: Any) -> None:
        conn.used = True
        self._open.discard(conn)
        super().ReturnConnection(conn)

    def abort(self) -> None:
        """Break every call under way, from another thread; each fails at once."""
        for connection in list(self._open):
            sock = connection.sock
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:
        logins = self.logins
        try:
            answer = self._invoke(mo, info, args, outerStub)
            if info.wsdlName in ("RetrievePropertiesEx", "ContinueRetrievePropertiesEx"):
                _check_session(answer)
                parser = getattr(self._local, "parser", None)
                if parser is not None and parser.unauthenticated:
                    parser.unauthenticated = False  # it reads the answer to the next request too
                    raise vim.fault.NotAuthenticated
            return answer
        except vim.fault.NotAuthenticated:
            if self.log_in is None or info.wsdlName in ("Login", "Logout"):
                raise
            self.log_in(logins)
            if self._until(info.wsdlName) is not None:
                raise SessionEnded(info.wsdlName) from None
            return self._invoke(mo, info, args, outerStub)

    def _invoke(self, mo: Any, info: Any, args: Any, outer: Any) -> Any:
        self._local.sent, self._local.method, self._local.answer = False, info.wsdlName, None
        cookie, began, ended = str(self.cookie), time.monotonic(), "failed"
        try:
            answer = super().InvokeMethod(mo, info, args, outer)
            ended = "answered"
            return answer
        except vmodl.MethodFault as fault:
            ended = f"refused ({type(fault).__name__})"
            raise
        except Exception as broken:
            # a whole answer of 4xx says: not done; one of 5xx may come from a proxy that had passed it on
            if not self._local.sent or (isinstance(broken, HTTPException) and str(broken).startswith("4")):
                raise
            if changing(info.wsdlName):
                self.on_lost(cookie)
            ended = "lost"
            raise AnswerLost(info.wsdlName, changing(info.wsdlName)) from broken
        finally:
            self._tell_replaced(info.wsdlName)
            # no argument of a call, no cookie: they can be used to log in
            log.debug("%s %s after %.0f ms", info.wsdlName, ended, 1000 * (time.monotonic() - began))


def _check_session(answer: Any) -> None:
    """Without a session a vCenter answers a reading, but with nothing in it. Raises NotAuthenticated."""
    for content in answer.objects or () if answer is not None else ():
        for missing in content.missingSet or ():
            if isinstance(missing.fault, vim.fault.NotAuthenticated):
                raise missing.fault


def steady() -> float:
    """Seconds that pass also while this process, or the whole machine, sleeps; nobody can set them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def changing(method: str) -> bool:
    """True if a SOAP method may change anything at the site (views and filters of our own do not count)."""
    return not method.startswith(_READS)
