"""No text for operators reads twice: words that tired people stumble over, and what stands for them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.command_line.command_tree import commands
from tests.support.command_line.operator_words import FIT_FOR_DOCS, texts, tiring
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


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(SOURCE.rglob("*.md"))]
FOR_DEVELOPERS = ("architecture.md", "contributing.md")


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.name not in FOR_DEVELOPERS], ids=lambda p: str(p.relative_to(ROOT))
)
def test_no_page_for_operators_uses_them(page: Path) -> None:
    tired = [
        f"{number}: {line[:80]}: {', '.join(patterns)}"
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1)
        if (patterns := [p for p in tiring(line) if p not in FIT_FOR_DOCS])
    ]
    assert tired == []


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
def test_how_often_they_are_found(text: str, count: int) -> None:
    assert len(tiring(text)) == count


@pytest.mark.parametrize(
    "phrase",
    [
        "Against it: the site answers",
        "Force all the same",
        "they will go on running, twice, unless somebody stops them",
        "The protected site is taken for lost",
        "Nothing was asked for",
        "nothing is asked here",
        "waits for the answer to what it asks",
        "Failover of files asks: drdeck was interrupted",
        "ASKS: payroll",
        "Look again",
        "The 00:16:47 of this session can never be returned to",
        "it was asked for at 10:30:12Z",
        "Asked",
        "operation op-1 goes on",
        "what was confirmed is not so any more",
        "So, it was not started",
        "thus nothing was started",
        "part of a name or mode",
        "drdeck needs a terminal of 80 x 24 or more",
        "this one is smaller",
        'erp-prod reads "Imported"',
        "the PITR session ends by itself",
        "What was begun there continues",
        "Force failover: is it needed?",
        "What was found speaks against a Force Failover",
        "Look there; then say retry",
        "Nothing on this machine vouches for the certificate",
        "choose one of 2",
        "6, 6 of them recoverable now",
        "waits its turn",
        "waits for its group",
        "VM configuration is not, and must not be relied on",
        "this view is out of date since 10:39:21Z",
    ],
)
def test_each_word_to_be_avoided_is_found(phrase: str) -> None:
    assert tiring(phrase), phrase
