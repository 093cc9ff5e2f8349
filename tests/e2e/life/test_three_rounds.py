"""Three rounds of a domain's life by command line: tested, there, rolled back, and given back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck
from tests.support.life.rounds import (
    ROUNDS,
    check_left,
    kept,
    other_side_owns,
    other_side_released,
    replicate,
)
from tests.support.life.training_life import LIFE_SETTINGS, check_training_left, training_kept
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter.flow import Flow, MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter


def rehearse(deck: Deck, domain: str) -> None:
    deck.run("test", "start", domain, "--wait")
    (trial,) = deck.json("test", "show", domain)["tests"]
    assert trial["test"]["state"] == "running"
    deck.run("test", "end", domain, "--result", "passed", "--wait")


def owned_by_nobody_there(flow: Flow, there: VCenter) -> None:
    """The VMs are off here, and the other side has no record of the domain, then one that says no."""
    release = ("domain", "release", DOMAIN)
    for vm in VMS:
        flow.recovery.power_off(vm)
    flow.until(lambda d: all(vm["power"] == "off" for vm in d["vms"]))
    assert "no record at the other side" in flow.refused(*release)
    there.set_attribute(DOMAIN, "drdeck.mode", json.dumps({"mode": "cfo", "by": "op-there"}))
    assert "says that it does not own" in flow.refused(*release, "--confirm", DOMAIN)
    there.set_attribute(DOMAIN, "drdeck.mode", "")


def one_round(flow: Flow, there: VCenter, number: int) -> None:
    deck = flow.deck
    consent = ("--confirm", DOMAIN, "--even-though", "answers")
    rehearse(deck, DOMAIN)
    if number == 0:  # in two acts
        deck.run("cfo", "start", DOMAIN, "--wait")
        deck.run("cfo", "complete", DOMAIN, "--type", "regular", "--run-pitr", "--wait")
    else:  # in one sitting
        kind = ("regular",) if number == 1 else ("force", *consent)
        deck.run("failover", "run", DOMAIN, "--type", *kind, "--run-pitr", "--wait")
    assert flow.show()["mode"] == "pitr_session" and flow.power() == {"on"}
    assert "PITR session" in flow.refused("test", "start", DOMAIN)
    points = [p["time"] for p in deck.json("pitr", "points", DOMAIN)["points"] if p["kind"] == "foreign"]
    deck.run("pitr", "run", DOMAIN, "--to", points[0], "--wait")
    standing = set(flow.standing().values())
    assert standing == {f"replica of round {number}" if number else "replica 2"}
    deck.run("pitr", "exit", DOMAIN, "--wait")
    deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    deck.run("failover", "commit", DOMAIN, "--wait")
    assert "committed at" in flow.refused("failover", "undo", DOMAIN, "--confirm", DOMAIN)

    assert "are not off here" in flow.refused("domain", "release", DOMAIN, "--confirm", DOMAIN)
    steps = deck.json("way-back", DOMAIN)["steps"]
    assert [step["state"] for step in steps][:2] == ["done", "done"], steps
    assert {step["checked_by"] for step in steps} == {"drdeck", "NOT CHECKED"}
    if number == 0:
        owned_by_nobody_there(flow, there)
    other_side_owns(flow, there, f"op-there{number}")
    deck.run("way-back", DOMAIN)  # looks at the other side: no vCenter tells that an attribute changed
    flow.until(lambda d: d["way_back"]["owned_there"] and all(vm["power"] == "off" for vm in d["vms"]))
    deck.run("domain", "release", DOMAIN)  # its record says that it owns it: no name is typed
    domain = flow.until(lambda d: d["mode"] == "releasing")
    assert domain["owner"] == "remote" and {m["vm"] for m in domain["way_back"]["missing"]} == set(VMS)
    assert "no restore point since" in deck.run("way-back", DOMAIN).stdout
    assert "driven" not in flow.refused("cfo", "start", DOMAIN)
    replicate(flow, number + 1)
    deck.run("watch", DOMAIN, "--until", "imported", "--timeout", "60")
    flow.until(lambda d: d["operation"] is None)
    other_side_released(there)
    deck.run("way-back", DOMAIN)
    flow.until(lambda d: not d["way_back"]["owned_there"])


def test_three_rounds_leave_what_each_should(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery, protected=protected_vcenter)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    networks = {vm: recovery.networks(vm) for vm in VMS}
    left = []
    for number in range(ROUNDS):
        one_round(tests.flow, protected_vcenter, number)
        left.append(kept(tests))
        assert len(tests.flow.show()["excluded"]) == number + 1, "each round's session is excluded for good"
    check_left(tests, left, networks)


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Deck]:
    LIFE_SETTINGS.write(tmp_path)
    deck = Deck(tmp_path, LIFE_SETTINGS.toml)
    yield deck
    deck.stop()


def test_three_rounds_on_a_training_site(training: Deck) -> None:
    """The way back is the vendor's there: Failback, where data moves."""
    left, deck = [], training
    for number in range(ROUNDS):
        rehearse(deck, "erp")
        deck.run("cfo", "start", "erp", "--network", "VM_3510=DRSeg", "--wait")
        deck.run("cfo", "complete", "erp", "--type", "planned", "--run-pitr", "--wait")
        points = deck.json("pitr", "points", "erp")["points"]
        deck.run("pitr", "run", "erp", "--to", points[0]["time"], "--wait")
        deck.run("pitr", "exit", "erp", "--wait")
        deck.run("watch", "erp", "--until", "idle", "--timeout", "60")
        deck.run("failover", "commit", "erp", "--wait")
        assert "committed at" in deck.run("failover", "undo", "erp", "--confirm", "erp", code=3).stderr
        deck.run("domain", "failback", "erp", "--wait")
        left.append(training_kept(deck))
        assert len(deck.domain("erp")["excluded"]) == number + 1
    check_training_left(deck, left)
