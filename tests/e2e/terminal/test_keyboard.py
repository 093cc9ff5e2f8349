"""The whole flow by keyboard in a real terminal, on two vCenters; losing the terminal changes nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import datetime

import pytest

from drdeck.model.times import show
from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.vcenter.flowsite import DOMAIN, VMS, MakeDeck, boot
from tests.support.vcenter.vcsim import VCenter


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def open_console(deck: Deck, terminals: list[Terminal]) -> Terminal:
    terminal = Terminal(deck.argv(), deck.env)
    terminals.append(terminal)
    terminal.wait_for("Protected Domains", DOMAIN)
    return terminal


def start(t: Terminal) -> None:
    """Continuous failover through More menu and wizard, from the list."""
    t.wait_for(f"{len(VMS)}/{len(VMS)}")  # its VMs are read, too: before, nothing is possible
    t.press("m")
    t.wait_for("More", "Continuous Failover")
    t.press("enter")
    t.wait_for("Continuous Failover Protected Domain", "1. General")
    t.pause_for_dialog()
    t.press("enter")
    t.wait_for("Recovery VM Network", "DC0_DVPG0")
    t.press("enter")
    t.wait_for(">5. Summary", ">Cancel<")
    t.pause_for_dialog()
    t.press("tab", "enter")
    t.wait_gone("5. Summary")


def complete_with_force(t: Terminal) -> None:
    """The Complete dialog with Force and Run PITR, its messages, and the typed name."""
    t.press("f")
    t.wait_for(f"Complete Continuous Failover for Protected Domain {DOMAIN}")
    t.wait_for("Run PITR after recovering VMs", "answers, 3 of 3 VMs run there")
    t.pause_for_dialog()
    t.press("3", "i")
    t.wait_for(") Force Failover", "[x] Run PITR")
    assert "(•) Force" in t.text() or "(*) Force" in t.text()
    t.wait_for("3 of 3 VMs run there: after a Force Failover")
    t.press("tab")
    t.wait_for(">Complete Failover<")
    t.press("enter")
    for message in ("PITR session", "Continuous rehydration"):
        t.wait_for(message, ">Cancel<", "y Continue")
        t.pause_for_dialog()
        t.press("y")
    t.wait_for("not needed, the site is up", "both copies run at once", ">Cancel<")
    t.pause_for_dialog()
    t.press("tab", "enter")
    t.wait_gone("not needed, the site is up")
    t.wait_for("Force failover", "Cancel")
    t.pause_for_dialog()
    t.press(*DOMAIN)
    t.press("enter")
    t.pause_for_dialog()
    assert "Force failover" in t.text(), "enter in the field never confirms tier 3"
    t.wait_for(">Confirm<")
    t.pause_for_dialog()
    t.press("enter")
    t.wait_gone("Force failover")


def roll_back(t: Terminal, to: str, done: str) -> None:
    """Run PITR from the More menu of the list, to a typed time."""
    t.press("m")
    t.wait_for("Run PITR", "Exit PITR Session")
    t.press("enter")
    t.wait_for("Run PITR of", "foreign")
    t.press(*to, "enter")
    t.wait_for(">Run PITR<")
    t.press("enter")
    t.wait_for(f"Roll {DOMAIN} back to", ">Cancel<")
    t.pause_for_dialog()
    t.press("tab", "enter")
    t.wait_for(f"rolled back to {done}", "Run PITR of erp-prod: done")


def leave(t: Terminal) -> None:
    """Exit PITR Session after a rollback, from Run PITR."""
    t.press("escape")
    t.wait_for("Protected Domains")
    t.press("m")
    t.wait_for("Exit PITR Session")
    t.press("down", "enter")
    t.wait_for("Exit PITR Session", ">Cancel<")
    t.pause_for_dialog()
    t.press("tab", "enter")


LOOKS = {
    "utf-8": {},
    "LANG=C": {"LANG": "C", "LC_ALL": "C"},
    "NO_COLOR": {"NO_COLOR": "1"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_flow_by_keyboard(
    look: str,
    deck: Deck,
    recovery: VCenter,
    protected_vcenter: VCenter,
    points: list[datetime],
    terminals: list[Terminal],
) -> None:
    deck.env |= LOOKS[look]
    t = open_console(deck, terminals)
    start(t)
    t.wait_for("In sync", "3/3")
    complete_with_force(t)
    t.press("t")
    t.wait_for("Task Steps", "Take Protected Domain ownership", "Execute runbook", "RTO")
    t.press("escape")
    t.wait_for("PITR session", "UNPROTECTED", "3/3")
    roll_back(t, "-30m", show(points[1]).replace("T", " "))
    assert {recovery.standing_on(vm) for vm in VMS} == {"replica 1"}
    assert all(recovery.power(vm) == "on" for vm in VMS)
    leave(t)
    t.wait_for("Continuous Rehydration Task Result", "VMs Recovery Status", "Total VMs Recovered", "Dismiss")
    t.pause_for_dialog()
    t.press("enter")
    t.wait_for("Running in Failover")
    assert {recovery.standing_on(vm).startswith(("replica 1", "drdeck-")) for vm in VMS} == {True}
    assert all(protected_vcenter.power(vm) == "on" for vm in VMS)
    assert t.text().isascii() or look != "LANG=C"
    done = deck.json("tasks")["operations"]
    assert sorted(op["action"] for op in done) == ["cfo_complete", "cfo_start", "pitr_exit", "pitr_run"]
    assert {op["state"] for op in done} == {"done"}


def test_losing_terminals_and_detaching_changes_nothing(
    make_deck: MakeDeck, vcenter: VCenter, protected_vcenter: VCenter, terminals: list[Terminal]
) -> None:
    """This vCenter's guests boot when told, so that the failover is under way all the time."""
    deck = make_deck(vcenter, protected_vcenter)
    deck.run("cfo", "start", DOMAIN, "--wait")
    hung_up = open_console(deck, terminals)
    complete_with_force(hung_up)
    while not any(op["action"] == "cfo_complete" for op in deck.json("tasks")["operations"]):
        hung_up.read(0.1)  # what was not handed over yet dies with the terminal, rightly
    before = deck.json("controller", "status")["pid"]
    hung_up.kill(signal.SIGHUP)
    hung_up.close()

    killed = open_console(deck, terminals)
    killed.wait_for("A failover is in progress", "Failover (force, Run PITR)")
    killed.kill(signal.SIGKILL)
    killed.close()

    detached = open_console(deck, terminals)
    detached.wait_for("A failover is in progress", ">Dismiss<")
    detached.pause_for_dialog()
    detached.press("enter")
    detached.wait_gone("A failover is in progress")
    detached.press("d")
    assert detached.ended() == 0

    assert deck.json("controller", "status")["consoles"] == []
    domain = deck.domain(DOMAIN)
    assert domain["mode"] == "completing" and domain["session"] is None
    boot(vcenter)
    deck.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    assert deck.json("controller", "status")["pid"] == before
    entries = [s.name for vm in VMS for s in vcenter.snapshots(vm) if s.name.startswith("drdeck-")]
    assert len(entries) == len(VMS) and len(set(entries)) == 1
    again = open_console(deck, terminals)
    again.wait_for("PITR session", "UNPROTECTED")
