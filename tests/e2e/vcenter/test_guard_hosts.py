"""The guard on several jump hosts: each sees what others do, none takes the driver's acts for somebody's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drdeck.model.times import show
from tests.support.console.terminal import poll
from tests.support.deck import Deck
from tests.support.vcenter import flowsite
from tests.support.vcenter.flow import settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter

JOE, DESK = "j.doe@corp.example", "10.0.0.7"
POINTS = flowsite.instants()


@pytest.fixture
def hosts(tmp_path: Path, recovery: VCenter, request: pytest.FixtureRequest) -> Iterator[tuple[Deck, Deck]]:
    """Anna, whose controller drives a session, and Ben, whose drdeck logs in under another account."""
    root, lease = flowsite.lay_out(recovery, None, POINTS), getattr(request, "param", "10s")
    recovery.control("user", text="ben@vsphere.local", target="10.0.0.2")
    decks = []
    for name, user in (("anna", recovery.user), ("ben", "ben@vsphere.local")):
        directory = tmp_path / name
        directory.mkdir()
        deck = flowsite.deck(directory, recovery, root, None, settings(), extra=f'lease = "{lease}"')
        text = deck.config.read_text("utf-8")
        deck.config.write_text(text.replace(f'username = "{recovery.user}"', f'username = "{user}"'), "utf-8")
        decks.append(deck)
    anna, ben = decks
    anna.run("cfo", "start", DOMAIN, "--wait")
    anna.run("cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", "--confirm", DOMAIN)
    anna.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    yield anna, ben
    for deck in decks:
        deck.stop()


def pid(deck: Deck) -> int:
    return int(deck.json("controller", "status")["pid"])


def guarded(deck: Deck) -> list[dict[str, Any]]:
    return [a for a in deck.domain(DOMAIN)["alarms"] if a["kind"].startswith(("foreign_", "guard"))]


def roll_back(deck: Deck, to: int) -> None:
    deck.run("pitr", "run", DOMAIN, "--to", show(POINTS[to]), "--wait")


def alarmed(deck: Deck, *pairs: tuple[str, str]) -> None:
    """Until it shows these alarms (kind, VM), and then that it shows no other."""
    poll(lambda: {(a["kind"], a["vm"]) for a in guarded(deck)} >= set(pairs), 60)
    assert sorted((a["kind"], a["vm"]) for a in guarded(deck)) == sorted(pairs)


def test_who_follows_takes_the_drivers_acts_for_nobodys(hosts: tuple[Deck, Deck], recovery: VCenter) -> None:
    anna, ben = hosts
    assert guarded(ben) == []
    roll_back(anna, 1)
    roll_back(anna, 0)
    joe = Somebody(recovery, JOE, DESK)
    joe.make_snapshot("erp-db01")
    for deck in hosts:
        alarmed(deck, ("foreign_snapshot", "erp-db01"))
        (alarm,) = guarded(deck)
        assert (alarm["user"], alarm["address"]) == (JOE, DESK)


def test_who_comes_late_sees_what_others_did_before(hosts: tuple[Deck, Deck], recovery: VCenter) -> None:
    anna, ben = hosts
    joe = Somebody(recovery, JOE, DESK)
    joe.reconfigure("erp-app01")
    roll_back(anna, 1)
    joe.clone("erp-web01")
    roll_back(anna, 0)
    alarmed(anna, ("foreign_config", "erp-app01"), ("foreign_clone", "erp-web01"))
    alarmed(ben, ("foreign_config", "erp-app01"), ("foreign_clone", "erp-web01"))


def test_a_take_over_in_the_middle_of_a_rollback(hosts: tuple[Deck, Deck], recovery: VCenter) -> None:
    anna, ben = hosts
    ben.run("domains")
    roll_back(anna, 1)
    for vm in flowsite.VMS:
        recovery.slow("PowerOffVM_Task", vm, 600_000, times=1)
    holder = pid(anna)
    anna.run("pitr", "run", DOMAIN, "--to", show(POINTS[0]))
    poll(lambda: recovery.calls()["PowerOffVM_Task"] >= 2 * len(flowsite.VMS), 60)
    os.kill(holder, signal.SIGKILL)
    recovery.release()
    poll(lambda: ben.run("takeover", DOMAIN, "--wait", code=None).returncode == 0, 60)
    poll(lambda: ben.domain(DOMAIN)["session"]["state"] == "active", 60)
    assert guarded(ben) == []
    poll(lambda: anna.domain(DOMAIN)["session"]["state"] == "active", 60)
    assert guarded(anna) == []
    Somebody(recovery, JOE, DESK).power_off("erp-web01")
    for deck in hosts:
        alarmed(deck, ("foreign_power", "erp-web01"))
    ben.run("pitr", "exit", DOMAIN, "--wait")
    poll(lambda: anna.domain(DOMAIN)["session"] is None, 60)
    assert guarded(anna) == guarded(ben) == []


@pytest.mark.parametrize("hosts", ["60s"], indirect=True)
def test_a_driver_that_was_taken_over_from_raises_no_alarm(hosts: tuple[Deck, Deck]) -> None:
    """Its own clock has it drive until it looks."""
    anna, ben = hosts
    ben.run("takeover", DOMAIN, "--confirm", DOMAIN, "--wait")
    roll_back(ben, 1)
    poll(lambda: anna.domain(DOMAIN)["session"]["rolled_back_to"] == show(POINTS[1]), 60)
    roll_back(ben, 0)
    poll(lambda: anna.domain(DOMAIN)["session"]["rolled_back_to"] == show(POINTS[0]), 60)
    assert guarded(anna) == guarded(ben) == []


def test_a_driver_that_slept_finds_done_what_another_went_on_with(
    hosts: tuple[Deck, Deck], recovery: VCenter
) -> None:
    anna, ben = hosts
    ben.run("domains")
    for vm in flowsite.VMS:
        recovery.slow("PowerOffVM_Task", vm, 600_000, times=1)
    before, slept = recovery.calls()["PowerOffVM_Task"], pid(anna)
    ident = anna.json("pitr", "run", DOMAIN, "--to", show(POINTS[0]))["operation"]
    poll(lambda: recovery.calls()["PowerOffVM_Task"] >= before + len(flowsite.VMS), 60)
    os.kill(slept, signal.SIGSTOP)
    recovery.release()
    try:
        poll(lambda: "silent since" in ben.run("show", DOMAIN).stdout, 60)
        ben.run("takeover", DOMAIN, "--wait")
        poll(lambda: ben.domain(DOMAIN)["session"]["state"] == "active", 60)
    finally:
        os.kill(slept, signal.SIGCONT)

    def operations(deck: Deck) -> dict[str, dict[str, Any]]:
        return {op["action"]: op for op in deck.json("tasks")["operations"]}

    poll(lambda: operations(anna)["pitr_run"]["state"] == "done", 60)
    assert "Driven by" in anna.run("show", DOMAIN).stdout
    assert operations(anna)["pitr_run"]["id"] == ident
    joe = Somebody(recovery, JOE, DESK)
    joe.power_off("erp-web01")
    for deck in hosts:
        alarmed(deck, ("foreign_power", "erp-web01"))
    here = operations(ben)
    assert here["pitr_run"]["asked_at"] == here["take_over"]["asked_at"] > here["cfo_complete"]["asked_at"]
