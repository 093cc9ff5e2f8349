"""A controller that a console asks, or begins to start, before it is ready to attach."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from drdeck.config.settings import TrainingSettings
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.ipc.sockets import connect_address
from drdeck.controller.process.launch import attach, begin
from drdeck.controller.process.paths import Paths, paths_for
from drdeck.private_files import make_private

SITE = TrainingSettings()


def arguments(state: Path, speed: str) -> list[str]:
    return ["--site", "training", "--state", str(state), "--scenario", "ransomware", "--speed", speed]


async def with_list(paths: Paths, words: list[str]) -> Client:
    """A client of a controller that ran already, with the list that it was asked for before."""
    begun = begin(paths, words, SITE)
    assert isinstance(begun, Client), "a second start was begun"
    client = await attach(paths, words, "console", begun=begun)
    assert client is begun and client.welcome is not None
    while client.listing is None:
        await client.changed()  # nothing more is asked
    return client


async def test_it_is_waited_for_and_begun_once(tmp_path: Path) -> None:
    paths, words = paths_for("training-ransomware", tmp_path), arguments(tmp_path, "1")
    first = await attach(paths, words, "console", begun=begin(paths, words, SITE))
    try:
        assert first.welcome is not None and first.welcome.site == "training"
        second = await with_list(paths, words)
        assert second.listing is not None and second.listing.site == "training"
        await second.close()
    finally:
        await first.stop()
        await first.close()


async def test_one_that_ends_before_it_has_answered_is_started_anew(tmp_path: Path) -> None:
    paths, words = paths_for("training-ransomware", tmp_path), arguments(tmp_path, "1")
    make_private(paths.socket.parent)
    with socket.socket(socket.AF_UNIX) as ending, connect_address(paths.socket) as address:
        ending.bind(address)
        ending.listen()
        begun = begin(paths, words, SITE)
        assert isinstance(begun, Client)
    client = await attach(paths, words, "console", site=SITE, begun=begun)
    try:
        assert client is not begun and client.welcome is not None
    finally:
        await client.stop()
        await client.close()


async def test_why_it_cannot_be_started_is_said_by_who_waits(tmp_path: Path) -> None:
    paths, words = paths_for("training-ransomware", tmp_path), arguments(tmp_path, "-1")
    with pytest.raises(ControllerError, match="could not be started: it ended at once"):
        await attach(paths, words, "console", begun=begin(paths, words, SITE))
