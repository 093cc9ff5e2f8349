"""Homes of lessons: a state directory and settings of their own, so that nothing else is touched."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import tomli_w

from drdeck.config.settings import TRAINING
from drdeck.private_files import make_private, write_private

from .progress import ProgressFile

if TYPE_CHECKING:
    from .lesson_file import Course

SETTINGS = "settings.toml"


def home_of(lesson: str, state: Path | None) -> Path:
    """The lesson's directory, under --state where that is given."""
    base = state if state is not None else platformdirs.user_state_path("drdeck")
    return base / "lessons" / lesson


def homes(state: Path | None) -> list[Path]:
    """The directories of lessons that were begun, in order of their names."""
    folder = home_of("", state)
    if not folder.is_dir():
        return []
    begun = [path for path in folder.iterdir() if (path / SETTINGS).is_file()]
    return sorted(path for path in begun if path.suffix != ".before")


def settle(course: Course, home: Path, speed: float | None) -> Path:
    """Make the directory with its settings file, unless it is there; with `speed`, at that speed.

    Returns the settings file. Raises OSError.
    """
    make_private(home)
    file = home / SETTINGS
    if file.exists() and speed is None:
        return file
    site = {
        "kind": "training",
        "scenario": course.scenario_source,
        "speed": float(course.lesson.speed if speed is None else speed),
    }
    write_private(file, tomli_w.dumps({"default_site": TRAINING, "sites": {TRAINING: site}}).encode())
    return file


def put_away(home: Path) -> None:
    """Begin anew: what was there is kept beside it, once. Raises OSError."""
    if home.exists():
        before = home.with_name(home.name + ".before")
        shutil.rmtree(before, ignore_errors=True)
        home.rename(before)


def progress_file(home: Path) -> ProgressFile:
    return ProgressFile(home / "progress.json")
