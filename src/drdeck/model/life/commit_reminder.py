"""Reminder that a failover which can still be undone is to be committed, or undone."""

from __future__ import annotations

from datetime import datetime, timedelta

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.times import show_spaced

REMIND = timedelta(hours=24)
OLDEST = timedelta(hours=72)
"""A snapshot on a running VM should not be older (VMware KB 1025279, best practices for snapshots)."""


def commit_reminder(since: datetime | None, now: datetime) -> Alarm | None:
    """An alarm on a failover, not committed, of which each VM keeps its state `since` then; None so far."""
    if since is None or now - since < REMIND:
        return None
    at = show_spaced(since.replace(microsecond=0))
    kept = f"each VM keeps its state from before the failover since {at}"
    ends = "Commit Failover ends that once nothing is to be undone"
    if now - since < OLDEST:
        return _alarm(since + REMIND, Severity.INFO, f"{kept}; {ends}")
    slow = "which is longer than a running VM should stand on a snapshot: it grows and slows the VM"
    return _alarm(since + OLDEST, Severity.WARNING, f"{kept}, {slow}; {ends}")


def _alarm(time: datetime, severity: Severity, text: str) -> Alarm:
    return Alarm(time=time, severity=severity, vm=None, kind="not_committed", text=text)
