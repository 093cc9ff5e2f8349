"""A run as it is shown, computed anew from what was journaled and what is seen."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.controller.journal.runs import Batch, RunRecord
from drdeck.model.domains import Domain, FailoverType
from drdeck.model.plans.run_views import (
    BatchOfRun,
    DomainInRun,
    InRunState,
    InstantOfRun,
    Needs,
    ProtectedAsked,
    RunView,
)

from .decide import RunDecision

_DOING = {"pitr_run": "rolling back", "pitr_exit": "leaving its session"}
_NOT_DONE = {"pitr_run": "not rolled back", "pitr_exit": "not left"}
_MOVING = (InRunState.RUNNING, InRunState.WAITS_FOR_PLACE, InRunState.HELD)


def run_view(
    run: RunRecord,
    decision: RunDecision,
    domains: Mapping[str, Domain],
    operations: Mapping[str, Operation],
    places: Mapping[str, tuple[int, int]],
    holding: tuple[str, ...],
    now: datetime,
    last_look: ProtectedAsked | None = None,
) -> RunView:
    """`places`: kind -> used, of; `holding`: domains that hold the barrier of its rollback;
    `last_look`: the last look of the run at the protected sites, if it was from here."""
    driven = f"driven by {run.handed_to}" if run.handed_to else ""
    rows = decision.domains
    if run.batches and not run.handed_to:
        rows = tuple(_in_batch(row, run.batches[-1], domains, operations, holding) for row in rows)
    finishes, source = (None, "") if run.ended else _estimate(run, decision, domains, operations, now)
    return RunView(
        run=run.id,
        plan=run.frozen.plan,
        title=run.frozen.title,
        state=run.end_state if run.end_state is not None else decision.state,
        why=driven if driven else "" if run.ended else decision.why,
        type=run.frozen.type,
        run_pitr=run.frozen.run_pitr,
        since=run.since,
        by=run.actor,
        ended_at=run.ended_at,
        number=run.frozen.number,
        waves=decision.waves,
        domains=rows,
        places=dict(places),
        pitr=_instant(run, holding),
        batches=tuple(_batch(batch, operations) for batch in run.batches[-2:]),
        answers_again=run.answers_again,
        protected=_protected(run, last_look),
        finishes_at=finishes,
        finishes_from=source,
        holder=run.handed_to,
    )


def _in_batch(
    row: DomainInRun,
    batch: Batch,
    domains: Mapping[str, Domain],
    operations: Mapping[str, Operation],
    holding: tuple[str, ...],
) -> DomainInRun:
    """The row of a domain with what the last rollback or exit of many sessions does, or asks, in it."""
    if row.name not in batch.domains:
        return row
    ident = batch.operations.get(row.name, "")
    op, stop, end = operations.get(ident), batch.stopped.get(row.name), batch.ends.get(ident)
    if stop is not None or (end is not None and end.state is not OperationState.DONE):
        needs = Needs.LOOK if row.name in holding else row.needs
        why = stop.why if stop is not None else end.error or str(end.state) if end is not None else ""
        return replace(row, reason=f"{_NOT_DONE[batch.action]}: {why}", needs=needs)
    if op is None or end is not None:
        return row
    domain, doing = domains.get(row.name), _DOING[batch.action]
    step = domain.step if domain is not None else None
    row = replace(row, doing=doing, operation=ident, step=f"{step.number}/{step.of}" if step else "")
    if op.question is None:
        return replace(row, reason=op.waits_for, since=op.asked_at)
    return replace(
        row,
        reason=op.question.text,
        question=op.question.text,
        choices=op.question.choices,
        needs=Needs.LOOK if op.question.kind == "unknown" else Needs.ANSWER,
        since=op.question_at,
    )


def _protected(run: RunRecord, last_look: ProtectedAsked | None) -> ProtectedAsked | None:
    """The last look at the protected sites; before any, what was seen for the decision."""
    if run.ended or run.frozen.type is not FailoverType.FORCE:
        return None
    own = [d.answered for d in run.frozen.domains if d.begins]
    return last_look or ProtectedAsked(answers=all(own), at=run.since)


def _instant(run: RunRecord, holding: tuple[str, ...]) -> InstantOfRun | None:
    batch = run.batch_of("pitr_run")
    if batch is None or batch.to is None:
        return None
    spread = (batch.newest - batch.oldest).total_seconds() if batch.newest and batch.oldest else None
    waits = [op for op in batch.operations.values() if op not in batch.lifted and op not in batch.ends]
    refused = {name: stop.why for name, stop in batch.stopped.items()}
    return InstantOfRun(
        to=batch.to,
        asked_at=batch.asked_at,
        spread_s=spread,
        oldest=batch.oldest,
        newest=batch.newest,
        cannot=tuple(f"{name}: {why}" for name, why in {**batch.cannot, **refused}.items()),
        domains=batch.domains,
        barrier=holding,
        holds=bool(holding) and bool(waits),
    )


def _batch(batch: Batch, operations: Mapping[str, Operation]) -> BatchOfRun:
    ended = {name: batch.ends[op] for name, op in batch.operations.items() if op in batch.ends}
    asking = [
        (name, operations[op].question)
        for name, op in batch.operations.items()
        if op in operations and operations[op].question is not None
    ]
    return BatchOfRun(
        id=batch.id,
        action=batch.action,
        asked_at=batch.asked_at,
        by=batch.actor,
        domains=batch.domains,
        operations=batch.operations,
        done=tuple(name for name, end in ended.items() if end.state is OperationState.DONE),
        failed={name: end.error for name, end in ended.items() if end.state is not OperationState.DONE},
        stopped={name: stop.why for name, stop in batch.stopped.items()},
        asking=tuple(name for name, q in asking if q is not None and q.kind != "unknown"),
        unknown=tuple(name for name, q in asking if q is not None and q.kind == "unknown"),
    )


def _estimate(
    run: RunRecord,
    decision: RunDecision,
    domains: Mapping[str, Domain],
    operations: Mapping[str, Operation],
    now: datetime,
) -> tuple[datetime | None, str]:
    """The end, from what the domains of this run took that are over; nothing before there is one."""
    took: list[float] = []
    for name, ident in run.begun.items():
        op, domain = operations.get(ident), domains.get(name)
        if op is None or domain is None or domain.failover is None or domain.failover.id != ident:
            continue
        if domain.failover.recovered_at is not None:
            took.append((domain.failover.recovered_at - op.asked_at).total_seconds())
    left = sum(row.state in _MOVING for row in decision.domains)
    if not took or not left:
        return None, ""
    rounds = -(-left // run.frozen.domains_at_once)
    seconds = statistics.median(took) * rounds
    return now + timedelta(seconds=seconds), f"the median of {len(took)} domains of this run"
