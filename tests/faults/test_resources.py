"""Disks that fill, files that others hold, clocks that are set, directories of other versions."""

from __future__ import annotations

import asyncio
import fcntl
import re
import resource
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.journal import event_store as journals
from drdeck.controller.journal.event_store import Journal, JournalError
from drdeck.controller.journal.operations import OperationState
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.domains import Mode
from drdeck.sites.vsphere import make_vsphere_site
from drdeck.sites.vsphere.vcenter import heartbeat
from tests.support.controlling import ANNA, complete, controlling
from tests.support.deck import Deck
from tests.support.fakesite import START, FakeSite
from tests.support.faults.live import Live
from tests.support.passwords import OnePassword
from tests.support.vcenter.flow import eventually as wait_until
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually


async def test_a_full_disk(tmp_path: Path, vcenter: VCenter) -> None:
    """New operations are refused with the reason; the site is seen as ever; with space it goes on."""
    live = Live(tmp_path, vcenter)
    try:
        await live.begin()
        await live.until(lambda: live.domain_now)
        assert live.process is not None and live.client is not None
        limits = resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        with pytest.raises(ControllerError) as refused:
            await live.client.submit(Request(action="cfo_start", domain=DOMAIN))
        assert refused.value.code == "failed" and "cannot be written" in str(refused.value)
        await live.until(lambda: live.client and live.client.listing and live.client.listing.journal_error)
        vm = vcenter.vm("erp-db01")
        vcenter.make_snapshot(vm, "somebody's")
        await live.until(lambda: live.domain_now and live.domain_now.points >= 4)
        assert live.client.listing is not None and live.client.listing.error is None

        resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, limits)
        await live.until(
            lambda: live.client and live.client.listing and not live.client.listing.journal_error
        )
        await live.start()
        assert live.deaths == 0
    finally:
        await live.end()
    assert live.wrong_in_journal() == []


async def test_the_disk_fills_in_the_middle(tmp_path: Path) -> None:
    """What was done at the site while nothing could be written is written later, and not done again."""
    site, file = FakeSite(), tmp_path / "journal.db"
    async with controlling(site, file) as controller:
        ident = await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: "BeginCompletion" in controller.recorder.operations[ident].done)
        controller.journal._db.execute("PRAGMA query_only = ON")
        await site.recover()
        await eventually(lambda: controller.recorder.error)
        assert site.log == ["BeginCompletion"], "what cannot be journaled is not begun"
        await eventually(lambda: "cannot be written" in controller.recorder.operations[ident].waits_for)
        controller.journal._db.execute("PRAGMA query_only = OFF")
        await eventually(lambda: site.log == ["BeginCompletion", "StartSession"])
        assert controller.recorder.error is None and controller.journal.verify() == []
        await eventually(lambda: "cannot be written" not in controller.recorder.operations[ident].waits_for)

        execute = site.execute

        async def and_then_the_disk_is_full(command: object, begun: object = None) -> str:
            remark = await execute(command)  # type: ignore[arg-type]
            controller.journal._db.execute("PRAGMA query_only = ON")
            return remark

        site.execute = and_then_the_disk_is_full  # type: ignore[method-assign]
        back = await controller.desk.submit(Request(action="pitr_run", domain="erp", to=START), ANNA)
        await eventually(lambda: controller.recorder.error)
        await site.news()
        controller.journal._db.execute("PRAGMA query_only = OFF")
        await eventually(lambda: controller.recorder.operations[back].state is OperationState.DONE)
        assert site.log.count("RollBack") == 1 and controller.journal.verify() == []


async def test_a_journal_that_another_process_holds(tmp_path: Path) -> None:
    site, file = FakeSite(), tmp_path / "journal.db"
    async with controlling(site, file) as controller:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotAccepted, match="locked"):
            await controller.desk.submit(complete(), ANNA)
        site.set(remaining_bytes=17)
        await site.news()
        await eventually(lambda: controller.desk.domain("erp").remaining_bytes == 17)
        other.execute("ROLLBACK")
        other.close()
        await eventually(lambda: controller.recorder.error is None)
        await controller.desk.submit(complete(), ANNA)


def test_a_full_disk_is_said_by_commands_that_only_read(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.here = True
    assert "warning" not in deck.run("domains").stderr
    pid = int(deck.json("controller", "status")["pid"])
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]))
    networks = [f"--network=VM_{number}=DRSeg" for number in (3510, 3520, 3530)]
    assert "cannot be written" in deck.run("cfo", "start", "erp-prod", *networks, code=1).stderr
    assert "cannot be written" in deck.run("domains").stderr
    deck.stop()


def test_a_state_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.here = True
    deck.state = tmp_path / "file" / "state"
    deck.state.parent.write_text("not a directory")
    refusal = deck.run("domains", code=1).stderr
    assert "Not a directory" in refusal or "File exists" in refusal


def test_a_controller_that_runs_and_does_not_answer(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.here = True
    deck.run("domains")
    deck.stop()
    (file,) = deck.state.glob("*/controller.lock")
    with file.open() as lock_file:

        def free() -> bool:
            try:
                fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            return True

        wait_until(free)  # as one holds it that is stopped
        refusal = deck.run("domains", code=1).stderr
    assert "is running already, and does not answer" in refusal and "controller.log" in refusal


def test_a_state_directory_on_a_read_only_disk(tmp_path: Path) -> None:
    """Nothing is begun, with the reason; what was written can still be read and verified."""
    deck = Deck(tmp_path)
    deck.run("domains")
    deck.run("controller", "stop")
    (file,) = deck.state.glob("*/journal.db")
    wait_until(lambda: not file.with_name(file.name + "-wal").exists())

    def read_only(*words: str) -> subprocess.CompletedProcess[str]:
        mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 99; exec "$@"'
        argv = ["unshare", "--mount", "sh", "-c", mount, str(tmp_path), *deck.argv(*words)]
        return subprocess.run(argv, capture_output=True, text=True, env=deck.env, check=False)

    if shutil.which("unshare") is None or (
        (domains := read_only("domains")).returncode in (1, 99) and ("drdeck" not in domains.stderr)
    ):
        pytest.skip("no directory can be made read-only here")
    assert (
        domains.returncode == 1 and "Read-only file system" in domains.stderr and "--state" in domains.stderr
    )
    assert "[Errno" not in domains.stderr
    verified = read_only("audit", "verify")
    assert verified.returncode == 0 and "sound" in verified.stdout, verified


def test_a_newer_state_directory_is_refused(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.here = True
    deck.run("domains")
    deck.stop()
    (file,) = deck.state.glob("*/journal.db")
    with sqlite3.connect(file) as base:
        base.execute(f"PRAGMA user_version = {journals.SCHEMA + 1}")
    refusal = deck.run("domains", code=1).stderr
    assert "newer drdeck" in refusal and "--state" in refusal
    assert "newer drdeck" in deck.run("audit", "verify", code=1).stderr


def test_a_training_site_of_a_newer_one_is_refused(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.here = True
    deck.run("domains")
    deck.stop()
    (file,) = deck.state.glob("*/training-*.db")
    with sqlite3.connect(file) as base:
        base.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    before = file.read_bytes()
    refusal = deck.run("domains", code=5).stderr
    assert "written by a newer drdeck (format 99" in refusal and "--state" in refusal
    assert file.read_bytes() == before
    deck.stop()


def test_an_older_state_directory_goes_on(tmp_path: Path) -> None:
    """A journal of before formats were numbered, with an operation in it that is open."""
    deck = Deck(tmp_path)
    deck.here = True
    fast = ("--speed", "600")
    domain = deck.json(*fast, "domains")["domains"][0]["name"]
    networks = deck.domain(domain)["networks"]
    words = [f"--network={name}={networks['recovery'][0]}" for name in networks["protected"]]
    deck.run("cfo", "start", domain, *words, "--wait")
    force = ("cfo", "complete", domain, "--type", "force", "--run-pitr", "--confirm", domain)
    ident = deck.run(*force, "--even-though", "answers,vms-running", "--wait").stdout.strip()
    deck.stop()
    (file,) = deck.state.glob("*/journal.db")
    wait_until(lambda: "controller_stopped" in deck.run("audit", "export").stdout)
    with sqlite3.connect(file) as base:
        base.execute("PRAGMA user_version = 0")
    assert deck.json(*fast, "domains")["domains"][0]["mode"] == "pitr_session"
    assert {op["id"]: op["state"] for op in deck.json("tasks")["operations"]}[ident] == "open"
    deck.run("pitr", "exit", domain, "--confirm", domain, "--wait")
    deck.run("watch", domain, "--until", "idle", "--timeout", "60")
    assert {op["state"] for op in deck.json("tasks")["operations"]} == {"done"}
    assert deck.json("audit", "verify")["sound"]
    deck.stop()
    with sqlite3.connect(file) as base:
        assert base.execute("PRAGMA user_version").fetchone() == (journals.SCHEMA,)


def test_an_older_one_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "journal.db"
    journal = Journal(file)
    for number in range(3):
        journal.append("a@b", "kind", {"n": number})
    journal._db.execute("PRAGMA user_version = 0")  # as before formats were numbered
    journal.close()
    again = Journal(file)
    assert again.count() == 3 and again.verify() == []
    again.append("a@b", "kind", {})
    again.close()

    now = journals.SCHEMA
    further = "CREATE TABLE marks (event INTEGER PRIMARY KEY, mark TEXT NOT NULL)"
    monkeypatch.setattr(journals, "MIGRATIONS", (*journals.MIGRATIONS, further))
    monkeypatch.setattr(journals, "SCHEMA", now + 1)
    newer = Journal(file)
    assert newer.verify() == [] and newer.count() == 4
    assert newer._db.execute("PRAGMA user_version").fetchone() == (now + 1,)
    newer.close()

    monkeypatch.setattr(journals, "MIGRATIONS", (*journals.MIGRATIONS, "CREATE TABLE marks (x)"))
    monkeypatch.setattr(journals, "SCHEMA", now + 2)
    with pytest.raises(JournalError, match="already exists"):
        Journal(file)
    with sqlite3.connect(file) as base:
        assert base.execute("PRAGMA user_version").fetchone() == (now + 1,), "all of it or nothing"


def test_a_journal_that_makes_no_sense_is_said(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.here = True
    deck.run("domains")
    deck.stop()
    (file,) = deck.state.glob("*/journal.db")
    wait_until(lambda: "controller_stopped" in deck.run("audit", "export").stdout)
    journal = Journal(file)
    journal.append("a@b", "accepted", {"operation": "op-1", "request": {"action": 7}})
    journal.close()
    assert "does not understand" in deck.run("domains", code=1).stderr


class Clocks:
    """Our clock, which anybody may set, and the seconds that pass nevertheless."""

    def __init__(self) -> None:
        self.real, self.steady = datetime(2026, 11, 22, 8, 0, tzinfo=UTC), 100.0

    def on(self, seconds: float) -> None:
        self.real += timedelta(seconds=seconds)
        self.steady += seconds


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
async def test_our_clock_is_set(tmp_path: Path, step_s: float) -> None:
    site, clocks = FakeSite(), Clocks()
    options = {"real_now": lambda: clocks.real, "steady": lambda: clocks.steady}
    async with controlling(site, tmp_path / "journal.db", **options) as controller:
        before = controller.watcher.now()
        clocks.real += timedelta(seconds=step_s)
        assert controller.watcher.now() == before and controller.watcher.stale_s() is None
        clock = controller.watcher.clock()
        assert clock is not None and clock.at(clocks.real) == before, "consoles reckon with our clock"
        clocks.on(5)
        assert controller.watcher.now() == before + timedelta(seconds=5)
        site.out_of_reach = "gone"
        await site.news()
        await eventually(lambda: controller.watcher.error)
        clocks.on(7)
        assert controller.watcher.stale_s() == pytest.approx(12)
        site.out_of_reach = ""
        await eventually(lambda: controller.watcher.error is None)
        ident = await controller.desk.submit(complete(), ANNA)
        await site.recover()
        await eventually(lambda: site.domain.session is not None)
        assert controller.recorder.operations[ident].asked_at < START + timedelta(minutes=1)
        assert controller.journal.verify() == []


async def test_a_site_whose_clock_is_off(vcenter: VCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours is five minutes behind the vCenter's: theirs counts, and the difference is said."""
    behind = timedelta(minutes=5)

    class Behind(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - behind

    monkeypatch.setattr(heartbeat, "datetime", Behind)
    monkeypatch.setattr(heartbeat, "_WALL", heartbeat._WALL - behind)
    root = vcenter.layout({DOMAIN: ["erp-db01"]})
    settings = VSphereSettings(
        url=vcenter.url, username=vcenter.user, ca_file=str(vcenter.ca_file), root=root
    )
    site = make_vsphere_site("dr", settings, OnePassword(vcenter.password))
    try:
        began = datetime.now(UTC)
        await site.open()
        view = await site.observe()
        took = datetime.now(UTC) - began
        (warning,) = view.warnings
        differ = re.fullmatch(r"clocks differ by (\d+) s", warning)
        assert differ and abs(int(differ[1]) - 300) <= took.total_seconds(), warning
        assert abs(view.clock.site - began) <= 2 * took + timedelta(milliseconds=10)
        domain = view.domain(DOMAIN)
        assert domain is not None and domain.mode is Mode.IMPORTED
    finally:
        await site.close()


async def test_clients_of_a_socket_that_is_gone(tmp_path: Path) -> None:
    """A controller that was killed leaves its socket: nobody waits at it."""
    path = tmp_path / "controller.sock"
    server = await asyncio.start_unix_server(lambda reader, writer: None, path)
    server.close()
    with pytest.raises(ControllerError, match="no controller answers"):
        await Client(path).connect()
