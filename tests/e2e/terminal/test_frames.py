"""Frames come soon after a key: a key waits for the next one, and Textual's own are slower than 25 ms."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck

TOLD_AT_THE_END = (
    "import atexit, sys; from drdeck.__main__ import main;"
    "atexit.register(lambda: print('frames', round(1 / sys.modules['textual.screen'].UPDATE_PERIOD)));"
    "main()"
)


def test_a_key_waits_four_milliseconds_for_a_frame_at_most(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    console = Terminal([sys.executable, "-c", TOLD_AT_THE_END, *deck.arguments], deck.env)
    try:
        console.wait_for("Protected Domains", "d Detach")
        console.press("d")
        assert console.ended() == 0
        assert "frames 240" in console.text()
    finally:
        console.close()
        deck.stop()
