"""Many consoles at once: who is there, one that stalls, and those that vanish."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Client
from drdeck.controller.ipc.sockets import connect_address
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType
from tests.support import ROOT
from tests.support.serving import Rig, served
from tests.support.waiting import eventually

READER = """
import asyncio, sys
from pathlib import Path
from drdeck.controller.ipc.client import Client

async def main():
    async with Client(Path(sys.argv[1]), "console") as client:
        client.subscribe("erp")
        await client.changed()
        print("attached", flush=True)
        await client.closed.wait()

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def another_process(rig: Rig) -> AsyncIterator[asyncio.subprocess.Process]:
    """A console of its own process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READER, str(rig.path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"attached\n"
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def attached(rig: Rig, who: str) -> asyncio.StreamWriter:
    """A console of somebody's, with news of everything."""
    with connect_address(rig.path) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    writer.write(p.line(p.Hello(version=p.VERSION, who=who, kind="console")))
    writer.write(p.line(p.Subscribe()))
    await reader.readline()
    return writer


def shows(client: Client, number: int) -> bool:
    return client.listing is not None and client.listing.domains[0].remaining_bytes == number


async def test_each_sees_the_names_of_all_and_what_one_asks(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path, "console") as client:
        client.subscribe()
        people = [f"operator{i}@jump{i}" for i in range(12)]
        writers = [await attached(rig, who) for who in people]
        await eventually(lambda: client.listing and set(people) <= set(client.listing.consoles))
        ident = await client.submit(
            Request(action="cfo_complete", domain="erp", type=FailoverType.FORCE, confirm="erp")
        )
        async with Client(rig.path, "console") as other:
            other.subscribe()
            await eventually(lambda: other.listing and [op.id for op in other.listing.operations] == [ident])
        for writer in writers[:6]:
            writer.transport.abort()
        await eventually(lambda: client.listing and not set(people[:6]) & set(client.listing.consoles))
        assert client.listing is not None and set(people[6:]) <= set(client.listing.consoles)
        for writer in writers:
            writer.close()


async def test_a_stopped_reader_slows_nobody(tmp_path: Path) -> None:
    """While its reader is stopped the controller sees every view, and the others get as many as ever."""
    changes, every = 400, 10
    async with served(tmp_path) as rig, another_process(rig) as stopped, Client(rig.path, "console") as other:
        other.subscribe("erp")
        got = 0

        def count() -> None:
            nonlocal got
            got += 1

        other.on_change = count
        saw = 0
        take_view = rig.controller.watcher.saw

        def watched(view: object) -> None:
            nonlocal saw
            saw += 1
            take_view(view)  # type: ignore[arg-type]

        rig.controller.watcher.take = watched
        os.kill(stopped.pid, signal.SIGSTOP)
        delivered = []
        for i in range(changes):
            rig.site.set(remaining_bytes=i, storage_site="x" * 20_000)
            await rig.site.news()
            await asyncio.sleep(0)
            if i % every == 0:
                before = got
                await eventually(functools.partial(shows, other, i))
                delivered.append(got - before)
        assert saw >= changes
        assert len(delivered) == changes // every and min(delivered) >= 1
        (slow,) = [c for c in rig.server.consoles if c.writer.transport.get_write_buffer_size()]
        assert slow.writer.transport.get_write_buffer_size() < 200_000, "no more than the news of one moment"
        os.kill(stopped.pid, signal.SIGCONT)
        await eventually(lambda: not slow.writer.transport.get_write_buffer_size())


async def test_who_is_killed_is_gone(tmp_path: Path) -> None:
    async with served(tmp_path) as rig:
        async with another_process(rig) as process:
            assert len(rig.server.names()) == 1
            os.kill(process.pid, signal.SIGHUP)
            await eventually(lambda: not rig.server.consoles)
        async with another_process(rig) as process:
            os.kill(process.pid, signal.SIGSTOP)
            os.kill(process.pid, signal.SIGKILL)
            await eventually(lambda: not rig.server.consoles)


async def test_two_hundred_come_and_go(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with served(tmp_path) as rig:
        async with Client(rig.path, "console") as client:
            await client.get_listing()
        await eventually(lambda: not rig.server.consoles)
        before, tasks = descriptors(), len(asyncio.all_tasks())
        for i in range(200):
            if i % 3 == 0:
                async with Client(rig.path, "console") as client:
                    client.subscribe("erp")
                    await client.get_listing()
            else:
                writer = await attached(rig, f"operator{i}@jump")
                if i % 3 == 1:
                    writer.transport.abort()
                else:
                    writer.close()
        await eventually(lambda: not rig.server.consoles)
        await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
        await eventually(lambda: descriptors() <= before)
