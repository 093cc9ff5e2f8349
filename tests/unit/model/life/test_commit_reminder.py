"""Reminder that a failover was not committed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drdeck.model.alarms import Severity
from drdeck.model.life.commit_reminder import commit_reminder

SINCE = datetime(2026, 1, 16, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "severity", "begins_after_h"),
    [(23.9, None, 0), (24, Severity.INFO, 24), (71.9, Severity.INFO, 24), (72, Severity.WARNING, 72)],
)
def test_it_comes_after_a_day_and_is_a_warning_after_three(
    hours: float, severity: Severity | None, begins_after_h: float
) -> None:
    reminder = commit_reminder(SINCE, SINCE + timedelta(hours=hours))
    assert (reminder and reminder.severity) == severity
    if reminder is not None:
        assert reminder.time == SINCE + timedelta(hours=begins_after_h)
        assert "since 2026-01-16 22:00:00Z" in reminder.text


def test_none_where_nothing_is_kept() -> None:
    assert commit_reminder(None, SINCE) is None
