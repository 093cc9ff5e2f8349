"""The lock of a site's state, also where a file system has none."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from drdeck.controller.process.site_lock import LockTaken, take


def test_held_by_another_is_not_the_same_as_no_locks_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = take(tmp_path / "lock")
    with pytest.raises(LockTaken, match=f"process {os.getpid()}"):
        take(tmp_path / "lock")
    lock.release()
    take(tmp_path / "lock").release()
    for number in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO):

        def refuse(handle: int, operation: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        for kind in ("flock", "lockf"):  # the journal's database takes those of the second kind
            with monkeypatch.context() as patch:
                patch.setattr(fcntl, kind, refuse)
                with pytest.raises(OSError, match=r"cannot be locked .* use --state on a local disk"):
                    take(tmp_path / "lock")
        take(tmp_path / "lock").release()
