"""Runs of failover plans, built for tests of what is decided about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from drdeck.controller.journal.operations import Operation, OperationState, Question
from drdeck.controller.journal.runs import OperationEnd, RunRecord
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Failover, FailoverType, Mode, Owner, Session, SessionState
from drdeck.model.plans.failover_plan import Gate
from drdeck.model.plans.frozen_plan import FrozenDomain, FrozenPlan, FrozenWave

NOW = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def frozen(waves: dict[str, list[str]], **changes: Any) -> FrozenPlan:
    """A frozen plan with these domains in its waves; `impossible`, `gates` by name."""
    impossible, gates = changes.pop("impossible", {}), changes.pop("gates", {})
    domains = tuple(
        FrozenDomain(name=name, wave=number, vms=3, impossible=impossible.get(name, ""))
        for number, names in enumerate(waves.values())
        for name in names
    )
    return FrozenPlan(
        **{
            "plan": "site",
            "type": FailoverType.FORCE,
            "waves": tuple(FrozenWave(name=name, gate=gates.get(name, Gate.SETTLED)) for name in waves),
            "domains": domains,
            **changes,
        }
    )


def run(plan: FrozenPlan, *begun: str, **changes: Any) -> RunRecord:
    """A run of which these domains were begun; the operation of NAME is "op-NAME"."""
    ids = {name: f"op-{name}" for name in begun}
    return RunRecord(
        **{"id": "run-1", "frozen": plan, "actor": "ann@jump", "since": ago(900), "begun": ids, **changes}
    )


def domain(name: str, mode: Mode = Mode.SYNCHRONISED, **changes: Any) -> Domain:
    local = mode not in (Mode.SYNCHRONISED, Mode.IMPORTED, Mode.REHYDRATING)
    details: dict[str, Any] = {"id": name, "name": name, "mode": mode, "vms_total": 3}
    return Domain(**{**details, "owner": Owner.LOCAL if local else Owner.REMOTE, **changes})


def in_session(name: str) -> Domain:
    """A domain whose failover was begun by the run, with its session active."""
    session = Session(
        id=f"op-{name}", state=SessionState.ACTIVE, started_at=ago(60), after_failover=f"op-{name}"
    )
    failover = Failover(id=f"op-{name}", type=FailoverType.FORCE, run_pitr=True)
    return domain(name, Mode.PITR_SESSION, session=session, failover=failover)


def operation(name: str, asks_since: datetime | None = None, kind: str = "site") -> Operation:
    """The open operation of a domain of the run, which asks since an instant, or does not."""
    op = Operation(
        id=f"op-{name}",
        request=Request(action="cfo_complete", domain=name),
        actor="ann@jump",
        asked_at=ago(800),
    )
    if asks_since is None:
        return op
    question = Question(id="ready:1", kind=kind, text=f"{name} is not ready", choices=("retry", "skip"))
    return msgspec.structs.replace(op, question=question, question_at=asks_since, state=OperationState.ASKING)


def end(state: OperationState = OperationState.DONE, error: str = "") -> OperationEnd:
    return OperationEnd(state=state, at=ago(30), error=error)
