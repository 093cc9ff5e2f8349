"""Files that drdeck reads and writes: no other user can read, change or swap them, and none is endless.

The way to a directory is safe when nobody but this user and root can change what stands on it; that is
what sshd asks of a home directory (StrictModes). A sticky directory such as /tmp lets others add
names, and therefore whatever is met there must be ours.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from drdeck.model.text import show_bytes

MOST_TEXT = 4_000_000
"""Bytes of a settings, scenario or lesson file; a scenario of 10,000 VMs has some 2 MB."""
_MOST_LINKS = 40
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Unreadable(ValueError):
    """A file that cannot be read; the text says why, for a sentence that begins with its name."""


def make_private(directory: Path) -> None:
    """Make a directory that only this user can enter, and every missing one above it.

    Raises OSError; PermissionError when another user has put it there, or could swap it.
    """
    there = next(place for place in (directory, *directory.absolute().parents) if place.is_dir())
    refuse_strangers(there)
    make_parents(directory / "x")
    refuse_strangers(directory)
    if directory.stat().st_mode & _OTHERS:
        directory.chmod(0o700)


def make_parents(file: Path) -> None:
    """Make the directories above a file, private where they are missing. Raises OSError."""
    missing: list[Path] = []
    for parent in file.parents:
        if parent.is_dir():
            break
        missing.append(parent)
    for parent in reversed(missing):
        parent.mkdir(mode=0o700, exist_ok=True)


def refuse_strangers(path: Path) -> None:
    """Raises PermissionError when another user has put something on the way to `path`, or could.

    Raises OSError when there is no such path.
    """
    for place, about in _way(path):
        stranger = _stranger(place, about)
        if stranger is not None:
            raise PermissionError(stranger)


@cache
def _machine_uids() -> frozenset[int]:
    """The uids of what belongs to the machine: root's, and in a user namespace (apptainer, bwrap) the one
    that stands for all who are not in it; user_namespaces(7)."""
    try:
        mapped = Path("/proc/self/uid_map").read_text("ascii").split()
        overflow = int(Path("/proc/sys/kernel/overflowuid").read_text("ascii"))
    except (OSError, ValueError):
        return frozenset({0})
    whole = mapped == ["0", "0", "4294967295"]
    return frozenset({0} if whole else {0, overflow})


def _sticky(directory: Path) -> bool:
    return bool(directory.stat().st_mode & stat.S_ISVTX)


def _stranger(place: Path, about: os.stat_result) -> str | None:
    what = "directory" if stat.S_ISDIR(about.st_mode) else "link" if stat.S_ISLNK(about.st_mode) else "file"
    # in a sticky directory anybody may have made it: there the uid that stands for all others is nobody's
    machine = frozenset({0}) if _sticky(place.parent) else _machine_uids()
    if about.st_uid not in {os.geteuid(), *machine}:
        return f"the {what} {place} belongs to another user ({_user(about.st_uid)}), so it is not used"
    if stat.S_ISLNK(about.st_mode) or (stat.S_ISDIR(about.st_mode) and about.st_mode & stat.S_ISVTX):
        return None  # what others add to a sticky directory is met as theirs
    if about.st_mode & stat.S_IWOTH or (about.st_mode & stat.S_IWGRP and not _ours_alone(about.st_gid)):
        return f"other users can write to the {what} {place}, so it is not used; chmod go-w it"
    return None


def _way(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every directory and every link that is passed on the way to `path`, and `path` itself."""
    start = path.absolute()
    at, links = Path(start.anchor), 0
    rest = list(reversed(start.parts[1:]))
    yield at, at.stat()
    while rest:
        part = rest.pop()
        if part == "..":
            at = at.parent
            continue
        here = at / part
        about = here.lstat()
        yield here, about
        if not stat.S_ISLNK(about.st_mode):
            at = here
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = here.readlink()
        if target.is_absolute():
            at = Path(target.anchor)
        rest.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))


def _user(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"uid {uid}"


def _ours_alone(gid: int) -> bool:
    """True for the group that many systems give each user, with nobody else in it."""
    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(gid)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}


def open_private(file: Path, flags: int) -> int:
    """A handle of a file that only this user can read, made when absent; its directory is private.

    Raises OSError; PermissionError for what is another user's, or no plain file.
    """
    try:
        handle = os.open(file, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PermissionError(f"{file} is a symbolic link, so it is not used") from None
        raise
    about = os.fstat(handle)
    if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid():
        if about.st_mode & _OTHERS:
            os.fchmod(handle, 0o600)
        return handle
    os.close(handle)
    if stat.S_ISREG(about.st_mode):
        raise PermissionError(f"the file {file} belongs to another user ({_user(about.st_uid)})")
    raise PermissionError(f"{file} is no plain file, so it is not used")


def write_private(file: Path, data: bytes) -> None:
    """Put a file there as a whole or not at all, for this user only; one that was there for others to
    read stays so. A link of our own is followed. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        if file.is_symlink() and file.lstat().st_uid == os.geteuid():
            file = file.resolve()
    mode = 0o600
    with contextlib.suppress(OSError):
        mode |= stat.S_IMODE(file.lstat().st_mode) & 0o044 if file.is_file() else 0
    try:
        _replace(file, data, mode)
    except OSError as error:  # which names a scratch file, or none
        raise OSError(error.errno, error.strerror, str(file)) from None


def _replace(file: Path, data: bytes, mode: int) -> None:
    import tempfile  # a command that writes nothing does not need it

    handle, name = tempfile.mkstemp(prefix=f".{file.name[:100]}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as scratch:
            scratch.write(data)
            scratch.flush()
            os.fchmod(scratch.fileno(), mode)
            os.fsync(scratch.fileno())
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def read_text(file: Path) -> str:
    """The text of a file that a person wrote. Raises FileNotFoundError, and Unreadable."""
    try:
        # a pipe or a terminal must not be waited for
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise Unreadable("cannot be read: its name has a NUL character") from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            what = os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "is no plain file"
            raise Unreadable(f"cannot be read: {what}")
        with os.fdopen(handle, "rb", closefd=False) as opened:
            data = opened.read(MOST_TEXT + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    finally:
        os.close(handle)
    if len(data) > MOST_TEXT:
        raise Unreadable(f"is larger than {show_bytes(MOST_TEXT)}; make it smaller")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 text at byte {error.start}; save it as UTF-8") from None
