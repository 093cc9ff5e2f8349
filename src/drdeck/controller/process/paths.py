"""The directories and files in which drdeck keeps what it writes for one site."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from .logs import CONTROLLER_LOG


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
        log=base / CONTROLLER_LOG,
        lock=base / "controller.lock",
    )


def _runtime() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a session without XDG_RUNTIME_DIR is nothing to tell anybody
        return platformdirs.user_runtime_path("drdeck")
