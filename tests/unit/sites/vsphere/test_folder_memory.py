"""The file of what was seen of domains' folders: the newest, and no work of the event loop."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from drdeck.private_files import write_private
from drdeck.sites.vsphere import folder_memory
from drdeck.sites.vsphere.folder_memory import FILE, FolderMemory
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts

NOW = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)


def folder(number: int, mode: str) -> FolderFacts:
    return FolderFacts(f"group-v{number}", f"domain-{number}", None, {"drdeck.mode": mode})


class SlowDisk:
    """A disk that takes each write only when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes, self.let = 0, threading.Event()
        monkeypatch.setattr(folder_memory, "write_private", self)

    def __call__(self, file: Path, data: bytes) -> None:
        assert self.let.wait(30)
        self.writes += 1
        write_private(file, data)


def test_a_slow_disk_holds_nobody_and_the_newest_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SlowDisk(monkeypatch)

    async def forty_domains() -> FolderMemory:
        memory = FolderMemory(tmp_path)
        for mode in ("a", "b", "c"):
            for number in range(40):
                memory.follow(folder(number, mode), NOW)
            await asyncio.sleep(0)
        assert disk.writes == 0, "the loop waited for the disk"
        disk.let.set()
        await memory.close()
        return memory

    memory = asyncio.run(forty_domains())
    assert 1 <= disk.writes <= 2, "120 changes are not 120 writes"
    kept = msgspec.json.decode((tmp_path / FILE).read_bytes())
    assert {note["record"]["drdeck.mode"] for note in kept.values()} == {"c"} and len(kept) == 40
    again = FolderMemory(tmp_path)
    assert again.last("group-v7") == memory.last("group-v7")


def test_without_an_event_loop_it_is_written_at_once(tmp_path: Path) -> None:
    FolderMemory(tmp_path).follow(folder(1, "a"), NOW)
    assert FolderMemory(tmp_path).last("group-v1")[0] == {"drdeck.mode": "a"}
