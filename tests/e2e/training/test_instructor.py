"""The instructor's hand: faults and jumps from another terminal, stored, journaled, replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drdeck.controller.controller import Controller
from drdeck.controller.ipc.client import Client
from drdeck.controller.ipc.server import Server
from drdeck.controller.journal.event_store import Journal
from drdeck.model.commands import BeginCompletion, StartSession
from drdeck.model.domains import FailoverType
from drdeck.sites.training.scenario.scenario_file import load
from drdeck.sites.training.simulation.fault_injection import InjectFault
from drdeck.sites.training.site_simulation import Accepted, SiteSimulation, view
from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.fakesite import FakeSite
from tests.support.training.calm_site import CALM, FILES, SETTINGS, alarms, alarms_of, kill
from tests.support.waiting import eventually


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    """A calm training site at a pace at which what is thrown in is still there when looked at."""
    (tmp_path / "calm.toml").write_text(CALM, "utf-8")
    new_deck = Deck(tmp_path, SETTINGS)
    new_deck.run("controller", "start")
    yield new_deck
    new_deck.stop()


def journaled(deck: Deck, kind: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in deck.run("audit", "export").stdout.splitlines()]
    return [event for event in events if event["kind"] == kind]


def complete(deck: Deck) -> str:
    """Complete the failover and jump to where it asks or has its session; what it asks, else nothing."""
    deck.run("cfo", "complete", FILES, "--type", "planned", "--run-pitr")
    deck.run("train", "jump", "15m")
    done = deck.run("watch", FILES, "--until", "session", "--timeout", "60", code=None)
    assert done.returncode in (0, 4), done.stderr
    return done.stderr if done.returncode == 4 else ""


def test_a_lost_object_store_shows_and_survives_a_kill(deck: Deck) -> None:
    deck.run("train", "inject", "object_store_lost", "--for", "2h")
    assert alarms(deck) == ["object_store_lost"]
    kill(deck)
    assert alarms(deck) == ["object_store_lost"]
    before = datetime.fromisoformat(deck.json("domains")["seen_at"])
    deck.run("train", "jump", "2h")
    assert datetime.fromisoformat(deck.json("domains")["seen_at"]) - before >= timedelta(hours=2)
    assert alarms(deck) == []
    assert [event["data"]["fault"] for event in journaled(deck, "injected")] == ["object_store_lost"]
    assert [event["data"]["seconds"] for event in journaled(deck, "jumped")] == [7200]
    assert deck.json("audit", "verify")["sound"] is True


@pytest.mark.parametrize(
    ("fault", "kind"), [("shutdown_fails", "shutdown_failed"), ("power_on_fails", "power_on_failed")]
)
def test_a_vm_that_fails_asks_and_survives_a_kill(deck: Deck, fault: str, kind: str) -> None:
    deck.run("train", "inject", fault, "--domain", FILES, "--vm", "files-srv02")
    kill(deck)
    assert "files-srv02" in complete(deck)
    assert alarms(deck) == [kind]
    kill(deck)
    assert alarms(deck) == [kind]
    deck.run("answer", deck.domain(FILES)["operation"], "retry")
    deck.run("train", "jump", "15m")
    deck.run("watch", FILES, "--until", "session", "--timeout", "60")
    assert alarms(deck) == []


def test_a_foreign_snapshot_shows_in_the_session_that_is_active(deck: Deck) -> None:
    assert complete(deck) == ""
    deck.run("train", "inject", "foreign_snapshot", "--vm", "files-srv01")
    assert alarms(deck) == ["foreign_snapshot"]
    kill(deck)
    assert alarms(deck) == ["foreign_snapshot"]


def test_a_slow_vm_takes_longer(deck: Deck) -> None:
    deck.run("train", "inject", "slow_vm", "--vm", "files-srv02", "--times", "9")
    kill(deck)
    deck.run("cfo", "complete", FILES, "--type", "planned")
    deck.run("train", "jump", "15m")
    deck.run("watch", FILES, "--until", "idle", "--timeout", "60")
    (task,) = deck.json("tasks")["operations"]
    # five times the 10 s that it shuts down and the 20 s that it boots at its best
    assert 150 < float(task["result"]["rto_s"]) < 400


def test_the_fault_hits_somebody_when_nobody_is_named(deck: Deck) -> None:
    injected = deck.json("train", "inject", "power_on_fails")["injected"]
    assert len(injected) == 1
    assert "files-srv0" in injected[0]


def test_what_makes_no_sense_is_refused(deck: Deck) -> None:
    for words, code, message in (
        (("inject", "power_on_fails", "--vm", "x"), 1, '"files" has no VM named "x"'),
        (("inject", "power_on_fails", "--domain", "x"), 1, 'there is no domain "x"'),
        (("inject", "object_store_lost", "--vm", "files-srv01"), 1, "leave the VMs out"),
        (("inject", "slow_vm", "--times", "0"), 1, "0 times is not possible"),
        (("inject", "slow_vm", "--for", "ages"), 2, "not a duration"),
        (("inject", "flood"), 2, "flood"),
        (("jump", "soon"), 2, "not a duration"),
        (("jump", "900d"), 2, "at most a year"),
    ):
        assert message in deck.run("train", *words, code=code).stderr
    assert journaled(deck, "injected") == journaled(deck, "jumped") == []


def test_without_a_training_site_that_runs(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    assert "no training site runs" in deck.run("train", "jump", "1m", code=1).stderr
    assert "was not begun" in deck.run("train", "jump", "1m", "--lesson", "1", code=1).stderr


def test_the_lesson_that_runs_is_found(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.run("train", "6", "--judge")
    deck.run("train", "inject", "object_store_lost")
    domain = json.loads(deck.run("train", "6", "--", "show", "files", "--json").stdout)
    assert [alarm["kind"] for alarm in domain["alarms"]] == ["object_store_lost"]
    deck.run("train", "1", "--judge")
    several = deck.run("train", "jump", "1m", code=2).stderr
    assert "several training sites run: the lesson stubborn-vm, the lesson whole-flow" in several
    deck.run("train", "jump", "1m", "--lesson", "1")
    for number in ("1", "6"):
        deck.run("train", number, "--", "controller", "stop", "--force")


def test_of_several_sites_the_one_with_a_console_is_meant(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.run("controller", "start")
    console = Terminal(deck.argv("train", "6"), deck.env)
    try:
        console.wait_for("8/8")
        done = deck.run("train", "inject", "object_store_lost")
        assert "the lesson stubborn-vm, where a console is attached" in done.stderr
        assert "into files for 300 s" in done.stdout
        console.wait_for("1 alarm")
        assert "object_store_lost" not in alarms_of(deck, "erp-prod")
        deck.run("--site", "training", "train", "inject", "object_store_lost")
        assert "object_store_lost" in alarms_of(deck, "erp-prod")
    finally:
        console.close()
        deck.run("train", "6", "--", "controller", "stop", "--force")
        deck.stop()


async def test_other_sites_take_no_faults(tmp_path: Path) -> None:
    controller = Controller(FakeSite(), Journal(tmp_path / "journal.db"))
    server = Server(controller, tmp_path / "sock", lambda: None)
    await server.start()
    try:
        async with Client(tmp_path / "sock") as client:
            for call in (client.inject("slow_vm", None, (), None, 1), client.jump(60)):
                with pytest.raises(Exception, match="only a training site takes") as refused:
                    await call
                assert getattr(refused.value, "code", "") == "rule"
    finally:
        await server.close()
    await eventually(lambda: not server.consoles)


START = datetime(2026, 5, 23, 6, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fault(kind: Any, seconds: float, **more: Any) -> Accepted:
    command = InjectFault(operation=f"inject-{kind}-{seconds}", domain=FILES, fault=kind, **more)
    return Accepted(at=after(seconds), command=command)


def test_computing_directly_equals_computing_in_steps() -> None:
    scenario = load("stubborn-vm")
    begin = BeginCompletion(operation="op-1", domain=FILES, type=FailoverType.PLANNED, run_pitr=True)
    session = StartSession(operation="op-1", domain=FILES, session="op-1", after_failover=True)
    commands = [
        fault("object_store_lost", 30, for_s=60),
        fault("object_store_lost", 60, for_s=90),
        fault("object_store_lost", 150, for_s=10),
        fault("slow_vm", 160, vms=("files-srv01",)),
        fault("power_on_fails", 170, vms=("files-ad01",), for_s=1),
        Accepted(at=after(200), command=begin),
        Accepted(at=after(2000), command=session),
        fault("foreign_snapshot", 2100, vms=("files-srv02",)),
    ]
    steps = [after(s) for s in range(0, 3000, 7)]
    simulation, left = SiteSimulation(scenario), list(commands)
    for now in steps:
        while left and left[0].at <= now:
            simulation.take(left[0].command, left.pop(0).at)
        assert simulation.domains(now) == view(scenario, commands, now), now


def test_outages_that_overlap_are_one() -> None:
    scenario = load("stubborn-vm")
    commands = [fault("object_store_lost", 30, for_s=60), fault("object_store_lost", 60, for_s=90)]
    lost = []
    for second in (29, 31, 89, 91, 149, 151):
        (domain,) = view(scenario, commands, after(second))
        lost.append(bool(domain.alarms))
    assert lost == [False, True, True, True, True, False]
    (domain,) = view(scenario, commands, after(100))
    assert domain.alarms[0].time == after(30)
