"""Lessons with the real console in a terminal: the panel, the link that drops, attaching again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck


def play(deck: Deck, *words: str) -> Terminal:
    return Terminal(deck.argv(*words), deck.env)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path)
    yield new_deck
    for number in ("1", "5"):
        if (new_deck.state / "lessons").is_dir():
            new_deck.run("train", number, "--", "controller", "stop", "--force", code=None)


def test_the_panel_helps_and_folds(deck: Deck) -> None:
    console = play(deck, "train", "1", "--speed", "1")
    try:
        console.wait_for("Lesson 1: The whole flow")
        console.wait_for("> Start Continuous Failover of intranet")
        console.wait_for("3/3")
        console.press("h")
        console.wait_for("? A domain's More menu")
        console.press("h")
        console.wait_for("? m, Continuous Failover")
        console.press("ctrl+t")
        console.wait_for("ctrl+t Coach")
        assert "Continuous Failover of intranet" not in console.text()
        console.press("ctrl+t")
        console.wait_for("> Start Continuous Failover of intranet")
        console.press("d")
        assert console.ended() == 0
        assert "0 of 6 objectives met" in console.text()
        assert "hints 2" in console.text()
    finally:
        console.close()


def test_a_lesson_is_begun_from_the_first_screen_and_another_from_within_it(deck: Deck) -> None:
    fresh = [sys.executable, "-m", "drdeck", "--state", str(deck.state)]  # no settings anywhere
    console = Terminal(fresh, deck.env)
    try:
        console.wait_for("erp-prod", "L Training lessons")
        console.press("L")
        console.wait_for("Find the last good point", "enter begins it")
        console.pause_for_dialog()
        console.press("enter")
        console.wait_for("Lesson 1: The whole flow", "> Start Continuous Failover of intranet")
        console.wait_for("3/3")
        console.press(":")
        console.wait_for("Every act, domain")
        console.press("lessons")
        console.wait_for("Training lessons")
        console.press("enter")
        console.wait_for("0 of 6", "enter continues it")
        console.pause_for_dialog()
        console.press(*["down"] * 4)
        console.wait_for(" > 5 (5 min)    The link drops in mid-failover")
        console.press("enter")
        console.wait_for("5: The link drops in mid-failover", "3/3")
        console.press("d")
        assert console.ended() == 0
        assert "0 of 5 objectives met" in console.text()
        assert "train 5 continues it" in console.text()
    finally:
        console.close()
        deck.stop()


def test_the_link_drops_and_the_console_attaches_again(deck: Deck) -> None:
    console = play(deck, "train", "5", "--speed", "20")
    try:
        console.wait_for("5: The link drops in mid-failover")
        networks = ["--network", "VM_3510=DRSeg", "--network", "VM_3520=DRSeg"]
        deck.run("train", "5", "--", "cfo", "start", "intranet", *networks, "--wait")
        console.wait_for("> Complete it as a Planned Failover")
        # asked for without a look of its own, so that the console is the one that sees it
        home = deck.state / "lessons" / "link-drops"
        direct = Deck(deck.directory)
        direct.config, direct.state = home / "settings.toml", home
        direct.run("cfo", "complete", "intranet", "--type", "planned", "--run-pitr")
        assert console.ended() == 0
        assert "The line went dead." in console.text()
        direct.run("watch", "intranet", "--until", "session", "--timeout", "60")
    finally:
        console.close()
    again = play(deck, "train", "5")
    try:
        again.wait_for("A failover is in progress")
        again.wait_for("3 of 5")
        again.pause_for_dialog()
        again.press("tab", "enter")
        again.wait_for("Configurations", "3 of 5")
        result = deck.json("train", "5", "--judge")
        assert result["next"]["id"] == "roll-back"
    finally:
        again.close()
