"""Progress of a lesson, kept in its state directory so that it outlives the console."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.private_files import write_private

from .result import Result


class ProgressError(Exception):
    """The progress of a lesson cannot be used; the sentence says why and what to do."""


class NoticedMistake(Frozen, frozen=True, kw_only=True):
    """A mistake, with the occasion (an operation, or a session's start) that makes it one of its own."""

    kind: str
    occasion: str
    domain: str
    at: datetime
    why: str
    detail: str = ""
    fatal: bool = False


class DomainMemory(Frozen, frozen=True, kw_only=True):
    """Facts about a domain that cannot be seen any more later."""

    consistent_at: datetime | None = None
    """up to which instant every VM's data was here when the failover was last seen not to be under way"""
    points: int = 0
    oldest_point: datetime | None = None
    newest_point: datetime | None = None
    """of the PITR data, last seen before it was reset"""


class Progress(Frozen, frozen=True, kw_only=True):
    """Times are the site's but `begun_at`, which is ours."""

    lesson: str
    begun_at: datetime
    met: dict[str, datetime] = {}
    mistakes: tuple[NoticedMistake, ...] = ()
    hints: tuple[str, ...] = ()
    """"objective:hint" and "objective:key", each once"""
    attaches: tuple[datetime, ...] = ()
    dropped_at: datetime | None = None
    memories: dict[str, DomainMemory] = msgspec.field(name="seen", default_factory=dict)
    result: Result | None = None
    """once every objective is met"""

    @property
    def finished(self) -> bool:
        return self.result is not None


class ProgressFile:
    """The file, which several processes may use: a console, and commands in another terminal."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Progress | None:
        """Progress in the file; None without a file. Raises ProgressError for one that cannot be read."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProgressError(f"{self.path}: cannot be read: {error.strerror or error}") from None
        try:
            return msgspec.json.decode(data, type=Progress)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ProgressError(
                f"{self.path}: is damaged ({error}); --again sets it aside and begins the lesson anew"
            ) from None

    def write(self, progress: Progress) -> None:
        """Put it there as a whole or not at all. Raises ProgressError."""
        try:
            write_private(self.path, msgspec.json.format(msgspec.json.encode(progress)))
        except OSError as error:
            raise ProgressError(f"{self.path}: cannot be written: {error.strerror or error}") from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes it meanwhile; only for as long as a read and a write take."""
        try:
            handle = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ProgressError(f"{self.path}: cannot be written: {error.strerror or error}") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
