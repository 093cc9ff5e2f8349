"""The lock of a site's state directory: one controller at a time, and who that is, also on another host.

A home directory may be shared by several jump hosts. Where its file system keeps locks for all of them, a
lock that is held names its holder. Where each host keeps its own, the holder's sign of life in the file is
what another host sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import getpass
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.private_files import open_private

BEAT_S = 4.0
"""A controller touches its lock file so often."""
FOREIGN_S = 10.0
"""For so long a lock file that names another host is watched for a sign of life."""


class LockHolder(Frozen, frozen=True, kw_only=True):
    """The process that took a lock. `machine`: of its host, which may have the name of another one."""

    host: str = ""
    machine: str = ""
    user: str = ""
    pid: int = 0
    since: datetime | None = None

    @property
    def is_here(self) -> bool:
        """True for a process that is, or was, on this host."""
        return (self.host, self.machine) == (socket.gethostname(), _machine())

    def says(self) -> str:
        """The holder in a few words."""
        words = f"process {self.pid} of {self.user}" if self.pid else "a process"
        words += "" if self.is_here or not self.host else f" on host {self.host}"
        return words + (f", since {self.since:%Y-%m-%d %H:%M}Z" if self.since is not None else "")


class LockTaken(Exception):
    """Another process has the lock."""

    def __init__(self, holder: LockHolder | None) -> None:
        super().__init__("" if holder is None else holder.says())
        self.holder = holder


class SiteLock:
    """The lock, held until `release` or the end of the process."""

    def __init__(self, file: Path, handle: int) -> None:
        self._file, self._handle = file, handle

    def release(self) -> None:
        """Let go, with nobody named any more."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
        os.close(self._handle)

    async def beat(self) -> None:
        """Give a sign of life again and again, for hosts that cannot see this lock."""
        while True:
            with contextlib.suppress(OSError):  # a full disk is no reason to end
                await asyncio.to_thread(os.utime, self._handle)
            await asyncio.sleep(BEAT_S)


def take(file: Path, foreign_s: float = FOREIGN_S) -> SiteLock:
    """The lock of a state directory. Blocks, where the file names another host, for a look at that one.

    Raises LockTaken; OSError where the file system has no locks.
    """
    handle = open_private(file, os.O_RDWR)
    try:
        _try_locks(handle, file)
        _lock(handle, file)
        holder = holder_of(file)
        if holder is not None and not holder.is_here and _lives(handle, foreign_s):
            raise LockTaken(holder)
        with contextlib.suppress(OSError):  # a full disk: then nobody is named
            _name_us(handle)
    except BaseException:
        os.close(handle)
        raise
    return SiteLock(file, handle)


def holder_of(file: Path) -> LockHolder | None:
    """The process that a lock file names, whether or not it still lives; None where it names none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=LockHolder)
    except (OSError, msgspec.DecodeError):
        return None


def is_held(file: Path) -> bool:
    """True while a process that this host can see has the lock. Raises OSError."""
    if not file.exists():
        return False
    handle = open_private(file, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _try_locks(handle: int, file: Path) -> None:
    """Raise OSError where locks of the kind that SQLite takes are not to be had; there are two kinds."""
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(handle, fcntl.LOCK_UN)
    except (BlockingIOError, PermissionError):
        return  # there are, and somebody has one: on NFS both kinds are one
    except OSError as error:
        raise _without_locks(file, error) from None


def _lock(handle: int, file: Path) -> None:
    for patience in (True, True, True, False):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not patience:
                raise LockTaken(holder_of(file)) from None
            time.sleep(0.05)  # `is_held` has it for a moment
        except OSError as error:
            raise _without_locks(file, error) from None


def _without_locks(file: Path, error: OSError) -> OSError:
    """The sentence for a file system without locks, as some shared ones are."""
    reason = error.strerror or error
    return OSError(f"the directory {file.parent} cannot be locked ({reason}); use --state on a local disk")


def _lives(handle: int, wait_s: float) -> bool:
    """Watch for a touch of the file within `wait_s`; times of two hosts are not compared."""
    before, end = os.fstat(handle).st_mtime_ns, time.monotonic() + wait_s
    while time.monotonic() < end:
        time.sleep(0.1)
        if os.fstat(handle).st_mtime_ns != before:
            return True
    return False


def _name_us(handle: int) -> None:
    holder = LockHolder(
        host=socket.gethostname(),
        machine=_machine(),
        user=_user(),
        pid=os.getpid(),
        since=datetime.now(UTC).replace(microsecond=0),
    )
    os.ftruncate(handle, 0)
    os.pwrite(handle, msgspec.json.encode(holder) + b"\n", 0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _machine() -> str:
    """The number that a system gave itself when it was installed; empty where it has none."""
    for place in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return Path(place).read_text("ascii").strip()
    return ""
