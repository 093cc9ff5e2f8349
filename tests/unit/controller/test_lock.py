"""The lock of a site's state, also where a file system has none."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from drdeck.controller.process.serve import _lock


def test_held_by_another_is_not_the_same_as_no_locks_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = _lock(tmp_path / "lock")
    assert handle is not None and _lock(tmp_path / "lock") is None
    os.close(handle)
    for number in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO):

        def refuse(handle: int, operation: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", refuse)
        with pytest.raises(OSError, match=r"cannot be locked .* use --state on a local disk"):
            _lock(tmp_path / "lock")
