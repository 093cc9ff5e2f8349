"""A domain that was synchronised once: its record says so, to every jump host."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drdeck.sites.vsphere.plan.maintenance import SETTLED, noted
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import ModeRecord, SyncedRecord
from tests.site_contract.bench import DOMAIN, VMS, Plan
from tests.site_contract.on_vsphere import VCenters, VSphereBench
from tests.support.deck import Deck
from tests.support.vcenter import flowsite
from tests.support.vcenter.domain_states import T0, at, domain_state, vm
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

SYNCED = "drdeck.synced"
AGAIN = "Continuous Rehydration again"


@pytest.fixture
def center(vcsim_built: None) -> Iterator[VCenter]:
    center = VCenter()
    yield center
    center.stop()


@pytest.fixture
async def anna(
    tmp_path: Path, center: VCenter, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[VSphereBench]:
    """Sees a domain that is synchronised, with a clock that a test moves on."""
    plan = Plan(state="synchronised", protected="lost")
    (tmp_path / "anna").mkdir()
    bench = VSphereBench(plan, tmp_path / "anna", VCenters(center, center), monkeypatch)
    await bench.begin()
    yield bench
    await bench.close()


@pytest.fixture
def bob(tmp_path: Path, center: VCenter, anna: VSphereBench) -> Iterator[Deck]:
    """Another jump host, whose controller has seen nothing yet."""
    (tmp_path / "bob").mkdir()
    toml = f"[sites.dr-west.domains.{DOMAIN}]\npitr = {{ enabled = true }}\n"
    deck = flowsite.deck(tmp_path / "bob", center, center.root, None, toml)
    yield deck
    deck.stop()


async def test_another_jump_host_knows_it(anna: VSphereBench, bob: Deck, center: VCenter) -> None:
    await anna.quiet()  # it has looked
    await anna.advance(5)
    await anna.quiet()
    assert SYNCED not in center.attributes(DOMAIN), "not yet"
    await anna.advance(SETTLED.total_seconds())
    await eventually(lambda: SYNCED in center.attributes(DOMAIN))
    await anna.quiet()
    kept = center.attributes(DOMAIN)
    assert json.loads(kept[SYNCED])["by"] == "op-before"
    assert "drdeck.lease" not in kept, "nobody drives it for that"

    center.set_connection(VMS[0], "disconnected")
    await anna.until(lambda d: d.again)
    assert AGAIN in bob.run("domains").stdout
    assert (
        f"Rehydrating again: 1 of 2 VMs are not Recoverable: disconnected: {VMS[0]}"
        in bob.run("show", DOMAIN).stdout
    )
    assert bob.domain(DOMAIN)["mode"] == "rehydrating", "what JSON says stays"

    events = [e for e in anna.controller.journal.events() if e.kind.startswith("upkeep")]
    assert [e.data["says"] for e in events] == [f"note that {DOMAIN} is synchronised"] * 2


async def test_what_was_noted_of_an_earlier_one_does_not_count(
    anna: VSphereBench, bob: Deck, center: VCenter
) -> None:
    earlier = {"by": "op-much-earlier", "since": "2026-01-16T22:00:00Z"}
    center.set_attribute(DOMAIN, SYNCED, json.dumps(earlier))
    center.set_connection(VMS[0], "disconnected")
    listed = await asyncio.to_thread(bob.run, "domains")
    assert "Continuous Rehydration in Progress" not in listed.stdout and AGAIN not in listed.stdout
    assert DOMAIN in listed.stdout


def test_it_is_noted_once_and_not_for_a_moment() -> None:
    started = ModeRecord(mode="cfo", by="op-1")
    s = domain_state(vm("a"), record=Record(mode=started), minutes=10)
    assert noted(s, None, s.now) is None, "it is not synchronised"
    assert noted(s, at(9.5), s.now) is None
    assert noted(s, at(9), s.now) is not None
    for by, again in (("op-1", False), ("op-0", True)):
        record = Record(mode=started, synced=SyncedRecord(by=by, since=T0))
        assert bool(noted(domain_state(vm("a"), record=record, minutes=10), at(0), at(10))) is again
