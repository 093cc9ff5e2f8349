"""A directory of one's own in a real user namespace, as apptainer and bwrap make one (register F24)."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck import private_files
from tests.support.stranger import as_nobody, needs_root, open_directory

_NEW_USER, _SET_DUMPABLE = 0x10000000, 4


def enter_namespace() -> None:
    """Become root of a namespace in which nobody but this user is. Raises OSError."""
    libc, uid, gid = ctypes.CDLL(None, use_errno=True), os.geteuid(), os.getegid()
    libc.prctl(_SET_DUMPABLE, 1)  # else /proc/self is root's, after the change of the user
    if libc.unshare(_NEW_USER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespaces here")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    private_files._machine_uids.cache_clear()


@pytest.fixture
def place() -> Iterator[Path]:
    yield from open_directory()


def answer_of(text: str) -> str:
    if "no user namespaces here" in text:
        pytest.skip(text)
    return text


@needs_root
def test_a_state_directory_is_made_and_used() -> None:
    def attempt() -> str:
        enter_namespace()
        with tempfile.TemporaryDirectory(prefix="drdeck-mine-", dir="/tmp") as mine:
            return used(Path(mine) / "west")

    def used(state: Path) -> str:
        private_files.make_private(state)
        os.close(private_files.open_private(state / "lock", os.O_RDWR))
        private_files.write_private(state / "x", b"1")
        private_files.refuse_strangers(Path("/etc/passwd"))
        return f"{os.geteuid()} {Path('/').stat().st_uid != 0} {(state / 'x').stat().st_size}"

    assert answer_of(as_nobody(attempt)) == "0 True 1", "the directory / is not this root's there"


@needs_root
def test_what_another_put_into_an_open_directory_is_refused(place: Path) -> None:
    """Shown with the same uid as the machine's own."""
    theirs = place / "mine"
    theirs.mkdir(mode=0o755)

    def attempt() -> str:
        enter_namespace()
        private_files.refuse_strangers(theirs)
        return "taken"

    assert "belongs to another user" in answer_of(as_nobody(attempt))
