"""Lessons played in a terminal by the keys that the coach tells, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.console.terminal import KEYS, Terminal
from tests.support.deck import Deck
from tests.support.plans.report_figures import counts_to_one_instant, last_screen, last_sentences, recomputed


class Trainee:
    """Presses what was told; before each key in a dialog it reads, as long as the dialog is deaf."""

    def __init__(self, deck: Deck, lesson: str, speed: str) -> None:
        self.deck, self.lesson = deck, lesson
        self.console = Terminal(deck.argv("train", lesson, "--speed", speed), deck.env)
        self.keys = 0
        """pressed by `dialog`, `presses`, each letter of a typed text for itself"""

    def sees(self, *texts: str) -> None:
        self.console.wait_for(*texts, within=60)

    def presses(self, *keys: str) -> None:
        self.console.press(*keys)
        self.keys += sum(1 if key in KEYS else len(key) for key in keys)

    def dialog(self, heading: str, *keys: str) -> None:
        """In the dialog of that heading."""
        self.sees(f"│ {heading} ")
        self.console.pause_for_dialog()
        self.presses(*keys)

    def coach_tells(self, *words: str) -> None:
        """The coach tells these keys when asked twice."""
        self.console.press("h")
        self.sees(" ? ")
        self.console.press("h")
        self.console.wait_for(
            within=60, until=lambda: all(w in " ".join(self.console.text().split()) for w in words)
        )

    def journal(self) -> list[dict[str, Any]]:
        """The lesson's own, as it is exported."""
        lines = self.deck.run("train", self.lesson, "--", "audit", "export").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def starts_continuous_failover(self) -> None:
        self.console.press("m")
        self.dialog("More", "enter")
        self.dialog("Continuous Failover Protected Domain", "enter")
        self.sees(">2b. VM Settings")
        self.console.press("right", "=")
        self.sees("[>Next<]")
        self.console.press("enter")
        self.sees(">5. Summary")
        self.console.pause_for_dialog()
        self.console.press("tab", "enter")

    def completes(self, *keys: str) -> None:
        self.console.press("f")
        self.sees("Failover type")
        self.dialog("Complete Continuous Failover for Protected Domain", *keys, "tab", "enter")

    def goes_back(self) -> None:
        """From Run PITR; a key right behind an escape would be another key to the terminal."""
        self.console.press("escape")
        self.console.wait_gone("Run PITR of")

    def completes_planned_with_a_session(self) -> None:
        self.completes("2", "i")
        self.dialog("PITR session", "y")
        self.dialog("Continuous rehydration", "tab", "enter")

    def leaves_session(self, *typed: str) -> None:
        self.console.press("m")
        self.sees("│ More ", "Exit PITR Session")
        self.console.press("down", "enter")
        self.dialog("Exit PITR Session", *typed, "tab", "enter")

    def dismisses_result(self) -> None:
        self.dialog("Continuous Rehydration Task Result", "enter")


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path)
    yield new_deck
    for number in ("1", "2", "3", "4", "7"):
        if (new_deck.state / "lessons").is_dir():
            new_deck.run("train", number, "--", "controller", "stop", "--force", code=None)


def finished(trainee: Trainee) -> None:
    trainee.sees("Finished: L chooses another lesson, d leaves.")
    trainee.console.press("d")
    assert trainee.console.ended() == 0
    result = trainee.deck.json("train", trainee.lesson, "--judge")
    assert result["finished"] is True
    kinds = [m["kind"] for m in result["mistakes"] if m["kind"] != "session_left_open"]
    assert kinds == [], "the time in a session depends on how fast this machine is"


def test_lesson_1_by_its_keys(deck: Deck) -> None:
    trainee = Trainee(deck, "1", "30")
    try:
        trainee.sees("> Start Continuous Failover of intranet", "3/3")
        trainee.coach_tells("= gives it to all, enter")
        trainee.starts_continuous_failover()
        trainee.sees("> Complete it as a Planned Failover")
        trainee.coach_tells("2 is Planned Failover, i ticks Run PITR")
        trainee.completes_planned_with_a_session()
        trainee.sees("> Run PITR: roll all VMs back")
        trainee.coach_tells("p opens Run PITR")
        trainee.console.press("p")
        trainee.sees("Run PITR of intranet", " group ")
        trainee.console.press("down", "down", "enter")
        trainee.dialog("Run PITR", "tab", "enter")
        trainee.sees("> Leave the session")
        trainee.coach_tells("escape, m, down to Exit PITR Session")
        trainee.goes_back()
        trainee.leaves_session()
        trainee.dismisses_result()
        finished(trainee)
    finally:
        trainee.console.close()


def test_lesson_2_by_its_keys(deck: Deck) -> None:
    trainee = Trainee(deck, "2", "60")
    try:
        trainee.sees("> Start Continuous Failover of erp-prod", "20/20")
        trainee.starts_continuous_failover()
        trainee.sees("> Complete it so that a PITR session starts")
        trainee.completes_planned_with_a_session()
        trainee.sees("> Roll back until every one of the 20 VMs")
        trainee.coach_tells("g goes to the last good point")
        trainee.console.press("p")
        trainee.sees("Run PITR of erp-prod", "22:42:00Z (g)")
        trainee.console.press("g")
        trainee.sees("22:42:00Z", "all VMs (20)")
        trainee.console.press("enter")
        trainee.dialog("Run PITR", "tab", "enter")
        trainee.sees("> Leave the session", "20 of 20 ok")
        trainee.goes_back()
        trainee.leaves_session()
        trainee.dismisses_result()
        finished(trainee)
    finally:
        trainee.console.close()


def test_lesson_3_by_its_keys(deck: Deck) -> None:
    trainee = Trainee(deck, "3", "60")
    try:
        trainee.sees("> Start Continuous Failover of warehouse", "12/12")
        trainee.starts_continuous_failover()
        trainee.sees("> Complete it although nobody at the protected site can be asked")
        trainee.coach_tells("3 is Force Failover", "type warehouse")
        trainee.completes("3")
        trainee.dialog("Continuous rehydration", "y")
        trainee.dialog("Force failover", "warehouse", "tab", "tab", "enter")
        trainee.dismisses_result()
        finished(trainee)
    finally:
        trainee.console.close()


def test_lesson_4_by_its_keys(deck: Deck) -> None:
    trainee = Trainee(deck, "4", "60")
    try:
        trainee.sees("> Bring erp-prod over here", "20/20")
        trainee.starts_continuous_failover()
        trainee.sees("Continuous Failover of erp-prod: done")
        trainee.completes_planned_with_a_session()
        trainee.sees("> See on the PITR tab how far back the points reach")
        trainee.leaves_session("erp-prod", "tab")
        trainee.dismisses_result()
        trainee.sees("> See the price")
        trainee.coach_tells("m, Start PITR Session, enter; tab, enter")
        trainee.console.press("m")
        trainee.dialog("More", "enter")
        trainee.dialog("Start PITR Session", "tab", "enter")
        trainee.sees("UNPROTECTED erp-prod")
        trainee.console.press("p")
        trainee.sees("Run PITR of erp-prod", " group ")
        trainee.console.press("end", "enter")
        trainee.dialog("Run PITR", "tab", "enter")
        trainee.sees("> Leave this session too", "VMs FAILED")
        trainee.goes_back()
        trainee.leaves_session()
        finished(trainee)
    finally:
        trainee.console.close()


def test_lesson_7_takes_the_whole_site_over_with_fewer_than_forty_keys(deck: Deck) -> None:
    """From the list of domains to the last session left, each letter of what is typed counted."""
    trainee = Trainee(deck, "7", "120")
    try:
        trainee.sees("> Begin the Failover Plan whole-site by force", "40 domains")
        trainee.presses("F")
        trainee.dialog("Failover Plan", "enter")
        trainee.sees("38 domains begin, 406 VMs  2 warning  1 not possible  1 here")
        trainee.dialog("Failover Plan whole-site: All", "x")
        trainee.sees("36 domains begin", "2 left out")
        trainee.presses("b")
        trainee.sees('Type "whole-site 36"')
        trainee.dialog("Failover Plan whole-site", "whole-site 36", "down")
        trainee.sees("[>Begin<]")
        trainee.console.pause_for_dialog()
        trainee.presses("enter")
        trainee.sees("since decision", "wave 2 business held")
        trainee.console.wait_for("needs you (3), then running (0)", within=300)
        trainee.presses("a")
        trainee.sees("Answer all 3 alike")
        trainee.console.pause_for_dialog()
        trainee.presses("a", "right", "enter")
        trainee.console.wait_for("needs you (1), then running (0)", "erp-app07", within=300)
        trainee.presses("a")
        trainee.dialog("erp-prod needs you", "right", "enter")
        trainee.console.wait_for("to the end", "> Roll all sessions back to one instant", within=120)
        ended = trainee.console.text()
        trainee.presses("p")
        trainee.sees("Run PITR (all)   Failover Plan whole-site", "35/35", "g Before abnormal")
        trainee.presses("g")
        trainee.sees("35 of 35 go back, each for itself, to points from 08:30:00Z", "[>Run PITR (all)<]")
        trainee.presses("enter")
        trainee.sees("Roll 35 domains back to 2026-03-06 08:30:00Z.")
        trainee.dialog("Run PITR (all)", "tab", "enter")
        trainee.console.wait_for("> Leave every session", "rolled back to 08:30:00Z", within=120)
        trainee.presses("m")
        trainee.sees("Exit PITR Sessions ...")
        trainee.dialog("More", "end", "enter")
        trainee.sees("Rolled back (35)", "Not rolled back (0)")
        trainee.dialog("Exit PITR Sessions", "tab", "enter")
        trainee.console.wait_for("Finished: L chooses another lesson", within=120)
        assert trainee.keys < 40
        journal = trainee.journal()
        (run,) = {event["data"]["run"] for event in journal if event["kind"] == "run_begun"}
        trainee.console.wait_for(
            *last_sentences(journal, run),
            until=lambda: counts_to_one_instant(trainee.console.text(), journal, run),
        )
        finished(trainee)
    finally:
        trainee.console.close()
    figures = recomputed(journal, run)
    report = deck.json("train", "7", "--", "plan", "report", run)
    assert {key: report[key] for key in figures} == figures
    assert last_screen(journal, run) <= set(ended.split())
