"""Where a controller keeps its things, and how to reach a socket whose path is too long."""

from __future__ import annotations

import contextlib
import os
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
    journal: Path
    log: Path
    lock: Path


def paths_for(site: str, state: Path | None) -> Paths:
    """With `state` (--state) all is kept under it; else where the platform wants such things."""
    base = (state if state is not None else platformdirs.user_state_path("drdeck")) / site
    runtime = base if state is not None else platformdirs.user_runtime_path("drdeck") / site
    return Paths(
        state=base,
        socket=runtime / "controller.sock",
        journal=base / "journal.db",
        log=base / "controller.log",
        lock=base / "controller.lock",
    )


def make_private(directory: Path) -> None:
    """Make a directory that only this user can enter. Raises OSError when another's is there."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = directory.lstat()
    if about.st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to another user")
    if about.st_mode & 0o077:
        directory.chmod(0o700)


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
