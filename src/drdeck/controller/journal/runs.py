"""Runs of failover plans, as projected from the journal: one pure step for each event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.model.plans.frozen_plan import FrozenPlan
from drdeck.model.plans.run_views import RunState

from . import projection as facts
from .event_store import Event, Journal, JournalError
from .operations import OperationState

BEGUN = "run_begun"
PAUSED = "run_paused"
RESUMED = "run_resumed"
GATE = "run_gate_passed"
LEFT_OUT = "run_left_out"
STOPPED = "run_stopped"
"""A domain that the run could not begin, or whose rollback or exit it could not."""
ANEW = "run_begin_anew"
ENDED = "run_ended"
BATCH = "run_batch"
"""A rollback to one instant, or an exit, of several sessions of the run."""
RELEASED = "run_barrier_released"
RECOVERED = "run_recovered"
"""A domain of the run serves again, and with how many of its VMs."""
SESSION = "run_session"
"""The PITR session of a domain of the run is active: from here on its VMs are not protected."""
TAKEN = "run_taken_over"
"""A run that another controller began, as its site keeps it: driven from here on."""
HANDED = "run_handed_over"
"""A run that another controller took over: nothing of it is begun here any more."""
ANSWERS = "run_protected_answers"
"""A protected site answers that did not when the Force was decided."""
KEPT = 20
"""So many runs that ended last are kept in memory."""
ANSWERS_AGAIN = "answers_again"
"""Code of a stop: the protected site answers that did not when it was decided."""


class RunStop(Frozen, frozen=True, kw_only=True):
    """A refusal that stopped a domain of a run; `code` as in protocol.Refusal, or ANSWERS_AGAIN."""

    why: str
    code: str
    at: datetime


class RunLeave(Frozen, frozen=True, kw_only=True):
    by: str
    at: datetime


class Recovery(Frozen, frozen=True, kw_only=True):
    """The instant at which a domain served again, by the site, and how many of its VMs."""

    operation: str
    at: datetime
    vms: int = 0
    of: int = 0


class OperationEnd(Frozen, frozen=True, kw_only=True):
    """The end of an operation of a run.

    `healthy`, `failing`: VMs by their checks at the end of a rollback; both 0 where nothing is checked.
    """

    state: OperationState
    at: datetime
    error: str = ""
    healthy: int = 0
    failing: int = 0


class Batch(Frozen, frozen=True, kw_only=True):
    """One act on many sessions. `action`: pitr_run or pitr_exit. `operations`: domain -> id, as they are
    begun. `barrier`: nothing starts before all are reverted, but for those that were `released`."""

    id: str
    action: str
    actor: str
    asked_at: datetime
    domains: tuple[str, ...]
    to: datetime | None = None
    points: dict[str, datetime] = {}
    """domain -> the point that it goes back to"""
    cannot: dict[str, str] = {}
    oldest: datetime | None = None
    newest: datetime | None = None
    operations: dict[str, str] = {}
    stopped: dict[str, RunStop] = {}
    ends: dict[str, OperationEnd] = {}
    """id of an operation -> how it ended"""
    barrier: bool = False
    lifted: frozenset[str] = frozenset()
    """ids of operations that may start their VMs"""
    released: frozenset[str] = frozenset()

    @property
    def begun(self) -> bool:
        """Every domain has its operation, or the reason why there is none."""
        return all(name in self.operations or name in self.stopped for name in self.domains)

    @property
    def good(self) -> bool:
        """A rollback that is over, after which no check failed in any of its domains, and one passed."""
        ends = [self.ends.get(self.operations.get(name, "")) for name in self.domains]
        fine = all(e is not None and e.state is OperationState.DONE and not e.failing for e in ends)
        return self.to is not None and fine and any(e is not None and e.healthy for e in ends)


class RunRecord(Frozen, frozen=True, kw_only=True):
    """One run. `begun`: domain -> id of its failover's operation. Times are the site's."""

    id: str
    frozen: FrozenPlan
    actor: str
    since: datetime
    begun: dict[str, str] = {}
    ends: dict[str, OperationEnd] = {}
    left_out: dict[str, RunLeave] = {}
    stopped: dict[str, RunStop] = {}
    consented: frozenset[str] = frozenset()
    """domains whose protected site answers again, and whose name was typed anew"""
    paused: str | None = None
    """why, while nothing new may begin"""
    gates: frozenset[int] = frozenset()
    """waves that somebody has let begin"""
    ended_at: datetime | None = None
    end_state: RunState | None = None
    answers_again: datetime | None = None
    """since when a protected site is seen to answer that did not"""
    batches: tuple[Batch, ...] = ()
    recovered: dict[str, Recovery] = {}
    sessions: dict[str, datetime] = {}
    """domain -> since when its session was active"""
    g: int = 0
    """how often it was taken over"""
    taken_from: str = ""
    """who drove it before, in words"""
    taken_by: str = ""
    """user@host on whose word"""
    handed_to: str = ""
    """the other controller that drives it; empty: this one"""

    @property
    def ended(self) -> bool:
        return self.ended_at is not None

    def batch_of(self, action: str) -> Batch | None:
        """The last batch of an act."""
        return next((b for b in reversed(self.batches) if b.action == action), None)

    @property
    def operations(self) -> set[str]:
        """Ids of all operations that it began."""
        return {*self.begun.values(), *(op for batch in self.batches for op in batch.operations.values())}


Runs = dict[str, RunRecord]


def apply(runs: Runs, event: Event) -> Runs:
    """The runs after one more event; events of other kinds change nothing."""
    data = event.data
    if event.kind == BEGUN:
        run = RunRecord(
            id=data["run"],
            frozen=msgspec.convert(data["frozen"], FrozenPlan),
            actor=event.actor,
            since=datetime.fromisoformat(data["at"]),
        )
        return _recent({**runs, run.id: run})
    if event.kind == TAKEN:
        run = msgspec.convert(data["record"], RunRecord)
        return _recent({**runs, run.id: run})
    if event.kind == facts.ENDED:
        return _operation_ended(runs, data)
    step = _STEPS.get(event.kind)
    run_id = data.get("run")
    if step is None or run_id not in runs:
        return runs
    return {**runs, run_id: step(runs[run_id], data, event.actor)}


def read(journal: Journal, only: str = "") -> Runs:
    """The runs of a journal, or only the one of an id, however old. Raises JournalError for events that make
    no sense."""
    runs: Runs = {}
    try:
        for event in journal.events(BEGUN, TAKEN, facts.ENDED, *_STEPS):
            if not only or event.kind not in (BEGUN, TAKEN) or event.data["run"] == only:
                runs = apply(runs, event)
    except (msgspec.ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalError(
            f"the journal {journal.file} tells of a run what this drdeck does not understand ({error!r}):"
            " use the drdeck that wrote it, or another --state directory"
        ) from None
    return runs


def newest_first(runs: Iterable[RunRecord]) -> list[RunRecord]:
    return sorted(runs, key=lambda run: run.since, reverse=True)


def _recent(runs: Runs) -> Runs:
    forgotten = [run.id for run in newest_first(run for run in runs.values() if run.ended)][KEPT:]
    return {ident: run for ident, run in runs.items() if ident not in forgotten}


def _replace(run: RunRecord, **changes: Any) -> RunRecord:
    return msgspec.structs.replace(run, **changes)


def _without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


def _accepted(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    operation, request = data["operation"], data["request"]
    name, batch_id = request["domain"], data.get("batch", "")
    if not batch_id:
        return _replace(run, begun={**run.begun, name: operation}, stopped=_without(run.stopped, name))
    return _in_batch(run, batch_id, lambda b: {"operations": {**b.operations, name: operation}})


def _in_batch(run: RunRecord, batch_id: str, changes: Any) -> RunRecord:
    return _replace(
        run,
        batches=tuple(
            msgspec.structs.replace(b, **changes(b)) if b.id == batch_id else b for b in run.batches
        ),
    )


def _stopped(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    at = datetime.fromisoformat(data["at"])
    stop = RunStop(why=data["why"], code=data["code"], at=at)
    name, batch_id = data["domain"], data.get("batch", "")
    if batch_id:
        return _in_batch(run, batch_id, lambda b: {"stopped": {**b.stopped, name: stop}})
    run = _replace(run, stopped={**run.stopped, name: stop})
    return _answering(run, at) if stop.code == ANSWERS_AGAIN else run


def _answering(run: RunRecord, at: datetime) -> RunRecord:
    return _replace(run, answers_again=run.answers_again or at)


def _anew(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    name = data["domain"]
    consented = run.consented | {name} if data.get("consent") else run.consented
    return _replace(
        run,
        begun=_without(run.begun, name),
        stopped=_without(run.stopped, name),
        consented=consented,
    )


def _left_out(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    leave = RunLeave(by=actor, at=datetime.fromisoformat(data["at"]))
    return _replace(run, left_out={**run.left_out, data["domain"]: leave})


def _batch(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    batch = msgspec.convert({**data["batch"], "actor": actor}, Batch)
    return _replace(run, batches=(*run.batches, batch))


def _released(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    return _in_batch(run, data["batch"], lambda b: {"released": b.released | {data["domain"]}})


def _lifted(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    return _in_batch(run, data["batch"], lambda b: {"lifted": b.lifted | {data["operation"]}})


def _recovered(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    recovery = msgspec.convert({key: data[key] for key in ("operation", "at", "vms", "of")}, Recovery)
    return _replace(run, recovered={**run.recovered, data["domain"]: recovery})


def _session(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    since = datetime.fromisoformat(data["at"])
    return _replace(run, sessions={**run.sessions, data["domain"]: since})


def _ended(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    return _replace(
        run, ended_at=datetime.fromisoformat(data["at"]), end_state=RunState(data["state"]), paused=None
    )


def _handed(run: RunRecord, data: dict[str, Any], actor: str) -> RunRecord:
    return _replace(run, handed_to=data["to"])


def _operation_ended(runs: Runs, data: dict[str, Any]) -> Runs:
    ident = data["operation"]
    run = next((run for run in runs.values() if ident in run.operations), None)
    if run is None:
        return runs
    result = data.get("result") or {}
    end = OperationEnd(
        state=OperationState(data["state"]),
        at=datetime.fromisoformat(data["at"]),
        error=data.get("error") or "",
        healthy=int(result.get("vms_healthy", 0)),
        failing=int(result.get("vms_failing", 0)),
    )
    if ident in run.begun.values():
        return {**runs, run.id: _replace(run, ends={**run.ends, ident: end})}
    batch = next(b for b in run.batches if ident in b.operations.values())
    return {**runs, run.id: _in_batch(run, batch.id, lambda b: {"ends": {**b.ends, ident: end}})}


_STEPS = {
    facts.ACCEPTED: _accepted,
    PAUSED: lambda run, data, actor: _replace(run, paused=data["why"]),
    RESUMED: lambda run, data, actor: _replace(run, paused=None),
    GATE: lambda run, data, actor: _replace(run, gates=run.gates | {int(data["wave"])}),
    LEFT_OUT: _left_out,
    STOPPED: _stopped,
    ANEW: _anew,
    ANSWERS: lambda run, data, actor: _answering(run, datetime.fromisoformat(data["at"])),
    ENDED: _ended,
    BATCH: _batch,
    RELEASED: _released,
    RECOVERED: _recovered,
    SESSION: _session,
    facts.LIFTED: _lifted,
    HANDED: _handed,
}
