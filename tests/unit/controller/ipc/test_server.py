"""The socket: versions, broken messages, slow readers, other users' eyes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drdeck.cli.context import exit_code_of
from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Client, ControllerError, Disconnected, Unanswered
from drdeck.controller.ipc.sockets import connect_address
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType
from drdeck.model.passwords import Login
from tests.support.serving import HELLO, Rig, served
from tests.support.waiting import eventually


async def raw(rig: Rig, *lines: bytes) -> list[dict[str, object]]:
    """What the controller answers to lines sent as they are, until it closes or falls silent."""
    with connect_address(rig.path) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    writer.writelines(lines)
    writer.write_eof()
    data = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return [json.loads(line) for line in data.splitlines()]


async def test_ask_and_act_over_the_socket(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path, "console") as client:
        assert client.welcome is not None
        assert client.welcome.site == "fake"
        listing = await client.get_listing()
        assert [d.name for d in listing.domains] == ["erp"]
        assert listing.domains[0].vms == (), "the list carries no VMs"
        answer = await client.show("erp")
        assert answer.detail.domain is not None
        assert len(answer.detail.domain.vms) == 2
        assert await client.vms() == {"erp": tuple(vm.name for vm in answer.detail.domain.vms)}
        request = Request(action="cfo_complete", domain="erp", type=FailoverType.FORCE, confirm="erp")
        ident = await client.submit(request)
        assert [op.id for op in await client.tasks()] == [ident]
        status = await client.status()
        assert status.pid == os.getpid()
        assert len(status.consoles) == 1
        with pytest.raises(ControllerError) as refused:
            await client.show("crm")
        assert refused.value.code == "usage"


async def test_a_change_while_an_answer_is_waited_for_is_not_missed(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path, "console") as client:
        client.subscribe()
        await asyncio.wait_for(client.changed(), 10)
        before = client.listing
        rig.server.changed()
        rig.controller.watcher.error = "it does not answer"
        while client.listing is before:  # answers are read, and among them the news
            await client.tasks()
        await asyncio.wait_for(client.changed(), 10)
        assert client.listing is not None
        assert client.listing.error == "it does not answer"


async def test_who_waits_after_the_end_is_told_again(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path, "console") as client:
        await rig.server.close()
        for _ in range(2):
            with pytest.raises(Disconnected):
                while True:
                    await asyncio.wait_for(client.changed(), 10)


async def test_news_comes_to_who_subscribed_and_only_of_the_domain_shown(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as client, Client(rig.path) as other:
        client.subscribe("erp")
        other.subscribe()
        await eventually(lambda: client.detail is not None and other.listing is not None)
        await rig.site.recover()
        await eventually(
            lambda: client.detail and client.detail.domain and client.detail.domain.vms_recovered == 2
        )
        await eventually(lambda: other.listing and other.listing.domains[0].vms_recovered == 2)
        assert other.detail is None


async def test_who_goes_to_another_domain_is_not_sent_the_list_again(tmp_path: Path) -> None:
    """Of 500 domains it has some hundred KB, and a cursor goes through them as fast as keys come."""
    async with served(tmp_path) as rig:
        with connect_address(rig.path) as address:
            reader, writer = await asyncio.open_unix_connection(address)

        async def comes_next() -> type:
            return type(p.client_decoder.decode(await asyncio.wait_for(reader.readline(), 60)))

        writer.write(HELLO + p.line(p.Subscribe()))
        assert [await comes_next(), await comes_next()] == [p.Welcome, p.Listing]
        for _ in range(2):
            writer.write(p.line(p.Subscribe(domain="erp")))
            assert await comes_next() is p.Detail
        await rig.site.recover()
        assert {await comes_next(), await comes_next()} == {p.Listing, p.Detail}
        writer.close()


async def test_news_that_was_on_its_way_when_another_was_asked_for_is_not_taken(tmp_path: Path) -> None:
    """Else the domain would stand as it was then for as long as nobody looks at it."""
    async with served(tmp_path) as rig, Client(rig.path) as client:
        client.subscribe("erp")
        await eventually(lambda: client.detail is not None)
        late = client.detail
        assert late is not None
        client.subscribe()
        client._take(late)
        assert client.detail is None


async def test_a_stalled_reader_harms_nobody_else(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as client:
        with connect_address(rig.path) as address:
            stalled = socket.socket(socket.AF_UNIX)
            stalled.setblocking(False)
            stalled.connect(address)
        stalled.sendall(
            p.line(p.Hello(version=p.VERSION, who="slow@jump")) + p.line(p.Subscribe(domain="erp"))
        )
        client.subscribe()
        for i in range(300):
            rig.site.set(remaining_bytes=i, storage_site="x" * 2000)
            await rig.site.taken_in(rig.controller)
        await eventually(lambda: client.listing and client.listing.domains[0].remaining_bytes == 299)
        stalled.close()


async def test_a_client_that_never_reads_its_answers_is_put_out(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as client:
        with connect_address(rig.path) as address:
            flood = socket.socket(socket.AF_UNIX)
            flood.setblocking(False)
            flood.connect(address)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(flood, p.line(p.Hello(version=p.VERSION, who="flood@jump")))
        ask = p.line(p.Ask(id=1, what="show", domain="erp"))
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(10):
                for _ in range(100_000):
                    await loop.sock_sendall(flood, ask)
        assert (await client.get_listing()).domains
        flood.close()


@pytest.mark.parametrize("version", [0, 2, 99])
async def test_another_version_is_refused_in_words(tmp_path: Path, version: int) -> None:
    async with served(tmp_path) as rig:
        (answer,) = await raw(rig, p.line(p.Hello(version=version, who="a@b")))
        assert answer["is"] == "refusal"
        assert answer["code"] == "version"
        assert "drdeck controller restart" in str(answer["text"])


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"null\n",
        b"[1,2]\n",
        b'{"is":"submit"}\n',
        b'{"is":"nothing of ours","id":1}\n',
        b'{"is":"submit","id":"x","request":{}}\n',
        b"\xff\xfe\x00\n",
        b"[" * 20_000 + b"\n",
        b'{"is":"ask","id":1,"what":"' + b"x" * (p.MAX_REQUEST + 10) + b'"}\n',
        b'{"is":"hello"',
    ],
)
async def test_a_broken_message_ends_its_connection_only(tmp_path: Path, line: bytes) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as client:
        with contextlib.suppress(ConnectionError):
            await raw(rig, line)
        with contextlib.suppress(ConnectionError):
            await raw(rig, HELLO, line)
        assert (await client.get_listing()).site == "fake"


async def test_fuzzed_messages_never_hurt(tmp_path: Path) -> None:
    names = st.sampled_from(
        ["is", "id", "what", "domain", "request", "choice", "operation", "version", "who"]
    )
    kinds = st.sampled_from(["hello", "ask", "submit", "answer", "subscribe", "show", "", "welcome"])
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10) | kinds,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
        max_leaves=8,
    )
    messages = st.lists(st.dictionaries(names, values, max_size=6) | values, max_size=5)
    corpus: list[bytes] = []

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(messages, st.binary(max_size=40))
    def collect(texts: list[object], noise: bytes) -> None:
        lines = [json.dumps(text).encode() + b"\n" for text in texts]
        corpus.append(b"".join([HELLO, *lines, noise, b"\n"]))

    collect()
    async with served(tmp_path) as rig, Client(rig.path) as client:
        for lines in corpus:
            with contextlib.suppress(ConnectionError):
                for answer in await raw(rig, lines):
                    assert "Traceback" not in json.dumps(answer)
                    assert "see the controller's log" not in json.dumps(answer), (lines, answer)
        assert (await client.get_listing()).site == "fake"
        assert rig.site.log == []


async def test_only_this_user_can_reach_the_socket(tmp_path: Path) -> None:
    async with served(tmp_path) as rig:
        assert stat.S_IMODE(rig.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(rig.path.parent.stat().st_mode) == 0o700


async def test_a_path_too_long_for_the_system_is_handled(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    async with served(deep) as rig:
        assert len(str(rig.path)) > 150
        async with Client(rig.path) as client:
            assert (await client.get_listing()).site == "fake"


async def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Disconnected, match="no controller answers"):
        await Client(tmp_path / "controller.sock").connect()


async def test_a_password_reaches_the_site_and_is_in_no_repr(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as client:
        await client.secret("canary-secret")
        assert rig.controller.passwords.get(Login()) == "canary-secret"
        assert [e.data for e in rig.journal.events() if e.kind == "password_given"] == [{"of": "site"}]
        with pytest.raises(ControllerError, match="control character"):
            await client.secret("canary\nsecret")
        with pytest.raises(ControllerError, match="set another one at the vCenter"):
            await client.secret("canary\uffffsecret")
        assert "canary" not in repr(p.Secret(id=1, password="canary-secret"))
        assert not any("canary" in line for line in (str(e) for e in rig.journal.events()))


async def test_stop_is_refused_with_operations_open(tmp_path: Path) -> None:
    async with served(tmp_path) as rig, Client(rig.path) as client:
        request = Request(action="cfo_complete", domain="erp", type=FailoverType.FORCE, confirm="erp")
        await client.submit(request)
        with pytest.raises(ControllerError, match="still open"):
            await client.stop()
        await client.stop(force=True)
        await asyncio.wait_for(rig.stopped.wait(), 60)


async def test_a_request_that_the_controller_died_with_may_have_been_taken(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(p.line(p.Welcome(version=p.VERSION, site="s", kind="fake", pid=1, drdeck="0")))
        await reader.readline()
        writer.transport.abort()

    async with await asyncio.start_unix_server(dies, path):
        async with Client(path) as client:
            with pytest.raises(Unanswered, match="may have taken this or not") as lost:
                await client.submit(Request(action="pitr_exit", domain="erp"))
            with pytest.raises(Disconnected) as disconnected:
                await client.submit(Request(action="pitr_exit", domain="erp"))
        assert not isinstance(disconnected.value, Unanswered), "that one was never sent"
        async with Client(path) as client:
            with pytest.raises(Disconnected) as read:
                await client.tasks()
        assert not isinstance(read.value, Unanswered), "reading again does no harm"

    def ends(error: Exception) -> int:
        def main() -> None:
            raise error

        return exit_code_of(main)

    assert (ends(lost.value), ends(disconnected.value)) == (6, 1)
