"""People at consoles, over the controller's real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec

from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.ipc.sockets import connect_address


class Console(Client):
    """Of somebody with a name of their own."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, "console")
        self._name = name

    def _send(self, message: p.Message) -> None:
        if isinstance(message, p.Hello):
            message = msgspec.structs.replace(message, who=self._name)
        super()._send(message)


class Person:
    """Somebody with a console, who attaches again when the connection was lost."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.client = Console(path, name)

    @property
    def attached(self) -> bool:
        return self.client.welcome is not None and not self.client.closed.is_set()

    async def attach(self) -> None:
        """Unless attached. A controller that is not there is waited for."""
        while not self.attached:
            await self.client.close()
            self.client = Console(self.path, self.name)
            with contextlib.suppress(ControllerError):
                await self.client.connect()
                self.client.subscribe("erp")
                return
            await asyncio.sleep(0.2)

    async def leave(self) -> None:
        await self.client.close()
        self.client = Console(self.path, self.name)

    def listing(self) -> p.Listing | None:
        """What the console shows; without what goes on with time."""
        listing = self.client.listing
        return (
            None
            if listing is None
            else msgspec.structs.replace(listing, stale_s=None, seen_at=None, clock=None)
        )

    async def says(self, lines: bytes, answers: int) -> list[dict[str, Any]]:
        """Say hello and some lines, wait for so many answers at most, and vanish."""
        replies: list[dict[str, Any]] = []
        with contextlib.suppress(OSError):
            with connect_address(self.path) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            writer.write(p.line(p.Hello(version=p.VERSION, who=self.name)) + lines)
            while len(replies) < answers and (data := await reader.readline()):
                replies += [answer for answer in (json.loads(data),) if answer["is"] != "welcome"]
            writer.transport.abort() if answers else writer.close()
        return replies
