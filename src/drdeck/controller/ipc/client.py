"""The connection to a controller, for consoles and the command line."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import getpass
import itertools
import math
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal

import msgspec

from drdeck.model.certificates import Certificate
from drdeck.private_files import refuse_strangers

from . import protocol as p
from .client_calls import ClientCalls
from .sockets import connect_address, peer_uid


class ControllerError(Exception):
    """The controller's "no". `code` as in `protocol.Refusal`; the text is one sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Disconnected(ControllerError):
    """The controller is gone or cannot be reached."""

    def __init__(self, text: str = "the connection to the controller was lost") -> None:
        super().__init__("disconnected", text)


class Unanswered(Disconnected):
    """The controller went away with a request, or fell silent: whether it was taken is not known."""

    def __init__(self, why: str = "the connection to the controller was lost before it answered") -> None:
        super().__init__(f"{why}: it may have taken this or not; look at the tasks before asking again")
        self.code = "unknown"


class Silent(Disconnected):
    """The controller was given up: it keeps the connection, and says nothing."""

    def __init__(self, seconds: float) -> None:
        self.why = f"the controller has not answered for {seconds:.0f} s"
        super().__init__(f"{self.why}: it may be paused or very busy")


class UnknownCertificate(ControllerError):
    """A site shows a certificate that nothing vouches for; no password was asked for or sent."""

    def __init__(self, text: str, certificate: Certificate) -> None:
        super().__init__("unreachable", text)
        self.certificate = certificate

    def says(self, url: str) -> tuple[str, str, str]:
        """Words for a person who is asked whether to pin it: about it, its SHA-256, what to do."""
        return (
            f"This machine does not know the certificate of {url}, one {self.certificate.says()}."
            " Its SHA-256 is",
            self.certificate.thumbprint,
            "Compare it with vCenter's own: Administration > Certificates in its client, or at its console."
            " Trusted, it is the only certificate that drdeck takes for this site.",
        )


def who() -> str:
    """user@host of the person at this terminal, for the journal."""
    try:
        user = getpass.getuser().encode("utf-8", "replace").decode()
    except (KeyError, OSError):
        user = f"uid{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


Kind = Literal["cli", "console"]


OTHER_SETTINGS = "the controller runs with other settings"


class Client(ClientCalls):
    """One attached console or command. Not for use from more than one event loop.

    `listing` and `detail` hold the newest of what was subscribed; `on_change` is called after
    either changed, and with no connection left `closed` is set and `on_change` called once more.
    """

    def __init__(self, path: Path, kind: Kind = "cli") -> None:
        super().__init__()
        self.path, self.kind = path, kind
        self._ahead: socket.socket | None = None
        """a connection on which hello and subscription were sent before there was a loop to read from"""
        self.welcome: p.Welcome | None = None
        self.listing: p.Listing | None = None
        self.detail: p.Detail | None = None
        self.closed = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None
        self.patience_s = math.inf
        self.other_settings = ""
        """why nothing may be asked for: the controller runs with other settings than this process read"""
        self.own_warnings: tuple[str, ...] = ()
        """what this process alone knows, told with the warnings of the site"""
        self._received: p.Listing | None = None
        """the newest listing as it came"""
        self._subscribed = False
        self._watched: str | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[p.FromController]] = {}
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._beside: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._lost: Callable[[], Disconnected] = Disconnected

    async def __aenter__(self) -> Client:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def knock(self, timeout: float = 1) -> bool:
        """Connect and ask for the list before there is a loop, so that the answer is there when there is one;
        `connect` takes it from here. False where nobody listens. Raises ControllerError as `connect` does."""
        sock = socket.socket(socket.AF_UNIX)
        try:
            self._refuse_strangers()
            sock.settimeout(timeout)
            with connect_address(self.path) as address:
                sock.connect(address)
            self._refuse_other_user(sock)
            sock.sendall(p.line(self._hello()) + p.line(p.Subscribe()))
            sock.setblocking(False)
        except OSError:
            sock.close()
            return False
        except ControllerError:
            sock.close()
            raise
        self._ahead, self._subscribed = sock, True
        return True

    def _hello(self) -> p.Hello:
        return p.Hello(version=p.VERSION, who=who(), kind=self.kind)

    async def connect(self, timeout: float = 10) -> None:
        """Attach. Raises Disconnected when nobody answers, ControllerError("version") on a mismatch,
        and ControllerError("failed") where another user could be the one who answers."""
        try:
            async with asyncio.timeout(timeout):
                if (ahead := self._ahead) is not None:
                    self._ahead = None
                    reader, self._writer = await asyncio.open_unix_connection(sock=ahead, limit=p.MAX_LINE)
                else:
                    reader, self._writer = await self._open()
                    self._send(self._hello())
                first = p.client_decoder.decode(await reader.readline())
        except (OSError, TimeoutError, msgspec.DecodeError) as error:
            raise Disconnected(f"no controller answers at {self.path}: {error or 'time-out'}") from None
        if isinstance(first, p.Refusal):
            raise ControllerError(first.code, first.text)
        if not isinstance(first, p.Welcome):
            raise Disconnected("the controller did not say welcome")
        self.welcome = first
        self._reader = asyncio.create_task(self._read(reader), name="controller-reader")

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to a process of this user, and of no other: passwords will go over it."""
        self._refuse_strangers()
        with connect_address(self.path) as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=p.MAX_LINE)
        try:
            self._refuse_other_user(writer.get_extra_info("socket"))
        except ControllerError:
            writer.transport.abort()
            raise
        return reader, writer

    def _refuse_strangers(self) -> None:
        try:
            refuse_strangers(self.path.parent)
        except PermissionError as error:
            raise ControllerError("failed", str(error)) from None

    def _refuse_other_user(self, sock: socket.socket) -> None:
        uid = peer_uid(sock)
        if uid is not None and uid != os.geteuid():
            raise ControllerError(
                "failed", f"another user (uid {uid}) answers at {self.path}, so nothing was sent there"
            )

    async def close(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
        for task in (self._beside, self._reader):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done for as long as this connection is used."""
        self._beside = asyncio.create_task(work, name="beside-the-controller")

    def give_up(self, seconds: float) -> None:
        """Wait no longer for a controller that has been silent for so long: what waits raises Silent, or
        Unanswered where an action was asked for."""
        self._lost = functools.partial(Silent, seconds)
        self._end()

    async def ended(self) -> None:
        """Wait until the controller has closed the connection. Raises Silent when it was given up."""
        await self.closed.wait()
        if isinstance(lost := self._lost(), Silent):
            raise lost

    def subscribe(self, domain: str | None = None) -> None:
        """Look at the list, and at one domain; `detail` is None until its first news comes."""
        if self._subscribed and domain == self._watched:
            return
        self._watched = domain
        if self.detail is not None and self.detail.name != domain:
            self.detail = None
        self._send(p.Subscribe(domain=domain))
        self._subscribed = True

    async def changed(self) -> None:
        """Wait until `listing` or `detail` changed, or the connection is gone (raises Disconnected).

        A change since this returned last counts: who waited for an answer meanwhile has not missed it.
        """
        if not self.closed.is_set():
            await self._changed.wait()
        self._changed.clear()
        if self.closed.is_set():
            raise self._lost()

    def _send(self, message: p.Message) -> None:
        if self._writer is None or self._writer.is_closing() or self.closed.is_set():
            raise self._lost()
        try:
            data = p.line(message)
        except UnicodeEncodeError:
            raise ControllerError("usage", "a name that was given is not valid UTF-8 text") from None
        self._writer.write(data)

    async def _request(self, make: Callable[[int], p.Message]) -> p.FromController:
        if self.other_settings:
            raise ControllerError("rule", self.other_settings)
        was_closed = self.closed.is_set()
        try:
            return await self._call(make)
        except Disconnected as error:
            if was_closed or not self.closed.is_set():
                raise  # it was not sent
            raise (Unanswered(error.why) if isinstance(error, Silent) else Unanswered()) from error

    async def _call(self, make: Callable[[int], p.Message]) -> p.FromController:
        number = next(self._ids)
        future: asyncio.Future[p.FromController] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._send(make(number))
            answer = await future
        finally:
            self._waiting.pop(number, None)
        if isinstance(answer, p.Refusal):
            raise ControllerError(answer.code, answer.text)
        return answer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.readline():
                self._take(p.client_decoder.decode(data))
        except (OSError, ValueError, msgspec.DecodeError):
            pass  # a broken connection and a broken line end the same way: below
        finally:
            self._end()

    def _end(self) -> None:
        self.closed.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(self._lost())
        self._notify()

    def _take(self, message: p.FromController) -> None:
        if isinstance(message, p.Listing):
            self._received = message
            self.listing = self._with_warning(message)
            self._notify()
        elif isinstance(message, p.Detail):
            if message.name == self._watched:  # else it was on its way when another was asked for
                self.detail = message
                self._notify()
        elif not isinstance(message, p.Welcome):
            future = self._waiting.get(message.id)
            if future is not None and not future.done():
                future.set_result(message)

    def warn(self, *texts: str) -> None:
        """Set what this process alone knows, and tell it with the newest listing at once."""
        self.own_warnings = texts
        if self._received is not None:
            self.listing = self._with_warning(self._received)
            self._notify()

    def _with_warning(self, listing: p.Listing) -> p.Listing:
        """The listing with what this process alone knows: it warns in commands, and on every screen."""
        other = (OTHER_SETTINGS,) if self.other_settings and not self.own_warnings else ()
        own = (*self.own_warnings, *other)
        return msgspec.structs.replace(listing, warnings=(*listing.warnings, *own)) if own else listing

    def _notify(self) -> None:
        self._changed.set()
        self.on_change()
