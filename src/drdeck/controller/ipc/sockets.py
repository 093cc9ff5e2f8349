"""Unix sockets: reaching one whose path is too long, and who is at the other end."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOCKET_PATH_MAX = 100
"""The system's limit is 108 bytes on Linux and 104 elsewhere."""


class Peer(NamedTuple):
    """The process that listens at a Unix socket, and its user."""

    pid: int
    uid: int


def peer_of(sock: socket.socket) -> Peer | None:
    """The process at the other end of a Unix socket; None where the system does not tell."""
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    except (AttributeError, OSError):
        return None  # the modes of the directory and the socket still keep others out
    pid, uid, _ = struct.unpack("iII", data)
    return Peer(pid, uid)


def peer_uid(sock: socket.socket) -> int | None:
    """The user at the other end of a Unix socket; None where the system does not tell."""
    peer = peer_of(sock)
    return None if peer is None else peer.uid


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
