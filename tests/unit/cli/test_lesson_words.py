"""A lesson has a site of its own: options for another one are refused, the environment's are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from drdeck.cli.root import run


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRDECK_STATE", str(tmp_path))


@pytest.mark.parametrize("name", ["DRDECK_SCENARIO", "DRDECK_SITE"])
def test_a_site_of_the_environment_is_no_obstacle(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "site-lost")
    assert run(["train", "nope"]) == 2
    written = capsys.readouterr().err
    assert "nope" in written and "site of its own" not in written


@pytest.mark.parametrize("words", [("--scenario", "site-lost"), ("--site", "training"), ("--speed", "5")])
def test_one_that_was_typed_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "train", "1"]) == 2
    assert "leave --site, --scenario and --speed before it out" in capsys.readouterr().err
