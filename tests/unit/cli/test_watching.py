"""When `watch --until idle` returns, and what an act that was waited for ends with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drdeck.cli.watching import end_sentence, reached
from drdeck.controller.journal.operations import view_of
from drdeck.model.actions.action_table import ACTIONS
from drdeck.model.actions.request import Request
from drdeck.model.domains import Mode, Session, SessionState
from tests.support.operation_build import domain, operation, session

SESSION = Session(
    id="session-1", state=SessionState.ACTIVE, started_at=datetime(2026, 1, 16, 22, 30, tzinfo=UTC)
)


@pytest.mark.parametrize(
    ("observed_only", "idle"),
    [("", True), ("the vendor has published no call for this", False)],
)
def test_a_session_is_idle_but_not_an_operation_of_the_appliance(observed_only: str, idle: bool) -> None:
    unprotected = domain(Mode.PITR_SESSION, session=SESSION, observed_only=observed_only)
    assert reached((unprotected,), "idle", (), "erp") is idle
    assert reached((unprotected,), "idle", (), None) is idle


@pytest.mark.parametrize(
    ("current", "idle"),
    [(SessionState.WAITING, False), (SessionState.ACTIVE, True), (SessionState.EXITING, True), (None, False)],
)
def test_a_completion_that_waits_for_the_exit_is_idle(current: SessionState | None, idle: bool) -> None:
    """Until its session is active it works; a rollback and the exit are operations of their own."""
    completing = domain(Mode.COMPLETING, session=None if current is None else session(current))
    operations = (view_of(operation()),)
    assert reached((completing,), "idle", operations, "erp") is idle
    assert reached((completing,), "idle", operations, None) is idle
    exiting = (*operations, view_of(operation("pitr_exit", id="op-2")))
    assert not reached((completing,), "idle", exiting, "erp")


@pytest.mark.parametrize("action", [a.name for a in ACTIONS if a.tier > 1])
def test_every_act_ends_with_a_sentence_of_its_own(action: str) -> None:
    end = end_sentence(Request(action=action, domain="erp"), domain(Mode.IMPORTED))
    assert not end.endswith("done") and len(end.split()) > 4
