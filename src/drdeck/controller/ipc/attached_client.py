"""One client on the socket: what it sends, what it is sent, and how much of both it may pile up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque

import msgspec

import drdeck

from . import protocol as p
from .request_handler import RequestHandler, answer

log = logging.getLogger(__name__)

MAX_ANSWERS = 256
"""Answers a client may leave unread before it is put out."""
MAX_CALLS = 16
"""Requests of one client carried out side by side; more wait in its socket."""
LARGE = 64 * 1024
"""Bytes from which on a request is carried out alone, so that those of one client never add up."""
GREET_S = 10.0
"""A client says who it is within this time, or is put out."""
LINGER_S = 5.0
"""What is left to send to a client that is put out has so long to leave."""
TOGETHER_S = 0.01
"""A change at the site and what the controller makes of it are told together."""
MIN_PUSH_S = 0.25
"""News of one kind goes to a client at most this often."""


class AttachedClient:
    """One attached client: its subscription, its answers, and only the newest news for it."""

    def __init__(
        self, desk: RequestHandler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.desk, self.reader, self.writer = desk, reader, writer
        self.who, self.kind = "", "cli"
        self._subscription: p.Subscribe | None = None
        self._answers: deque[p.Message] = deque()
        self._news = asyncio.Event()
        self._answered = asyncio.Event()
        self._sent: tuple[bytes, bytes] = (b"", b"")
        self._calls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CALLS)

    @property
    def looks_at(self) -> str | None:
        """The domain that it is told of in full."""
        return self._subscription.domain if self._subscription is not None else None

    def wake(self) -> None:
        if self._subscription is not None:
            self._news.set()

    def end(self) -> None:
        """Close; a reader that does not take what is left gets no more time than that."""
        for task in self._calls:
            task.cancel()
        self.writer.close()
        asyncio.get_running_loop().call_later(LINGER_S, self.writer.transport.abort)

    async def greet(self) -> bool:
        """Take the client's hello and welcome it; False when that comes to nothing."""
        try:
            async with asyncio.timeout(GREET_S):
                return await self._greet()
        except TimeoutError:
            await self._put_out(f"no hello came within {GREET_S:g} s")
            return False

    async def _greet(self) -> bool:
        first, _ = await self._receive()
        if first is None:
            return False
        if not isinstance(first, p.Hello):
            await self._put_out("the first message must be a hello")
            return False
        if first.version != p.VERSION:
            newer = "newer" if first.version > p.VERSION else "older"
            text = (
                f"this console speaks version {first.version}, {newer} than the running controller's"
                f" {p.VERSION}; `drdeck controller restart` starts one of this version; operations are kept"
            )
            await self._put_out(text, "version")
            return False
        self.who, self.kind = first.who[:200], first.kind
        c = self.desk.controller
        welcome = p.Welcome(
            version=p.VERSION,
            site=c.site.name,
            kind=c.site.kind,
            pid=os.getpid(),
            drdeck=drdeck.__version__,
            read_only=c.read_only,
            settings=c.settings_digest,
            settings_file=c.settings_file,
            scenario=c.scenario,
            speed=c.speed,
        )
        self.writer.write(p.line(welcome))
        await self.writer.drain()
        return True

    async def serve(self) -> None:
        """Answer what the client sends until it goes."""
        sender = asyncio.create_task(self._send(), name=f"send to {self.who}")
        sender.add_done_callback(self._sender_ended)
        try:
            while True:
                message, size = await self._receive()
                if message is None:
                    return
                if isinstance(message, p.Subscribe):
                    before, self._subscription = self._subscription, message
                    self._sent = (self._sent[0] if before is not None and before.listing else b"", b"")
                    self._news.set()
                    await asyncio.sleep(0)  # a flood of these leaves the others their turn
                    continue
                if isinstance(message, p.Hello):
                    await asyncio.sleep(0)
                    continue
                await self._slots.acquire()
                task = asyncio.create_task(self._call(message))
                self._calls.add(task)
                task.add_done_callback(self._called)
                if size > LARGE:
                    await asyncio.wait(self._calls)
        finally:
            sender.cancel()

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._slots.release()

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, OSError):
            log.error("sending to a console failed, which is a bug", exc_info=error)
        self.end()

    async def _receive(self) -> tuple[p.FromClient | None, int]:
        """The next message and its bytes; None at the end of the connection, which a broken one is too."""
        try:
            data = await self.reader.readline()
        except ValueError:
            await self._put_out(f"a message was longer than {p.MAX_REQUEST} bytes")
            return None, 0
        if not data.endswith(b"\n"):
            return None, 0
        try:
            return p.controller_decoder().decode(data), len(data)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            await self._put_out(f"a message cannot be read: {str(error)[:200]}")
            return None, 0

    async def _put_out(self, why: str, code: str = "usage") -> None:
        self.writer.write(p.line(p.Refusal(id=0, code=code, text=why)))
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self.writer.drain()

    def _reply(self, message: p.Message) -> None:
        if len(self._answers) >= MAX_ANSWERS:
            self.writer.transport.abort()  # closing would wait for it to read
            return
        self._answers.append(message)
        self._answered.set()
        self._news.set()

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._answered.clear()
            while self._answers:
                # made into bytes only now, so that what is not read yet takes little room
                self.writer.write(p.line(self._answers.popleft()))
                await self.writer.drain()
            if self._subscription is None:
                continue
            if any(self._sent):  # what comes first waits for nothing
                await asyncio.sleep(TOGETHER_S)
            news = self.desk.news
            listing = news.line() if self._subscription.listing else b""
            name = self._subscription.domain
            detail = news.line(name) if name is not None else b""
            before, self._sent = self._sent, (listing, detail)
            for now, then in ((listing, before[0]), (detail, before[1])):
                if now and now != then:
                    self.writer.write(now)
                    await self.writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MIN_PUSH_S):
                    await self._answered.wait()

    async def _call(self, message: p.Call) -> None:
        self._reply(await answer(self.desk, message, self.who))
