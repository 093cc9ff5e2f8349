"""Lines of `drdeck watch`: all of a domain once, then only what differs; milestones as sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from drdeck.controller.journal.operations import OperationView
from drdeck.model.alarms import Severity
from drdeck.model.domains import Domain
from drdeck.model.times import show

QUARTER = 25
NEEDS_YOU = "NEEDS YOU: "
_ANSWERED = "answered"
_CLOCK = "unprotected "
"""Begins the words that grow with the time: they stand in a line, and make none."""
_WAITS = "waits: "
_PERCENT = re.compile(r"\b(\d+)%")


def spoken(words: Sequence[str]) -> list[str]:
    """The words that are milestones: progress in quarters, and nothing of waiting."""
    return [_PERCENT.sub(_quarter, text) for text in words if not text.startswith(_WAITS)]


def _quarter(match: re.Match[str]) -> str:
    return f"{int(match[1]) // QUARTER * QUARTER}%"


def urgent(domain: Domain, operation: OperationView | None) -> list[str]:
    """Words on the newest alarm that is more than a remark, and on the question that is open."""
    words = []
    alarms = [alarm for alarm in domain.alarms if alarm.severity is not Severity.INFO]
    if alarms:
        newest = max(alarms, key=lambda alarm: alarm.time)
        count = f"{len(alarms)} alarms, the newest: " if len(alarms) > 1 else "alarm: "
        words.append(f"{count}{newest.sentence}{newest.answering(domain.name, operation is not None)}")
    if operation is not None and operation.question is not None:
        choices = "|".join(operation.question.choices)
        words.append(f"{NEEDS_YOU}{operation.question.text} (drdeck answer {operation.id} {choices})")
    return words


def difference(before: Sequence[str] | None, after: Sequence[str]) -> list[str]:
    """The words of a line: all of them at first, then those that are new; empty where nothing is."""
    if before is None:
        return list(after)
    new = [text for text in after if text not in before and not text.startswith(_CLOCK)]
    needed_you = any(text.startswith(NEEDS_YOU) for text in before)
    answered = needed_you and not any(text.startswith(NEEDS_YOU) for text in after)
    if not new and not answered:
        return []
    kept = [text for text in after if text in new or text.startswith(_CLOCK)]
    return [*([_ANSWERED] if answered else []), *kept]


def line_of(name: str, words: Sequence[str], now: datetime, milestones: bool = False) -> str:
    """One line: columns, or for milestones a sentence that a screen reader reads in one go."""
    at = show(now.replace(microsecond=0))
    if milestones:
        sentences = ". ".join(text.rstrip(".") for text in words)
        return f"{name}: {sentences}. {at}"
    return "  ".join((at, name, *words))
