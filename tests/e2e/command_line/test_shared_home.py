"""One home directory on two jump hosts: the second one is told who has it (register F16)."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.deck import Deck

HOLDER = {"host": "jump1", "machine": "another", "user": "bob", "pid": 4711, "since": "2026-11-22T10:42:00Z"}


def lock_of(deck: Deck) -> Path:
    lock = deck.state / "training-ransomware" / "controller.lock"
    lock.parent.mkdir(parents=True, mode=0o700)
    lock.write_text(json.dumps(HOLDER))
    return lock


@contextmanager
def touched(file: Path) -> Iterator[None]:
    """As a controller on another host does it, whose lock this one cannot see."""
    over = threading.Event()

    def touch() -> None:
        while not over.wait(0.2):
            os.utime(file)

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def says_the_holder(deck: Deck) -> None:
    refusal = deck.run("domains", code=1).stderr
    assert "is process 4711 of bob on host jump1, since 2026-11-22 10:42Z" in refusal
    assert "use drdeck there, or here --state on a local disk" in refusal
    assert str(deck.state) in refusal


def test_a_lock_that_all_hosts_see(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    with lock_of(deck).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        says_the_holder(deck)
        assert "on host jump1" in deck.run("controller", "stop", code=1).stderr
        assert "on host jump1" in str(deck.json("controller", "status", "--all")["controllers"][0]["error"])


def test_a_lock_that_each_host_has_for_itself(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    lock = lock_of(deck)
    with touched(lock):
        says_the_holder(deck)
    deck.run("domains")  # nobody touches it any more: its host is gone
    try:
        assert json.loads(lock.read_text())["pid"] == deck.json("controller", "status")["pid"]
    finally:
        deck.stop()
    assert lock.read_text() == "", "nobody has it, and another host need not wait"
