"""The runtime directory, which goes with the last login, and which all homes of a user share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck


class UsualDeck(Deck):
    """Keeps its things where the platform wants them."""

    @property
    def arguments(self) -> list[str]:
        return super().arguments[:2]

    def log_in(self, runtime: Path | None) -> None:
        self.env.pop("XDG_RUNTIME_DIR", None)
        if runtime is not None:
            runtime.mkdir(mode=0o700)
            self.env["XDG_RUNTIME_DIR"] = str(runtime)

    def pid(self) -> int:
        return int(self.json("controller", "status")["pid"])


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[UsualDeck]:
    new_deck = UsualDeck(tmp_path)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        new_deck.env.pop(name, None)
    new_deck.env["TMPDIR"] = str(tmp_path)
    yield new_deck
    new_deck.stop()


def test_the_controller_is_found_after_the_last_logout(deck: UsualDeck, tmp_path: Path) -> None:
    first = tmp_path / "first"
    deck.log_in(first)
    deck.run("domains")
    pid = deck.pid()
    shutil.rmtree(first)
    deck.log_in(first)
    assert deck.pid() == pid, "the runtime directory was taken away, and made anew"
    deck.log_in(tmp_path / "second")
    assert deck.pid() == pid, "another session's runtime directory"
    deck.log_in(None)
    deck.run("domains")
    assert deck.pid() == pid, "cron, or su: no runtime directory at all"
    deck.run("controller", "stop")
    assert not [path for path in tmp_path.rglob("*.sock") if path.is_socket()]
    deck.run("controller", "status", code=1)


def test_each_home_of_a_user_has_its_own_controller(deck: UsualDeck, tmp_path: Path) -> None:
    """As with `sudo`, in apptainer, or under a service: another HOME, and the same runtime directory."""
    deck.log_in(tmp_path / "run")
    deck.run("domains")
    first, home = deck.pid(), deck.env["HOME"]
    deck.env["HOME"] = str(tmp_path / "another")
    try:
        deck.run("controller", "status", code=1)
        deck.run("domains")
        assert deck.pid() != first
        (listed,) = deck.json("controller", "status", "--all")["controllers"]
        assert listed["state"].startswith(deck.env["HOME"])
        deck.run("controller", "stop")
    finally:
        deck.env["HOME"] = home
    assert deck.pid() == first
