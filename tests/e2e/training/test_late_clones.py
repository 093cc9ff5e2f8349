"""Test VMs that come late, and a replication tool that is paused, by command line and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line.completing import complete, completed
from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.training.calm_site import CALM, FILES, SETTINGS, alarms, kill

LATE = "drdeck-test-files-files-srv01"
START, END = ("test", "start", FILES), ("test", "end", FILES)


@pytest.fixture
def deck(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Deck]:
    """A calm training site; with the word of a tool it has one."""
    tool = getattr(request, "param", "none")
    (tmp_path / "calm.toml").write_text(CALM.replace("state =", f'tool = "{tool}"\nstate ='), "utf-8")
    new_deck = Deck(tmp_path, SETTINGS)
    new_deck.run("controller", "start")
    yield new_deck
    new_deck.stop()


def until_stray(deck: Deck) -> None:
    """A test is ended while a clone is made, which comes then."""
    deck.run("train", "inject", "late_clone", "--vm", "files-srv01")
    started = deck.run(*START, "--wait", "--timeout", "3", code=None)
    assert started.returncode not in (0, 3), started.stderr
    deck.run(*END, "--result", "failed", "--wait")
    deck.run("train", "jump", "1m")
    assert alarms(deck) == ["test_leftover"]


def trial_json(deck: Deck) -> dict[str, Any]:
    (rehearsal,) = deck.json("test", "show", FILES)["tests"]
    return dict(rehearsal)


def leftovers(deck: Deck) -> list[dict[str, Any]]:
    return list(deck.json("test", "leftovers")["leftovers"])


def test_a_late_clone_is_named_adopted_and_removed(deck: Deck) -> None:
    until_stray(deck)
    kill(deck)
    (left,) = leftovers(deck)
    assert (left["vm"], left["of"], left["listed"]) == (LATE, "files-srv01", False)
    assert f"drdeck test leftovers --adopt {LATE}" in left["why"]
    assert completed(deck, *deck.arguments, "test", "leftovers", "--adopt", "dr") == [LATE]
    assert "is not being tested" in deck.run(*END, code=3).stderr
    assert "has the mark of a test" in deck.run("test", "leftovers", "--adopt", "nobody", code=3).stderr
    assert deck.json("test", "leftovers", "--adopt", LATE, "--dry-run")["accepted"]
    deck.run("test", "leftovers", "--adopt", LATE, "--wait")
    (left,) = leftovers(deck)
    assert left["listed"] and left["vm"] == LATE and "End Test removes it" in left["why"]
    again = deck.run("test", "leftovers", "--adopt", LATE, code=3).stderr
    assert f'"{LATE}" is in the list of "{FILES}" already' in again
    deck.run(*END, "--wait")
    assert leftovers(deck) == [] and alarms(deck) == []
    assert complete(deck, *deck.arguments, "test", "leftovers", "--adopt", "") == []
    assert trial_json(deck)["tested"]["result"] == "failed"


def test_a_late_clone_by_keyboard(deck: Deck) -> None:
    until_stray(deck)
    console = Terminal(deck.argv(), deck.env)
    try:
        console.wait_for(FILES, "1 alarm")
        console.press("A")
        console.wait_for("is in no list of test VMs")
        console.press("escape")
        console.wait_gone("is in no list of test VMs")
        console.choose("Adopt Test VMs")
        console.wait_for("│ Adopt Test VMs ", f"left over: {LATE}", "End Test removes it")
        console.pause_for_dialog()
        console.press("tab", "enter")
        console.wait_for("TEST left over")
        console.choose("End Test")
        console.wait_for("│ End Test ", f"removed: {LATE}")
        console.pause_for_dialog()
        console.press("tab", "enter")
        console.wait_gone("TEST left over")
        console.press("d")
        assert console.ended() == 0
    finally:
        console.close()
    assert leftovers(deck) == [] and alarms(deck) == []


@pytest.mark.parametrize("deck", ["manual"], indirect=True)
def test_the_tool_is_asked_for_before_a_test_and_after_it(deck: Deck) -> None:
    started = deck.run(*START, "--wait", code=4)
    assert "Is the retention of the replication tool paused for files?" in started.stderr
    kill(deck)
    assert alarms(deck) == [] and trial_json(deck)["test"]["vms"] == []
    deck.run("answer", started.stdout.strip(), "confirm")
    deck.run("train", "jump", "5m")
    assert alarms(deck) == ["tool_paused"]
    assert trial_json(deck)["test"]["state"] == "running"
    ended = deck.run(*END, "--result", "passed", "--wait", code=4)
    assert "Resume the replication tool's retention" in ended.stderr
    kill(deck)
    assert alarms(deck) == ["tool_paused"]
    deck.run("answer", ended.stdout.strip(), "confirm")
    deck.run("watch", FILES, "--until", "idle", "--timeout", "30")
    assert alarms(deck) == [] and trial_json(deck)["test"] is None
