"""A disk of others at a test VM is detached by somebody at a terminal: by keys, and by the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.life.rounds import foreign_disk
from tests.support.life.training_life import FOREIGN_DISK, LIFE_SETTINGS
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

LABEL = "Detach Foreign Disks"


@contextmanager
def terminal(deck: Deck, *words: str) -> Iterator[Terminal]:
    console = Terminal(deck.argv(*words), deck.env)
    try:
        yield console
    finally:
        console.close()


def words_of(console: Terminal) -> str:
    """What is on the screen, however its lines are broken; frames left out."""
    return " ".join(console.text().replace("│", " ").split())


def reads(console: Terminal, *texts: str) -> None:
    console.wait_for(until=lambda: all(text in words_of(console) for text in texts))


def detaches(console: Terminal, domain: str, file: str, vm: str) -> None:
    """By the keys that the screen shows: the alarm of the domain, the way back, the menu, its dialog."""
    console.wait_for("Protected Domains", domain)
    console.press("A")
    reads(console, "detach it")
    console.press("escape")
    console.wait_for("Protected Domains", domain)
    console.choose(LABEL)
    reads(console, "Detached, without deleting any file:", file, vm, "Cancel")
    console.pause_for_dialog()
    console.press("tab", "enter")
    console.wait_gone(f"│ {LABEL} ")


def test_at_a_training_site(tmp_path: Path) -> None:
    LIFE_SETTINGS.write(tmp_path)
    deck = Deck(tmp_path, LIFE_SETTINGS.toml)
    try:
        deck.run("test", "start", "erp", "--wait")
        deck.run("test", "end", "erp", "--result", "passed", "--wait")
        with terminal(deck) as console:
            detaches(console, "erp", FOREIGN_DISK, "drdeck-test-erp-db1")
            console.wait_gone("detach it")
            deck.run("watch", "erp", "--until", "idle")
        (test,) = deck.json("test", "show", "erp")["tests"]
        assert test["test"] is None and test["tested"]["result"] == "passed"
    finally:
        deck.stop()


def left_over(tests: TrialFlow) -> str:
    """A test that was ended while a disk of another VM was attached to a test VM; the disk's file."""
    deck = tests.flow.deck
    deck.run("test", "start", DOMAIN, "--wait")
    file = foreign_disk(tests)
    deck.run("test", "end", DOMAIN, "--result", "passed", "--wait")
    assert tests.clones() == [f"drdeck-test-{DOMAIN}-{VMS[0]}"]
    return file


def gone_with_the_file_left(tests: TrialFlow, file: str) -> None:
    tests.flow.until(lambda d: d["test"] is None and d["tested"])
    assert tests.clones() == []
    assert [disk for disk, _ in rehearsing.disk_files(tests.recovery, VMS[1])] == [file]


def test_at_a_vcenter_by_keys(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    file = left_over(tests)
    with terminal(tests.flow.deck) as console:
        detaches(console, DOMAIN, file, f"drdeck-test-{DOMAIN}-{VMS[0]}")
        gone_with_the_file_left(tests, file)


def test_at_a_vcenter_by_the_command(make_flow: MakeFlow, recovery: VCenter) -> None:
    """No line of the terminal is asked for: the command is the consent, `--dry-run` says to what."""
    tests = TrialFlow(make_flow, recovery)
    file = left_over(tests)
    with terminal(tests.flow.deck, "test", "detach", DOMAIN, "--dry-run") as console:
        assert console.ended() == 0
        reads(console, "Detached, without deleting any file:", file)
    assert len(tests.clones()) == 1
    with terminal(tests.flow.deck, "test", "detach", DOMAIN, "--wait") as console:
        assert console.ended() == 0
        reads(console, f"the disks of others are off the test VMs of {DOMAIN}, which are removed")
    gone_with_the_file_left(tests, file)
