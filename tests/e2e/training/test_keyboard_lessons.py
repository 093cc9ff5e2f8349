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

    def chooses(self, item: str) -> None:
        """An item of the menu, wherever it stands there."""
        self.keys += self.console.choose(item)

    def confirms(self, heading: str) -> None:
        """Cancel has the focus."""
        self.dialog(heading, "tab", "enter")

    def ends_test(self, note: str, *to_the_result: str) -> None:
        self.chooses("End Test")
        self.dialog("End Test", "shift+tab", note, "enter")
        self.sees(note, "[>End: passed<]")
        self.console.pause_for_dialog()
        self.presses(*to_the_result, "enter")

    def fails_over_in_one_sitting(self) -> None:
        self.presses("f")
        self.dialog("Failover of Protected Domain intranet", "down")
        self.sees("> VM_3510")
        self.presses("right", "=", "2")
        self.sees("‹ DRSeg ›")
        self.presses("tab", "tab", "tab", "tab")
        self.sees("[>Failover<]")
        self.console.pause_for_dialog()
        self.presses("enter")
        self.confirms("Continuous rehydration")
        self.dismisses_result()

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
    for number in ("1", "2", "3", "4", "7", "8", "9"):
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


def test_lesson_8_by_its_keys(deck: Deck) -> None:
    """A test that failed and says so, and one of an older point that is proved."""
    trainee = Trainee(deck, "8", "40")
    try:
        trainee.sees("> Test erp-prod from its newest points", "20/20")
        trainee.coach_tells("m, Test Failover. Enter leads from list to list and to the button")
        trainee.chooses("Test Failover")
        form = "Test Failover of Protected Domain erp-prod"
        trainee.dialog(form, "enter", "enter", "enter")
        trainee.sees("[>Test Failover<]", "enter. The line above says TEST and how long.")
        trainee.presses("enter")
        trainee.confirms("Test Failover")
        trainee.sees("> End that test, and say with a note that it failed", "TEST 0")
        trainee.coach_tells("Shift+tab goes to the note; write it. Then tab to End: failed")
        trainee.ends_test("files are unreadable", "tab")
        trainee.sees("> Test it again as of 22:40 or before")
        trainee.coach_tells("Type 22:40 and enter: the list goes there")
        trainee.chooses("Test Failover")
        trainee.sees(form, " group ")
        trainee.dialog(form, "22:40", "enter")
        trainee.sees("> 2026-01-16 22:40:00Z")
        trainee.presses("enter", "enter", "enter")
        trainee.sees("[>Test Failover<]", "  as of 2026-01-16 22:40:00Z")
        trainee.presses("enter")
        trainee.sees("cloned as of 2026-01-16 22:40:00Z")
        trainee.confirms("Test Failover")
        trainee.sees("> End it as passed, with a note", "TEST 0")
        trainee.ends_test("logins and postings work")
        finished(trainee)
    finally:
        trainee.console.close()
    standing = deck.json("train", "8", "--", "show", "erp-prod")
    assert standing["test"] is None and standing["mode"] == "imported"


def test_lesson_9_by_its_keys(deck: Deck) -> None:
    """There, undone, there again and committed, home, and ready for the next time."""
    trainee = Trainee(deck, "9", "60")
    try:
        trainee.sees("> Fail intranet over in one sitting", "3/3")
        trainee.coach_tells("f. Down goes to the networks", "2 is Planned Failover")
        trainee.fails_over_in_one_sitting()
        trainee.sees("> Undo the failover: intranet is imported again")
        trainee.coach_tells("m, Undo Failover. Type intranet")
        trainee.chooses("Undo Failover")
        trainee.dialog("Undo Failover", "intranet", "enter")
        trainee.sees("[>Undo Failover<]")
        trainee.console.pause_for_dialog()
        trainee.presses("enter")
        trainee.sees("> Fail it over again, and commit", " Imported ")
        trainee.fails_over_in_one_sitting()
        trainee.chooses("Commit Failover")
        trainee.confirms("Commit Failover")
        trainee.sees("> Sunday evening: bring the data home with Failback")
        trainee.chooses("Failback")
        trainee.confirms("Failback")
        trainee.sees("> Be ready for the next time", " Imported ")
        trainee.chooses("Resume Continuous Rehydration")
        trainee.confirms("Resume Continuous Rehydration")
        trainee.sees("unprotected 00:00:00")
        finished(trainee)
    finally:
        trainee.console.close()
    standing = deck.json("train", "9", "--", "show", "intranet")
    assert standing["mode"] == "synchronised" and standing["owner"] == "remote"
