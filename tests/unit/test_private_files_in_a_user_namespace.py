"""Owners as a user namespace shows them (register F24)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck import private_files


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    private_files._machine_uids.cache_clear()
    yield
    private_files._machine_uids.cache_clear()


@pytest.mark.parametrize(
    ("uid_map", "uids"),
    [
        ("         0          0 4294967295\n", {0}),
        ("      1000       1000          1\n", {0, 65534}),
        ("", {0, 65534}),
    ],
)
def test_who_stands_for_the_machine(monkeypatch: pytest.MonkeyPatch, uid_map: str, uids: set[int]) -> None:
    texts = {"/proc/self/uid_map": uid_map, "/proc/sys/kernel/overflowuid": "65534\n"}
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: texts[str(self)])
    assert private_files._machine_uids() == uids


def test_without_proc_only_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, encoding: str) -> str:
        raise FileNotFoundError(str(self))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert private_files._machine_uids() == {0}


def test_not_in_a_directory_that_all_may_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There another user's is shown with the same uid as the machine's."""
    monkeypatch.setattr(private_files, "_machine_uids", lambda: frozenset({0, 65534}))
    inside = tmp_path / "x"
    inside.mkdir(mode=0o755)
    mine = inside.stat()
    theirs = os.stat_result((mine.st_mode, *mine[1:4], 65534, *mine[5:]))
    assert private_files._stranger(inside, theirs) is None
    tmp_path.chmod(0o1777)
    assert "belongs to another user" in (private_files._stranger(inside, theirs) or "")
