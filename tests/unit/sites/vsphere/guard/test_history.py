"""Reading events back: from where a controller before had read to, of few VMs alone, and never in a storm."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from drdeck.model.guard import Change
from drdeck.sites.vsphere.guard.event_log import EventLog
from drdeck.sites.vsphere.guard.guard_service import FEW, GuardService
from drdeck.sites.vsphere.guard.guard_store import GuardStore
from drdeck.sites.vsphere.guard.history_pace import MOST_S, REST, HistoryPace
from drdeck.sites.vsphere.guard.observations import By, LoggedObservation, Observation
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory
from tests.support.vcenter.domain_states import T0, at
from tests.support.vcenter.guard_bench import site_in_session
from tests.support.vcenter.logged_in import logged_in
from tests.support.vcenter.soapcount import soap_calls
from tests.support.vcenter.vcsim import VCenter


@pytest.mark.parametrize(("took_s", "most"), [(0.0, 40), (1.0, 40), (5.0, 38), (60.0, 24)])
def test_an_hour_of_events_without_end_asks_some_thirty_times(took_s: float, most: int) -> None:
    now = 1000.0
    pace, requests = HistoryPace(lambda: now), 0
    while now < 1000 + 3600:
        wait_s = pace.wait_s()
        assert wait_s <= max(MOST_S, REST * took_s)
        now += wait_s + took_s
        pace.note(took_s)
        requests += 1
    assert requests <= most


def test_what_is_rare_is_asked_at_once() -> None:
    now = 0.0
    pace = HistoryPace(lambda: now)
    for _ in range(5):
        assert pace.wait_s() == 0
        pace.note(0.1)
        now += 3600


@pytest.mark.parametrize(("took_s", "rest_s"), [(0.05, 2.0), (0.5, 10.0), (5.0, 100.0), (60.0, MOST_S)])
def test_a_slow_answer_is_followed_by_a_long_rest(took_s: float, rest_s: float) -> None:
    """At once: a table of millions is read for it, and the next question would be as dear."""
    pace = HistoryPace(lambda: 1000.0)
    pace.note(took_s)
    assert pace.wait_s() == pytest.approx(rest_s)


class Watch:
    """Takes down what is asked of the history."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.caught_up: list[tuple[datetime, Collection[str]]] = []

    async def catch_up(self, since: datetime, vms: Collection[str] = ()) -> None:
        self.caught_up.append((since, vms))


def service(state: Path, now: datetime) -> GuardService:
    guard = GuardService(GuardStore(state), lambda folder: T0, lambda: now, lambda: None)
    guard.events.oldest = now  # a full page: there are older ones
    return guard


async def asked_after(guard: GuardService, vms: int) -> tuple[datetime, Collection[str]]:
    watch: Any = Watch(site_in_session(vms))
    guard.saw(watch.inventory)
    await guard._catch_up(watch)
    await guard._catch_up(watch)  # at once again: the pace holds it back
    (only,) = watch.caught_up
    return only  # type: ignore[no-any-return]


@pytest.mark.parametrize("vms", [FEW, FEW + 1])
async def test_of_few_vms_their_own_history_is_read(tmp_path: Path, vms: int) -> None:
    since, of = await asked_after(service(tmp_path, at(60)), vms)
    assert since == T0
    assert len(of) == (vms if vms <= FEW else 0)


async def test_a_controller_that_follows_reads_from_where_the_last_one_was(tmp_path: Path) -> None:
    first = service(tmp_path, at(3 * 24 * 60))
    first.saw(site_in_session(1))
    first._save()
    since, _ = await asked_after(service(tmp_path, at(3 * 24 * 60 + 5)), 1)
    assert at(3 * 24 * 60) - timedelta(minutes=10) == since, "not three days: the table is large"


def judging(guard: GuardService, now: datetime) -> list[str]:
    """What the guard tells of others, once all that is told was judged."""
    watch: Any = Watch(site_in_session(1))
    watch.attributes_read_s = math.inf
    guard._settle(watch, "us@vsphere.local")
    guard._save()
    (folder,) = guard._guards
    return [foreign.did for foreign in guard.foreign(folder)]


def test_what_was_judged_while_an_earlier_event_was_not_is_judged_once(tmp_path: Path) -> None:
    """The next controller reads from the first event on that this one has left."""
    inventory = site_in_session(1)
    (vm,) = inventory.vms
    now = at(60)

    def logged(key: int, by: By, did: str) -> LoggedObservation:
        change = Change.POWER if by == "event" else Change.SNAPSHOT
        observation = Observation(
            by=by, vm=vm, change=change, did=did, since=now, until=now, user="joe", key=key, to=did
        )
        return LoggedObservation(observation, live=False)

    news = [logged(5, "task", "began a snapshot"), logged(6, "event", "on"), logged(7, "event", "off")]
    first = service(tmp_path, now)
    first.saw(inventory)
    first._hear(news)
    assert judging(first, now) == ["on", "off"], "a task is waited for"
    later = service(tmp_path, now)
    later.saw(inventory)
    later._hear(news)
    with patch("drdeck.sites.vsphere.guard.session_guard.HOLD_S", 0.0):
        assert judging(later, now) == ["on", "off", "began a snapshot"]
    last = service(tmp_path, now)
    last.saw(inventory)
    last._hear(news)
    assert judging(last, now) == ["on", "off", "began a snapshot"]


def test_the_history_of_few_vms_is_asked_for_by_vm(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01", "web01"]})
    ids = [vcenter.vm(name)._moId for name in ("db01", "web01")]
    with logged_in(vcenter) as session:
        log = EventLog()
        vcenter.power_on("db01")
        with soap_calls() as calls:
            log.read_back(session, vcenter.datacenter, T0 - timedelta(days=3650), ids)
        assert calls["CreateCollectorForEvents"] == len(ids) + 1
        assert {news.observation.vm for news in log.news()} >= {ids[0]}
        with soap_calls() as calls:
            EventLog().read_back(session, vcenter.datacenter, T0 - timedelta(days=3650))
        assert calls["CreateCollectorForEvents"] == 1
