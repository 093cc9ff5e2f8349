"""Two jump hosts, one vCenter: a run that one of them began goes on at the other."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.console.terminal import poll
from tests.support.deck import SITE, Deck
from tests.support.vcenter import flowsite
from tests.support.vcenter.vcsim import VCenter

LEASE = 'lease = "10s"\nquiet_lease = "10s"'
DOMAINS = {"ad": ["ad-1"], "pki": ["pki-1"], "erp": ["erp-1", "erp-2"], "files": ["files-1"]}
VMS = [vm for vms in DOMAINS.values() for vm in vms]
PLAN = f"""
[sites.{SITE}.plans.site]
waves = [{{ name = "first", domains = ["ad", "pki"] }}, {{ name = "second", domains = ["erp", "files"] }}]
"""
PITR = """
[sites.{site}.domains.{name}]
pitr = {{ enabled = true, window = "3d", interval = "15m" }}
ready = "tools"
ready_timeout = "120s"
undo = false
"""
FORCE = ("--type", "force", "--run-pitr", "--confirm", "site 4")


class HereDeck(Deck):
    here = True


@pytest.fixture
def points() -> list[Any]:
    return list(flowsite.instants())


@pytest.fixture
def decks(tmp_path: Path, vcenter: VCenter, points: list[Any]) -> Iterator[tuple[Deck, Deck]]:
    """Two state directories on one vCenter whose guests boot only when told; nobody reaches what protects."""
    root = vcenter.layout(DOMAINS, snapshots=[(f"replica {i}", at) for i, at in enumerate(points)])
    domains = "".join(PITR.format(site=SITE, name=name) for name in DOMAINS) + PLAN
    decks = []
    for name in ("anna", "bob"):
        directory = tmp_path / name
        directory.mkdir()
        deck = flowsite.deck(directory, vcenter, root, None, domains, extra=LEASE)
        deck.env["LOGNAME"] = name
        decks.append(deck)
    yield decks[0], decks[1]
    for deck in decks:
        deck.stop()


def kill(deck: Deck) -> None:
    os.kill(int(deck.json("controller", "status")["pid"]), signal.SIGKILL)


def status(deck: Deck, run: str) -> dict[str, Any]:
    return deck.json("plan", "status", run)


def states(deck: Deck, run: str) -> dict[str, str]:
    return {d["name"]: d["state"] for d in status(deck, run)["domains"]}


def needing(deck: Deck, run: str) -> dict[str, tuple[str, str | None]]:
    return {d["name"]: (d["needs"], d["doing"]) for d in status(deck, run)["domains"] if d["needs"]}


def boot(vcenter: VCenter, *vms: str) -> Callable[[], bool]:
    """Guests come up as soon as they run."""

    def all_up() -> bool:
        on = [vm for vm in vms if vcenter.power(vm) == "on"]
        for vm in on:
            vcenter.set_tools(vm, True)
        return len(on) == len(vms)

    return all_up


def begin(deck: Deck) -> str:
    for name in DOMAINS:
        deck.run("cfo", "start", name, "--wait")
    return str(deck.json("plan", "run", "site", *FORCE)["run"])


def mid_wave(deck: Deck, vcenter: VCenter) -> str:
    """A run of which one domain has its session, one starts, and two are held."""
    run = begin(deck)
    poll(boot(vcenter, "ad-1"), 60)
    begun = {"ad": "pitr_session", "pki": "running", "erp": "held", "files": "held"}
    poll(lambda: states(deck, run) == begun and vcenter.power("pki-1") == "on", 60)
    return run


def until(holds: Callable[[], object], deck: Deck, run: str) -> None:
    """As `poll`, with what the deck tells where it fails."""
    try:
        poll(holds, 60)
    except AssertionError as error:
        answer = deck.run("plan", "status", run, code=None)
        raise AssertionError(f"{error}\n{answer.stdout}{answer.stderr}\n{deck.log()}") from None


def taken(deck: Deck, run: str, *confirm: str) -> None:
    poll(lambda: deck.run("plan", "takeover", run, *confirm, code=None).returncode == 0, 90)


def sessions(vcenter: VCenter) -> Counter[str]:
    """Entry points by VM: one for each session that ever became active and is not over."""
    return Counter(vm for vm in VMS for point in vcenter.snapshots(vm) if point.name.startswith("drdeck-"))


def starts(vcenter: VCenter) -> int:
    calls = vcenter.calls()
    return calls["PowerOnVM_Task"] + calls["PowerOnMultiVM_Task"]


def test_a_run_whose_controller_is_killed_in_mid_wave_ends_at_another_as_undisturbed(
    decks: tuple[Deck, Deck], vcenter: VCenter
) -> None:
    anna, bob = decks
    before = starts(vcenter)
    run = mid_wave(anna, vcenter)
    poll(lambda: bob.run("plan", "status", run, code=None).returncode == 0, 60)
    shared = status(bob, run)
    assert "anna" in shared["driver"] and states(bob, run)["pki"] == "running"
    assert "driven by" in bob.run("plan", "pause", run, code=3).stderr
    refused = bob.run("plan", "run", "all", "--type", "force", "--confirm", "all 2", code=3).stderr
    assert f"in use by {run}" in refused
    at_work = bob.run("plan", "takeover", run, code=3).stderr
    assert "who is at work" in at_work and f'"{run}"' in at_work

    kill(anna)
    taken(bob, run, "--confirm", run)
    until(boot(vcenter, *VMS), bob, run)
    bob.run("plan", "watch", run, "--timeout", "90")
    assert status(bob, run)["state"] == "done"
    assert set(states(bob, run).values()) == {"pitr_session"}
    assert starts(vcenter) - before == len(VMS), "none was started twice"
    assert set(sessions(vcenter).values()) == {1} and len(sessions(vcenter)) == len(VMS)
    assert bob.json("plan", "report", run)["run"] == run


def test_a_controller_that_lives_begins_nothing_more_once_the_run_is_taken(
    decks: tuple[Deck, Deck], vcenter: VCenter
) -> None:
    anna, bob = decks
    run = mid_wave(anna, vcenter)
    taken(bob, run, "--confirm", run)
    poll(lambda: "bob" in (status(anna, run)["driver"] or ""), 60)
    assert "driven by" in anna.run("plan", "leave-out", run, "files", code=3).stderr
    until(boot(vcenter, *VMS), bob, run)
    bob.run("plan", "watch", run, "--timeout", "90")
    assert set(states(bob, run).values()) == {"pitr_session"}
    accepted = [line for line in anna.run("audit", "export").stdout.splitlines() if '"accepted"' in line]
    assert not any('"erp"' in line and "cfo_complete" in line for line in accepted)


def test_the_barrier_stands_when_another_drives_the_rollback(
    decks: tuple[Deck, Deck], vcenter: VCenter, points: list[Any]
) -> None:
    anna, bob = decks
    run = begin(anna)
    poll(boot(vcenter, "ad-1", "pki-1"), 60)
    poll(boot(vcenter, *VMS), 90)
    anna.run("plan", "watch", run, "--timeout", "90")
    vcenter.fail_revert("files-1")
    to = points[1].isoformat().replace("+00:00", "Z")
    anna.run("plan", "pitr", "run", run, "--to", to)
    until(lambda: status(anna, run)["pitr"]["barrier"] == ["files"], anna, run)
    until(lambda: needing(anna, run) == {"files": ("answer", "rolling back")}, anna, run)
    kill(anna)
    taken(bob, run, "--confirm", run)
    until(lambda: status(bob, run)["pitr"]["barrier"] == ["files"], bob, run)
    assert {vcenter.power(vm) for vm in VMS} == {"off"}, "nothing starts before all are reverted"
    bob.run("plan", "pitr", "release", run, "files")
    until(boot(vcenter, *(vm for vm in VMS if vm != "files-1")), bob, run)
    assert vcenter.power("files-1") == "off"
