"""Parts that the report of an operation and that of a run of a plan share: questions, journal, times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drdeck.cli import json_shapes, output
from drdeck.cli.json_shapes import Json
from drdeck.model.plans.run_report import QuestionReport
from drdeck.model.text import some
from drdeck.model.times import show_seconds


def instant_text(instant: datetime | None) -> str:
    return "-" if instant is None else show_seconds(instant)


def question_shape(q: QuestionReport) -> Json:
    """The JSON of a question."""
    return {
        "at": json_shapes.time(q.at),
        "operation": q.operation,
        "kind": q.kind,
        "text": q.text,
        "choice": q.choice or None,
        "by": q.by or None,
        "answered_at": json_shapes.time(q.answered_at),
        "over": q.over or None,
    }


def answer_text(q: QuestionReport) -> str:
    """Words on how a question ended; empty while it stands."""
    return f"{q.choice} by {q.by}, {instant_text(q.answered_at)}" if q.choice else q.over


def journal_shape(events: int, problems: Sequence[str]) -> Json:
    """The JSON of the journal that a report was made from."""
    return {"events": events, "sound": not problems, "problems": list(problems)}


def journal_text(events: int, problems: Sequence[str]) -> str:
    """The sentence on the journal, with which a report ends."""
    sound = f"not sound: {some(problems, 3, '; ')}" if problems else "its chain is sound"
    return f"From a journal of {events} events; {sound}."


def warn_unsound(problems: Sequence[str]) -> None:
    """A warning where the journal's chain is broken."""
    if problems:
        output.note(f"warning: the journal is not sound: {some(problems, 3, '; ')}")
