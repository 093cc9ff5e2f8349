"""Each kind of terminal in each size and environment: drawn for its size, or refused in a sentence."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.deck import Deck

DRAWN = ("xterm-256color", "screen", "tmux-256color", "linux", "vt100", "xterm-ghostty")
"""The last one is known by its family alone: few hosts have a description of it."""
REFUSED = ("dumb", "unknown", "", "nobodys-terminal", "wyse50", "vt52")
WINDOWS = ((80, 22), (132, 50), (0, 0), (80, 0), (59, 20))
SMALL = (59, 20)
NEITHER = {"COLUMNS": "", "LINES": ""}
ENVIRONMENTS: tuple[dict[str, str], ...] = (
    NEITHER,
    {"COLUMNS": "132", "LINES": "50"},
    {"COLUMNS": "x", "LINES": "-1"},
    {**NEITHER, "LC_ALL": "C", "LANG": "C", "NO_COLOR": "1"},
)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    training = Deck(tmp_path, '[sites.training]\nkind = "training"\n')
    yield training
    training.stop()


def size_of(window: tuple[int, int], environment: dict[str, str]) -> tuple[int, int]:
    """The terminal's own; where it tells 0, that of the environment, else 80 x 24."""
    columns = window[0] or (132 if environment["COLUMNS"] == "132" else 80)
    return columns, window[1] or (50 if environment["LINES"] == "50" else 24)


def outcomes(deck: Deck, terms: tuple[str, ...], waits: bool) -> Iterator[tuple[Any, dict[str, Any]]]:
    every = list(itertools.product(terms, WINDOWS, ENVIRONMENTS))
    cases: list[dict[str, Any]] = []
    for term, window, environment in every:
        ready = (
            ["Terminal too small: 59 x 20"]
            if window == SMALL
            else ["Protected Domains", "erp-prod", "? Help"]
        )
        env: dict[str, str] = {**deck.env, **environment, "TERM": term}
        cases.append(
            {
                "argv": ["drdeck", *deck.arguments],
                "env": env,
                "size": size_of(window, environment) if waits else (300, 24),
                "window": window,
                "waits_for": ready if waits else [],
            }
        )
    cases_file, outcomes_file = deck.directory / "cases.json", deck.directory / "outcomes.json"
    cases_file.write_text(json.dumps(cases), "utf-8")
    deck.run("controller", "start")
    subprocess.run(
        [deck.argv()[0], "-m", "tests.support.console.forked_consoles", str(cases_file), str(outcomes_file)],
        env={**deck.env, "PYTHONPATH": str(Path(__file__).parents[3])}, check=True, cwd=deck.directory,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return zip(every, json.loads(outcomes_file.read_text("utf-8")), strict=True)


@pytest.mark.timeout(900)
def test_each_is_drawn_for_its_size_and_given_back(deck: Deck) -> None:
    for (term, window, environment), outcome in outcomes(deck, DRAWN, waits=True):
        case = (term, window, environment, outcome)
        assert outcome.get("code") == 0, case
        _, rows = size_of(window, environment)
        if window != SMALL:
            assert "? Help" in outcome["stands"].split("\n")[rows - 1], case
        raw = outcome["raw"]
        for on, off in (("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h")):
            assert raw.rfind(off) > raw.rfind(on), case
        assert "Traceback" not in raw, case


def test_each_that_cannot_be_drawn_on_is_refused_with_what_to_use(deck: Deck) -> None:
    for (term, window, environment), outcome in outcomes(deck, REFUSED, waits=False):
        case = (term, window, environment, outcome)
        assert outcome.get("code") == 2, case
        assert "TERM" in outcome["text"] and (term or "not set") in outcome["text"], case
        assert "commands: domains, watch" in outcome["text"] and "`drdeck --help`" in outcome["text"], case
        assert "\x1b" not in outcome["raw"] and len(outcome["raw"]) < 600, case
