"""A failover through a controller process that may die, and the truth of its vCenter afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar, NamedTuple

from drdeck.controller.ipc.client import Client, ControllerError, Disconnected
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.controller.process.paths import Paths, paths_for
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, SessionState
from tests.support.deck import SITE
from tests.support.faults.forked import Forked
from tests.support.stopwatch import Stopwatch
from tests.support.vcenter import flow as flows
from tests.support.vcenter import flowsite
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

WITHIN_S = 60.0
VM = "erp-db01"
OTHER = "other"
"""The settings know a second domain, for whoever makes one."""
_NUMBERS = itertools.count(1)

ACTS = ("CreateSnapshot_Task", "PowerOnVM_Task", "PowerOffVM_Task", "RevertToSnapshot_Task",
        "RemoveSnapshot_Task", "ReconfigVM_Task")  # fmt: skip
"""The calls that do something to a VM."""


class Truth(NamedTuple):
    """The end of a flow as the vCenter has it. `acts`: calls per act that reached it.

    `alarms`: what drdeck took for somebody else's change, though nobody else did anything.
    """

    mode: str
    session: str
    periods: int
    snapshots: tuple[str, ...]
    standing: str
    power: str
    acts: dict[str, int]
    alarms: tuple[str, ...] = ()


class OperatorNeeded(Exception):
    """An operation wants a person; the text is its question."""


async def news(client: Client, within_s: float) -> None:
    """Until the controller tells something, or has ended; at most so long."""
    with contextlib.suppress(ControllerError, TimeoutError):
        await asyncio.wait_for(client.changed(), within_s)


class Live:
    """One domain with one VM under a root of its own, a state directory, and controllers one after another.

    `url`: where drdeck finds the vCenter, when not at its own address (a proxy's). `beside`: another jump
    host for the domain of that one.
    """

    vms: ClassVar[dict[str, list[str]]] = {DOMAIN: [VM]}

    def __init__(
        self,
        directory: Path,
        vcenter: VCenter,
        url: str = "",
        timeout: str = "60s",
        lease: str = "30s",
        beside: Live | None = None,
    ) -> None:
        self.directory, self.vcenter = directory, vcenter
        if beside is None:
            self.points = flowsite.instants()
            named = [(f"replica {i}", at) for i, at in enumerate(self.points)]
            self.root = vcenter.layout(self.vms, f"run{next(_NUMBERS)}", named)
        else:
            self.points, self.root = beside.points, beside.root
        policy = {"pitr": 'enabled = true, interval = "10h"', "extra": 'ready_timeout = "10m"\nundo = false'}
        toml = "".join(flows.settings(domain, **policy) for domain in (DOMAIN, OTHER))
        extra = f'timeout = "{timeout}"\nlease = "{lease}"\nquiet_lease = "{lease}"'
        self.deck = flowsite.deck(directory, vcenter, self.root, None, toml, extra)
        if url:
            text = self.deck.config.read_text("utf-8")
            self.deck.config.write_text(text.replace(vcenter.url, url), "utf-8")
        self.before = Counter[str]()
        self.process: Forked | None = None
        self.client: Client | None = None
        self.deaths = 0

    @property
    def paths(self) -> Paths:
        return paths_for(SITE, self.deck.state)

    # -- lives

    async def begin(self, point: str = "", log: Path | None = None, stop: str = "") -> None:
        """A controller that dies at a point, or never; or that stops for a while (see process.py)."""
        if not self.before:
            self.before = self.vcenter.calls()
        env = {**self.deck.env, "FAULTS_POINT": point, "FAULTS_LOG": str(log or ""), "FAULTS_STOP": stop}
        self.process = await asyncio.to_thread(Forked, [*self.deck.arguments, "controller", "serve"], env)
        line = await asyncio.to_thread(self.process.first_line)
        if line.strip() != b"ready":  # died before, or while, it said so
            assert self.process.wait() == -signal.SIGKILL, line
            return
        self.client = Client(self.paths.socket, "console")
        with contextlib.suppress(ControllerError):
            await self.client.connect()
            self.client.subscribe(DOMAIN)

    async def end(self) -> None:
        """kill -9, if it still lives."""
        if self.client is not None:
            await self.client.close()
            self.client = None
        if self.process is not None:
            self.process.kill()
            self.process = None

    async def alive(self) -> Client:
        """A client of a living controller; after a death of a new one, which does not die."""
        for _ in range(5):
            if self.client is not None and not self.client.closed.is_set() and self.client.listing:
                return self.client
            if self.client is None or self.client.closed.is_set():
                self.deaths += 1
                await self.end()
                await self.begin()
                assert self.client is not None
            with contextlib.suppress(ControllerError):
                async with asyncio.timeout(WITHIN_S):
                    while self.client.listing is None:
                        await self.client.changed()
        raise AssertionError("no controller stays alive")

    def died_at(self, point: str, log: Path) -> bool:
        """Whether it died once, there; or had no such point, for what happens together is written together.
        `log`: of the points that it passed."""
        kind, _, number = point.partition(":")
        passed = [line.partition(" ")[0].partition(":") for line in log.read_text().splitlines()]
        most = max((int(n) for k, _, n in passed if k == kind), default=0)
        return self.deaths == 1 or (self.deaths == 0 and int(number) > most)

    # -- asking

    async def ask(self, request: Request) -> str:
        """Until it is accepted; after a death look whether it was, as a person would."""
        deadline = time.monotonic() + WITHIN_S
        before: set[str] | None = None
        while time.monotonic() < deadline:
            client = await self.alive()
            try:
                now = {op.id for op in await client.tasks()}
                before = now if before is None else before
                if now - before:
                    return (now - before).pop()
                return await client.submit(request)
            except ControllerError as error:
                if error.code in ("unreachable", "failed"):
                    await asyncio.sleep(0.05)
                else:
                    assert isinstance(error, Disconnected), (request, error)
        raise AssertionError(f"{request.action} was not accepted within {WITHIN_S} s")

    async def until(self, holds: Callable[[], object]) -> None:
        """Until something holds. Raises Asked when a person is needed for it."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            client = await self.alive()
            if holds():
                return
            for op in self.operations():
                if op.question is not None:
                    raise OperatorNeeded(op.question.text)
            assert time.monotonic() < deadline, f"{self.operations()}\n{self.domain_now}\n{self.deck.log()}"
            await news(client, 1)

    def operations(self) -> tuple[OperationView, ...]:
        return self.client.listing.operations if self.client and self.client.listing else ()

    def operation(self, ident: str) -> OperationView | None:
        return next((op for op in self.operations() if op.id == ident), None)

    def ended(self, ident: str) -> bool:
        op = self.operation(ident)
        assert op is None or op.state not in (OperationState.FAILED, OperationState.ABORTED), op
        return op is not None and op.state is OperationState.DONE

    @property
    def domain_now(self) -> Domain | None:
        listing = self.client.listing if self.client else None
        return next((d for d in listing.domains if d.name == DOMAIN), None) if listing else None

    @property
    def error(self) -> str | None:
        """Why the site is out of sight, as the controller says; None while it is seen."""
        return self.client.listing.error if self.client and self.client.listing else None

    def active(self) -> bool:
        domain = self.domain_now
        return bool(domain and domain.session and domain.session.state is SessionState.ACTIVE)

    # -- the steps of the flow

    async def start(self) -> None:
        await self.until(lambda: self.domain_now)
        ident = await self.ask(Request(action="cfo_start", domain=DOMAIN))
        await self.until(lambda: self.ended(ident))

    async def complete(self) -> None:
        """Until its session is active."""
        await self.ask(
            Request(
                action="cfo_complete", domain=DOMAIN, type=FailoverType.FORCE, run_pitr=True, confirm=DOMAIN
            )
        )
        await self.until(self.active)

    async def roll_back(self, to: datetime) -> None:
        ident = await self.ask(Request(action="pitr_run", domain=DOMAIN, to=to))
        await self.until(lambda: self.ended(ident) and self.active())

    async def leave(self) -> None:
        ident = await self.ask(Request(action="pitr_exit", domain=DOMAIN))
        await self.until(lambda: self.ended(ident))
        await self.until(lambda: self.domain_now and self.domain_now.mode is Mode.RUNNING_IN_FAILOVER)
        await self.until(lambda: all(op.ended_at for op in self.operations()))

    async def flow(self) -> None:
        """Start, complete with PITR, roll back, roll back again, exit."""
        await self.start()
        await self.complete()
        await self.roll_back(self.points[0])
        await self.roll_back(self.points[1])
        await self.leave()

    # -- the truth

    def truth(self) -> Truth:
        attributes = self.vcenter.attributes(DOMAIN)
        current = self.vcenter.current_snapshot(VM)
        calls = self.vcenter.calls() - self.before
        return Truth(
            mode="finished" if '"finished"' in attributes.get("drdeck.failover", "") else "not finished",
            session=attributes.get("drdeck.session", ""),
            periods=len(list(filter(None, attributes.get("drdeck.excluded", "").split(",")))),
            snapshots=tuple(sorted(s.name for s in self.vcenter.snapshots(VM))),
            standing=current.name if current else "",
            power=self.vcenter.power(VM),
            acts={act: calls[act] for act in ACTS if calls[act]},
            alarms=tuple(self.journal_texts("alarm")),
        )

    def journal_texts(self, kind: str) -> list[str]:
        """The texts of the journal's events of a kind."""
        journal = Journal(self.paths.journal, read_only=True)
        try:
            return [str(event.data["text"]) for event in journal.events() if event.kind == kind]
        finally:
            journal.close()

    def history(self) -> str:
        """The journal in lines, for whoever looks into a failure."""
        journal = Journal(self.paths.journal, read_only=True)
        try:
            fields = ("key", "result", "text", "state", "error", "choice")
            return "\n".join(
                f"{event.time:%M:%S.%f} {event.kind} "
                + ", ".join(str(event.data[k]) for k in fields if event.data.get(k))
                for event in journal.events()
            )
        finally:
            journal.close()

    def wrong_in_journal(self) -> list[str]:
        journal = Journal(self.paths.journal, read_only=True)
        try:
            return journal.verify()
        finally:
            journal.close()

    def sessions(self) -> int:
        """How many sessions the journal knows of."""
        journal = Journal(self.paths.journal, read_only=True)
        try:
            started = {
                event.data["command"]["session"]
                for event in journal.events()
                if event.kind == "intent" and event.data["key"] == "StartSession"
            }
            return len(started)
        finally:
            journal.close()

    def stopwatch(self) -> Stopwatch:
        """For what controller and vCenter must be quick with."""
        assert self.process is not None
        return Stopwatch(self.process.pid, self.vcenter.pid)

    def cpu_s(self) -> float:
        """Seconds of processor time that the controller has used."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


UNDISTURBED = Truth(
    mode="finished",
    session="",
    periods=1,
    snapshots=("replica 0", "replica 1", "replica 2"),
    standing="replica 1",
    power="on",
    acts={
        "CreateSnapshot_Task": 1,
        "PowerOnVM_Task": 3,
        "PowerOffVM_Task": 2,
        "RevertToSnapshot_Task": 2,
        "RemoveSnapshot_Task": 1,
    },
)
"""What a flow ends with when nothing happens to it."""


async def all_points(directory: Path, vcenter: VCenter) -> list[str]:
    """What a flow passes when nobody dies, and that it ends as told."""
    directory.mkdir()
    live, log = Live(directory, vcenter), directory / "points"
    try:
        await live.begin(log=log)
        await live.flow()
    finally:
        await live.end()
    assert live.truth() == UNDISTURBED and live.sessions() == 1
    return log.read_text().splitlines()


def spread(points: list[str], always: tuple[str, ...], every: int) -> list[str]:
    """The points to be tried, in order: those of these methods `always`, and a spread of the others."""
    others = [point for point in points if not point.endswith(always)]
    return [point for point in points if point.endswith(always) or point in others[::every]]
