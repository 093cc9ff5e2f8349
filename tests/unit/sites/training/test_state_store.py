"""What a training site keeps: through crashes, damage, another scenario and an older file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from drdeck.sites.contract import Refused
from drdeck.sites.training import state_store
from drdeck.sites.training.state_store import StateRefused, file_of
from tests.support import ROOT
from tests.support.training.training_build import as_json, scenario
from tests.support.training.training_played import REAL, SCRIPT, Clock, played, site


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
from pathlib import Path
from tests.support.training.training_played import *
async def run():
    clock = Clock()
    found = site(Path({str(tmp_path)!r}), clock)
    await found.open()
    await played(found, clock, 605)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(run())
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert ended.returncode == -9

    async def compared() -> None:
        clock, alive_clock = Clock(), Clock()
        clock.on(605)
        restarted, alive = site(tmp_path, clock), site(tmp_path / "other", alive_clock)
        await restarted.open()
        await alive.open()
        expected = await played(alive, alive_clock, 605)
        assert as_json((await restarted.observe()).domains) == as_json(expected.domains)

    asyncio.run(compared())


async def test_a_changed_scenario_is_refused(tmp_path: Path) -> None:
    clock = Clock()
    training = site(tmp_path, clock)
    await training.open()
    await training.execute(SCRIPT[0][1])
    await training.close()
    changed = msgspec.structs.replace(scenario(), seed=8)
    with pytest.raises(StateRefused, match="another text of the scenario"):
        await site(tmp_path, clock, plot=changed).open()
    file_of(tmp_path, "test").rename(tmp_path / "aside")
    await site(tmp_path, clock, plot=changed).open()


async def damaged(state: Path, how: str) -> None:
    clock = Clock()
    training = site(state, clock)
    await training.open()
    await played(training, clock, 1000)
    await training.close()
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
    training = site(tmp_path, clock)
    await training.open()
    for _, command in SCRIPT[:1]:
        await training.execute(command)
    before = (await training.observe()).domains
    await training.close()

    monkeypatch.setattr(
        state_store, "MIGRATIONS", (("CREATE TABLE marks (command INTEGER PRIMARY KEY) STRICT",),)
    )
    newer = site(tmp_path, clock)
    await newer.open()
    assert (await newer.observe()).domains == before
    await newer.close()
    assert format_of(tmp_path) == "2"

    broken = (*state_store.MIGRATIONS, ("CREATE TABLE more (x)", "CREATE TABLE marks (x)"))
    monkeypatch.setattr(state_store, "MIGRATIONS", broken)
    with pytest.raises(StateRefused, match="already exists"):
        await site(tmp_path, clock).open()
    assert format_of(tmp_path) == "2", "all of it or nothing"

    monkeypatch.setattr(state_store, "MIGRATIONS", ())
    with pytest.raises(StateRefused, match=r"newer drdeck \(format 2, this one knows 1\)"):
        await site(tmp_path, clock).open()


def format_of(state: Path) -> str:
    with closing(sqlite3.connect(file_of(state, "test"))) as base:
        (version,) = base.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "more" not in tables
    return str(version)


async def test_a_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateRefused, match="cannot be made"):
        await site(tmp_path / "file", Clock()).open()


async def test_a_command_that_cannot_be_stored_changes_nothing(tmp_path: Path) -> None:
    training = site(tmp_path, Clock())
    await training.open()
    base = sqlite3.connect(file_of(tmp_path, "test"))
    with base:
        base.execute("CREATE TRIGGER f BEFORE INSERT ON commands BEGIN SELECT RAISE(ABORT, 'full'); END")
    base.close()
    before = await training.observe()
    with pytest.raises(Refused, match="could not be stored: full"):
        await training.execute(SCRIPT[0][1])
    assert (await training.observe()).domains == before.domains
