"""How drdeck is called where the trainee types: what a sentence tells must work when it is typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drdeck.cli.output import TypedCall, called, own_call_of
from drdeck.cli.root import COMMANDS


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


HERE = TypedCall(("--state", "/a b"), ("--scenario", "site-lost"))


@pytest.mark.parametrize(
    ("call", "text", "typed"),
    [
        (TypedCall(), "do `drdeck show erp`", "do `drdeck show erp`"),
        (HERE, "`drdeck` attaches again", "`drdeck --state '/a b' --scenario site-lost` attaches again"),
        (HERE, "(drdeck answer erp retry)", "(drdeck --state '/a b' --scenario site-lost answer erp retry)"),
        (HERE, "drdeck train 2 -- domains", "drdeck --state '/a b' train 2 -- domains"),
        (HERE.at_site("west"), "drdeck tasks", "drdeck --state '/a b' --site west tasks"),
        (HERE._replace(lesson="drdeck train 2"), "drdeck report op-1", "drdeck train 2 -- report op-1"),
        (HERE._replace(lesson="drdeck train 2"), "`drdeck`", "`drdeck train 2`"),
        (HERE, "drdeck asked for it; a drdeck-test one, /bin/drdeck show", None),
        (HERE, "drdeck --site west doctor", None),
        (HERE, 'of "drdeck test vCenter", self-signed', None),
    ],
)
def test_a_command_in_a_sentence_reaches_the_same_site(call: TypedCall, text: str, typed: str | None) -> None:
    assert call.in_text(text) == (text if typed is None else typed)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_found_in_a_sentence(command: str) -> None:
    assert HERE.in_text(f"use drdeck {command}.").startswith("use drdeck --state ")


def test_options_count_as_they_were_typed(tmp_path: Path) -> None:
    options = {"state": tmp_path, "config": None, "site": "west", "scenario": None}
    assert own_call_of(options) == TypedCall(("--state", str(tmp_path)), ("--site", "west"))
