"""Controllers that run: those of all sites looked for, and one of them ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import NamedTuple

from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Client, ControllerError, Disconnected
from drdeck.controller.ipc.sockets import connect_address, peer_of

from .launch import connect_running
from .paths import LOCK, SOCKET, Paths, state_directories
from .site_lock import holder_of, is_held

END_S = 15.0
"""How long a controller may take to end."""


class FoundController(NamedTuple):
    """A controller of some site. `status` None: it does not answer, `why` says more."""

    state: Path
    status: p.Status | None
    why: str = ""


class EndedController(NamedTuple):
    """A controller as it was when it was ended. `operations` None: it is of another version."""

    pid: int
    version: str
    operations: tuple[str, ...] | None


async def controllers(base: Path) -> list[FoundController]:
    """All controllers whose state is under `base`, lessons' ones too."""
    looked = await asyncio.gather(*(_look(state) for state in state_directories(base)))
    return [controller for controller in looked if controller is not None]


async def _look(state: Path) -> FoundController | None:
    lock = state / LOCK
    client = Client(state / SOCKET)
    try:
        await client.connect(timeout=3)
        return FoundController(state, await client.status())
    except Disconnected:
        holder = holder_of(lock)
        try:
            taken = is_held(lock)
        except OSError as error:
            return FoundController(state, None, str(error.strerror or error))
        if taken:
            return FoundController(
                state, None, f"does not answer ({holder.says() if holder else 'it is held'})"
            )
        if holder is not None and not holder.is_here:
            return FoundController(state, None, f"was taken by {holder.says()}")
        return None
    except ControllerError as error:
        return FoundController(state, None, str(error))
    finally:
        await client.close()


async def end_running(paths: Paths, force: bool, pause_s: float = 0.0) -> EndedController | None:
    """End the controller; returns once its process is gone, None where none runs. Raises ControllerError.

    With `pause_s` it ends at an instant at which nothing is under way at the site. One of another version
    cannot be asked for that; with `force` it is sent SIGTERM, which any version takes for its end.
    """
    try:
        client = await connect_running(paths)
    except Disconnected:
        _refuse_silent(paths)
        return None
    except ControllerError as error:
        if error.code != "version":
            raise
        if not force:
            text = (
                "the controller is of another version, so that its operations cannot be listed: `drdeck"
                " controller restart` starts this version and keeps them, `drdeck controller stop --force`"
                " ends it"
            )
            raise ControllerError("rule", text) from None
        pid = _terminate(paths.lasting)
        await wait_until_ended(paths)
        return EndedController(pid, "another version", None)
    try:
        status = await client.status()
        await client.stop(force, pause_s)
        await client.ended()
    finally:
        await client.close()
    await wait_until_ended(paths)
    return EndedController(status.pid, status.version, status.operations)


async def wait_until_ended(paths: Paths) -> None:
    """The lock is held until a controller's process ends. Raises ControllerError after END_S."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            while is_held(paths.lock):  # noqa: ASYNC110  (another process lets go of it)
                await asyncio.sleep(0.05)
            return
    raise ControllerError(
        "failed", f"the controller of {paths.state} did not end within {END_S:g} s; nothing was changed"
    )


def _refuse_silent(paths: Paths) -> None:
    """Raises ControllerError where a controller runs that nobody can talk to."""
    if not is_held(paths.lock):
        return
    holder = holder_of(paths.lock)
    if holder is not None and not holder.is_here:
        text = f"the controller of {paths.state} is {holder.says()}; end it there"
    else:
        name = holder.says() if holder is not None else "a process"
        text = f"the controller of {paths.state} ({name}) does not answer: it may be paused or very busy"
    raise ControllerError("failed", text)


def _terminate(path: Path) -> int:
    """Send SIGTERM to the process that listens at a socket; returns its id. Raises ControllerError."""
    with connect_address(path) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(address)
        except OSError as error:
            raise Disconnected(f"no controller answers at {path}: {error}") from None
        peer = peer_of(sock)
    if peer is None or peer.pid <= 1 or peer.uid != os.geteuid():
        raise ControllerError(
            "failed", f"the process that listens at {path} is not known here; end it by hand"
        )
    os.kill(peer.pid, signal.SIGTERM)
    return peer.pid
