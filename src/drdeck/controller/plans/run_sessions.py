"""The sessions of a run together: one instant to roll back to, and the way out."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from datetime import datetime

import msgspec

from drdeck.controller.journal import runs as run_facts
from drdeck.controller.journal.runs import Batch, RunRecord
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.domains import Domain
from drdeck.model.plans.common_instant import (
    BEFORE_ABNORMAL,
    GOOD,
    CommonInstant,
    RunPoints,
    with_marked,
)
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest
from drdeck.model.text import some
from drdeck.model.times import show_spaced

from .common_rollback import PointTable, session_closed
from .run_book import RunBook

FRESH_S = 20.0
"""For so long the points of the same sessions are not read anew."""


class RunSessions:
    """Journals a rollback or an exit of many sessions; `run_keeper` begins it in each domain."""

    def __init__(self, runs: RunBook) -> None:
        self.runs, self.inquiry = runs, runs.inquiry
        self.site, self.watcher = runs.inquiry.site, runs.inquiry.watcher
        self._cached: tuple[float, list[str], PointTable] | None = None

    async def points(self, ident: str) -> RunPoints:
        """The instants for all sessions of a run. Raises NotAccepted, SiteError."""
        run = self.runs.run(ident)
        table, domains, without = await self._table(run, ())
        now = self.watcher.now()
        marked = [(table.before_abnormal, BEFORE_ABNORMAL), (self._last_good(run, domains), GOOD)]
        return RunPoints(
            run=run.id,
            instants=with_marked(
                await table.instants(domains, now),
                [table.at(to, domains, now, kind) for to, kind in marked if to is not None],
            ),
            domains=tuple(domains),
            without=without,
        )

    def _last_good(self, run: RunRecord, domains: Iterable[str]) -> datetime | None:
        """The newest instant to which all of these sessions were rolled back with no check failing."""
        times = [b.to for b in run.batches if b.good and b.to is not None and set(domains) <= set(b.domains)]
        return max(times, default=None)

    async def instant(self, request: RunPitrRequest) -> CommonInstant:
        """The point that each domain goes back to at one instant. Raises NotAccepted, SiteError."""
        run = self.runs.run(request.run)
        table, domains, _ = await self._table(run, request.domains)
        return table.at(request.to, domains, self.watcher.now())

    async def _table(
        self, run: RunRecord, names: tuple[str, ...]
    ) -> tuple[PointTable, dict[str, Domain], dict[str, str]]:
        self.inquiry.check_in_sight()
        sessions, without = self._sessions(run, names)
        if not sessions:
            why = "; ".join(f'"{n}": {w}' for n, w in list(without.items())[:5]) or "it has begun none"
            raise NotAccepted("rule", f"no domain of {run.id} has a PITR session to roll back: {why}")
        domains = self.inquiry.domains()
        return await self._points_of(sessions), {name: domains[name] for name in sessions}, without

    async def _points_of(self, sessions: list[str]) -> PointTable:
        """The points of sessions; in a session none are made, so that a moment ago counts as now."""
        now = self.watcher.steady()
        if self._cached is not None:
            since, names, table = self._cached
            if names == sessions and now - since < FRESH_S:
                return table
        points = {}
        for name in sessions:
            points[name] = await self.site.points(name)
            await asyncio.sleep(0)  # a list of thousands takes its time, and others wait
        table = PointTable(points)
        self._cached = (now, sessions, table)
        return table

    def _sessions(self, run: RunRecord, names: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
        """Domains of a run with an active session, and why the others have none. Raises NotAccepted."""
        inside = [d.name for d in run.frozen.domains if d.name in run.begun]
        for name in names:
            if name not in inside:
                raise NotAccepted("usage", f'"{name}" was not begun by {run.id}')
        domains = self.inquiry.domains()
        closed = {name: session_closed(domains.get(name)) for name in names or inside}
        return [n for n, why in closed.items() if why is None], {n: w for n, w in closed.items() if w}

    def confirm_of(self, run: RunRecord, instant: CommonInstant) -> str:
        """The words to be typed for a rollback that some domains stay out of; empty: nothing."""
        return f"{run.frozen.plan} {len(instant.reaching)}" if instant.cannot else ""

    async def roll_back(self, request: RunPitrRequest, actor: str) -> dict[str, str]:
        """Begin the rollback of all that reach an instant; the reasons why the others stay as they are.

        Raises NotAccepted, SiteError.
        """
        self.runs.refuse_read_only()
        run = self.runs.own(request.run)
        instant = await self.instant(request)
        self._no_batch(run)
        reaching = tuple(d.name for d in instant.reaching)
        cannot = {d.name: d.cannot for d in instant.cannot}
        if not reaching:
            why = next(iter(cannot.values()))
            raise NotAccepted("rule", f"no domain of {run.id} can reach {show_spaced(request.to)}: {why}")
        right = f"{run.frozen.plan} {len(reaching)}"
        if request.confirm != right and (request.confirm is not None or self.confirm_of(run, instant)):
            typed = "it was not given" if request.confirm is None else f"{request.confirm!r} is not it"
            stay = f"{some(list(cannot), 8)} cannot reach it and stay as they are; " if cannot else ""
            raise NotAccepted(
                "unconfirmed",
                f"{stay}this must be confirmed with the plan and the number of domains that are rolled back,"
                f' "{right}" ({typed})',
            )
        batch = Batch(
            id=f"back-{secrets.token_hex(3)}",
            action="pitr_run",
            actor=actor,
            asked_at=self.watcher.now(),
            domains=reaching,
            to=request.to,
            points={d.name: d.point for d in instant.reaching if d.point is not None},
            cannot=cannot,
            oldest=instant.oldest,
            newest=instant.newest,
            barrier=True,
        )
        self._record_batch(run, batch, actor)
        return cannot

    def exits(self, request: RunExitRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The domains whose sessions a request leaves, and those of the other list, which stay.

        Raises NotAccepted as `leave_sessions` does.
        """
        self.inquiry.check_in_sight()
        run = self.runs.run(request.run)
        self._no_batch(run)
        sessions, _ = self._sessions(run, request.domains)
        domains = self.inquiry.domains()
        back, reset = list[str](), list[str]()
        for name in sessions:
            session = domains[name].session
            (back if session is not None and session.rollbacks else reset).append(name)
        leaving, others = (reset, back) if request.reset else (back, reset)
        right = f"RESET {len(reset)}"
        if not leaving and not (reset and not request.reset):
            kind = "that was not rolled back" if request.reset else "to leave"
            raise NotAccepted("rule", f"no domain of {run.id} has a PITR session {kind}")
        if not leaving or (request.reset and request.confirm != right):
            typed = "it was not given" if request.confirm is None else f"{request.confirm!r} is not it"
            raise NotAccepted(
                "unconfirmed",
                f"{some(reset, 10)} were not rolled back: leaving their sessions resets all their PITR data;"
                f' this must be confirmed with "{right}" ({typed})',
            )
        return tuple(leaving), tuple(others)

    def leave_sessions(self, request: RunExitRequest, actor: str) -> tuple[str, ...]:
        """Begin to exit one of the two lists of sessions; the domains of the other. Raises NotAccepted."""
        self.runs.refuse_read_only()
        run = self.runs.own(request.run)
        leaving, others = self.exits(request)
        batch = Batch(
            id=f"exit-{secrets.token_hex(3)}",
            action="pitr_exit",
            actor=actor,
            asked_at=self.watcher.now(),
            domains=leaving,
        )
        self._record_batch(run, batch, actor)
        return others

    def _no_batch(self, run: RunRecord) -> None:
        """Raises NotAccepted while a rollback or exit of the run is under way."""
        for batch in run.batches:
            still = [
                n
                for n in batch.domains
                if n not in batch.stopped and batch.operations.get(n, "") not in batch.ends
            ]
            if still:
                what = "rollback" if batch.action == "pitr_run" else "exit"
                raise NotAccepted("rule", f"a {what} of {run.id} is still under way: {some(still, 8)}")

    def _record_batch(self, run: RunRecord, batch: Batch, actor: str) -> None:
        data = {"run": run.id, "batch": msgspec.to_builtins(batch)}
        self.runs.record(actor, run_facts.BATCH, data)
        self.runs.keeper.kick()

    def operations_of(self, run: RunRecord) -> dict[str, str]:
        """Domain -> operation of the last batch, as far as they are begun."""
        return dict(self.runs.run(run.id).batches[-1].operations)
