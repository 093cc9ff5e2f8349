"""Too many clients, too many messages, too large ones: bounded, told so, and nobody else is hurt."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drdeck.controller.ipc import attached_client
from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.ipc.server import MAX_ATTACHED
from drdeck.controller.ipc.sockets import connect_address
from drdeck.controller.process.paths import paths_for
from tests.support.deck import Deck
from tests.support.serving import HELLO, served
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

MIB = 1024 * 1024


async def connected(path: Path, *lines: bytes) -> socket.socket:
    """A client that never reads."""
    with connect_address(path) as address:
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        await eventually(lambda: sock.connect_ex(address) == 0)  # only so many may wait to be taken
    for line in lines:
        sock.sendall(line)
    return sock


async def test_one_too_many_is_told_so(tmp_path: Path) -> None:
    async with served(tmp_path) as rig:
        crowd = [await connected(rig.path, HELLO) for _ in range(MAX_ATTACHED)]
        await eventually(lambda: len(rig.server.consoles) == MAX_ATTACHED)
        for _ in range(3):
            with pytest.raises(ControllerError, match="are attached already; end some of them"):
                await Client(rig.path).connect()
        crowd.pop().close()
        await eventually(lambda: len(rig.server.consoles) < MAX_ATTACHED)
        async with Client(rig.path) as client:
            assert (await client.get_listing()).site == "fake"
        for sock in crowd:
            sock.close()
        await eventually(lambda: not rig.server.consoles)


async def test_who_says_nothing_is_put_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as client:
        monkeypatch.setattr(attached_client, "GREET_S", 0.05)
        for half in (b"", b'{"is":"hello"'):
            with connect_address(rig.path) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            writer.write(half)
            refusal = json.loads(await asyncio.wait_for(reader.read(), 60))
            assert refusal["is"] == "refusal" and "no hello came" in refusal["text"]
            writer.close()
        await eventually(lambda: len(rig.server.consoles) == 1)
        assert (await client.get_listing()).site == "fake", "who has said hello may be silent, and came first"


async def test_requests_side_by_side_are_few(tmp_path: Path) -> None:
    """However many one client asks for, and although none of them is answered."""
    async with served(tmp_path) as rig, Client(rig.path) as other:
        gate, waiting = asyncio.Event(), 0

        async def findings() -> list[object]:
            nonlocal waiting
            waiting += 1
            await gate.wait()
            return []

        rig.site.findings = findings  # type: ignore[assignment]
        asks = b"".join(p.line(p.Ask(id=i, what="findings")) for i in range(500))
        flood = await connected(rig.path, HELLO, asks)
        await eventually(lambda: waiting == attached_client.MAX_CALLS)
        assert (await other.get_listing()).site == "fake"
        assert waiting == attached_client.MAX_CALLS
        gate.set()
        await eventually(lambda: waiting == 500)
        flood.close()


async def test_large_requests_are_taken_one_by_one(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as other:
        gate, waiting = asyncio.Event(), 0

        async def findings() -> list[object]:
            nonlocal waiting
            waiting += 1
            await gate.wait()
            return []

        rig.site.findings = findings  # type: ignore[assignment]
        ask = p.line(p.Ask(id=1, what="findings"))
        large = ask[:-1] + b" " * attached_client.LARGE + b"\n"
        flood = await connected(rig.path, HELLO)
        loop = asyncio.get_running_loop()
        sending = asyncio.create_task(loop.sock_sendall(flood, large * 5))
        await eventually(lambda: waiting == 1)
        for _ in range(5):
            assert (await other.get_listing()).site == "fake"
        assert waiting == 1
        gate.set()
        await eventually(lambda: waiting == 5)
        await sending
        flood.close()


# -- a real controller, measured from outside


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path)
    yield new_deck
    new_deck.stop()


def memory_of(pid: int) -> int:
    """Bytes that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no such process")


@contextlib.asynccontextmanager
async def flooded(deck: Deck, *socks: socket.socket, data: bytes, seconds: float) -> AsyncIterator[None]:
    """All of them send at once, as fast as they get it out, for a while."""
    loop, until = asyncio.get_running_loop(), time.monotonic() + seconds

    async def pour(sock: socket.socket) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            while time.monotonic() < until:
                await asyncio.wait_for(loop.sock_sendall(sock, data), until - time.monotonic())

    pouring = [asyncio.create_task(pour(sock)) for sock in socks]
    yield
    await asyncio.gather(*pouring)
    for sock in socks:
        sock.close()


@pytest.mark.parametrize("what", ["half a message each", "answers that are not read", "subscriptions"])
async def test_memory_and_time_are_bounded(deck: Deck, what: str) -> None:
    deck.run("domains")
    pid = deck.json("controller", "status")["pid"]
    path = paths_for("training-ransomware", deck.state).socket
    before = memory_of(pid)
    many = MAX_ATTACHED - 8
    if what == "half a message each":
        socks = [await connected(path, HELLO) for _ in range(many)]
        data, most = b"x" * (p.MAX_REQUEST - 1), many * 2 * p.MAX_REQUEST + 50 * MIB
    elif what == "subscriptions":
        socks = [await connected(path, HELLO) for _ in range(20)]
        data, most = p.line(p.Subscribe(domain="erp-prod")) * 50, 60 * MIB
    else:
        socks = [await connected(path, HELLO) for _ in range(20)]
        data, most = p.line(p.Ask(id=1, what="show", domain="erp-prod")) * 50, 100 * MIB
    highest, slowest = before, 0.0
    async with flooded(deck, *socks, data=data, seconds=2), Client(path) as client:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            watch = Stopwatch(pid)
            assert (await client.get_listing()).domains
            slowest = max(slowest, watch.seconds())
            highest = max(highest, memory_of(pid))
    assert highest - before < most
    assert slowest < 5, "an operator is served meanwhile"
    assert "ERROR" not in deck.log() and "Traceback" not in deck.log()
