"""Logging in to a vCenter, and one clear sentence for whatever goes wrong with it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyVmomi import vim, vmodl

from drdeck.sites.contract import LoginRefused, Refused, ResultUnknown, SiteUnreachable
from drdeck.sites.vsphere.vcenter.connection import (
    Connection,
    Endpoint,
    VCenterSession,
    in_thread,
    translate,
    words,
)
from tests.support.vcenter.soapcount import soap_calls
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually


def endpoint(vcenter: VCenter) -> Endpoint:
    return Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file))


@asynccontextmanager
async def connected(vcenter: VCenter) -> AsyncIterator[Connection]:
    connection = Connection(endpoint(vcenter), vcenter.user, vcenter.password)
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


async def current_time(connection: Connection) -> datetime:
    """The vCenter's clock: a command that changes nothing."""
    answer: datetime = await connection.command(lambda session: session.si.CurrentTime(), "read its clock")
    return answer


async def refusal(target: Endpoint, user: str = "u", password: str = "p") -> SiteUnreachable:
    connection = Connection(target, user, password, connect_s=30, call_s=30)
    with pytest.raises(SiteUnreachable) as caught:
        await connection.open()
    await connection.close()
    text = str(caught.value)
    assert "\n" not in text and text.startswith("Could not log in: ")
    return caught.value


@contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """A server that is no vCenter: says `answer` once asked; None: never says anything."""
    server = socket.create_server(("127.0.0.1", 0))
    peers: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
                peers.append(peer)
                if answer is not None:
                    peer.recv(65536)
                    peer.sendall(answer)
                    peer.close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for peer in peers:
            peer.close()


async def test_logs_two_sessions_in_and_out(vcenter: VCenter) -> None:
    async with connected(vcenter) as connection:
        assert connection.polling.session_id and connection.session_id == connection.commands.session_id
        ids = {connection.polling.key, connection.commands.key}
        assert len(ids) == 2 and ids < vcenter.sessions().keys()
    assert not ids & vcenter.sessions().keys()
    assert connection.session_id == ""


async def test_pinned_thumbprint_and_insecure_are_enough(vcenter: VCenter) -> None:
    for target in (
        Endpoint(url=vcenter.url, thumbprint=vcenter.thumbprint.lower().replace(":", "")),
        Endpoint(url=vcenter.url, thumbprint=vcenter.thumbprint),
        Endpoint(url=vcenter.url, insecure=True),
    ):
        connection = Connection(target, vcenter.user, vcenter.password)
        await connection.open()
        await connection.close()


async def test_the_clock(vcenter: VCenter) -> None:
    async with connected(vcenter) as connection:
        before = datetime.now(UTC)
        vcenter_time = await current_time(connection)
        assert before - timedelta(seconds=1) < vcenter_time < datetime.now(UTC) + timedelta(seconds=1)


async def test_wrong_password_is_told_apart(vcenter: VCenter) -> None:
    refused = await refusal(endpoint(vcenter), vcenter.user, "wrong")
    assert isinstance(refused, LoginRefused)
    assert "user name and password" in str(refused)


async def test_untrusted_certificate_shows_its_thumbprint(vcenter: VCenter) -> None:
    refused = await refusal(Endpoint(url=vcenter.url))
    assert vcenter.thumbprint in str(refused) and "ca_file" in str(refused)


async def test_certificate_of_another_host(vcenter: VCenter) -> None:
    by_name = vcenter.url.replace("127.0.0.1", "localhost")
    refused = await refusal(Endpoint(url=by_name, ca_file=str(vcenter.ca_file)))
    assert "not trusted" in str(refused) and "localhost" in str(refused)


async def test_thumbprint_mismatch_shows_both(vcenter: VCenter) -> None:
    pinned = ":".join(["AB"] * 32)
    refused = await refusal(Endpoint(url=vcenter.url, thumbprint=pinned))
    assert pinned in str(refused) and vcenter.thumbprint in str(refused)


async def test_useless_ca_files(vcenter: VCenter, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (tmp_path / "missing.pem", empty, tmp_path):
        refused = await refusal(Endpoint(url=vcenter.url, ca_file=str(path)))
        assert f"check ca_file {path}" in str(refused)


async def test_a_ca_file_that_others_can_write_is_refused(vcenter: VCenter, tmp_path: Path) -> None:
    place = tmp_path / "ssl"
    place.mkdir(mode=0o755)
    file = place / "dr.pem"
    file.write_bytes(vcenter.ca_file.read_bytes())
    file.chmod(0o644)
    trusting = Endpoint(url=vcenter.url, ca_file=str(file))
    trusting.context()
    for writable, mode in ((file, 0o666), (place, 0o777)):
        before = writable.stat().st_mode
        writable.chmod(mode)
        refused = await refusal(trusting)
        assert (
            f"other users can write to the {'file' if writable is file else 'directory'} {writable}"
            in str(refused)
        )
        assert "check ca_file" in str(refused)
        writable.chmod(before)
    trusting.context()
    link = tmp_path / "link.pem"
    link.symlink_to(file)
    file.chmod(0o666)
    assert "other users can write" in str(await refusal(Endpoint(url=vcenter.url, ca_file=str(link))))


async def test_wrong_host_port_and_scheme(vcenter: VCenter) -> None:
    with socket.socket() as deaf:  # it keeps the port, and nobody listens there
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        assert "connection refused" in str(await refusal(Endpoint(url=f"https://127.0.0.1:{port}/sdk")))
    assert "name is not known" in str(await refusal(Endpoint(url="https://vcenter.invalid/sdk")))
    plain = vcenter.url.replace("https:", "http:")
    assert "check the URL" in str(await refusal(Endpoint(url=plain)))
    lost = vcenter.url.replace("/sdk", "/nothing")
    assert "404" in str(await refusal(Endpoint(url=lost, ca_file=str(vcenter.ca_file))))


async def test_what_is_no_vcenter() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</body>"
    with listener(page) as port:
        assert "not a vCenter" in str(await refusal(Endpoint(url=f"http://127.0.0.1:{port}/sdk")))
    with listener(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as port:
        assert "503" in str(await refusal(Endpoint(url=f"http://127.0.0.1:{port}/sdk")))
    with listener(b"SSH-2.0-OpenSSH_9\r\n") as port:
        assert "TLS" in str(await refusal(Endpoint(url=f"https://127.0.0.1:{port}/sdk")))


async def test_silence_ends_with_the_time_out() -> None:
    with listener(None) as port:
        for scheme in ("http", "https"):
            connection = Connection(
                Endpoint(url=f"{scheme}://127.0.0.1:{port}/sdk"), "u", "p", connect_s=0.2, call_s=0.2
            )
            with pytest.raises(SiteUnreachable, match="no answer in time"):
                await connection.open()
            await connection.close()


@pytest.mark.parametrize(
    "url", ["vcsa.example", "ftp://vcsa/sdk", "https://", "https://u:p@vcsa/sdk", "https://vcsa:99999/sdk"]
)
def test_bad_urls_are_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError):
        Endpoint(url=url)
    with pytest.raises(ValueError, match="SHA-256"):
        Endpoint(url="https://vcsa/sdk", thumbprint="AB:CD")


def test_what_messages_call_a_server() -> None:
    assert Endpoint(url="https://vcsa.example/sdk").server == "vcsa.example"
    assert Endpoint(url="https://vcsa.example:443/sdk").server == "vcsa.example"
    assert Endpoint(url="https://[::1]:8443/sdk").server == "[::1]:8443"


async def test_an_expired_session_is_opened_again_by_itself(vcenter: VCenter) -> None:
    async with connected(vcenter) as connection:
        before = connection.session_id
        assert vcenter.expire_sessions() == 2
        with soap_calls() as calls:
            await current_time(connection)
            await connection.poll(lambda session: session.si.CurrentTime(), "read its clock")
        assert calls["Login"] == 2
        assert connection.session_id not in ("", before)


async def test_a_changed_password_ends_it(vcenter: VCenter) -> None:
    async with connected(vcenter) as connection:
        vcenter.change_password("changed since")
        vcenter.expire_sessions()
        before = vcenter.calls()["Login"]
        for _ in range(3):
            with pytest.raises(LoginRefused):
                await current_time(connection)
            with pytest.raises(LoginRefused):
                await connection.poll(lambda session: session.si.RetrieveContent().about, "read")
                await connection.poll(lambda s: s.content.sessionManager.sessionList, "read sessions")
        assert vcenter.calls()["Login"] == before + 1, "sent again and again, it would lock the user out"


async def test_a_lost_answer_to_a_change_is_unknown(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    vm_id = vcenter.vm("db01")._moId

    def power_on(session: VCenterSession) -> object:
        return vim.VirtualMachine(vm_id, session.stub).PowerOnVM_Task()

    async with connected(vcenter) as connection:
        vcenter.lose_answer("PowerOnVM_Task")
        with pytest.raises(ResultUnknown, match=r"asked to power on db01, but its answer was lost"):
            await connection.command(power_on, "power on db01")
        assert vcenter.power("db01") == "on"
        vcenter.power_off("db01")
        vcenter.lose_request("PowerOnVM_Task")
        with pytest.raises(ResultUnknown):
            await connection.command(power_on, "power on db01")
        assert vcenter.power("db01") == "off"
        vcenter.lose_answer("CurrentTime")
        with pytest.raises(SiteUnreachable, match="did not answer"):
            await current_time(connection)
        await current_time(connection)


async def test_a_late_answer_to_a_change_is_unknown(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    vm_id = vcenter.vm("db01")._moId
    async with connected(vcenter) as connection:
        connection.commands.stub.call_s = 0.2
        vcenter.stall("PowerOnVM_Task", ms=60_000)
        with pytest.raises(ResultUnknown, match="no answer in time"):
            await connection.command(
                lambda session: vim.VirtualMachine(vm_id, session.stub).PowerOnVM_Task(), "power on db01"
            )


async def test_a_refusal_keeps_vcenters_words(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    vm_id = vcenter.vm("db01")._moId
    vcenter.rule("ShutdownGuest", "fail", text="VMware Tools is not running.")
    async with connected(vcenter) as connection:
        with pytest.raises(Refused) as caught:
            await connection.command(
                lambda session: vim.VirtualMachine(vm_id, session.stub).ShutdownGuest(), "shut down db01"
            )
    assert str(caught.value) == (
        f"vCenter {connection.server} refused to shut down db01: VMware Tools is not running"
    )


async def test_a_vcenter_that_goes_away(vcenter: VCenter) -> None:
    async with connected(vcenter) as connection:
        vcenter.stop()
        with pytest.raises(SiteUnreachable):
            await current_time(connection)


async def test_many_hanging_polls_leave_commands_free(vcenter: VCenter) -> None:
    async with connected(vcenter) as connection:
        vcenter.stall("CurrentTime", ms=60_000, times=40)
        hanging = [
            asyncio.ensure_future(connection.poll(lambda session: session.si.CurrentTime(), "wait"))
            for _ in range(40)
        ]
        await eventually(lambda: vcenter.calls()["CurrentTime"] == 40)
        await current_time(connection)
        assert not any(poll.done() for poll in hanging)
        connection.polling.stub.abort()
        results = await asyncio.gather(*hanging, return_exceptions=True)
        assert all(isinstance(result, SiteUnreachable) for result in results)


async def test_closing_ends_what_hangs(vcenter: VCenter) -> None:
    async with connected(vcenter) as connection:
        vcenter.stall("CurrentTime", ms=60_000)
        hanging = asyncio.ensure_future(current_time(connection))
        await eventually(lambda: vcenter.calls()["CurrentTime"])
        await connection.close()
        with pytest.raises(SiteUnreachable):
            await hanging


async def test_in_thread_hands_results_errors_and_cancellation_on() -> None:
    assert await in_thread(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)
    gate = threading.Event()
    waiting = asyncio.ensure_future(in_thread(gate.wait))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (vmodl.fault.SystemError(msg="  Two\n lines. "), "Two lines"),
        (vim.fault.DuplicateName(name="erp"), "Duplicate name (erp exists already)"),
        (vim.fault.InvalidPowerState(msg="*types.InvalidPowerState", existingState="poweredOn"),
         "Invalid power state (it is on now)"),
        (vim.fault.NoPermission(msg="Permission denied.", privilegeId="VirtualMachine.Interact.PowerOn"),
         "Permission denied (privilege VirtualMachine.Interact.PowerOn)"),
        (vmodl.fault.InvalidArgument(msg="A parameter was not correct: spec", invalidProperty="spec"),
         "A parameter was not correct: spec"),
        (vim.fault.GenericVmConfigFault(msg="Cannot start", faultMessage=[
            vmodl.LocalizableMessage(key="k", message="The lock is held by another host.")]),
         "Cannot start: The lock is held by another host"),
        (vmodl.fault.ManagedObjectNotFound(), "Managed object not found (it is no longer there)"),
        (vmodl.fault.SystemError(msg="x" * 1000), "x" * 299 + "…"),
    ],
)  # fmt: skip
def test_words(fault: Exception, expected: str) -> None:
    assert words(fault) == expected


def test_bugs_are_not_hidden() -> None:
    with pytest.raises(KeyError):
        translate(KeyError("x"), "log in")
    already = Refused("as it is")
    assert translate(already, "log in") is already
