"""The logs: how much stands in them, and `drdeck logs`."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.vcenter.flow import eventually

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) drdeck(\.\w+)+: .+")


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path)
    yield new_deck
    new_deck.stop()


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


def test_debug_lines_of_a_console(deck: Deck) -> None:
    console = Terminal(deck.argv("--log-level", "debug"), deck.env)
    try:
        console.wait_for("erp-prod")
        console.press("d")
        console.ended()
    finally:
        console.close()
    logged = deck.run("logs").stdout
    for source, place in (
        ("console", "console.link: attached"),
        ("console", "console.repaint: news drawn in "),
    ):
        assert re.search(rf"^{source} +\S+Z DEBUG drdeck\.{place}", logged, re.MULTILINE), logged
    assert "DEBUG drdeck.controller.site_watcher: view " in logged, (
        "the controller that it started is told, too"
    )


@pytest.mark.parametrize("way", ["option", "environment"])
def test_another_level_is_refused_with_those_that_there_are(deck: Deck, way: str) -> None:
    words = ["--log-level", "loud"] if way == "option" else []
    if way == "environment":
        deck.env["DRDECK_LOG"] = "loud"
    error = deck.run(*words, "domains", code=2).stderr
    assert "--log-level" in error and "'loud' is not one of 'debug', 'info', 'warning', 'error'" in error
    assert "DRDECK_LOG" in error
    assert not deck.state.exists()


# -- drdeck logs


STAMP = "2026-01-16T22:00:{:06.3f}Z INFO drdeck.test: {}"


def place(deck: Deck) -> Path:
    """The state directory of the deck's site, where the logs are."""
    directory = deck.state / "training-ransomware"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory


def write(file: Path, *lines: str) -> None:
    with file.open("a", encoding="utf-8") as log:
        log.write("".join(f"{line}\n" for line in lines))


def follow(deck: Deck, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        deck.argv("logs", "--follow", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=deck.env,
    )


def test_without_a_log_a_sentence_says_so(deck: Deck) -> None:
    ended = deck.run("logs")
    assert ended.stdout == "" and ended.stderr.count("\n") == 1
    assert f"has a log in {deck.state}/training-ransomware yet" in ended.stderr
    assert deck.json("logs") == {"lines": []}
    assert not deck.state.exists(), "looking makes nothing"


def test_logs_are_shown_as_one_with_their_source_oldest_first(deck: Deck) -> None:
    controller, console = place(deck) / "controller.log", place(deck) / "console.log"
    write(controller.with_name("controller.log.2"), STAMP.format(1, "first"))
    write(controller.with_name("controller.log.1"), STAMP.format(3, "third"))
    write(
        controller,
        STAMP.format(5, "failed"),
        "    Traceback",
        "Fatal Python error",
        STAMP.format(4, "set back"),
    )
    write(console, STAMP.format(2, "second \x1b[2J"), STAMP.format(6, "last"))
    assert [line.partition("drdeck.test: ")[2] or line for line in deck.run("logs").stdout.splitlines()] == [
        "first",
        "second <U+001B>[2J",
        "third",
        "failed",
        "controller     Traceback",
        "controller Fatal Python error",
        "set back",
        "last",
    ]
    lines = deck.json("logs")["lines"]
    assert [line["source"] for line in lines] == [
        "controller", "console", *["controller"] * 5, "console",
    ]  # fmt: skip
    assert lines[0] == {
        "source": "controller", "time": "2026-01-16T22:00:01.000Z", "text": STAMP.format(1, "first"),
    }  # fmt: skip


def test_the_log_of_a_real_controller(deck: Deck) -> None:
    deck.run("domains")
    first = deck.run("logs").stdout.splitlines()[0]
    assert first.startswith("controller ") and LINE.fullmatch(first.removeprefix("controller "))


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_follow_goes_on_over_rotations_until_ctrl_c(deck: Deck, words: tuple[str, ...]) -> None:
    process = follow(deck, *words)
    assert process.stdout is not None and process.stderr is not None
    try:
        assert "waiting for one" in process.stderr.readline()
        log = place(deck) / "controller.log"
        numbers = iter(range(1000))

        def comes() -> None:
            """Write a line; it is the next that is shown."""
            number = next(numbers)
            write(log, STAMP.format(number % 60, f"number {number}"))
            line = process.stdout.readline()  # type: ignore[union-attr]
            text = json.loads(line)["text"] if words else line
            assert text.rstrip().endswith(f"number {number}"), line

        comes()
        for _ in range(4):
            with contextlib.suppress(FileNotFoundError):
                log.with_name("controller.log.1").rename(log.with_name("controller.log.2"))
            log.rename(log.with_name("controller.log.1"))
            comes()
            comes()
        with log.open("a") as half:
            half.write("half a ")
        write(log.with_name("console.log"), STAMP.format(59, "of a console"))
        line = process.stdout.readline()
        assert "console" in line and line.strip(' "}\n').endswith("of a console")
        write(log, "line")
        assert "half a line" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().strip() == ""
    finally:
        process.kill()
        process.wait()


def test_follow_ends_when_nobody_reads_any_more(deck: Deck) -> None:
    write(place(deck) / "console.log", STAMP.format(1, "first"))
    process = follow(deck)
    assert process.stdout is not None and process.stderr is not None
    try:
        assert "first" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 1 and process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
