"""The logs: how much stands in them, and `drdeck logs`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck
from tests.support.flow import eventually

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) drdeck(\.\w+)+: .+")


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    made = Deck(tmp_path)
    yield made
    made.stop()


def test_only_what_is_worth_it_is_logged_unless_more_is_asked_for(deck: Deck) -> None:
    deck.run("domains")
    assert " DEBUG " not in deck.log() and " INFO drdeck.controller.process.serve: serving " in deck.log()


@pytest.mark.parametrize("way", ["option", "environment", "both"])
def test_debug_lines_of_the_controller_that_is_started(deck: Deck, way: str) -> None:
    words = [] if way == "environment" else ["--log-level", "debug"]
    if way != "option":
        deck.env["DRDECK_LOG"] = "DEBUG" if way == "environment" else "error"
    deck.run(*words, "domains")
    deck.run("cfo", "start", "erp-prod", *(f"--network=VM_{n}=DRSeg" for n in (3510, 3520, 3530)))
    places = (" taken: the site has changed", " of erp-prod: 1 due: ", ": done after ")
    eventually(lambda: all(place in deck.log() for place in places), deck.log)
    assert all(LINE.fullmatch(line) for line in deck.log().splitlines()), deck.log()


@pytest.mark.parametrize("way", ["option", "environment"])
def test_another_level_is_refused_with_those_that_there_are(deck: Deck, way: str) -> None:
    words = ["--log-level", "loud"] if way == "option" else []
    if way == "environment":
        deck.env["DRDECK_LOG"] = "loud"
    error = deck.run(*words, "domains", code=2).stderr
    assert "--log-level" in error and "'loud' is not one of 'debug', 'info', 'warning', 'error'" in error
    assert "DRDECK_LOG" in error
    assert not deck.state.exists()
