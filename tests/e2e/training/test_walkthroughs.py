"""Each lesson from beginning to end by command line, against the real controller and training site."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.deck import Deck

SPEED = "300"
ERP = ["--network", "VM_3510=DRSeg", "--network", "VM_3520=DRSeg", "--network", "VM_3530=DRSeg"]
INTRANET = ERP[:4]
SESSION_TIME = {"session_left_open"}
"""depends on how fast this machine is, at a high speed of the site"""


class Lesson:
    """A lesson that is being played by commands."""

    def __init__(self, deck: Deck, number: str) -> None:
        self.deck, self.number = deck, number
        self.judge("--speed", SPEED)

    def do(self, *words: str, code: int | None = 0) -> str:
        """A command to the lesson's site; what it said on stderr."""
        return self.deck.run("train", self.number, "--", *words, code=code).stderr

    def judge(self, *words: str) -> dict[str, Any]:
        return self.deck.json("train", self.number, "--judge", *words)

    def show(self, domain: str) -> dict[str, Any]:
        done = self.deck.run("train", self.number, "--", "show", domain, "--json")
        domain_view: dict[str, Any] = json.loads(done.stdout)
        return domain_view

    def kill_controller(self) -> None:
        status = self.deck.run("train", self.number, "--", "controller", "status", "--json")
        os.kill(json.loads(status.stdout)["pid"], signal.SIGKILL)

    def end(self) -> None:
        self.do("controller", "stop", "--force", code=None)


@pytest.fixture
def deck(tmp_path: Path) -> Deck:
    return Deck(tmp_path)


@pytest.fixture
def play(deck: Deck) -> Iterator[Any]:
    begun: list[Lesson] = []

    def begin(number: str) -> Lesson:
        begun.append(Lesson(deck, number))
        return begun[-1]

    yield begin
    for lesson in begun:
        lesson.end()


def mistakes(result: dict[str, Any]) -> list[str]:
    return [m["kind"] for m in result["mistakes"] if m["kind"] not in SESSION_TIME]


def test_lesson_1_the_whole_flow(play: Any, deck: Deck, tmp_path: Path) -> None:
    lesson = play("1")
    begun = lesson.judge()
    assert begun["finished"] is False
    assert begun["objectives_met"] == 0
    assert begun["next"]["id"] == "rehydrate"
    assert "key" not in begun["next"]

    output = lesson.do("cfo", "start", "intranet", *INTRANET, "--wait")
    assert "Objective met: Start Continuous Failover" in output
    lesson.do("cfo", "complete", "intranet", "--type", "planned", "--run-pitr", "--wait")
    assert lesson.judge()["objectives_met"] == 3
    helped = lesson.judge("--key")
    assert helped["next"]["id"] == "roll-back"
    assert "pitr run intranet" in helped["next"]["command"]
    lesson.do("pitr", "run", "intranet", "--to", "08:55", "--wait")
    output = lesson.do("pitr", "exit", "intranet", "--wait")
    assert "The lesson is finished" in output

    file = tmp_path / "result.json"
    result = lesson.judge("--result", str(file))
    assert json.loads(file.read_text("utf-8")) == {k: v for k, v in result.items() if k != "next"}
    assert result["finished"] is True
    assert result["objectives_met"] == result["objectives_total"] == 6
    assert all(o["met_at"].endswith("Z") for o in result["objectives"])
    assert result["rolled_back_to"] == "2026-03-10T08:55:00Z"
    assert 0 < result["rto_s"] < 3600
    assert result["data_lost_s"] > 0
    assert result["unprotected_s"] > 0
    assert result["hints"] == 1
    assert mistakes(result) == []

    listed = deck.json("train")["lessons"]
    assert [row["number"] for row in listed if row["finished"]] == [1]
    lesson.end()
    assert lesson.judge("--again", "--speed", SPEED)["objectives_met"] == 0


def test_lesson_2_find_the_last_good_point(play: Any) -> None:
    lesson = play("2")
    lesson.do("cfo", "start", "erp-prod", *ERP, "--wait")
    lesson.do("cfo", "complete", "erp-prod", "--type", "planned", "--run-pitr", "--wait")
    sick = ("pitr", "run", "erp-prod", "--to", "2026-01-16T23:00:00Z", "--wait")
    refused = lesson.do(*sick, code=3)
    assert "2026-01-16 23:00:00Z lies in abnormal writing" in refused
    assert "last point before it: 2026-01-16 22:42:00Z" in refused
    output = lesson.do(*sick, "--healthy", "--confirm", "erp-prod", code=1)
    assert "FAIL their check" in output
    assert "Mistake: Some VM was hit before this instant" in output
    assert lesson.judge()["next"]["id"] == "clean"
    domain = lesson.show("erp-prod")
    assert domain["health"]["failed"] > 0 and domain["last_good"] == "2026-01-16T22:42:00Z"
    assert {"health_failed", "abnormal_writing"} <= {alarm["kind"] for alarm in domain["alarms"]}
    output = lesson.do("pitr", "run", "erp-prod", "--to", "before-abnormal", "--wait", "--healthy")
    assert "the last point before the abnormal writing is of 2026-01-16T22:42:00Z" in output
    assert "VMs pass their check" in output
    assert "Objective met: Roll back until" in output
    lesson.do("pitr", "exit", "erp-prod", "--wait")
    result = lesson.judge()
    assert result["finished"] is True
    assert result["data_lost_s"] == 0
    assert mistakes(result) == ["rollback_fails_health"]


def test_lesson_2_each_vm_to_its_own_point_is_right_too(play: Any) -> None:
    lesson = play("2")
    lesson.do("cfo", "start", "erp-prod", *ERP, "--wait")
    lesson.do("cfo", "complete", "erp-prod", "--type", "planned", "--wait")
    lesson.do("pitr", "start", "erp-prod", "--wait")
    sick = [vm["name"] for vm in lesson.show("erp-prod")["vms"] if vm["health"] == "failed"]
    assert sick
    late = [name for name in sick if name not in ("erp-app01", "erp-app02", "erp-app03")]
    for to, names in (
        ("22:42", ["erp-app03"]),
        ("22:47", ["erp-app01", "erp-app02"]),
        ("22:53", late),
    ):
        vms = [word for name in names for word in ("--vm", name)]
        confirm = ("--confirm", "erp-prod")
        lesson.do("pitr", "run", "erp-prod", "--to", f"2026-01-16T{to}:00Z", *vms, *confirm, "--wait")
    lesson.do("pitr", "exit", "erp-prod", "--wait")
    result = lesson.judge()
    assert result["finished"] is True
    assert "rollback_fails_health" not in mistakes(result)


def test_lesson_3_the_site_is_lost(play: Any) -> None:
    lesson = play("3")
    lesson.do(
        "cfo", "start", "warehouse", "--network", "VM_4100=DRSeg", "--network", "VM_4200=DRSeg", "--wait"
    )
    refused = lesson.do("cfo", "complete", "warehouse", "--type", "planned", code=3)
    assert "does not answer" in refused
    lesson.do("cfo", "complete", "warehouse", "--type", "force", "--confirm", "warehouse", "--wait")
    result = lesson.judge()
    assert result["finished"] is True
    assert result["rto_s"] > 0
    assert result["data_lost_s"] is not None
    assert mistakes(result) == []


def test_lesson_4_shows_what_it_costs(play: Any) -> None:
    lesson = play("4")
    lesson.do("cfo", "start", "erp-prod", *ERP, "--wait")
    lesson.do("cfo", "complete", "erp-prod", "--type", "planned", "--run-pitr", "--wait")
    had = lesson.show("erp-prod")
    lesson.do("pitr", "exit", "erp-prod", code=3)
    lesson.do("pitr", "exit", "erp-prod", "--confirm", "erp-prod", "--wait")
    assert lesson.judge()["next"]["id"] == "price"
    lesson.do("pitr", "start", "erp-prod", "--wait")
    refused = lesson.do("pitr", "run", "erp-prod", "--to", "2026-01-16T22:42:00Z", code=3)
    assert "cannot be reached any more" in refused
    listed = lesson.deck.run("train", "4", "--", "pitr", "points", "erp-prod", "--json")
    oldest = json.loads(listed.stdout)["points"][-1]["time"]
    lesson.do("pitr", "run", "erp-prod", "--to", oldest, "--wait")
    lesson.do("pitr", "exit", "erp-prod", "--wait")
    result = lesson.judge()
    assert result["finished"] is True
    assert mistakes(result) == []
    assert result["data_lost_s"] is None
    cost = result["cost"][0]
    failing = sum(vm["health"] == "failed" for vm in lesson.show("erp-prod")["vms"])
    assert cost["domain"] == "erp-prod"
    assert cost["points"] > 4000
    assert cost["vms_failing"] == failing == sum(vm["health"] == "failed" for vm in had["vms"]) > 0
    assert cost["from"] < "2026-01-16T22:42:00Z" < cost["to"]
    text = lesson.deck.run("train", "4", "--judge").stdout
    assert "Lost for good in erp-prod" in text


def test_lesson_4_is_lost_to_who_does_it_right(play: Any) -> None:
    lesson = play("4")
    lesson.do("cfo", "start", "erp-prod", *ERP, "--wait")
    lesson.do("cfo", "complete", "erp-prod", "--type", "planned", "--run-pitr", "--wait")
    lesson.do("pitr", "run", "erp-prod", "--to", "2026-01-16T22:42:00Z", "--wait")
    output = lesson.do("pitr", "exit", "erp-prod", "--wait")
    assert "Mistake: After a rollback the points are kept" in output
    assert lesson.judge()["finished"] is False


def test_lesson_5_goes_on_without_a_console(play: Any) -> None:
    lesson = play("5")
    lesson.do("cfo", "start", "intranet", *INTRANET, "--wait")
    output = lesson.do("cfo", "complete", "intranet", "--type", "planned", "--run-pitr")
    assert "Objective met: Complete it" in output
    lesson.do("watch", "intranet", "--until", "session", "--timeout", "60")
    assert lesson.judge()["next"]["id"] == "roll-back"
    lesson.do("pitr", "run", "intranet", "--to", "08:55", "--wait")
    lesson.do("pitr", "exit", "intranet", "--wait")
    result = lesson.judge()
    assert result["finished"] is True
    assert mistakes(result) == []


def test_lesson_6_a_vm_that_fails(play: Any) -> None:
    lesson = play("6")
    output = lesson.do("cfo", "complete", "files", "--type", "planned", "--wait", code=4)
    assert "files-srv03" in output
    operation = lesson.show("files")["operation"]
    answered = lesson.do("answer", operation, "retry")
    assert "Objective met: Wait until the failover asks about a VM that will not shut down" in answered
    output = lesson.do("watch", "files", "--until", "running_in_failover", "--timeout", "60", code=4)
    assert "files-web02" in output
    lesson.do("answer", operation, "retry")
    lesson.do("watch", "files", "--until", "running_in_failover", "--timeout", "60")
    result = lesson.judge()
    assert result["finished"] is True
    assert result["data_lost_s"] == 0
    assert mistakes(result) == []


def test_progress_outlives_controller_and_console(play: Any) -> None:
    lesson = play("1")
    lesson.do("cfo", "start", "intranet", *INTRANET, "--wait")
    lesson.kill_controller()
    assert lesson.judge()["objectives_met"] == 1


def test_a_damaged_progress_is_said_and_set_aside_on_request(play: Any, deck: Deck) -> None:
    lesson = play("1")
    file = deck.state / "lessons" / "whole-flow" / "progress.json"
    file.write_text("{", "utf-8")
    refused = deck.run("train", "1", "--judge", code=1)
    assert "is damaged" in refused.stderr
    assert "--again" in refused.stderr
    assert file.read_text("utf-8") == "{"
    assert lesson.judge("--again", "--speed", SPEED)["objectives_met"] == 0
    assert (deck.state / "lessons" / "whole-flow.before" / "progress.json").read_text("utf-8") == "{"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("99", "--judge"), 'there is no lesson "99"'),
        (("1", "--json"), "belong to --judge"),
        (("1", "--judge", "--", "show", "intranet"), "have no meaning with a command"),
        (("1", "--speed", "0", "--judge"), "--speed 0 is not above 0"),
        (("1",), "the console needs a terminal; --judge"),
        (("none.toml", "--judge"), "none.toml: cannot be read"),
    ],
)
def test_a_slip_of_the_pen_is_said(deck: Deck, words: tuple[str, ...], message: str) -> None:
    assert message in deck.run("train", *words, code=2).stderr


def test_a_lesson_has_a_site_of_its_own(deck: Deck) -> None:
    assert "leave --site" in deck.run("--speed", "2", "train", "1", "--judge", code=2).stderr


def test_lesson_8_a_test_that_proves_something(play: Any) -> None:
    lesson = play("8")
    stands = {key: lesson.show("erp-prod")[key] for key in ("mode", "owner")}
    lesson.do("test", "start", "erp-prod", "--for", "5d", "--vm", "erp-db01", "--wait")
    assert lesson.judge()["next"]["id"] == "newest", "one VM alone proves nothing"
    lesson.do("test", "end", "erp-prod", "--wait")
    lesson.do("test", "start", "erp-prod", "--for", "5d", "--wait")
    assert lesson.judge()["next"]["id"] == "verdict"
    lesson.do("test", "end", "erp-prod", "--result", "failed", "--note", "files are unreadable", "--wait")
    assert lesson.judge()["next"]["id"] == "older"
    lesson.do("test", "start", "erp-prod", "--to", "2026-01-16T22:40:00Z", "--for", "5d", "--wait")
    assert lesson.judge()["next"]["id"] == "proved"
    lesson.do("test", "end", "erp-prod", "--result", "passed", "--note", "postings work", "--wait")
    result = lesson.judge()
    assert result["finished"] is True
    assert mistakes(result) == ["test_unjudged"]
    assert {key: lesson.show("erp-prod")[key] for key in stands} == stands


def test_lesson_9_the_way_back(play: Any) -> None:
    lesson = play("9")
    there = ("failover", "run", "intranet", "--type", "planned", "--network", "*=DRSeg", "--wait")
    lesson.do(*there)
    assert lesson.judge()["next"]["id"] == "undone"
    lesson.do("failover", "undo", "intranet", "--confirm", "intranet", "--wait")
    assert lesson.judge()["next"]["id"] == "committed" and lesson.show("intranet")["mode"] == "imported"
    lesson.do(*there)
    lesson.do("failover", "commit", "intranet", "--wait")
    assert "committed" in lesson.do("failover", "undo", "intranet", "--confirm", "intranet", code=3)
    assert lesson.judge()["next"]["id"] == "home"
    lesson.do("domain", "failback", "intranet", "--wait")
    assert lesson.judge()["next"]["id"] == "ready"
    lesson.do("cfo", "resume", "intranet", "--wait")
    result = lesson.judge()
    assert result["finished"] is True
    assert mistakes(result) == []
