"""One domain at some site under a controller, whatever the site is: asked, moved in time, and looked into."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import pytest

from drdeck.controller.asking.protected_evidence import EVIDENCE
from drdeck.controller.controller import Controller
from drdeck.controller.journal import projection
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.commands import AnyCommand
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, SessionState
from drdeck.model.pitr import Points
from drdeck.model.views import SiteView
from drdeck.sites.contract import RecoverySite
from tests.support.waiting import ended

ANNA = "anna@jump"
DOMAIN = "erp"
VMS = ("erp-app01", "erp-db01")
WINDOW_S, INTERVAL_S = 3 * 3600, 15 * 60
SHUTDOWN_S = 60
"""how long a protected VM is waited for to shut down, at both sites"""


class Plan(NamedTuple):
    """How a domain stands when a test begins.

    `state`: imported, synchronised, or owned (this site runs it after an earlier failover). `protected`:
    what the protected VMs do, on or off, or that their site is lost. `behind`: once continuous failover
    is started, it does not get synchronised before `catch_up`. `stubborn`: a VM that does not shut down
    when first asked. `powerless`: a VM whose first power-on here fails. `unsettled`: `disturb` can be used.
    """

    state: str = "synchronised"
    pitr: bool = True
    protected: str = "on"
    behind: bool = False
    stubborn: str = ""
    powerless: str = ""
    unsettled: bool = False
    tests: bool = False
    """the site can test failovers"""
    starts_there: bool = False
    """an undo powers the protected VMs on"""
    tool: bool = False
    """a replication tool's retention is paused for a test, by a person's word"""


class Truth(NamedTuple):
    """What really stands there, read past the site object and past the controller.

    `standing`: per VM the instant of the point that its disks were made from, None where they are no
    point's. `source`: what the protected VMs do, empty where their site is lost. `closed`: how many
    sessions' periods are remembered. `named`: the points that exist, whoever made them.
    """

    local: bool
    session: str | None
    reset: datetime | None
    closed: int
    power: dict[str, str]
    standing: dict[str, datetime | None]
    source: dict[str, str]
    named: frozenset[datetime]


class MovedClock:
    """This machine's clock, and how far it was moved by hand; `stands`: it moves by hand only."""

    def __init__(self, stands: datetime | None = None) -> None:
        self._stands = stands
        self._shift = timedelta()

    def __call__(self) -> datetime:
        return (self._stands or datetime.now(UTC)) + self._shift

    def steady(self) -> float:
        """Seconds that go on at the same pace, moved likewise."""
        return (0.0 if self._stands else time.monotonic()) + self._shift.total_seconds()

    def on(self, seconds: float) -> None:
        self._shift += timedelta(seconds=seconds)


class Watched:
    """A site that keeps what it has shown of the domain, each state once, in order."""

    def __init__(self, site: RecoverySite) -> None:
        self._site = site
        self.history: list[Domain] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    async def observe(self) -> SiteView:
        return self._kept(await self._site.observe())

    async def watch(self) -> AsyncIterator[SiteView]:
        async for view in self._site.watch():
            yield self._kept(view)

    def _kept(self, view: SiteView) -> SiteView:
        domain = view.domain(DOMAIN)
        if domain is not None and (not self.history or self.history[-1] != domain):
            self.history.append(domain)
        return view


class Bench(ABC):
    """See `Plan` for how it can begin."""

    name = DOMAIN

    def __init__(self, site: RecoverySite, plan: Plan, clock: MovedClock, directory: Path) -> None:
        self.plan, self.clock = plan, clock
        self._directory = directory
        self._watched = Watched(site)
        self.site = cast(RecoverySite, self._watched)
        self.controller = self._control("journal.db")
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._task = asyncio.create_task(self.controller.run())
        await self.until_true(lambda: self.controller.watcher.error is None)

    async def close(self) -> None:
        if self._task is not None:
            await ended(self._task)
        self.controller.journal.close()

    def _control(self, journal: str) -> Controller:
        clock = self.clock
        return Controller(self.site, Journal(self._directory / journal), real_now=clock, steady=clock.steady)

    async def succeed(self) -> None:
        """The controller is gone, and one of another host is there, which knows nothing but the site."""
        await self.close()
        self._watched = Watched(self.another())
        self.site = cast(RecoverySite, self._watched)
        self.controller = self._control("another.db")
        await self.begin()

    # -- what differs

    @abstractmethod
    def another(self) -> RecoverySite:
        """The same site, as another host drives it."""

    @abstractmethod
    async def until_true(self, holds: Callable[[], object], explain: Callable[[], str] = str) -> None:
        """Until something is true, however time has to pass for it."""

    @abstractmethod
    def truth(self) -> Truth:
        """What really stands there now."""

    @abstractmethod
    async def catch_up(self) -> None:
        """With `behind`: let the domain get synchronised."""

    @abstractmethod
    async def rest_of_data(self) -> None:
        """In a planned failover, after the shutdown: the rest of the data comes."""

    @abstractmethod
    async def disturb(self) -> None:
        """With `unsettled`: from now on the VMs are not consistent, until `settle`."""

    @abstractmethod
    async def settle(self) -> None:
        """The VMs are consistent again, or will be by themselves."""

    @abstractmethod
    async def trouble(self) -> None:
        """With `unsettled`: something befalls the domain that an operator should know, until `mend`."""

    @abstractmethod
    async def mend(self) -> None:
        """What `trouble` brought is over."""

    @abstractmethod
    def power_off_by_hand(self, vm: str) -> None:
        """Somebody powers a protected VM off."""

    @abstractmethod
    def outsider(self) -> None:
        """Somebody else makes a snapshot of each VM at the recovery site now, where there is such a thing."""

    @abstractmethod
    async def meddler(self, vm: str) -> None:
        """Somebody else makes a snapshot of a VM at the recovery site now, under an account of his own; it
        is an alarm of a PITR session that the VM is in. `truth` cannot be told any more."""

    @abstractmethod
    async def spoil_test_vm(self, vm: str) -> None:
        """Somebody attaches a disk of another VM to the test VM of a VM."""

    @abstractmethod
    def can_be_attached(self, file: str) -> None:
        """Attach a disk that must be there still, to the VM that the other one was taken from."""

    @abstractmethod
    async def mend_test_vm(self, vm: str) -> None:
        """And detaches it."""

    @abstractmethod
    async def late_clone(self, vm: str) -> None:
        """A test of the domain is begun and ended; a clone of a VM for it comes afterwards, and nobody has
        noted it."""

    @abstractmethod
    def changes_at_source(self) -> list[str]:
        """Calls made so far at the protected site that are more than looking."""

    # -- time

    @abstractmethod
    async def advance(self, seconds: float) -> None:
        """Move the clocks on; what is due by time alone follows by itself."""

    @abstractmethod
    async def look(self) -> None:
        """Until the controller has seen the site as it is now."""

    def now(self) -> datetime:
        return self.controller.watcher.now()

    async def until(self, holds: Callable[[Domain], object]) -> Domain:
        """The domain, once something holds of it."""
        await self.until_true(lambda: holds(self.domain), self.state_text)
        return self.domain

    def state_text(self) -> str:
        operations = [
            (op.id, op.action, op.waits_for, op.question) for op in self.controller.recorder.open_operations()
        ]
        fields = msgspec.to_builtins(self.domain)
        return f"{operations}\n{ {k: v for k, v in fields.items() if k not in ('vms', 'networks')} }"

    # -- looking

    @property
    def domain(self) -> Domain:
        return self.controller.desk.domain(DOMAIN)

    @property
    def serial(self) -> int:
        """Of the view that the controller saw last."""
        return self.controller.view.serial if self.controller.view else 0

    @property
    def history(self) -> list[Domain]:
        return self._watched.history

    @property
    def mode(self) -> str:
        """As JSON has it."""
        return str(self.domain.mode)

    @property
    def session(self) -> SessionState | None:
        return self.domain.session.state if self.domain.session else None

    async def points(self) -> Points:
        return await self.controller.desk.points(DOMAIN)

    async def group_points(self) -> list[datetime]:
        """The points over all VMs that may be picked, oldest first; without that made on entry."""
        listing = await self.points()
        return sorted(p.time for p in listing.points if p.kind != "entry" and p.vms == len(VMS))

    def operation(self, ident: str) -> Operation:
        return self.controller.recorder.operations[ident]

    def intents(self, key: str = "") -> list[dict[str, Any]]:
        """Commands given so far, those with a key or all."""
        events = self.controller.journal.events()
        return [e.data for e in events if e.kind == projection.INTENT and key in ("", e.data["key"])]

    def command(self, ident: str, key: str) -> AnyCommand:
        """The command with a key that an operation gave."""
        intent = next(i for i in self.intents(key) if i["operation"] == ident)
        command: AnyCommand = msgspec.convert(intent["command"], AnyCommand)
        return command

    async def quiet(self) -> None:
        """Until nothing is done that nobody asked for: points are made, and pruned."""
        await self.until_true(
            lambda: not self._chores() and not self.site.maintenance_due(self.now()), self.state_text
        )

    def _chores(self) -> int:
        """How many points are being made or pruned now."""
        going = set()
        for event in self.controller.journal.events():
            if event.kind == "upkeep":
                going.add(event.data["key"])
            elif event.kind == "upkeep_outcome":
                going.discard(event.data["key"])
        return len(going)

    # -- asking

    def asks(self, action: str, **details: Any) -> Request:
        return Request(action=action, domain=DOMAIN, **details)

    def failover(self, kind: str = "force", run_pitr: bool = False, **details: Any) -> Request:
        """A completion; a forced one is confirmed, whatever speaks against it."""
        if kind == "force":
            details.setdefault("confirm", DOMAIN)
            details.setdefault("even_though", EVIDENCE)
        return self.asks("cfo_complete", type=FailoverType(kind), run_pitr=run_pitr, **details)

    async def submit(self, request: Request) -> str:
        return await self.controller.desk.submit(request, ANNA)

    async def refused(self, request: Request, says: str, code: str = "rule", moving: bool = False) -> None:
        """Refused with those words, and nothing has changed anywhere (unless it is `moving` anyway)."""
        if not moving:
            await self.quiet()
        before, operations = self.truth(), set(self.controller.recorder.operations)
        with pytest.raises(NotAccepted, match=says) as refusal:
            await self.submit(request)
        assert refusal.value.code == code, refusal.value
        assert set(self.controller.recorder.operations) == operations
        assert moving or self.truth() == before

    async def ended(self, ident: str) -> Operation:
        """The operation, once it is over in any way."""
        await self.until_true(lambda: self.operation(ident).ended, self.state_text)
        return self.operation(ident)

    async def done(self, request: Request) -> str:
        """Ask and wait until it is done; the operation's id."""
        ident = await self.submit(request)
        ended = await self.ended(ident)
        assert ended.state is OperationState.DONE, (ended.error, self.state_text())
        return ident

    async def question_text(self, ident: str) -> str:
        """What an operation asks of a person, once it does."""
        await self.until_true(lambda: self.operation(ident).question is not None, self.state_text)
        question = self.operation(ident).question
        assert question is not None
        return question.text

    async def answer(self, ident: str, choice: str) -> None:
        """Answer; returns when the question is settled."""
        question = self.operation(ident).question
        self.controller.desk.answer(ident, choice, ANNA)
        await self.until_true(lambda: self.operation(ident).question != question, self.state_text)

    # -- whole ways

    async def active(self) -> None:
        await self.until(lambda d: d.session and d.session.state is SessionState.ACTIVE)

    async def recovered_into_session(self, kind: str = "force") -> str:
        """A failover with Run PITR ticked, up to its session being active; the operation's id."""
        ident = await self.submit(self.failover(kind, run_pitr=True))
        await self.active()
        return ident

    async def session_by_hand(self, *vms: str) -> str:
        ident = await self.done(self.asks("pitr_start", vms=vms))
        assert self.session is SessionState.ACTIVE
        return ident

    async def roll_back(self, to: datetime, *vms: str) -> str:
        return await self.done(self.asks("pitr_run", to=to, vms=vms))

    async def leave(self) -> str:
        """Exit, confirmed whether or not that is needed."""
        return await self.done(self.asks("pitr_exit", confirm=DOMAIN))

    # -- what holds of every view

    def check_history(self) -> None:
        """Rules that no view may break, and no two views that follow each other."""
        for d in self.history:
            session = d.session
            active = session is not None and session.state is not SessionState.WAITING
            assert (d.mode is Mode.PITR_SESSION) == active, (d.mode, session)
            assert session is None or d.owner is Owner.LOCAL, "a session where this site owns the domain only"
            assert (session is not None and session.started_at is not None) == active
            assert active == any(p.end is None for p in d.excluded), "an open period is an active session"
            if session is not None and session.after_failover:
                assert d.failover is not None and d.failover.recovered_at is not None
                assert not session.started_at or session.started_at >= d.failover.recovered_at
        for before, after in zip(self.history, self.history[1:], strict=False):
            back = before.owner is Owner.LOCAL and after.owner is Owner.REMOTE
            may_go_back = before.undoing or before.way_back.returning or after.way_back.releasing
            assert not back or may_go_back, (
                "ownership went back, and nobody undid the failover, or gave it back"
            )
            assert len(after.excluded) >= len(before.excluded), "an excluded period was forgotten"
            assert before.reset_at is None or (after.reset_at or before.reset_at) >= before.reset_at
            assert before.reset_at is None or after.reset_at is not None, "a reset was forgotten"


MakeBench = Callable[..., Awaitable[Bench]]
