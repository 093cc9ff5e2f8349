"""The socket: consoles and commands attach here. A slow one only ever harms itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from drdeck.controller.controller import Controller
from drdeck.private_files import make_private
from drdeck.sites.contract import PolledSite

from . import protocol as p
from .attached_client import AttachedClient
from .request_handler import RequestHandler
from .snapshots import Snapshots
from .sockets import connect_address, peer_uid

log = logging.getLogger(__name__)

MAX_ATTACHED = 128
"""Consoles and commands at once; one more is told so and put out."""


class Server:
    """Serves a controller on Unix sockets that only this user can reach: at `path`, and at `lasting`."""

    def __init__(
        self,
        controller: Controller,
        path: Path,
        stop: Callable[[], None],
        lasting: Path | None = None,
    ) -> None:
        self.controller, self.paths = controller, tuple(dict.fromkeys([path, lasting or path]))
        self.consoles: set[AttachedClient] = set()
        self.news = Snapshots(controller, self.names)
        self._desk = RequestHandler(controller, self.news, self.names, stop)
        self._servers: list[asyncio.Server] = []
        controller.on_change = self.changed
        if isinstance(controller.site, PolledSite):
            controller.site.looked_at = self._looked_at

    async def start(self) -> None:
        """Listen. The caller holds the lock of this site, so that a socket left behind may be replaced.

        Raises OSError; PermissionError when another user has put the directory there.
        """
        for path in self.paths:
            sock = _bound(path)
            self._servers.append(await asyncio.start_unix_server(self._serve, sock=sock, limit=p.MAX_REQUEST))

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for console in list(self.consoles):
            console.end()
        for path in self.paths:
            with contextlib.suppress(OSError):
                path.unlink()

    def names(self) -> tuple[str, ...]:
        """Users that are attached with a console."""
        return tuple(sorted(c.who for c in self.consoles if c.kind == "console"))

    def _looked_at(self) -> frozenset[str]:
        return frozenset(c.looks_at for c in self.consoles if c.looks_at is not None)

    def changed(self) -> None:
        """Something that a console shows has changed."""
        self.news.changed()
        for console in self.consoles:
            console.wake()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refusal = self._not_served(peer_uid(writer.get_extra_info("socket")))
        if refusal is not None:
            writer.write(p.line(refusal))
            writer.transport.abort()  # what was written is in the socket already
            return
        console = AttachedClient(self._desk, reader, writer)
        self.consoles.add(console)
        try:
            if await console.greet():
                self.changed()
                await console.serve()
        except (OSError, asyncio.CancelledError):
            pass
        except Exception:
            log.exception("serving a console failed, which is a bug")
        finally:
            self.consoles.discard(console)
            console.end()
            if console.who:
                self.changed()

    def _not_served(self, uid: int | None) -> p.Refusal | None:
        if uid is not None and uid != os.geteuid():
            log.warning("refused a connection of uid %s", uid)
            return p.Refusal(id=0, code="rule", text="this controller serves another user of this machine")
        if len(self.consoles) >= MAX_ATTACHED:
            log.warning("refused a connection: %s are attached", len(self.consoles))
            text = f"{MAX_ATTACHED} consoles and commands are attached already; end some of them"
            return p.Refusal(id=0, code="failed", text=text)
        return None


def _bound(path: Path) -> socket.socket:
    """A socket at `path`; one left behind is replaced."""
    make_private(path.parent)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with connect_address(path) as address:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old = os.umask(0o177)
        try:
            sock.bind(address)
        finally:
            os.umask(old)
    return sock
