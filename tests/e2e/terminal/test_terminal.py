"""The command line at a terminal and in a pipe: questions, Ctrl-C, and readers that go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from drdeck.cli import prompts
from tests.support.console.terminal import Terminal, poll
from tests.support.deck import Deck

SCENARIO = """
name = "small"
start = "2026-01-16T22:00:00Z"
[[domains]]
name = "erp"
pitr = { enabled = true, window = "3d", interval = "1m" }
state = "synchronised"
protected_site = "lost"
[[domains.vms]]
name = "db1"
disk_bytes = 1_000_000_000
write_bytes_per_s = 1_000
network = "VM_3510"
"""
FORCE = ("cfo", "complete", "erp", "--type", "force", "--run-pitr", "--network", "VM_3510=DRSeg")
CONSENT = 'Type the name of the domain ("erp") to continue:'

Type = Callable[..., Terminal]


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    (tmp_path / "small.toml").write_text(SCENARIO)
    new_deck = Deck(tmp_path, '[sites.training]\nkind = "training"\nscenario = "small.toml"\nspeed = 500\n')
    yield new_deck
    new_deck.stop()


@pytest.fixture
def at_terminal(deck: Deck) -> Iterator[Type]:
    opened: list[Terminal] = []

    def run(*words: str) -> Terminal:
        opened.append(Terminal(deck.argv(*words), deck.env, columns=120))
        return opened[-1]

    yield run
    for terminal in opened:
        terminal.close()


def awaiting_consent(terminal: Terminal) -> Terminal:
    """Until it waits for what is typed."""
    terminal.wait_for(CONSENT)
    return terminal


def ended_by(terminal: Terminal, key: bytes) -> int:
    """Press it until the program ends; a key may come between the question and the waiting for its answer."""
    deadline = time.monotonic() + 60
    while True:
        os.write(terminal.fd, key)
        quiet = time.monotonic() + 3
        while time.monotonic() < quiet:
            if not terminal.read(0.1):
                return terminal.ended()
        assert time.monotonic() < deadline, f"it goes on:\n{terminal.text()}"


async def test_one_ctrl_c_ends_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside an event loop, which would take the first one for itself."""

    def interrupted(*args: object, **kwargs: object) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return "answered"

    before = signal.signal(signal.SIGINT, lambda *args: None)  # what a loop does of it
    monkeypatch.setattr(click, "prompt", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            prompts.ask("Well?")
        assert callable(after := signal.getsignal(signal.SIGINT)) and after(2, None) is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_consent_is_typed_once_and_word_for_word(deck: Deck, at_terminal: Type) -> None:
    wrong = awaiting_consent(at_terminal(*FORCE))
    assert "this site takes the domain over" in wrong.text()
    assert "Not checked: whether users can reach the recovery network" in wrong.text()
    wrong.press("er", "enter")
    assert wrong.ended() == 3 and "'er' is not its name" in wrong.text().replace("\n", "")
    assert deck.json("tasks")["operations"] == []

    right = awaiting_consent(at_terminal(*FORCE, "--wait"))
    right.press("erp", "enter")
    assert right.ended() == 0 and "op-" in right.text()
    assert deck.domain("erp")["session"]["state"] == "active"

    out = at_terminal("pitr", "exit", "erp", "--confirm", "nothing")
    assert out.ended() == 3, "a --confirm that does not match is not asked about"
    awaiting_consent(at_terminal("pitr", "exit", "erp")).press("erp", "enter")
    deck.run("watch", "erp", "--until", "idle", "--timeout", "60")
    assert deck.domain("erp")["mode"] == "running_in_failover"


def test_giving_up(deck: Deck, at_terminal: Type) -> None:
    for key, name in ((b"\x03", "ctrl+c"), (b"\x04", "ctrl+d")):
        terminal = awaiting_consent(at_terminal(*FORCE))
        assert ended_by(terminal, key) == 1, name
        assert "given up" in terminal.text() and "Traceback" not in terminal.text()
    assert deck.json("tasks")["operations"] == []

    watching = at_terminal("watch", "erp", "--until", "session")
    watching.wait_for("erp  Continuous Rehydration in Progress")
    assert ended_by(watching, b"\x03") == 130 and "Traceback" not in watching.text()

    waiting = at_terminal("pitr", "start", "erp", "--wait")
    assert waiting.ended() == 3, "refused before anything is waited for"


def test_ctrl_c_ends_the_waiting_and_not_the_operation(deck: Deck, at_terminal: Type) -> None:
    deck.run("--speed", "1", "controller", "start")  # else it is over before anybody can press a key
    waiting = at_terminal(*FORCE, "--confirm", "erp", "--wait")
    waiting.wait_for("op-")
    assert ended_by(waiting, b"\x03") == 130
    ident = next(word for word in waiting.text().split() if word.startswith("op-"))
    assert f"operation {ident} continues" in waiting.text()
    assert deck.domain("erp")["operation"] == ident


def test_ctrl_c_at_any_moment_leaves_no_traceback(deck: Deck) -> None:
    deck.run("domains")
    for milliseconds in range(40, 300, 26):
        with subprocess.Popen(
            deck.argv("domains"),
            env=deck.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                process.wait(milliseconds / 1000)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            stderr = process.stderr.read().decode()
            process.wait(60)
        # before our first line the interpreter itself may still be at work, also at finding where that is
        ours = [line for line in stderr.splitlines() if line.endswith(", in main") and "<frozen" not in line]
        assert "Traceback" not in stderr or not ours, (milliseconds, stderr)


def test_a_reader_that_goes_ends_the_watching(deck: Deck) -> None:
    deck.run("domains")
    with subprocess.Popen(
        deck.argv("watch", "--json"), env=deck.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b'{"time"')
        process.stdout.close()
        poll(lambda: process.poll() is not None, 60)
        assert process.returncode == 1 and process.stderr.read() == b""


@pytest.mark.parametrize("words", [("domains", "--json"), ("audit", "export"), ("show", "erp"), ("--help",)])
def test_a_reader_that_was_never_there(deck: Deck, words: tuple[str, ...]) -> None:
    deck.run("domains")
    for redirected in (">&-", "| true", "> /dev/full"):
        line = subprocess.list2cmdline(deck.argv(*words)) + redirected
        done = subprocess.run(["bash", "-c", line], env=deck.env, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr, (line, done.stderr)
        if redirected.endswith("full") and sys.platform == "linux":
            sentence = "drdeck: the output cannot be written: No space left on device\n"
            assert (done.returncode, done.stderr) == (1, sentence), line
