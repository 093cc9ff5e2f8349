"""Where a controller keeps its things, and how to reach a socket whose path is too long."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

SOCKET_PATH_MAX = 100
"""The system's limit is 108 bytes on Linux and 104 elsewhere."""


@dataclass(frozen=True)
class Paths:
    """Everything that drdeck writes for one site."""

    state: Path
    socket: Path
    lasting: Path
    """the same socket where it stays: a runtime directory goes with the last login, or is another's"""
    journal: Path
    log: Path
    lock: Path


def paths_for(site: str, state: Path | None) -> Paths:
    """With `state` (--state) all is kept under it; else where the platform wants such things.

    Raises PermissionError when another user holds the only place for sockets.
    """
    base = (state if state is not None else platformdirs.user_state_path("drdeck")) / site
    runtime = base if state is not None else _runtime() / site
    return Paths(
        state=base,
        socket=runtime / "controller.sock",
        lasting=base / "controller.sock",
        journal=base / "journal.db",
        log=base / "controller.log",
        lock=base / "controller.lock",
    )


def _runtime() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a session without XDG_RUNTIME_DIR is nothing to tell anybody
        return platformdirs.user_runtime_path("drdeck")


def peer_uid(sock: socket.socket) -> int | None:
    """Who is at the other end of a Unix socket; None where the system does not tell."""
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    except (AttributeError, OSError):
        return None  # the modes of the directory and the socket still keep others out
    return int(struct.unpack("iII", data)[1])


@contextlib.contextmanager
def connect_address(path: Path) -> Iterator[str]:
    """An address for the socket at `path` that the system accepts, valid inside the block.

    A path that is too long is reached through its opened directory, which works on Linux; elsewhere
    the system's own error follows.
    """
    text = str(path)
    if len(os.fsencode(text)) <= SOCKET_PATH_MAX or not Path("/proc/self/fd").is_dir():
        yield text
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
