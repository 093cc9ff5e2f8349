"""The directories and files in which drdeck keeps what it writes for one site."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path

import msgspec
import platformdirs

from .logs import CONTROLLER_LOG

LOCK, SOCKET = "controller.lock", "controller.sock"
"""In the state directory of a site."""


class Paths(msgspec.Struct, frozen=True):
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
    base = base_directory(state) / site
    runtime = base if state is not None else _runtime() / f"{site}-{_mark(base)}"
    return Paths(
        state=base,
        socket=runtime / SOCKET,
        lasting=base / SOCKET,
        journal=base / "journal.db",
        log=base / CONTROLLER_LOG,
        lock=base / LOCK,
    )


def base_directory(state: Path | None) -> Path:
    """The directory under which the state of every site is kept."""
    return state if state is not None else platformdirs.user_state_path("drdeck")


def state_directories(base: Path) -> list[Path]:
    """Directories under `base` in which a controller was at work, those of lessons too; none set aside."""
    locks = (lock for depth in range(1, 5) for lock in base.glob("*/" * depth + LOCK))
    return sorted(lock.parent for lock in locks if ".aside-" not in str(lock.relative_to(base)))


def _mark(base: Path) -> str:
    """A few letters for a state directory: a user with two homes has one runtime directory for both."""
    return hashlib.sha256(os.fsencode(base)).hexdigest()[:8]


def _runtime() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a session without XDG_RUNTIME_DIR is nothing to tell anybody
        return platformdirs.user_runtime_path("drdeck")
