"""Taking a domain over: who may act meanwhile, and what goes on under whose id."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from drdeck.controller.journal.operations import Operation
from drdeck.controller.next_steps import Complete, GiveCommands, WaitFor
from drdeck.controller.reconcile import next_step
from drdeck.controller.takeover import unfinished
from drdeck.model.actions.action_table import menu, refusal
from drdeck.model.actions.confirming import tier_of, unconfirmed
from drdeck.model.actions.request import Request
from drdeck.model.commands import TakeOver
from drdeck.model.domains import Domain, Failover, FailoverType, Mode, Owner, Session, SessionState

NOW = datetime(2026, 1, 16, 22, 30, tzinfo=UTC)
TAKE = Request(action="take_over", domain="erp")


def domain(mode: Mode = Mode.COMPLETING, **changes: Any) -> Domain:
    facts: dict[str, Any] = {"id": "1", "name": "erp", "owner": Owner.LOCAL, "vms_total": 1}
    return Domain(mode=mode, **{**facts, **changes})


def operation(action: str = "take_over", **changes: Any) -> Operation:
    request = Request(action=action, domain="erp", type=FailoverType.FORCE)
    return Operation(id="op-9", request=request, actor="bob@jump2", asked_at=NOW, **changes)


def session(state: SessionState, **changes: Any) -> Session:
    return Session(id="op-1", state=state, started_at=NOW, **changes)


FAILOVER = Failover(id="op-1", type=FailoverType.FORCE, run_pitr=True, began_at=NOW)


def test_who_may_take_over_and_how_it_is_confirmed() -> None:
    assert "nothing to take over" in (refusal(TAKE, domain(), NOW) or "")
    at_work, silent = domain(holder="anna@jump1"), domain(left_by="anna@jump1")
    assert refusal(TAKE, at_work, NOW) is None and refusal(TAKE, silent, NOW) is None
    assert (tier_of(TAKE, at_work), tier_of(TAKE, silent)) == (3, 2)
    assert "anna@jump1" in (unconfirmed(TAKE, at_work) or "")
    assert "Take Over" in [action.label for action, _ in menu(silent, NOW)]
    assert "Take Over" not in [action.label for action, _ in menu(domain(), NOW)]
    assert "driven by" in (refusal(Request(action="pitr_exit", domain="erp"), at_work, NOW) or "")


def test_nothing_is_done_while_somebody_else_drives() -> None:
    at = domain(holder="anna@jump1", failover=FAILOVER, vms_recovered=1)
    step = next_step(operation("cfo_complete"), at, 1)
    assert isinstance(step, WaitFor) and "anna@jump1" in step.why


def test_what_another_has_done_is_done() -> None:
    mine = Operation(
        id="op-9", request=Request(action="pitr_run", domain="erp", to=NOW), actor="bob@jump2", asked_at=NOW
    )
    at = domain(Mode.PITR_SESSION, holder="anna@jump1", failover=FAILOVER)
    for state, kind in ((SessionState.ROLLING_BACK, WaitFor), (SessionState.ACTIVE, Complete)):
        later = msgspec.structs.replace(at, session=session(state, last_operation="op-9"))
        assert isinstance(next_step(mine, later, 1), kind)


def test_taking_over_is_one_command_and_done_when_nobody_else_is_seen() -> None:
    step = next_step(operation(), domain(holder="anna@jump1"), 1)
    assert isinstance(step, GiveCommands) and isinstance(step.commands[0], TakeOver)
    assert isinstance(next_step(operation(done={"TakeOver": 1}), domain(), 2), Complete)


@pytest.mark.parametrize(
    ("at", "ids"),
    [
        (domain(Mode.SYNCHRONISED), []),
        (domain(failover=FAILOVER), [("op-1", "cfo_complete")]),
        (
            domain(failover=FAILOVER, session=session(SessionState.WAITING, after_failover="op-1")),
            [("op-1", "cfo_complete")],
        ),
        (
            domain(
                Mode.PITR_SESSION,
                failover=FAILOVER,
                session=session(SessionState.ACTIVE, after_failover="op-1"),
            ),
            [("op-1", "cfo_complete")],
        ),
        (
            domain(
                Mode.PITR_SESSION,
                failover=FAILOVER,
                session=session(
                    SessionState.ROLLING_BACK, after_failover="op-1", last_operation="op-2", target=NOW
                ),
            ),
            [("op-1", "cfo_complete"), ("op-2", "pitr_run")],
        ),
        (
            domain(Mode.PITR_SESSION, session=session(SessionState.EXITING, last_operation="op-3")),
            [("op-3", "pitr_exit")],
        ),
        (
            domain(Mode.RUNNING_IN_FAILOVER, failover=FAILOVER, session=session(SessionState.WAITING)),
            [("op-1", "pitr_start")],
        ),
        (domain(Mode.RUNNING_IN_FAILOVER, failover=FAILOVER), []),
    ],
)
def test_what_is_under_way_goes_on_under_its_own_id(at: Domain, ids: list[tuple[str, str]]) -> None:
    assert [(ident, request.action) for ident, request in unfinished(at)] == ids
