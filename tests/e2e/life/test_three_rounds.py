"""Three rounds of a domain's life by command line: tested, there, rolled back, and given back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck
from tests.support.life.inventory_kept import inventory
from tests.support.life.rounds import (
    ROUNDS,
    check_round,
    foreign_disk,
    left,
    other_side_owns,
    other_side_released,
    replicate,
)
from tests.support.life.training_life import (
    FOREIGN_DISK,
    LIFE_SETTINGS,
    check_training_log,
    check_training_round,
)
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter.flow import Flow, MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

UNDONE, RESTORED = 1, 2
"""The rounds in which a failover is undone first, and in which this site becomes the primary one."""


def rehearse(deck: Deck, domain: str) -> None:
    deck.run("test", "start", domain, "--wait")
    (trial,) = deck.json("test", "show", domain)["tests"]
    assert trial["test"]["state"] == "running"
    deck.run("test", "end", domain, "--result", "passed", "--wait")


def rehearse_with_a_foreign_disk(tests: TrialFlow) -> None:
    """Somebody attaches a disk to a test VM: End Test leaves that one alone until the disk is detached."""
    deck = tests.flow.deck
    deck.run("test", "start", DOMAIN, "--wait")
    file = foreign_disk(tests)
    assert "is under way; end it first" in tests.flow.refused("test", "detach", DOMAIN)
    deck.run("test", "end", DOMAIN, "--result", "passed", "--wait")
    (alarm,) = [alarm for alarm in tests.flow.show()["alarms"] if alarm["kind"] == "test_leftover"]
    assert f"its disk {file} is not in its own directory; detach it (drdeck test detach)" in alarm["text"]
    dry_run = deck.json("test", "detach", DOMAIN, "--dry-run")
    assert any(
        text.startswith(f"Detached, without deleting any file: {file} from ") for text in dry_run["says"]
    )
    assert len(tests.clones()) == 1
    deck.run("test", "detach", DOMAIN, "--wait")
    assert tests.clones() == [] and tests.flow.show()["test"] is None
    assert "no test VM that is left over" in tests.flow.refused("test", "detach", DOMAIN)


def undone(flow: Flow) -> None:
    """A failover that is undone at once leaves the domain as it was imported."""
    before = inventory(flow.recovery)
    flow.deck.run("failover", "run", DOMAIN, "--type", "regular", "--wait")
    assert flow.power() == {"on"} and flow.show()["undo"]["possible"]
    consent = ("--confirm", DOMAIN, "--even-though", "answers")
    flow.deck.run("failover", "undo", DOMAIN, *consent, "--wait")
    assert inventory(flow.recovery) == before
    record = {name for name, text in flow.recovery.attributes(DOMAIN).items() if text}
    assert record - {"drdeck.lease", "drdeck.asked", "drdeck.excluded"} == {
        "drdeck.mode", "drdeck.pitr", "drdeck.tested",
    }  # fmt: skip
    assert flow.show()["mode"] == "imported" and not flow.show()["undo"]["possible"]


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


def one_round(tests: TrialFlow, there: VCenter, number: int) -> None:
    flow, deck = tests.flow, tests.flow.deck
    consent = ("--confirm", DOMAIN, "--even-though", "answers")
    if number == 0:
        rehearse_with_a_foreign_disk(tests)
    else:
        rehearse(deck, DOMAIN)
    if number == UNDONE:
        undone(flow)
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
    # those of earlier rounds were made before the domain left
    assert len(points) == (1 if number else len(flow.points)), points
    standing = set(flow.standing().values())
    assert standing == {f"replica of round {number}" if number else "replica 2"}
    deck.run("pitr", "exit", DOMAIN, "--wait")
    deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    deck.run("failover", "commit", DOMAIN, "--wait")
    assert "committed at" in flow.refused("failover", "undo", DOMAIN, "--confirm", DOMAIN)

    if number == RESTORED:
        deck.run("domain", "restore", DOMAIN)
        flow.until(lambda d: d["way_back"]["restored_at"])
    assert "are not off here" in flow.refused("domain", "release", DOMAIN, "--confirm", DOMAIN)
    steps = deck.json("way-back", DOMAIN)["steps"]
    assert [step["state"] for step in steps][:2] == ["done", "done"], steps
    assert {step["checked_by"] for step in steps} == {"drdeck", "NOT CHECKED"}
    if number == 0:
        owned_by_nobody_there(flow, there)
    given_back(flow, there, number)


def given_back(flow: Flow, there: VCenter, number: int) -> None:
    """The other side owns the domain, it is released here, and comes back as a replica."""
    deck = flow.deck
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


def round_without_a_session(tests: TrialFlow, there: VCenter, number: int, commits: bool) -> None:
    """A failover whose entry points stand until it is committed, or released as it is."""
    flow = tests.flow
    rehearse(flow.deck, DOMAIN)
    flow.deck.run("failover", "run", DOMAIN, "--type", "regular", "--wait")
    assert all(any(name.startswith("drdeck-before-") for name in flow.names(vm)) for vm in VMS)
    if commits:
        flow.deck.run("failover", "commit", DOMAIN, "--wait")
        assert not any(name.startswith("drdeck-before-") for vm in VMS for name in flow.names(vm))
    given_back(flow, there, number)


def test_rounds_without_a_session_leave_no_point_of_drdecks(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery, protected=protected_vcenter)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    networks, before = recovery.networks(VMS[0]), left(tests, protected_vcenter)
    for number, commits in enumerate((True, False)):
        round_without_a_session(tests, protected_vcenter, number, commits)
        after = left(tests, protected_vcenter)
        check_round(before, after, number, networks, excluded=0)
        before = after


def test_three_rounds_leave_what_each_should(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery, protected=protected_vcenter)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    networks = recovery.networks(VMS[0])
    before = left(tests, protected_vcenter)
    for number in range(ROUNDS):
        one_round(tests, protected_vcenter, number)
        after = left(tests, protected_vcenter)
        excluded = 2 if number == UNDONE else 1
        check_round(before, after, number, networks, excluded)
        before = after


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Deck]:
    LIFE_SETTINGS.write(tmp_path)
    deck = Deck(tmp_path, LIFE_SETTINGS.toml)
    yield deck
    deck.stop()


def test_three_rounds_on_a_training_site(training: Deck) -> None:
    """The way back is the vendor's there: Failback, where data moves."""
    deck = training
    before = deck.domain("erp")
    for number in range(ROUNDS):
        rehearse(deck, "erp")
        if number == 0:
            assert FOREIGN_DISK in deck.run("test", "detach", "erp", "--dry-run").stdout
            deck.run("test", "detach", "erp", "--wait")
        deck.run("cfo", "start", "erp", "--network", "VM_3510=DRSeg", "--wait")
        deck.run("cfo", "complete", "erp", "--type", "planned", "--run-pitr", "--wait")
        points = deck.json("pitr", "points", "erp")["points"]
        deck.run("pitr", "run", "erp", "--to", points[0]["time"], "--wait")
        deck.run("pitr", "exit", "erp", "--wait")
        deck.run("watch", "erp", "--until", "idle", "--timeout", "60")
        deck.run("failover", "commit", "erp", "--wait")
        assert "committed at" in deck.run("failover", "undo", "erp", "--confirm", "erp", code=3).stderr
        deck.run("domain", "failback", "erp", "--wait")
        after = deck.domain("erp")
        check_training_round(before, after, number)
        before = after
    check_training_log(deck)
