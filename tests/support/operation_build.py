"""Operations, domains and sessions as reconciling sees them, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drdeck.controller.journal.operations import Operation
from drdeck.controller.next_steps import GiveCommands, NextStep
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, Session, SessionState

NOW = datetime(2026, 1, 16, 22, 30, tzinfo=UTC)
OP = "op-1"


def operation(action: str = "cfo_complete", **changes: Any) -> Operation:
    request = Request(
        action=action, domain="erp", type=FailoverType.FORCE, run_pitr=True, to=NOW, networks={"A": "B"}
    )
    facts: dict[str, Any] = {"id": OP, "request": request, "actor": "anna@jump", "asked_at": NOW}
    return Operation(**{**facts, **changes})


def domain(mode: Mode, **changes: Any) -> Domain:
    facts: dict[str, Any] = {"id": "group-v1", "name": "erp", "owner": Owner.LOCAL, "vms_total": 2}
    return Domain(mode=mode, **{**facts, **changes})


def session(state: SessionState = SessionState.ACTIVE, **changes: Any) -> Session:
    return Session(**{"id": OP, "state": state, "started_at": NOW, "after_failover": OP, **changes})


def commands(step: NextStep) -> list[type]:
    assert isinstance(step, GiveCommands), step
    return [type(command) for command in step.commands]
