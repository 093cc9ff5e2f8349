"""A run of two waves on the vCenter simulator, through controllers that may die, on one jump host or two."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar, NamedTuple

from drdeck.controller.ipc.client import Client, ControllerError, Disconnected
from drdeck.controller.journal.event_store import Event, Journal
from drdeck.controller.process.paths import paths_for
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, Mode, SessionState
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest, RunRequest
from drdeck.model.plans.run_views import RunView
from tests.support.deck import SITE
from tests.support.faults.live import ACTS, OTHER, WITHIN_S, Live
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

PLAN = f"""
[sites.{SITE}.plans.site]
waves = [{{ name = "first", domains = ["{DOMAIN}"] }}, {{ name = "second", domains = ["{OTHER}"] }}]
"""
NAMES = (DOMAIN, OTHER)
DECISION = RunRequest(plan="site", type=FailoverType.FORCE, run_pitr=True, confirm="site 2")


class RunTruth(NamedTuple):
    """The end of a run as the vCenter has it. `acts`: calls per act; `order`: domains as they were begun;
    `barrier`: no VM was to start in the rollback before every revert had been asked for."""

    state: str
    order: tuple[str, ...]
    power: tuple[str, ...]
    standing: tuple[str, ...]
    snapshots: tuple[str, ...]
    acts: dict[str, int]
    barrier: bool
    alarms: tuple[str, ...]


UNDISTURBED = RunTruth(
    state="done",
    order=NAMES,
    power=("on", "on"),
    standing=("replica 1", "replica 1"),
    snapshots=("replica 0", "replica 1", "replica 2"),
    acts={
        "CreateSnapshot_Task": 2,
        "PowerOnVM_Task": 4,
        "PowerOffVM_Task": 2,
        "RevertToSnapshot_Task": 2,
        "RemoveSnapshot_Task": 2,
    },
    barrier=True,
    alarms=(),
)
"""What a run ends with when nothing happens to it."""


def _barrier_held(events: list[Event]) -> bool:
    back = {e.data["operation"] for e in events if e.kind == "accepted" and e.data["request"]["to"]}
    keys = [str(e.data["key"]) for e in events if e.kind == "intent" and e.data["operation"] in back]
    reverts = [number for number, key in enumerate(keys) if key.startswith("revert:vm")]
    starts = [number for number, key in enumerate(keys) if key.startswith("power:")]
    return bool(reverts) and max(reverts) < min(starts)


class LiveRun(Live):
    """As `Live`, with two domains of one VM each. `heir`: state directory of another jump host, which takes
    the run over once a controller died; None: a new one on the same jump host goes on."""

    vms: ClassVar[dict[str, list[str]]] = {DOMAIN: ["erp-db01"], OTHER: ["other-1"]}

    def __init__(self, directory: Path, vcenter: VCenter, heir: Path | None = None) -> None:
        super().__init__(directory, vcenter, lease="30s" if heir is None else "10s")
        self._plan()
        self._first = self.deck
        self._heir = heir
        self.ident = ""

    def _plan(self) -> None:
        self.deck.config.write_text(self.deck.config.read_text("utf-8") + PLAN, "utf-8")

    async def alive(self) -> Client:
        if self._heir is not None and self.client is not None and self.client.closed.is_set():
            before = self.before
            other = Live(self._heir, self.vcenter, lease="10s", beside=self)
            self.deck, self.before, self._heir = other.deck, before, None
            self._plan()
            await super().alive()
            await self.ask_until(
                lambda: (run := self.run_now) is not None and not run.holder,
                lambda client: client.plans.change(self.ident, "take_over", confirm=self.ident),
            )
        return await super().alive()

    async def ask_until(self, done: Callable[[], object], ask: Callable[[Client], Awaitable[object]]) -> None:
        """Ask until it is done; after a death look whether it is, as a person would."""
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            client = await self.alive()
            if done():
                return
            try:
                await ask(client)
                await self.until(done)
            except ControllerError as error:
                if not isinstance(error, Disconnected):
                    assert error.code in ("unreachable", "failed", "rule"), error
                    await asyncio.sleep(0.05)
        raise AssertionError(f"not accepted within {WITHIN_S} s\n{self.deck.log()}")

    @property
    def run_now(self) -> RunView | None:
        listing = self.client.listing if self.client else None
        return next(iter(listing.runs), None) if listing else None

    def over(self, action: str) -> bool:
        """A rollback or exit of many sessions is through, with every domain."""
        batches = self.run_now.batches if self.run_now is not None else ()
        return any(b.action == action and set(b.done) == set(NAMES) for b in batches)

    def asked_for(self, action: str) -> bool:
        return self.run_now is not None and any(b.action == action for b in self.run_now.batches)

    def all_in(self, mode: Mode, session: SessionState | None = None) -> bool:
        listing = self.client.listing if self.client else None
        domains = listing.domains if listing else ()
        return len(domains) == len(NAMES) and all(
            d.mode is mode and (session is None or (d.session is not None and d.session.state is session))
            for d in domains
        )

    async def flow(self) -> None:
        """Start both domains, fail both over by waves, roll both back to one instant, exit."""
        for name in NAMES:
            await self.started(name)
        await self.ask_until(lambda: self.run_now, lambda client: client.plans.begin(DECISION))
        assert self.run_now is not None
        self.ident = self.run_now.run
        await self.until(lambda: self.run_now and self.run_now.ended_at)
        active = (Mode.PITR_SESSION, SessionState.ACTIVE)
        await self.until(lambda: self.all_in(*active))
        back = RunPitrRequest(run=self.ident, to=self.points[1])
        await self.ask_until(lambda: self.asked_for("pitr_run"), lambda client: client.plans.roll_back(back))
        await self.until(lambda: self.over("pitr_run") and self.all_in(*active))
        leave = RunExitRequest(run=self.ident)
        await self.ask_until(
            lambda: self.asked_for("pitr_exit"), lambda client: client.plans.leave_sessions(leave)
        )
        await self.until(lambda: self.over("pitr_exit") and self.all_in(Mode.RUNNING_IN_FAILOVER))
        await self.until(lambda: all(op.ended_at for op in self.operations()))

    async def started(self, name: str) -> None:
        await self.until(lambda: self.client and self.client.listing and self.client.listing.domains)
        ident = await self.ask(Request(action="cfo_start", domain=name))
        await self.until(lambda: self.ended(ident))

    # -- the truth

    def events(self) -> list[Event]:
        """The events of the journals of every jump host, in the order of their times."""
        events: list[Event] = []
        for deck in {id(deck): deck for deck in (self._first, self.deck)}.values():
            journal = Journal(paths_for(SITE, deck.state).journal, read_only=True)
            try:
                assert journal.verify() == []
                events += journal.events()
            finally:
                journal.close()
        return sorted(events, key=lambda event: event.time)

    def run_truth(self) -> RunTruth:
        calls, vms = self.vcenter.calls() - self.before, [vm for own in self.vms.values() for vm in own]
        current = [self.vcenter.current_snapshot(vm) for vm in vms]
        events = self.events()
        begun = [e.data["request"]["domain"] for e in events if e.kind == "accepted" and e.data.get("run")]
        return RunTruth(
            state=str(self.run_now.state) if self.run_now is not None else "",
            order=tuple(dict.fromkeys(begun)),
            power=tuple(self.vcenter.power(vm) for vm in vms),
            standing=tuple(snapshot.name if snapshot else "" for snapshot in current),
            snapshots=tuple(sorted({s.name for vm in vms for s in self.vcenter.snapshots(vm)})),
            acts={act: calls[act] for act in ACTS if calls[act]},
            barrier=_barrier_held(events),
            alarms=tuple(str(e.data["text"]) for e in events if e.kind == "alarm"),
        )
