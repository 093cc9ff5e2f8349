"""A controller that lives for months holds what is going on and what is recent, however much there was."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drdeck.controller.asking.protected_evidence import EVIDENCE
from drdeck.controller.controller import Controller
from drdeck.controller.ipc.protocol import TasksAnswer, line
from drdeck.controller.ipc.snapshots import RECENT, Snapshots
from drdeck.controller.journal import projection
from drdeck.controller.journal.alarm_trail import ALARM, AlarmTrail
from drdeck.controller.journal.audit import operations as journaled
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.journal.operations import OperationState
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.alarms import Alarm
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, Session, SessionState
from drdeck.model.guard import Change, alarm
from drdeck.model.times import show
from drdeck.model.views import SiteClock, SiteView
from drdeck.sites.training.simulation import domain_machine
from drdeck.sites.training.site import TrainingSite
from tests.site_contract.bench import DOMAIN, MovedClock, Plan
from tests.site_contract.on_training import REAL, scenario
from tests.support.waiting import ended

ANNA = "anna@jump"
CYCLE, SESSIONS = 4, 24
"""operations of one session: start, two rollbacks, exit; and so many sessions more than fill the window"""


class Life:
    """A controller over a training site, whose sessions come and go as fast as they are computed."""

    def __init__(self, directory: Path) -> None:
        self.file, self.clock = directory / "journal.db", MovedClock(REAL)
        self.site = TrainingSite("lab", scenario(Plan()), directory, 1.0, self.clock)
        self.journal = Journal(self.file)
        self.controller = Controller(self.site, self.journal, real_now=self.clock, steady=self.clock.steady)
        self.news = Snapshots(self.controller, lambda: ())
        self.controller.on_change = self.news.changed

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(500):
            for _ in range(20):
                await asyncio.sleep(0)
            if holds():
                return
            self.clock.on(30)
            self.site.wake()
        raise AssertionError([(op.action, op.waits_for) for op in self.controller.recorder.open_operations()])

    async def done(self, action: str, **details: Any) -> None:
        ident = await self.controller.desk.submit(Request(action=action, domain=DOMAIN, **details), ANNA)
        await self.until(lambda: self.controller.recorder.operations[ident].ended)
        assert self.controller.recorder.operations[ident].state is OperationState.DONE

    async def session(self) -> None:
        self.clock.on(900)
        await self.done("pitr_start")
        for before in (60, 400):
            await self.done("pitr_run", to=self.controller.watcher.now() - timedelta(seconds=before))
        with pytest.raises(NotAccepted):
            await self.done("pitr_start")
        await self.done("pitr_exit", confirm=DOMAIN)
        self.news.line(), self.news.line(DOMAIN)

    async def sessions(self, number: int) -> None:
        for _ in range(number):
            await self.session()


@contextlib.asynccontextmanager
async def living(directory: Path) -> AsyncIterator[Life]:
    life = Life(directory)
    task = asyncio.create_task(life.controller.run())
    try:
        await life.until(lambda: life.controller.watcher.error is None)
        await life.done("cfo_complete", type=FailoverType.FORCE, confirm=DOMAIN, even_though=EVIDENCE)
        yield life
    finally:
        await ended(task)
        life.journal.close()


def memory_held() -> tuple[int, int]:
    """(bytes, objects of drdeck's own types)"""
    gc.collect()
    objects = [o for o in gc.get_objects() if type(o).__module__.startswith("drdeck.")]
    return tracemalloc.get_traced_memory()[0], len(objects)


async def test_nothing_grows_with_what_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once what is kept has filled: twice as many operations take no more memory, and no longer messages.

    Without bounds an operation leaves some 3 kB behind, and each message grows by 500 bytes. Some 15 kB
    come and go with what the event loop and SQLite keep for a while.
    """
    monkeypatch.setattr(projection, "KEPT", 10)
    monkeypatch.setattr(domain_machine, "PERIODS", 10)
    async with living(tmp_path) as life:
        tracemalloc.start()
        try:
            await life.sessions(SESSIONS)
            held_before, objects_before = memory_held()
            listing, detail = len(life.news.line()), len(life.news.line(DOMAIN))
            await life.sessions(SESSIONS)
            held_after, objects_after = memory_held()
        finally:
            tracemalloc.stop()
        operations = SESSIONS * CYCLE
        assert held_after - held_before < operations * 400
        assert abs(objects_after - objects_before) < 20
        assert abs(len(life.news.line()) - listing) < 500
        assert abs(len(life.news.line(DOMAIN)) - detail) < 500
        # nothing is lost by it
        assert len(journaled(life.file)) == 1 + 2 * operations


def past(journal: Journal, number: int, domain: str = DOMAIN) -> None:
    """One rollback that was asked for and is over."""
    at = REAL + timedelta(minutes=number)
    request = {"action": "pitr_run", "domain": domain, "to": show(at)}
    accepted = {"operation": f"op-{number:08x}", "request": request, "asked_at": show(at)}
    journal.append(ANNA, projection.ACCEPTED, accepted)
    ended = {"operation": accepted["operation"], "state": "done", "at": show(at + timedelta(seconds=50))}
    journal.append("drdeck", projection.ENDED, ended)


async def test_a_thousand_operations_make_no_message_longer(tmp_path: Path) -> None:
    """In bytes of the listing, of a domain's detail, and of the task log; the journal has them all."""
    journal = Journal(tmp_path / "journal.db")
    site = TrainingSite("lab", scenario(Plan()), tmp_path, 1.0, MovedClock(REAL))
    sizes: dict[int, list[int]] = {}
    for number in range(1, 1001):
        past(journal, number)
        if number in (projection.KEPT, 1000):
            news = Snapshots(Controller(site, journal), lambda: ())
            tasks = TasksAnswer(id=1, operations=news.operations_of(None))
            sizes[number] = [len(text) for text in (news.line(), news.line(DOMAIN), line(tasks))]
    assert all(abs(a - b) < 50 for a, b in zip(sizes[1000], sizes[projection.KEPT], strict=True))
    assert sizes[1000][0] < RECENT * 620 + 1000 and max(sizes[1000]) < projection.KEPT * 620 + 1000
    assert len(journaled(journal.file)) == 1000
    journal.close()


def test_what_is_kept(tmp_path: Path) -> None:
    """What ended last, and the last of each act in each domain."""
    journal = Journal(tmp_path / "journal.db")
    past(journal, 1, "quiet")
    for number in range(2, 150):
        past(journal, number)
    kept = projection.read(journal)
    newest = [op.id for op in projection.newest_end_first(kept.values())]
    assert newest == [f"op-{n:08x}" for n in range(149, 149 - projection.KEPT, -1)] + ["op-00000001"]
    journal.close()


def test_the_journal_grows_by_what_is_told_only(tmp_path: Path) -> None:
    """So many bytes for an operation, the last as the first."""
    journal = Journal(tmp_path / "journal.db")

    def pages(until: int) -> int:
        for number in range(until - 200, until):
            past(journal, number)
        (count,) = journal._db.execute("PRAGMA page_count").fetchone()
        return int(count) * 4096

    first, second, third = pages(200), pages(400), pages(600)
    assert third - second <= (second - first) * 1.1 and third - second < 200 * 1200
    journal.close()


def site_view(session: str | None, *alarms: Alarm) -> SiteView:
    pitr_session = None if session is None else Session(id=session, state=SessionState.ACTIVE)
    mode, clock = Mode.PITR_SESSION, SiteClock(site=REAL, real=REAL)
    domain = Domain(id="d", name=DOMAIN, mode=mode, owner=Owner.LOCAL, session=pitr_session, alarms=alarms)
    return SiteView(site="lab", kind="training", serial=1, clock=clock, domains=(domain,))


def foreign(number: int) -> Alarm:
    at = REAL + timedelta(seconds=number)
    return alarm(Change.SNAPSHOT, "db01", "made a snapshot", at, "svc", "")


def test_alarms_are_journaled_once_and_forgotten_with_their_session(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")

    def alarms_journaled() -> int:
        return sum(1 for _ in journal.events(ALARM))

    def trail() -> AlarmTrail:
        return AlarmTrail(lambda kind, data: journal.append("drdeck", kind, data), journal.events)

    following = trail()
    for number in range(1, 301):
        for _ in range(2):
            following.follow(site_view(f"s{number}", foreign(number), foreign(number + 1000)))
        following.follow(site_view(None))
        assert alarms_journaled() == 2 * number
        assert sum(len(keys) for _, keys in (following._by_domain or {}).values()) == 2
    following.follow(site_view("s301", foreign(300)))  # still shown, and told before
    again = trail()
    again.follow(site_view("s300", foreign(300), foreign(1300)))
    assert alarms_journaled() == 600
    journal.close()
