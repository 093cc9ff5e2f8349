"""Keeping the runs of failover plans: each look asks `decide`, journals, and begins operations."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from drdeck.controller.asking.protected_evidence import EVIDENCE
from drdeck.controller.asking.request_desk import RequestDesk
from drdeck.controller.journal import projection as facts
from drdeck.controller.journal import runs as run_facts
from drdeck.controller.journal.event_store import Entry, JournalError
from drdeck.controller.journal.operations import Operation
from drdeck.controller.journal.recorder import SELF, Recorder
from drdeck.controller.journal.runs import Batch, RunRecord
from drdeck.controller.round_rest import rest_in_proportion
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, ProtectedSite, SessionState
from drdeck.model.times import show, show_duration

from .barrier import holders, to_lift
from .decide import KeptRows, RunDecision, decide
from .protected_watch import ProtectedWatch
from .run_keeping import RunKeeping
from .run_takeover import AWAY_S, RunTakeover

log = logging.getLogger(__name__)

LOOK_S = 1.0
APART_S = 0.1
"""Between two looks: each is of all domains of a run, and news of one of them come after the other."""


class RunKeeper:
    """Looks whenever something changed, and each second while a run is open. Belongs to one event loop."""

    def __init__(self, desk: RequestDesk) -> None:
        self.site, self.watcher, self.recorder, self.loop = desk.site, desk.watcher, desk.recorder, desk.loop
        self.read_only = desk.read_only
        self._submit = desk.submit
        self.keeping = RunKeeping(desk.site, desk.watcher, self.domains)
        self.takeover = RunTakeover(desk, self.keeping)
        self._kick = asyncio.Event()
        self._left_behind = [
            run.id for run in self.recorder.runs.values() if not run.ended and not run.handed_to
        ]
        self._rows: dict[str, KeptRows] = {}
        self.protected = ProtectedWatch(desk, self.open_runs, self.domains)
        self.away_s = _away_s(self.recorder)
        """seconds in which no controller wrote the journal, before this one"""

    def kick(self) -> None:
        """Something changed: look at every run again."""
        self._kick.set()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if self.open_runs() else None):
                    await self._kick.wait()
            self._kick.clear()
            async with rest_in_proportion(APART_S):
                try:
                    await self._look()
                except JournalError:
                    await asyncio.sleep(LOOK_S)  # the executor says why nothing goes on
                except Exception:
                    log.exception("looking at the runs failed, which is a bug")
                    await asyncio.sleep(10 * LOOK_S)

    def open_runs(self) -> list[RunRecord]:
        """Those that have something to begin, or that a barrier holds."""
        own = (r for r in self.recorder.runs.values() if not r.handed_to)
        return [r for r in own if not r.ended or any(not _over(b) for b in r.batches)]

    def runs(self) -> list[RunRecord]:
        """All that are known: those driven from here, and those of others that the site keeps."""
        others = {run.id: run for run in self.keeping.of_others(self.recorder.runs)}
        return list({**self.recorder.runs, **others}.values())

    def domains(self) -> dict[str, Domain]:
        view = self.watcher.view
        return {} if view is None else {domain.name: domain for domain in view.domains}

    def decision(self, run: RunRecord) -> RunDecision:
        rows = self._rows.setdefault(run.id, KeptRows()) if run.id in self.recorder.runs else None
        return decide(run, self.domains(), self.recorder.operations, self.watcher.now(), rows)

    async def _look(self) -> None:
        if (
            self.read_only
            or self.watcher.view is None
            or self.watcher.error is not None
            or self.loop.executor.pausing
        ):
            return
        self._pause_left_behind()
        for run in list(self.recorder.runs.values()):
            await self._share(run)
        for run in self.open_runs():
            if not run.ended:
                await self._follow(run)
            for batch in self.recorder.runs[run.id].batches:
                if not batch.begun:
                    await self._begin_batch(run, batch)
            self.lift(run.id)

    async def _share(self, run: RunRecord) -> None:
        """Have the site keep a run, unless somebody else drives it now."""
        if run.handed_to:
            return
        successor = self.keeping.successor(run)
        if successor:
            data = {"run": run.id, "to": successor, "at": self._now()}
            self.recorder.record(SELF, run_facts.HANDED, data)
            log.warning("%s was taken over by %s: nothing of it is begun here any more", run.id, successor)
            return
        await self.keeping.follow(run)
        if run.g:
            await self.takeover.drive_domains(run)

    def _pause_left_behind(self) -> None:
        """After a long time without a controller a person says whether the rest is still wanted."""
        left, self._left_behind = self._left_behind, []
        if self.away_s <= AWAY_S:
            return
        why = f"no controller ran for {show_duration(self.away_s)}; Resume Plan begins what is left"
        for ident in left:
            run = self.recorder.runs[ident]
            if run.paused is None and any(
                row.state.value in ("held", "waits_for_place") for row in self.decision(run).domains
            ):
                self.recorder.record(SELF, run_facts.PAUSED, {"run": ident, "why": why, "at": self._now()})

    async def _follow(self, run: RunRecord) -> None:
        milestones = _newly_reached(run, self.domains())
        if milestones:
            self.recorder.record_all(milestones)
            run = self.recorder.runs[run.id]
        decision = self.decision(run)
        if decision.over:
            data = {"run": run.id, "state": str(decision.state), "at": self._now()}
            self.recorder.record(SELF, run_facts.ENDED, data)
            log.info("%s ended: %s", run.id, decision.state)
            return
        if decision.begins:
            await self._begin(run, decision.begins)

    async def _begin(self, run: RunRecord, names: tuple[str, ...]) -> None:
        """Begin domains in this order; their protected sites are looked at beforehand, all at a time."""
        looks = await asyncio.gather(*map(self.protected.look, names))
        self.protected.note(run, dict(zip(names, looks, strict=True)))
        for name, protected in zip(names, looks, strict=True):
            now = self.recorder.runs[run.id]
            if name not in self.decision(now).begins:
                continue  # paused, left out or begun otherwise while it was looked
            domain = self.domains().get(name)
            if domain is not None and await self.takeover.drive(now, domain):
                continue  # begun at the next look, once it is driven from here
            if isinstance(protected, str):
                self._stop(now, name, protected, "failed")
                continue
            again = self._answers_again(now, name, protected)
            if again:
                self._stop(now, name, again, run_facts.ANSWERS_AGAIN)
                continue
            await self._try(now, name, self._request(now, name, protected), protected=protected)

    def _answers_again(self, run: RunRecord, name: str, protected: ProtectedSite) -> str:
        """Words for a protected site that answers although it did not when the Force was decided."""
        frozen = next(d for d in run.frozen.domains if d.name == name)
        if run.frozen.type is not FailoverType.FORCE or protected.state != "reachable":
            return ""
        if frozen.answered or name in run.consented:
            return ""
        where = f" {protected.address}" if protected.address else ""
        return (
            f"the protected site{where} answers again, which it did not when this run was decided:"
            f" `drdeck plan begin {run.id} {name} --confirm {name}` begins it anyway,"
            f" `drdeck plan leave-out {run.id} {name}` leaves it"
        )

    def _request(self, run: RunRecord, name: str, protected: ProtectedSite) -> Request:
        frozen, domain = next(d for d in run.frozen.domains if d.name == name), self.domains().get(name)
        return Request(
            action="cfo_complete",
            domain=name,
            type=run.frozen.type,
            run_pitr=run.frozen.run_pitr and domain is not None and domain.pitr.enabled,
            networks=frozen.networks,
            confirm=name,  # what was typed for the plan and its number stands for each of its domains
            even_though=EVIDENCE,  # so does what was typed for those that still run
        )

    async def _try(self, run: RunRecord, name: str, request: Request, batch: str = "", **more: Any) -> None:
        """Submit; a refusal stops the domain, and nothing else."""
        try:
            await self._submit(request, run.actor, run=run.id, batch=batch, **more)
        except NotAccepted as error:
            if error.code == "unreachable":
                self.kick_later()
            elif self.recorder.error is None:
                self._stop(run, name, str(error), error.code, batch)

    def kick_later(self) -> None:
        asyncio.get_running_loop().call_later(LOOK_S, self.kick)

    def _stop(self, run: RunRecord, name: str, why: str, code: str, batch: str = "") -> None:
        data = {"run": run.id, "domain": name, "why": why, "code": code, "at": self._now()}
        self.recorder.record(SELF, run_facts.STOPPED, {**data, "batch": batch} if batch else data)

    async def _begin_batch(self, run: RunRecord, batch: Batch) -> None:
        for name in batch.domains:
            if name in batch.operations or name in batch.stopped:
                continue
            request = Request(action=batch.action, domain=name, to=batch.to, confirm=name)
            by = msgspec.structs.replace(run, actor=batch.actor)
            await self._try(by, name, request, batch.id, barrier=batch.barrier)

    def lift(self, ident: str) -> None:
        """Let VMs start, by waves, once nothing holds the barrier any more."""
        run = self.recorder.runs[ident]
        for batch in run.batches:
            ready = to_lift(run, batch, self.loop.at_barrier, self.recorder.operations, self.watcher.now())
            if not ready:
                continue
            entries = [
                Entry(SELF, facts.LIFTED, {"run": run.id, "batch": batch.id, "operation": operation})
                for operation in ready
            ]
            self.recorder.record_all(entries)
            self.loop.kick()

    def holding(self, run: RunRecord, batch: Batch) -> tuple[str, ...]:
        """Domains that hold the barrier of a batch."""
        return holders(batch, self.loop.at_barrier)

    def _now(self) -> str:
        return show(self.watcher.now())

    def operations(self) -> Mapping[str, Operation]:
        return self.recorder.operations


def _over(batch: Batch) -> bool:
    """Nothing is left to begin, or to let start."""
    return batch.begun and (
        not batch.barrier or all(op in batch.lifted or op in batch.ends for op in batch.operations.values())
    )


def _away_s(recorder: Recorder) -> float:
    last = recorder.journal.last_written()
    return 0.0 if last is None else (datetime.now(UTC) - last).total_seconds()


def _newly_reached(run: RunRecord, domains: Mapping[str, Domain]) -> list[Entry]:
    """Events to write, each once, of domains that serve again or whose session is active, with the site's
    times; those of a domain's earlier attempt count for nothing."""
    entries: list[Entry] = []
    for name, operation in run.begun.items():
        domain = domains.get(name)
        if domain is None:
            continue
        data = {"run": run.id, "domain": name, "operation": operation}
        failover, session, before = domain.failover, domain.session, run.recovered.get(name)
        noted = before is not None and before.operation == operation
        if failover is not None and failover.id == operation and failover.recovered_at and not noted:
            vms = {"vms": domain.vms_recovered, "of": domain.vms_total}
            entries.append(Entry(SELF, run_facts.RECOVERED, data | vms | {"at": show(failover.recovered_at)}))
        if session is None or session.after_failover != operation or session.state is SessionState.WAITING:
            continue
        if session.started_at is not None and run.sessions.get(name) != session.started_at:
            entries.append(Entry(SELF, run_facts.SESSION, data | {"at": show(session.started_at)}))
    return entries
