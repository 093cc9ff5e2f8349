"""A controller whose start a console begins before it is ready to attach."""

from __future__ import annotations

from pathlib import Path

import pytest

from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.process.launch import attach, begin
from drdeck.controller.process.paths import paths_for


def arguments(state: Path, speed: str) -> list[str]:
    return ["--site", "training", "--state", str(state), "--scenario", "ransomware", "--speed", speed]


async def test_it_is_waited_for_and_begun_once(tmp_path: Path) -> None:
    paths, words = paths_for("training-ransomware", tmp_path), arguments(tmp_path, "1")
    begun = begin(paths, words)
    assert begun is not None
    client = await attach(paths, words, "console", begun=begun)
    try:
        assert client.welcome is not None and client.welcome.site == "training"
        assert begin(paths, words) is None, "one is there"
    finally:
        await client.stop()
        await client.close()


async def test_why_it_cannot_be_started_is_said_by_who_waits(tmp_path: Path) -> None:
    paths, words = paths_for("training-ransomware", tmp_path), arguments(tmp_path, "-1")
    with pytest.raises(ControllerError, match="could not be started: it ended at once"):
        await attach(paths, words, "console", begun=begin(paths, words))
