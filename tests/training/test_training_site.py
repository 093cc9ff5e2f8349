"""The site around the simulation: what is kept, the clock, and watching."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from drdeck.model.commands import (
    AnyCommand,
    BeginCompletion,
    ExitSession,
    RollBack,
    StartContinuousFailover,
    StartSession,
)
from drdeck.model.domains import FailoverType, Mode
from drdeck.model.views import SiteView
from drdeck.sites.site import RecoverySite, Refused, SiteUnreachable
from drdeck.sites.training import store
from drdeck.sites.training.scenario import Scenario
from drdeck.sites.training.site import TrainingSite
from drdeck.sites.training.store import StateRefused, file_of
from tests.training.build import START, as_json, at, domain, fault, scenario

REAL = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class Clock:
    """A machine's clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = REAL

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def site(state: Path, clock: Clock, speed: float = 1.0, plot: Scenario | None = None) -> TrainingSite:
    return TrainingSite("lab", plot or scenario(), state, speed, clock)


SCRIPT: list[tuple[float, AnyCommand]] = [
    (10, StartContinuousFailover(operation="a", domain="erp")),
    (200, BeginCompletion(operation="b", domain="erp", type=FailoverType.PLANNED, run_pitr=True)),
    (400, StartSession(operation="b", domain="erp", session="s", after_failover=True)),
    (600, RollBack(operation="c", domain="erp", to=at(-90))),
    (800, ExitSession(operation="d", domain="erp")),
]


async def played(found: TrainingSite, clock: Clock, upto: float = 1000) -> SiteView:
    """The script, at its times, whatever the speed."""
    for seconds, command in SCRIPT:
        if seconds > upto:
            break
        clock.now = REAL + timedelta(seconds=seconds / found.speed)
        await found.execute(command)
    clock.now = REAL + timedelta(seconds=upto / found.speed)
    return await found.observe()


async def test_it_is_a_recovery_site(tmp_path: Path) -> None:
    found = site(tmp_path, Clock())
    assert isinstance(found, RecoverySite) and found.kind == "training"
    with pytest.raises(SiteUnreachable):
        await found.observe()
    await found.open()
    await found.open()
    view = await found.observe()
    assert view.clock.site == START and view.clock.real == REAL and view.domain("erp") is not None
    assert (await found.observe()).serial > view.serial
    assert found.upkeep(START) == []
    assert {f.level for f in await found.findings()} == {"ok"}
    await found.close()
    with pytest.raises(SiteUnreachable):
        found.check(SCRIPT[0][1])


@pytest.mark.parametrize("speed", [2.0, 5.0, 8.0, 50.0, 1000.0])
async def test_the_same_at_any_speed(tmp_path: Path, speed: float) -> None:
    clock = Clock()
    one = site(tmp_path / "one", clock)
    await one.open()
    slow = await played(one, clock)
    clock = Clock()
    two = site(tmp_path / "two", clock, speed)
    await two.open()
    fast = await played(two, clock)
    assert as_json(slow.domains) == as_json(fast.domains)
    assert fast.clock.speed == speed and slow.clock.site == fast.clock.site
    assert slow.domains[0].mode is Mode.RUNNING_IN_FAILOVER


@pytest.mark.parametrize("upto", [5, 10, 65, 210, 405, 601, 800, 900])
async def test_reopening_without_a_close_shows_the_same(tmp_path: Path, upto: float) -> None:
    clock = Clock()
    first = site(tmp_path, clock)
    await first.open()
    before = await played(first, clock, upto)
    again = site(tmp_path, clock)
    await again.open()
    after = await again.observe()
    assert as_json(after.domains) == as_json(before.domains)
    assert after.clock.site == before.clock.site and after.serial >= int(REAL.timestamp() * 1000)


def test_a_killed_process_leaves_what_it_accepted(tmp_path: Path) -> None:
    program = f"""
import asyncio, os, signal
from datetime import timedelta
from pathlib import Path
from tests.training.test_training_site import *
async def run():
    clock = Clock()
    found = site(Path({str(tmp_path)!r}), clock)
    await found.open()
    await played(found, clock, 605)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(run())
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -9

    async def compared() -> None:
        clock, alive_clock = Clock(), Clock()
        clock.on(605)
        found, alive = site(tmp_path, clock), site(tmp_path / "other", alive_clock)
        await found.open()
        await alive.open()
        expected = await played(alive, alive_clock, 605)
        assert as_json((await found.observe()).domains) == as_json(expected.domains)

    asyncio.run(compared())


async def test_its_clock_goes_on_although_ours_was_set_back_while_it_was_closed(tmp_path: Path) -> None:
    clock = Clock()
    await site(tmp_path, clock).open()
    clock.on(-86_400)
    again = site(tmp_path, clock)
    await again.open()
    before = again.site_now()
    clock.on(60)
    assert again.site_now() - before == timedelta(seconds=60)


async def test_commands_given_twice_count_once(tmp_path: Path) -> None:
    clock = Clock()
    found = site(tmp_path, clock)
    await found.open()
    await found.execute(SCRIPT[0][1])
    clock.on(50)
    await found.execute(SCRIPT[0][1])
    assert found.check(SCRIPT[0][1]) is None
    assert "1 commands accepted" in (await found.findings())[2].text
    again = site(tmp_path, clock)
    await again.open()
    await again.execute(SCRIPT[0][1])
    other = StartContinuousFailover(operation="z", domain="erp")
    assert again.check(other) is not None
    with pytest.raises(Refused, match="imported"):
        await again.execute(other)


async def test_unknown_domains_are_refused(tmp_path: Path) -> None:
    found = site(tmp_path, Clock())
    await found.open()
    with pytest.raises(Refused, match="no domain"):
        await found.points("none")
    with pytest.raises(Refused, match="no domain"):
        await found.protected_site("none")


async def test_the_protected_site(tmp_path: Path) -> None:
    clock = Clock()
    plot = scenario(domain(), domain("gone", protected_site="lost"))
    found = site(tmp_path, clock, plot=plot)
    await found.open()
    here = await found.protected_site("erp")
    assert (here.state, here.running, here.total) == ("reachable", 3, 3)
    gone = await found.protected_site("gone")
    assert (gone.state, gone.running) == ("lost", None)
    await played(found, clock, 250)
    assert (await found.protected_site("erp")).running == 0


async def test_jumping_and_changing_speed(tmp_path: Path) -> None:
    clock = Clock()
    found = site(tmp_path, clock, 60)
    await found.open()
    found.jump(30 * 86400)
    assert found.site_now() == START + timedelta(days=30)
    clock.on(1)
    assert found.site_now() == START + timedelta(days=30, seconds=60)
    found.set_speed(1)
    clock.on(1)
    assert found.site_now() == START + timedelta(days=30, seconds=61)
    again = site(tmp_path, clock, 5)
    await again.open()
    assert again.site_now() == START + timedelta(days=30, seconds=61)
    clock.on(1)
    assert again.site_now() == START + timedelta(days=30, seconds=66)
    clock.on(-3600)
    assert again.site_now() == START + timedelta(days=30, seconds=66), "a clock that goes back"
    for bad in (0, -5, float("nan"), float("inf"), 1e12):
        with pytest.raises(ValueError, match="jump"):
            again.jump(bad)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_impossible_speeds(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        site(tmp_path, Clock(), speed)


async def test_a_changed_scenario_is_refused(tmp_path: Path) -> None:
    clock = Clock()
    found = site(tmp_path, clock)
    await found.open()
    await found.execute(SCRIPT[0][1])
    await found.close()
    changed = msgspec.structs.replace(scenario(), seed=8)
    with pytest.raises(StateRefused, match="another text of the scenario"):
        await site(tmp_path, clock, plot=changed).open()
    file_of(tmp_path, "test").rename(tmp_path / "aside")
    await site(tmp_path, clock, plot=changed).open()


async def damaged(state: Path, how: str) -> None:
    clock = Clock()
    found = site(state, clock)
    await found.open()
    await played(found, clock, 1000)
    await found.close()
    path = file_of(state, "test")
    if how == "garbage":
        path.write_bytes(b"this is not a database, and it is longer than a header of one would be" * 30)
        return
    if how == "cut":
        path.write_bytes(path.read_bytes()[:9000])
        return
    base = sqlite3.connect(path)
    statement = {
        "changed": "UPDATE commands SET at = '2026-01-16T22:05:00Z' WHERE number = 2",
        "missing": "DELETE FROM commands WHERE number = 2",
        "unreadable": "UPDATE meta SET value = '{' WHERE key = 'anchor'",
        "no table": "DROP TABLE commands",
        "no format": "DELETE FROM meta WHERE key = 'format'",
        "newer format": "UPDATE meta SET value = '99' WHERE key = 'format'",
        "format of none": "UPDATE meta SET value = '0' WHERE key = 'format'",
    }[how]
    with base:
        base.execute(statement)
    base.close()


@pytest.mark.parametrize(
    "how",
    [
        "garbage",
        "cut",
        "changed",
        "missing",
        "unreadable",
        "no table",
        "no format",
        "newer format",
        "format of none",
    ],
)
async def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, how: str) -> None:
    await damaged(tmp_path, how)
    before = file_of(tmp_path, "test").read_bytes()
    with pytest.raises(StateRefused) as refused:
        await site(tmp_path, Clock()).open()
    assert "test.db" in str(refused.value)
    assert "reset" in str(refused.value)
    assert file_of(tmp_path, "test").read_bytes() == before


async def test_an_older_file_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    found = site(tmp_path, clock)
    await found.open()
    for _, command in SCRIPT[:1]:
        await found.execute(command)
    before = (await found.observe()).domains
    await found.close()

    monkeypatch.setattr(store, "MIGRATIONS", (("CREATE TABLE marks (command INTEGER PRIMARY KEY) STRICT",),))
    newer = site(tmp_path, clock)
    await newer.open()
    assert (await newer.observe()).domains == before
    await newer.close()
    assert format_of(tmp_path) == "2"

    broken = (*store.MIGRATIONS, ("CREATE TABLE more (x)", "CREATE TABLE marks (x)"))
    monkeypatch.setattr(store, "MIGRATIONS", broken)
    with pytest.raises(StateRefused, match="already exists"):
        await site(tmp_path, clock).open()
    assert format_of(tmp_path) == "2", "all of it or nothing"

    monkeypatch.setattr(store, "MIGRATIONS", ())
    with pytest.raises(StateRefused, match=r"newer drdeck \(format 2, this one knows 1\)"):
        await site(tmp_path, clock).open()


def format_of(state: Path) -> str:
    with closing(sqlite3.connect(file_of(state, "test"))) as base:
        (found,) = base.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "more" not in tables
    return str(found)


async def test_a_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateRefused, match="cannot be made"):
        await site(tmp_path / "file", Clock()).open()


async def test_a_command_that_cannot_be_stored_changes_nothing(tmp_path: Path) -> None:
    found = site(tmp_path, Clock())
    await found.open()
    base = sqlite3.connect(file_of(tmp_path, "test"))
    with base:
        base.execute("CREATE TRIGGER f BEFORE INSERT ON commands BEGIN SELECT RAISE(ABORT, 'full'); END")
    base.close()
    before = await found.observe()
    with pytest.raises(Refused, match="could not be stored: full"):
        await found.execute(SCRIPT[0][1])
    assert (await found.observe()).domains == before.domains


async def following(views: AsyncIterator[SiteView]) -> SiteView:
    return await asyncio.wait_for(anext(views), 10)


async def test_watching_yields_at_once_and_when_something_was_done(tmp_path: Path) -> None:
    clock = Clock()
    found = site(tmp_path, clock)
    await found.open()
    views = found.watch()
    first = await following(views)
    assert first.domains[0].mode is Mode.IMPORTED
    await found.execute(SCRIPT[0][1])
    second = await following(views)
    assert second.domains[0].mode is Mode.REHYDRATING and second.serial > first.serial
    found.jump(3600)
    assert (await following(views)).domains[0].mode is Mode.SYNCHRONISED
    await views.aclose()  # type: ignore[attr-defined]
    assert not found._wakers


async def test_watching_follows_by_itself_what_goes_on(tmp_path: Path) -> None:
    found = TrainingSite("lab", scenario(), tmp_path, 1000)
    await found.open()
    await found.execute(SCRIPT[0][1])
    modes = []
    async with asyncio.timeout(30):
        async for view in found.watch():
            modes.append(view.domains[0].mode)
            if modes[-1] is Mode.SYNCHRONISED:
                break
    assert len(modes) <= 4


async def test_watching_does_not_yield_what_has_not_changed(tmp_path: Path) -> None:
    found = site(tmp_path, Clock())
    await found.open()
    views = found.watch()
    await following(views)
    waiting = asyncio.ensure_future(anext(views))
    for _ in range(5):
        found.wake()
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_two_watchers_see_the_same(tmp_path: Path) -> None:
    found = site(tmp_path, Clock(), plot=scenario(faults=(fault("slow_vm"),)))
    await found.open()
    one, two = found.watch(), found.watch()
    await following(one)
    await following(two)
    await found.execute(SCRIPT[0][1])
    assert (await following(one)).domains == (await following(two)).domains


async def test_closing_ends_the_watch_plainly(tmp_path: Path) -> None:
    found = site(tmp_path, Clock())
    await found.open()
    views = found.watch()
    await following(views)
    await found.close()
    with pytest.raises(SiteUnreachable):
        await following(views)
