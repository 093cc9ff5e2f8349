"""The commands under LANG=C: everything that they print is ASCII, and names from outside stay apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.model.text import spelled
from tests.support.deck import Deck

SCENARIO = """
name = "names"
title = "Names of the world"
start = "2026-01-16T22:00:00Z"
link_bytes_per_s = 125_000_000_000
seed = 7
[[domains]]
name = "漢字"
pitr = { enabled = true, window = "3h", interval = "10m" }
state = "imported"
protected_site = "reachable"
recovery_networks = ["réseau"]
[[domains.vms]]
name = "データ01"
disk_bytes = 1_000_000_000
write_bytes_per_s = 1_000
boot = "1s"
network = "мост"
[[domains.runbook]]
group = "база"
vms = ["*"]
"""
NAME = "漢字"
FORCE = (
    "cfo",
    "complete",
    NAME,
    "--type",
    "force",
    "--confirm",
    NAME,
    "--even-though",
    "answers,vms-running",
)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    (tmp_path / "names.toml").write_text(SCENARIO, "utf-8")
    site = f'kind = "training"\nscenario = "{tmp_path / "names.toml"}"\nspeed = 600\n'
    new_deck = Deck(tmp_path, f'default_site = "lab"\n[sites.lab]\n{site}')
    yield new_deck
    new_deck.env |= {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    new_deck.stop()


def test_all_that_is_printed_is_ascii_where_the_locale_is(deck: Deck) -> None:
    deck.env |= {"LANG": "C", "LC_ALL": "C"}
    commands: list[tuple[tuple[str, ...], int]] = [
        (("domains",), 0),
        (("cfo", "start", NAME, "--network", "мост=réseau", "--wait"), 0),
        (("cfo", "complete", NAME, "--type", "regular"), 3),
        ((*FORCE, "--run-pitr", "--wait"), 0),
        (("watch", NAME, "--until", "session", "--timeout", "60"), 0),
        (("show", NAME), 0),
        (("pitr", "points", NAME), 0),
        (("tasks",), 0),
        (("sites",), 0),
        (("show", "無い"), 2),
        (("pitr", "exit", NAME), 3),
        (("doctor",), 0),
    ]
    for words, code in commands:
        done = deck.run(*words, code=code)
        assert (done.stdout + done.stderr).isascii(), f"drdeck {' '.join(words)}:\n{done.stdout}{done.stderr}"
    listing = deck.run("domains").stdout
    assert "<U+6F22><U+5B57>" in listing and "?" not in listing
    assert deck.json("domains")["domains"][0]["name"] == NAME, "JSON is for programs, and UTF-8 always"


def test_names_are_printed_as_they_are_where_the_locale_is_utf8(deck: Deck) -> None:
    assert NAME in deck.run("domains").stdout
    assert "データ01" in deck.run("show", NAME).stdout


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_spelled_is_ascii(text: str, other: str) -> None:
    assert spelled(text).isascii()
    letters = [t for t in (text, other) if all(c.isalnum() for c in t)]
    if len(letters) == 2 and text != other:
        assert spelled(text) != spelled(other)
