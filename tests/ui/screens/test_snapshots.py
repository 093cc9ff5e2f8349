"""Every screen of the flow as it was agreed on: in dark, without colours, and in ASCII, each in a usual
terminal and in the smallest.

DRDECK_UPDATE_SNAPSHOTS=1 writes them anew, on Python 3.11 only; look at what changed before it is kept.
"""

from __future__ import annotations

import difflib
import os
import sys
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from tests.ui.screens.__main__ import PICTURES
from tests.ui.screens.chapters import CHAPTERS, TOO_SMALL, Chapter
from tests.ui.screens.pictures import picture, snapshot
from tests.ui.screens.shots import ASCII, DARK, LOOKS, MONO, Look, Shot
from tests.ui.screens.stage import SMALLEST

SNAPSHOTS = Path(__file__).with_name("snapshots")
UPDATE = "DRDECK_UPDATE_SNAPSHOTS"
REFERENCE = (3, 11)
"""The Python whose Unicode tables the snapshots are made with."""
SHOWN_LINES = 60


def file_of(name: str, look: Look) -> Path:
    return SNAPSHOTS / f"{name}.{look.name}.txt"


def difference(shot: Shot, look: Look) -> str:
    """What is not as in the snapshot; empty when nothing is."""
    file, now = file_of(shot.name, look), snapshot(shot)
    if os.environ.get(UPDATE) == "1":
        assert sys.version_info[:2] == REFERENCE, (
            f"{UPDATE} works on Python {REFERENCE[0]}.{REFERENCE[1]} only"
        )
        SNAPSHOTS.mkdir(exist_ok=True)
        file.write_text(now, "utf-8")
        return ""
    if not file.exists():
        return f"{file.name}: there is no snapshot; make it with {UPDATE}=1"
    then = file.read_text("utf-8")
    if then == now:
        return ""
    diff = list(difflib.unified_diff(then.splitlines(), now.splitlines(), file.name, "now", n=1, lineterm=""))
    more = [f"... and {len(diff) - SHOWN_LINES} lines more"] if len(diff) > SHOWN_LINES else []
    return "\n".join([*diff[:SHOWN_LINES], *more])


def check(shot: Shot, chapter: Chapter, look: Look) -> None:
    """What must hold of every screen whatever it shows."""
    name, _, small = shot.name.partition(".")
    width, height = SMALLEST if small else chapter.setting.size if name != TOO_SMALL else (59, 23)
    where = f"{shot.name} in {look.name}"
    assert len(shot.lines) == height, where
    for line in shot.lines:
        assert cell_len(line) <= width, f"{where}: a row of {cell_len(line)} cells: {line}"
        raw = [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
        assert not raw, f"{where}: raw characters {raw} in: {line}"
        assert look is not ASCII or line.isascii(), f"{where}: not ASCII: {line}"
    if look is MONO:
        for row in shot.rows:
            for text, style in row:
                assert not coloured(style), f"{where}: {style} of {text!r}"
    for label in () if small else chapter.shots[name]:
        assert label in shot.text or label in shot.words, f"{where}: does not say {label!r}:\n{shot.text}"


def coloured(style: Style) -> bool:
    return any(isinstance(c, Color) and not c.is_default for c in (style.color, style.bgcolor))


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=CHAPTERS)
async def test_screens_are_as_agreed_on(chapter: Chapter, look: Look, tmp_path: Path) -> None:
    shots = await chapter.run(tmp_path / "stage", look, smallest_too=True)
    assert set(shots) == chapter.names
    differs = [text for shot in shots.values() if (text := difference(shot, look))]
    if differs:
        pytest.fail(
            "\n\n".join([*differs, f"If that is meant: {UPDATE}=1, and look at each."]), pytrace=False
        )
    for shot in shots.values():
        check(shot, chapter, look)


def test_every_snapshot_is_of_a_screen() -> None:
    names = {
        file_of(name, look).name for c in CHAPTERS.values() for name in c.names for look in LOOKS.values()
    }
    stray = {file.name for file in SNAPSHOTS.glob("*")} - names
    if os.environ.get(UPDATE) == "1":
        for name in stray:
            (SNAPSHOTS / name).unlink()
    else:
        assert not stray


def test_every_picture_is_of_a_screen() -> None:
    assert all(name in CHAPTERS[chapter].shots for name, (chapter, _) in PICTURES.items())


async def test_a_picture_is_the_same_each_time(tmp_path: Path) -> None:
    chapter = CHAPTERS["read-only"]
    first, second = [
        picture((await chapter.run(tmp_path / home, DARK, frozenset({"read-only"})))["read-only"])
        for home in ("first", "second")
    ]
    assert first == second
    assert first.startswith("<svg ") and "terminal-read-only" in first
