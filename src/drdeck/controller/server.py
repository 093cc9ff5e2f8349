"""The socket: consoles and commands attach here. A slow one only ever harms itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

import drdeck
from drdeck.model.domains import Domain
from drdeck.sites.site import SiteError, SiteUnreachable

from . import instructor
from . import protocol as p
from .controller import Controller
from .operations import OperationView, view_of
from .paths import connect_address, make_private
from .requests import NotAccepted

log = logging.getLogger("drdeck.server")

MAX_ANSWERS = 256
"""Answers a client may leave unread before it is put out."""
MAX_CALLS = 32
"""Requests of one client carried out side by side; more wait in its socket."""
LINGER_S = 5.0
"""What is left to send to a client that is put out has so long to leave."""
MIN_PUSH_S = 0.1
"""News of one kind goes to a client at most this often."""
RECENT = 20
"""Ended operations that a listing still names."""


class Server:
    """Serves a controller on a Unix socket that only this user can reach."""

    def __init__(
        self,
        controller: Controller,
        path: Path,
        give_password: Callable[[str], None],
        stop: Callable[[], None],
    ) -> None:
        self.controller, self.path = controller, path
        self.give_password, self.stop = give_password, stop
        self.consoles: set[Console] = set()
        self.version = 0
        """grows with every change, so that news is encoded once for all"""
        self._server: asyncio.Server | None = None
        self._cached: tuple[int, dict[str | None, bytes]] = (-1, {})
        controller.on_change = self._changed

    async def start(self) -> None:
        """Listen. The caller holds the lock of this site, so that a socket left behind may be replaced."""
        make_private(self.path.parent)
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        with connect_address(self.path) as address:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            old = os.umask(0o177)
            try:
                sock.bind(address)
            finally:
                os.umask(old)
        self._server = await asyncio.start_unix_server(self._serve, sock=sock, limit=p.MAX_REQUEST)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for console in list(self.consoles):
            console.end()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def names(self) -> tuple[str, ...]:
        """Who is attached with a console."""
        return tuple(sorted(c.who for c in self.consoles if c.kind == "console"))

    def _changed(self) -> None:
        self.version += 1
        for console in self.consoles:
            console.wake()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _peer_uid(writer)
        if uid is not None and uid != os.getuid():
            log.warning("refused a connection of uid %s", uid)
            writer.close()
            return
        console = Console(self, reader, writer)
        self.consoles.add(console)
        try:
            await console.serve()
        except (OSError, asyncio.CancelledError):
            pass
        except Exception:
            log.exception("serving a console failed, which is a bug")
        finally:
            self.consoles.discard(console)
            console.end()
            self._changed()

    def listing(self) -> p.Listing:
        c = self.controller
        view = c.view
        operations = sorted(c.operations.values(), key=lambda op: op.asked_at, reverse=True)
        shown = [op for op in operations if not op.ended]
        shown += [op for op in operations if op.ended][:RECENT]
        return p.Listing(
            site=c.site.name,
            kind=c.site.kind,
            address=view.address if view else "",
            user=view.user if view else "",
            clock=c.sight.clock(),
            seen_at=c.sight.seen_by_site(),
            stale_s=c.stale_s(),
            error=c.error,
            needs_password=c.needs_password,
            warnings=view.warnings if view else (),
            read_only=c.read_only,
            domains=tuple(d.summary() for d in view.domains) if view else (),
            operations=tuple(view_of(op) for op in shown),
            consoles=self.names(),
            journal_error=c.journal_error,
        )

    def news(self, name: str | None = None) -> bytes:
        """The listing, or the detail of a domain: encoded once for each change however many look at it."""
        if self._cached[0] != self.version:
            self._cached = (self.version, {})
        lines = self._cached[1]
        if name not in lines:
            lines[name] = p.line(self.listing() if name is None else self.detail(name))
        return lines[name]

    def detail(self, name: str) -> p.Detail:
        c = self.controller
        found: Domain | None = c.view.domain(name) if c.view else None
        if found is not None:
            found = msgspec.structs.replace(found, phase=None)
        return p.Detail(name=name, domain=found, operations=self.operations_of(name))

    def operations_of(self, name: str | None) -> tuple[OperationView, ...]:
        """Newest first; of all domains when `name` is None."""
        chosen = [op for op in self.controller.operations.values() if name is None or op.domain == name]
        return tuple(view_of(op) for op in sorted(chosen, key=lambda op: op.asked_at, reverse=True))


def _peer_uid(writer: asyncio.StreamWriter) -> int | None:
    sock = writer.get_extra_info("socket")
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except (AttributeError, OSError):
        return None  # not on this system; the directory's mode still keeps others out
    return int(struct.unpack("3i", data)[1])


class Console:
    """One attached client: its subscription, its answers, and only the newest news for it."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.who, self.kind = "", "cli"
        self._subscription: p.Subscribe | None = None
        self._answers: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._answered = asyncio.Event()
        self._sent: tuple[bytes, bytes] = (b"", b"")
        self._calls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CALLS)

    def wake(self) -> None:
        if self._subscription is not None:
            self._news.set()

    def end(self) -> None:
        """Close; a reader that does not take what is left gets no more time than that."""
        for task in self._calls:
            task.cancel()
        self.writer.close()
        asyncio.get_running_loop().call_later(LINGER_S, self.writer.transport.abort)

    async def serve(self) -> None:
        if not await self._greet():
            return
        sender = asyncio.create_task(self._send(), name=f"send to {self.who}")
        try:
            while True:
                message = await self._receive()
                if message is None:
                    return
                if isinstance(message, p.Subscribe):
                    self._subscription, self._sent = message, (b"", b"")
                    self._news.set()
                    continue
                if isinstance(message, p.Hello):
                    continue
                await self._slots.acquire()
                task = asyncio.create_task(self._call(message))
                self._calls.add(task)
                task.add_done_callback(self._called)
        finally:
            sender.cancel()

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._slots.release()

    async def _greet(self) -> bool:
        first = await self._receive()
        c = self.server.controller
        if not isinstance(first, p.Hello):
            return False
        if first.version != p.VERSION:
            newer = "newer" if first.version > p.VERSION else "older"
            text = (
                f"this console speaks version {first.version}, {newer} than the running controller's"
                f" {p.VERSION}; end the controller with `drdeck controller stop` and start again"
            )
            self.writer.write(p.line(p.Refusal(id=0, code="version", text=text)))
            await self.writer.drain()
            return False
        self.who, self.kind = first.who[:200], first.kind
        welcome = p.Welcome(
            version=p.VERSION,
            site=c.site.name,
            kind=c.site.kind,
            pid=os.getpid(),
            drdeck=drdeck.__version__,
            read_only=c.read_only,
        )
        self.writer.write(p.line(welcome))
        await self.writer.drain()
        self.server._changed()
        return True

    async def _receive(self) -> p.FromClient | None:
        """The next message; None at the end of the connection. A broken one is answered and ends it."""
        try:
            data = await self.reader.readline()
        except (ValueError, asyncio.LimitOverrunError):
            await self._put_out("a message was too long")
            return None
        if not data.endswith(b"\n"):
            return None
        try:
            return p.controller_decoder.decode(data)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            await self._put_out(f"a message cannot be read: {error}")
            return None

    async def _put_out(self, why: str) -> None:
        self.writer.write(p.line(p.Refusal(id=0, code="usage", text=why)))
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self.writer.drain(), 1)

    def _reply(self, message: p.Message) -> None:
        if len(self._answers) >= MAX_ANSWERS:
            self.writer.transport.abort()  # closing would wait for it to read
            return
        self._answers.append(p.line(message))
        self._answered.set()
        self._news.set()

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._answered.clear()
            while self._answers:
                self.writer.write(self._answers.popleft())
                await self.writer.drain()
            if self._subscription is None:
                continue
            listing = self.server.news() if self._subscription.listing else b""
            name = self._subscription.domain
            detail = self.server.news(name) if name is not None else b""
            before, self._sent = self._sent, (listing, detail)
            for now, then in ((listing, before[0]), (detail, before[1])):
                if now and now != then:
                    self.writer.write(now)
                    await self.writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), MIN_PUSH_S)

    async def _call(self, message: p.FromClient) -> None:
        number = getattr(message, "id", 0)
        try:
            self._reply(await self._carry_out(message))
        except NotAccepted as error:
            self._reply(p.Refusal(id=number, code=error.code, text=str(error)))
        except SiteUnreachable as error:
            self._reply(p.Refusal(id=number, code="unreachable", text=str(error)))
        except SiteError as error:
            self._reply(p.Refusal(id=number, code="failed", text=str(error)))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("a request failed, which is a bug")
            text = f"drdeck failed at this request: {error!r}; see the controller's log"
            self._reply(p.Refusal(id=number, code="failed", text=text))

    async def _carry_out(self, message: p.FromClient) -> p.Message:
        c = self.server.controller
        match message:
            case p.Submit():
                return p.Submitted(id=message.id, operation=await c.submit(message.request, self.who))
            case p.Answer():
                c.answer(message.operation, message.choice, self.who)
            case p.Secret():
                self.server.give_password(message.password)
            case p.Stop():
                still = [op.id for op in c.open_operations()]
                if still and not message.force:
                    raise NotAccepted("rule", f"operations are still open: {', '.join(still)}")
                asyncio.get_running_loop().call_later(0.05, self.server.stop)
            case p.Inject():
                says = await instructor.inject(c, message, self.who)
                return p.Injected(id=message.id, says=says)
            case p.Jump():
                return p.Jumped(id=message.id, now=instructor.jump(c, message, self.who))
            case p.Ask():
                return await _ASKS.get(message.what, _unknown_question)(self.server, message)
        return p.Done(id=getattr(message, "id", 0))


async def _unknown_question(server: Server, ask: p.Ask) -> p.Message:
    raise NotAccepted("usage", f"{ask.what!r} is not a question")


def _named(ask: p.Ask) -> str:
    if ask.domain is None:
        raise NotAccepted("usage", f"the question {ask.what!r} needs a domain")
    return ask.domain


async def _ask_listing(server: Server, ask: p.Ask) -> p.Message:
    return p.ListingAnswer(id=ask.id, listing=server.listing())


async def _ask_show(server: Server, ask: p.Ask) -> p.Message:
    name = _named(ask)
    server.controller.domain(name)
    return p.ShowAnswer(id=ask.id, detail=server.detail(name), listing=server.listing())


async def _ask_points(server: Server, ask: p.Ask) -> p.Message:
    return p.PointsAnswer(id=ask.id, points=await server.controller.points(_named(ask)))


async def _ask_preview(server: Server, ask: p.Ask) -> p.Message:
    if ask.request is None:
        raise NotAccepted("usage", "a preview needs a request")
    return p.PreviewAnswer(id=ask.id, preview=await server.controller.preview(ask.request))


async def _ask_tasks(server: Server, ask: p.Ask) -> p.Message:
    return p.TasksAnswer(id=ask.id, operations=server.operations_of(None))


async def _ask_findings(server: Server, ask: p.Ask) -> p.Message:
    return p.FindingsAnswer(id=ask.id, findings=await server.controller.findings())


async def _ask_status(server: Server, ask: p.Ask) -> p.Message:
    c = server.controller
    status = p.Status(
        pid=c.pid,
        site=c.site.name,
        since=c.since,
        consoles=server.names(),
        operations=tuple(op.id for op in c.open_operations()),
        version=drdeck.__version__,
    )
    return p.StatusAnswer(id=ask.id, status=status)


_ASKS: dict[str, Callable[[Server, p.Ask], Awaitable[p.Message]]] = {
    "listing": _ask_listing,
    "show": _ask_show,
    "points": _ask_points,
    "preview": _ask_preview,
    "tasks": _ask_tasks,
    "findings": _ask_findings,
    "status": _ask_status,
}
