"""No text for operators reads twice: words that tired people stumble over, and what stands for them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.command_line.command_tree import commands
from tests.support.command_line.operator_words import texts, tiring
from tests.ui.screens.shots import words_of

SOURCE = ROOT / "src" / "drdeck"
ROOMS = sorted(p.name for p in SOURCE.iterdir() if p.is_dir() and any(p.rglob("*.py")))
LEFT = {
    "asks: {}",  # the log's, and vCenter's own question
    "vCenter asks: {}",
    "nothing is asked there now",  # never shown: the call is repeated
}
"""Texts that stay as they are, and why."""


@pytest.mark.parametrize("room", ROOMS)
def test_no_text_for_operators_uses_them(room: str) -> None:
    tired = [
        f"{path.relative_to(SOURCE)}:{line}: {text[:80]!r}: {', '.join(tiring(text))}"
        for path in sorted((SOURCE / room).rglob("*.py"))
        for line, text in texts(path)
        if tiring(text) and text not in LEFT
    ]
    assert tired == []


@pytest.mark.parametrize(
    "lesson", sorted((SOURCE / "coach" / "lessons").glob("*.toml")), ids=lambda p: p.stem
)
def test_no_lesson_uses_them(lesson: Path) -> None:
    assert tiring(str(tomllib.loads(lesson.read_text("utf-8")))) == []


def test_no_screen_uses_them() -> None:
    """What a screen puts together out of several texts, too."""
    screens = sorted((ROOT / "tests" / "ui" / "screens" / "snapshots").glob("*.dark.txt"))
    assert len(screens) > 200
    tired = {
        screen.name: tired_words
        for screen in screens
        if (tired_words := tiring(words_of(screen.read_text("utf-8").partition("\n-- row")[0])))
    }
    assert tired == {}


@pytest.mark.parametrize(("path", "command"), list(commands(hidden=True)))
def test_no_help_uses_them(path: str, command: object) -> None:
    words = f"{getattr(command, 'help', '')} {getattr(command, 'epilog', '')}"
    options = " ".join(str(getattr(p, "help", "")) for p in getattr(command, "params", ()))
    assert tiring(f"{words} {options}") == [], path


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Nothing was asked for", 2),
        ("operation op-1 goes on", 1),
        ("what goes on", 1),
        ("The protected site is taken for lost", 2),
        ("operation op-1 continues", 0),
        ("Cancelled; nothing was started", 0),
    ],
)
def test_they_are_found(text: str, count: int) -> None:
    assert len(tiring(text)) == count
