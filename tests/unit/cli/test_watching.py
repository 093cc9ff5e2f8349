"""When `watch --until idle` returns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drdeck.cli.watching import reached
from drdeck.model.domains import Mode, Session, SessionState
from tests.support.operation_build import domain

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
