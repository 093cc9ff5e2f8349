"""Two jump hosts, one vCenter: one drives, the other sees it, and takes over when it may."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.console.terminal import poll
from tests.support.deck import Deck
from tests.support.vcenter import flowsite
from tests.support.vcenter.flowsite import DOMAIN, PITR_DOMAIN, boot
from tests.support.vcenter.vcsim import VCenter

LEASE = 'lease = "10s"\nquiet_lease = "10s"'
"""Short, and yet so long that a driver is not taken for silent which a busy machine holds up."""


@pytest.fixture
def decks(tmp_path: Path, vcenter: VCenter) -> Iterator[tuple[Deck, Deck]]:
    """Two state directories on one vCenter whose guests boot only when told."""
    root = flowsite.lay_out(vcenter, None, flowsite.instants())
    new_decks = []
    for name in ("anna", "bob"):
        directory = tmp_path / name
        directory.mkdir()
        deck = flowsite.deck(directory, vcenter, root, None, PITR_DOMAIN, extra=LEASE)
        deck.env["LOGNAME"] = name
        new_decks.append(deck)
    yield new_decks[0], new_decks[1]
    for deck in new_decks:
        deck.stop()


def pid(deck: Deck) -> int:
    return int(deck.json("controller", "status")["pid"])


def begin(deck: Deck) -> str:
    """A completion that waits for its guests; returns its id."""
    deck.run("cfo", "start", DOMAIN, "--wait")
    argv = ("cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", "--confirm", DOMAIN)
    return str(deck.json(*argv)["operation"])


def mode(deck: Deck) -> str:
    return str(deck.domain(DOMAIN)["mode"])


def wait_powered(vcenter: VCenter) -> None:
    poll(lambda: vcenter.power("erp-db01") == "on", 60)


def refused_as_driven(deck: Deck) -> Callable[[], bool]:
    return lambda: "driven by" in deck.run("takeover", DOMAIN, code=None).stderr


def sessions(vcenter: VCenter) -> int:
    """Entry points of one VM: one for each session that ever became active and is not over."""
    return sum(1 for s in vcenter.snapshots("erp-db01") if s.name.startswith("drdeck-"))


def test_a_killed_driver_is_followed_by_another_that_goes_on(
    decks: tuple[Deck, Deck], vcenter: VCenter
) -> None:
    anna, bob = decks
    ident = begin(anna)
    wait_powered(vcenter)
    bob.run("domains")
    poll(refused_as_driven(bob), 60)
    refused = bob.run("cfo", "complete", DOMAIN, "--type", "force", "--confirm", DOMAIN, code=3)
    assert "driven by" in refused.stderr
    os.kill(pid(anna), signal.SIGKILL)
    poll(lambda: bob.run("takeover", DOMAIN, "--wait", code=None).returncode == 0, 60)
    tasks = {op["id"]: op for op in bob.json("tasks")["operations"]}
    assert tasks[ident]["state"] == "open", "what was begun there goes on here, under its own id"
    host = socket.gethostname()
    assert (tasks[ident]["actor"], tasks[ident]["taken_over_by"]) == (f"anna@{host}", f"bob@{host}")
    assert f" by anna@{host}, taken over by bob@{host}" in bob.run("tasks").stdout
    boot(vcenter)
    bob.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    assert sessions(vcenter) == 1
    bob.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    anna.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    assert mode(anna) == "running_in_failover"
    assert bob.json("audit", "verify")["sound"] and anna.json("audit", "verify")["sound"]


def test_a_driver_at_work_is_taken_over_on_a_typed_word_only(
    decks: tuple[Deck, Deck], vcenter: VCenter
) -> None:
    anna, bob = decks
    begin(anna)
    wait_powered(vcenter)
    poll(refused_as_driven(bob), 60)
    refused = bob.run("takeover", DOMAIN, code=3)
    assert "confirmed with the name of the domain" in refused.stderr
    bob.run("takeover", DOMAIN, "--confirm", DOMAIN, "--wait")
    boot(vcenter)
    bob.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    assert sessions(vcenter) == 1
    followed = anna.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, code=3)
    assert "driven by" in followed.stderr
    poll(lambda: mode(anna) == "pitr_session", 60)  # it goes on following


def test_a_driver_that_was_stopped_wakes_up_and_does_nothing(
    decks: tuple[Deck, Deck], vcenter: VCenter
) -> None:
    anna, bob = decks
    begin(anna)
    wait_powered(vcenter)
    poll(refused_as_driven(bob), 60)
    stopped = pid(anna)
    os.kill(stopped, signal.SIGSTOP)
    try:
        poll(lambda: bob.run("takeover", DOMAIN, "--wait", code=None).returncode == 0, 60)
        boot(vcenter)
        bob.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    finally:
        os.kill(stopped, signal.SIGCONT)
    poll(lambda: mode(anna) == "pitr_session", 60)
    assert sessions(vcenter) == 1
    bob.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    poll(lambda: mode(anna) == "running_in_failover", 60)
    intents = [
        line for line in anna.run("audit", "export").stdout.splitlines() if "start PITR session" in line
    ]
    done = [line for line in intents if '"kind":"outcome"' in line and '"result":"done"' in line]
    assert not done, "the one that slept started no session"


def test_a_copy_of_a_jump_host_is_noticed(decks: tuple[Deck, Deck], vcenter: VCenter) -> None:
    """register V17: two processes of one name; who sees that stops, and says so."""
    anna, copy = decks
    copy.env["LOGNAME"] = "anna"
    for deck in decks:  # on a slow machine either may be silent for longer than ten seconds
        deck.config.write_text(
            deck.config.read_text("utf-8").replace(LEASE, LEASE.replace("10s", "60s")), "utf-8"
        )
    begin(anna)
    wait_powered(vcenter)
    anna.stop()
    shutil.copytree(anna.state, copy.state, dirs_exist_ok=True)
    for deck in decks:
        poll(functools.partial(_at_work, deck), 60)
    boot(vcenter)  # both go on with what was begun: each takes the lease for that of a process before it
    notice = "another process under this controller's own name"
    poll(lambda: any(notice in deck.run("show", DOMAIN).stdout for deck in decks), 60)
    poll(lambda: mode(anna) == mode(copy) == "pitr_session", 60)
    stopped, drives = (
        deck for deck in sorted(decks, key=lambda deck: notice not in deck.run("show", DOMAIN).stdout)
    )
    refused = stopped.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, code=3).stderr
    assert "is this machine, or its state directory, a copy?" in refused
    assert notice not in drives.run("show", DOMAIN).stdout and sessions(vcenter) == 1
    drives.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")


def _at_work(deck: Deck) -> bool:
    return mode(deck) == "completing"
