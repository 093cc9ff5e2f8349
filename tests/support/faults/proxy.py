"""A TCP proxy before a vCenter that does to a connection what networks do. It passes TLS through as it is,
unless the weather is that of broken TLS."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from dataclasses import dataclass


@dataclass
class Weather:
    """What becomes of the bytes, from now on and for connections that are open already."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    """0: as fast as it goes"""
    hangs: bool = False
    """nothing passes in either direction; what comes is held back, unless its sender goes away"""
    refuses: bool = False
    """new connections are refused, open ones reset"""
    half_open: bool = False
    """open connections are dead without either end being told; new ones work"""
    garbles: bool = False
    """a bit of every answer is another one; a new connection is answered by something that speaks no TLS"""
    impostor: tuple[str, int] | None = None
    """open connections are reset, and new ones end up at this other server"""


class Proxy:
    """Listens on `port` and passes on to `target`. Belongs to one event loop."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target, self.weather = target, Weather()
        self.port = 0
        self._kept = socket.socket()
        """keeps the port while nobody listens there, or some other server would get it"""
        self.opened = 0
        self._server: asyncio.Server | None = None
        self._lines: set[Line] = set()
        self._changed = asyncio.Event()
        self.held_back = asyncio.Event()
        """something was held back since this weather began"""
        self.resets_in = -1
        """so many more bytes of answers, and the connection that gets them is reset; negative: never"""

    async def start(self) -> None:
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.port = self._kept.getsockname()[1]
        await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def set(self, weather: Weather) -> None:
        """Change the weather."""
        before, self.weather = self.weather, weather
        self.held_back.clear()
        if weather.impostor:
            self._reset()
        if weather.half_open:
            for line in list(self._lines):
                line.dead = True
        if weather.refuses and not before.refuses:
            await self._close()
        if before.refuses and not weather.refuses:
            await self._listen()
        self._changed.set()
        self._changed = asyncio.Event()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._reset()

    def _reset(self) -> None:
        for line in list(self._lines):
            line.reset()

    async def stop(self) -> None:
        await self._close()
        self._kept.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        line = Line(self, writer)
        self._lines.add(line)
        try:
            await line.serve(reader)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            line.reset()
            self._lines.discard(line)

    async def pass_on(self, line: Line, data: bytes, towards: asyncio.StreamWriter, answer: bool) -> None:
        """One piece, as the weather has it."""
        while self.weather.hangs or line.dead:
            self.held_back.set()
            await self._changed.wait()
        w = self.weather
        if w.garbles and answer:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if w.latency_s or w.jitter_s:
            await asyncio.sleep(w.latency_s + random.uniform(0, w.jitter_s))
        if w.bytes_per_s:
            await asyncio.sleep(len(data) / w.bytes_per_s)
        if answer and self.resets_in >= 0:
            data, left = data[: self.resets_in], self.resets_in - len(data)
            self.resets_in = max(0, left)
            if left < 0:
                self.resets_in = -1
                towards.write(data)
                line.reset()
                return
        towards.write(data)
        await towards.drain()


class Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self.proxy, self.client = proxy, client
        self.server: asyncio.StreamWriter | None = None
        self.dead = False

    async def serve(self, reader: asyncio.StreamReader) -> None:
        while self.proxy.weather.hangs:  # accepted by the system, and nobody there
            self.proxy.held_back.set()
            await self.proxy._changed.wait()
        if self.proxy.weather.garbles:
            await reader.read(1)
            self.client.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            await self.client.drain()
            return
        target = self.proxy.weather.impostor or self.proxy.target
        back, self.server = await asyncio.open_connection(*target)
        ways = [
            asyncio.create_task(self._pump(reader, self.server, False)),
            asyncio.create_task(self._pump(back, self.client, True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, towards: asyncio.StreamWriter, answer: bool) -> None:
        """Reads on while it holds back, so that a sender that goes away takes with it what has not passed."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()

        async def let_pass() -> None:
            while True:
                await self.proxy.pass_on(self, await queue.get(), towards, answer)
                queue.task_done()

        passing = asyncio.create_task(let_pass())
        try:
            while data := await reader.read(65536):
                queue.put_nowait(data)
            if not (self.proxy.weather.hangs or self.dead):
                await queue.join()  # it said all, and then goodbye
        finally:
            passing.cancel()

    def reset(self) -> None:
        """Both ends are told that the connection broke."""
        for writer in (self.client, self.server):
            if writer is not None:
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                writer.transport.abort()
