"""How drdeck is called where the trainee types: what a sentence tells must work when it is typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drdeck.cli.output import called


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A drdeck in a virtual environment below the working directory."""
    program = tmp_path / ".venv" / "bin" / "drdeck"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(program)])
    return program


def test_by_its_name_where_the_shell_finds_it(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(own.parent) + os.pathsep + "/usr/bin")
    assert called() == "drdeck"


def test_by_its_path_where_it_does_not(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    assert called() == ".venv/bin/drdeck"
    monkeypatch.chdir("/usr")
    assert called() == str(own)


def test_another_drdeck_is_not_this_one(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other" / "drdeck"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    assert called() == ".venv/bin/drdeck"
