"""Lessons with the real console in a terminal: the panel, the link that drops, attaching again."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from tests.support.deck import Deck

WITHIN_S = 60.0


class Terminal:
    """A console in a terminal of 80x24."""

    def __init__(self, deck: Deck, *words: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            deck.argv(*words),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**deck.env, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def _read(self) -> bool:
        """Take in what came; False at the end."""
        if not select.select([self.master], [], [], 0.2)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self._stream.feed(data)
        return bool(data)

    def sees(self, text: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while text not in self.text:
            assert self._read() and time.monotonic() < deadline, f"never came: {text}\n{self.text}"

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def ended(self) -> int:
        """Wait for its own end; the exit code."""
        deadline = time.monotonic() + WITHIN_S
        while self._read():
            assert time.monotonic() < deadline, f"goes on\n{self.text}"
        return self.process.wait(10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        os.close(self.master)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    made = Deck(tmp_path)
    yield made
    for number in ("1", "5"):
        if (made.state / "lessons").is_dir():
            made.run("train", number, "--", "controller", "stop", "--force", code=None)


def test_the_panel_helps_and_folds(deck: Deck) -> None:
    console = Terminal(deck, "train", "1", "--speed", "1")
    try:
        console.sees("Lesson 1: The whole flow")
        console.sees("> Start Continuous Failover of intranet")
        console.sees("3 / 3")
        console.press("h")
        console.sees("? A domain's More menu")
        console.press("h")
        console.sees("? m, Continuous Failover")
        console.press("\x14")
        console.sees("ctrl+t Coach")
        assert "Continuous Failover of intranet" not in console.text
        console.press("\x14")
        console.sees("> Start Continuous Failover of intranet")
        console.press("d")
        assert console.ended() == 0
        assert "0 of 6 objectives met" in console.text
        assert "hints 2" in console.text
    finally:
        console.close()


def test_the_palette_of_a_training_site_names_the_lessons(deck: Deck) -> None:
    console = Terminal(deck)
    try:
        console.sees("erp-prod")
        console.press(":")
        console.sees("Every action")
        console.press("lessons")
        console.sees("Training lessons")
        console.press("\r")
        console.sees("drdeck train 6")
        assert "Find the last good point" in console.text
    finally:
        console.close()
        deck.stop()


def test_the_link_drops_and_the_console_attaches_again(deck: Deck) -> None:
    console = Terminal(deck, "train", "5", "--speed", "20")
    try:
        console.sees("Lesson 5")
        networks = ["--network", "VM_3510=DRSeg", "--network", "VM_3520=DRSeg"]
        deck.run("train", "5", "--", "cfo", "start", "intranet", *networks, "--wait")
        console.sees("> Complete it as a Planned Failover")
        # asked for without a look of its own, so that the console is the one that sees it
        home = deck.state / "lessons" / "link-drops"
        direct = Deck(deck.directory)
        direct.config, direct.state = home / "settings.toml", home
        direct.run("cfo", "complete", "intranet", "--type", "planned", "--run-pitr")
        assert console.ended() == 0
        assert "The line went dead." in console.text
        direct.run("watch", "intranet", "--until", "session", "--timeout", "60")
    finally:
        console.close()
    again = Terminal(deck, "train", "5")
    try:
        again.sees("A failover is in progress")
        again.sees("3 of 4")
        assert again.process.poll() is None
        result = deck.json("train", "5", "--judge")
        assert result["next"]["id"] == "leave"
    finally:
        again.close()
