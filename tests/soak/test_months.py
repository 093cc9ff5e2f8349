"""A controller that drives a vCenter for months: nothing it keeps grows with points, sessions, or events."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pyVmomi import vim

from drdeck.config.settings import Duration
from drdeck.model.domains import SessionState
from drdeck.model.guard import Change
from drdeck.sites.vsphere.guard.attribution_windows import MOST as WINDOWS
from drdeck.sites.vsphere.guard.event_log import PAGE, EventLog
from drdeck.sites.vsphere.guard.guard_store import FILE, GuardStore
from drdeck.sites.vsphere.guard.session_memory import KEPT
from drdeck.sites.vsphere.inventory.property_cache import PropertyCache
from tests.site_contract.bench import DOMAIN, INTERVAL_S, Plan
from tests.site_contract.on_vsphere import VCenters, VSphereBench
from tests.support.vcenter.events import AT, event
from tests.support.vcenter.guard_bench import JOE, Bench
from tests.support.vcenter.inventory_watching import apply, update
from tests.support.vcenter.vcsim import VCenter


def test_events_that_were_taken_are_not_kept() -> None:
    """vCenter tells of each that comes; that one has left the page, it need not tell."""
    raw, log = PropertyCache(), EventLog()
    collector = vim.event.EventHistoryCollector("page-1", None)
    objects = raw.of("EventHistoryCollector")
    apply(raw, update("enter", collector, latestPage=[]))
    events = 0
    for key in range(1, 3 * PAGE):
        happened = event(vim.event.VmPoweredOnEvent, key=key, createdTime=AT + timedelta(seconds=key))
        apply(raw, update("modify", collector, e=("add", f"latestPage[{key}]", happened)))
        objects = raw.of("EventHistoryCollector")
        log.take_page(objects)
        events += len(log.news())
        apply(raw, update("modify", collector, e=("remove", f"latestPage[{key - PAGE}]", None)))
        assert sum(len(value) for kept in objects.values() for value in kept.values()) == 0
    assert events == 3 * PAGE - 1 and log.missed_since is None


def test_a_flood_of_deeds_in_one_session_is_remembered_in_part() -> None:
    """Those that touched points stay: what is said of a point depends on them."""
    bench = Bench()
    bench.observe("event", Change.SNAPSHOT_REMOVED, JOE, points=(AT,))
    bench.wait()
    sizes = []
    for _ in range(2):
        for _ in range(KEPT):
            bench.observe("event", Change.CONFIG, JOE)
            bench.on(60)
            bench.settle()
        sizes.append(len(msgspec.json.encode(bench.post.memory)))
    memory = bench.post.memory
    assert len(memory.foreign) == KEPT and memory.foreign[0].change is Change.SNAPSHOT_REMOVED
    assert abs(sizes[1] - sizes[0]) < 2000
    assert len(memory.foreign) + memory.forgotten == 2 * KEPT + 1
    for foreign in memory.foreign:
        foreign.address = ""
    assert bench.post.memory.alarms(bench.at)[0].text.startswith(f"{2 * KEPT + 1 - 100} earlier changes")


def test_many_rollbacks_in_one_session() -> None:
    bench = Bench(drives=False)
    for number in range(3 * WINDOWS):
        bench.follow(f"op-{number}", SessionState.ROLLING_BACK, n=number)
        bench.follow(f"op-{number}", n=number + 1)
        bench.on(60)
    windows = bench.post.memory.windows
    assert len(windows.windows) == WINDOWS and list(windows.windows)[-1] == f"op-{3 * WINDOWS - 1}"
    assert windows.windows[f"op-{3 * WINDOWS - 1}"].since is None


# -- through the simulator


def sizes(root: Any) -> dict[str, int]:
    """The entries of all mappings and collections of drdeck's that hang on an object, by the class and the
    field that hold them; one that two hold counts for both. Which way leads there first does not matter."""
    entries: dict[str, int] = {}
    visited: set[int] = set()

    def walk(thing: Any, holder: str, depth: int) -> None:
        if id(thing) in visited or depth > 12:
            return
        if isinstance(thing, dict | list | tuple | set | frozenset):
            entries[holder] = entries.get(holder, 0) + len(thing)
            for key, item in thing.items() if isinstance(thing, dict) else enumerate(thing):
                named = str(key).replace(".", "").isalpha()
                walk(item, f"{holder}[{key}]" if named else holder, depth)
        elif type(thing).__module__.startswith("drdeck."):
            visited.add(id(thing))
            names: Any = getattr(thing, "__struct_fields__", None) or getattr(thing, "__dict__", ())
            for name in names:
                walk(getattr(thing, name, None), f"{type(thing).__name__}.{name}", depth + 1)

    walk(root, "", 0)
    return entries


@pytest.fixture
async def owned(
    tmp_path: Path, vcsim_built: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[VSphereBench]:
    """A domain that this site owns, with PITR points every quarter of an hour."""
    center = VCenter(boot=0.05)
    plan, centers = Plan(state="owned", protected="lost"), VCenters(center, center)
    bench = VSphereBench(plan, tmp_path, centers, monkeypatch)
    site: Any = bench.site
    domains = site.settings.domains
    pitr = msgspec.structs.replace(domains[DOMAIN].pitr, window=Duration(2 * INTERVAL_S))
    domains[DOMAIN] = msgspec.structs.replace(domains[DOMAIN], ready="power", pitr=pitr)
    memories = GuardStore(tmp_path)
    monkeypatch.setattr(site._memories, "_db", memories._db)
    await bench.begin()
    yield bench
    await bench.close()
    center.stop()


async def test_points_and_sessions_leave_nothing_behind(owned: VSphereBench, tmp_path: Path) -> None:
    """Once the window is full: points are made and pruned, sessions come and go, VMs are rolled back."""

    site: Any = owned.site

    def tasks(size: dict[str, int]) -> int:
        return sum(n for where, n in size.items() if where.endswith("objects[Task]"))

    async def live(times: int) -> dict[str, int]:
        for _ in range(times):
            maintained = len(list(owned.controller.journal.events("upkeep_outcome")))
            await owned.advance(INTERVAL_S + 1)
            await owned.until_true(
                lambda: len(list(owned.controller.journal.events("upkeep_outcome"))) >= maintained + 2  # noqa: B023
            )
            await owned.quiet()
            await owned.session_by_hand()
            newest = (await owned.group_points())[-1]
            await owned.roll_back(newest)
            await owned.leave()
            await owned.until(lambda d: d.session is None)
        owned.recovery.forget_tasks()  # ten minutes later
        await owned.until_true(lambda: not tasks(sizes(site._site)))
        return sizes(site._site)

    def kept() -> list[int]:
        with sqlite3.connect(tmp_path / FILE) as base:
            return [base.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("sessions", "vms")]

    before = await live(2)
    assert kept() == [0, 0]
    after = await live(2)
    assert kept() == [0, 0]
    # the first are bounded, to some thousands; the simulator lists an attribute once more when it is set
    # anew, and goes on listing the files of snapshots that are gone
    bounded = ("EventLog._known_keys", "OwnCall", "PlannedCall", "excluded")
    simulators = ("customValue", "layoutEx.file")
    grown = {
        where: (before.get(where, 0), size)
        for where, size in after.items()
        if size > before.get(where, 0) + 3 and not any(name in where for name in (*bounded, *simulators))
    }
    assert grown == {}
