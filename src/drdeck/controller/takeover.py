"""Operations to go on with: begun and not over, says a domain's record at the site."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Mode, SessionState
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.plans.run_note import KeptRun
from drdeck.model.times import show


def unfinished(domain: Domain) -> list[tuple[str, Request]]:
    """Ids and requests of the operations under way at the site, the outer one first."""
    operations: list[tuple[str, Request]] = []
    failover, session = domain.failover, domain.session
    if failover is not None and domain.mode in (Mode.COMPLETING, Mode.PITR_SESSION):
        inside = session is None or session.after_failover == failover.id
        if domain.mode is Mode.COMPLETING or inside:
            complete = Request(
                action="cfo_complete",
                domain=domain.name,
                type=failover.type,
                run_pitr=failover.run_pitr,
                networks=domain.networks.mapping,
            )
            operations.append((failover.id, complete))
    under_way = (
        (domain.undoing, "failover_undo"),
        (domain.committing, "failover_commit"),
        (domain.way_back.releasing, "domain_release"),
        (domain.way_back.returning, "domain_failback"),
    )
    for operation, action in under_way:
        if operation is not None:
            operations.append((operation, Request(action=action, domain=domain.name)))
    trial = domain.trial
    if trial is not None and trial.state in (TrialState.STARTING, TrialState.ENDING) and failover is None:
        action = "test_start" if trial.state is TrialState.STARTING else "test_end"
        operations.append((trial.operation, Request(action=action, domain=domain.name)))
    if session is None:
        return operations
    if session.state is SessionState.WAITING and session.after_failover is None:
        operations.append((session.id, Request(action="pitr_start", domain=domain.name, vms=session.vms)))
    if session.state is SessionState.ROLLING_BACK and session.last_operation:
        back = Request(action="pitr_run", domain=domain.name, to=session.target)
        operations.append((session.last_operation, back))
    if session.state is SessionState.EXITING and session.last_operation:
        operations.append((session.last_operation, Request(action="pitr_exit", domain=domain.name)))
    return operations


def adoption(domain: Domain, runs: Iterable[KeptRun], by: str, asked_at: datetime) -> list[dict[str, Any]]:
    """Data to be journaled so that what was begun elsewhere goes on here, on the word of operation or run
    `by`: that of an acceptance each, the outer operation first."""
    entries = []
    for ident, request in unfinished(domain):
        data: dict[str, Any] = {
            "operation": ident,
            "request": msgspec.to_builtins(request),
            # the rest was asked later than the failover around it, nobody here knows when
            "asked_at": show((request.action == "cfo_complete" and begun_at(domain)) or asked_at),
            "taken_over_by": by,
        }
        if ident in domain.askers:
            data["asked_by"] = domain.askers[ident]
        entries.append(data | _of_run(domain, request, runs))
    return entries


def _of_run(domain: Domain, request: Request, runs: Iterable[KeptRun]) -> dict[str, Any]:
    """The run that an operation belongs to; behind the barrier of its rollback it stays there, whoever drives
    the run."""
    for run in runs:
        mark, note, began_at = run.marks.get(domain.name), run.note, begun_at(domain)
        if mark is None:
            continue
        if request.action == "cfo_complete" and began_at is not None and began_at >= note.since:
            return {"run": note.id, "batch": "", "barrier": False}
        batch = note.batch
        if batch is None or batch.over or mark.batch != batch.id or request.action != batch.action:
            continue
        if request.to == batch.to:
            return {"run": note.id, "batch": batch.id, "barrier": batch.barrier and not mark.released}
    return {}


def begun_at(domain: Domain) -> datetime | None:
    """The time at which the failover under way was decided."""
    return domain.failover.began_at if domain.failover is not None else None
