"""`-q`, `-v`, `--no-input` before a command, and `drdeck version`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import drdeck
from tests.support.deck import Deck


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path)
    deck.here = True
    yield deck
    deck.stop()


def test_quiet_leaves_out_remarks_and_no_refusal(deck: Deck) -> None:
    points = ("pitr", "points", "erp-prod", "--last", "2")
    usual, quiet = deck.run(*points), deck.run("-q", *points)
    assert "older points are not listed" in usual.stderr and quiet.stderr == ""
    assert deck.run(*points, "-q").stderr == "", "after the command as well as before it"
    assert len(quiet.stdout.splitlines()) == len(usual.stdout.splitlines())
    refused = deck.run("-q", "pitr", "run", "erp-prod", "--to", "22:41", code=3)
    assert "erp-prod" in refused.stderr


def test_without_input_what_is_missing_is_an_error(deck: Deck) -> None:
    add = ("sites", "add", "--url", "https://vcsa.example/sdk")
    for arguments in (("--no-input", *add), (*add, "--no-input")):
        refused = deck.run(*arguments, code=2)
        assert refused.stderr == (
            "drdeck: --no-input: this would be asked: Name of the site; give it as an option\n"
        )


def test_verbose_is_the_log_level_debug(deck: Deck) -> None:
    deck.run("domains", "-v")
    assert " DEBUG drdeck" in deck.run("logs").stdout


def test_the_version_by_a_command_and_by_an_option(deck: Deck) -> None:
    assert deck.json("version") == {"version": drdeck.__version__}
    assert deck.run("version").stdout == deck.run("--version").stdout
