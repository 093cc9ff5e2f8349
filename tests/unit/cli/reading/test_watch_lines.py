"""Lines of `watch`: all once, then only what differs; milestones say less, in sentences."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drdeck.cli.reading.watch_lines import difference, line_of, spoken, urgent
from drdeck.controller.journal.operations import OperationState, OperationView, Question
from drdeck.model.actions.request import Request
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain, Mode, Owner

NOW = datetime(2026, 1, 16, 23, tzinfo=UTC)
ASKS = OperationView(
    id="op-1", action="cfo_complete", domain="erp", actor="ann", asked_at=NOW, state=OperationState.OPEN,
    request=Request(action="cfo_complete", domain="erp"),
    question=Question(id="q", kind="failed", text="db01 fails.", choices=("retry", "abort")),
)  # fmt: skip
NEEDS = "NEEDS YOU: db01 fails. (drdeck answer op-1 retry|abort)"
BEFORE = ["Completing", "2/4 recoverable", "7/15 Recover VMs 30%", "unprotected 00:00:05"]


def alarm(text: str, severity: Severity = Severity.WARNING, minute: int = 0) -> Alarm:
    return Alarm(time=NOW.replace(minute=minute), severity=severity, vm="db01", kind="snapshot", text=text)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (BEFORE, []),
        ([*BEFORE[:3], "unprotected 00:00:09"], []),
        ([BEFORE[0], "3/4 recoverable", *BEFORE[2:]], ["3/4 recoverable", "unprotected 00:00:05"]),
        ([*BEFORE[:3], "unprotected 00:00:09", NEEDS], ["unprotected 00:00:09", NEEDS]),
        (BEFORE[:2], []),
    ],
)
def test_only_what_differs(after: list[str], words: list[str]) -> None:
    assert difference(BEFORE, after) == words
    assert difference(None, after) == after, "all of it at first"


def test_an_answer_is_said() -> None:
    assert difference(["Completing", NEEDS], ["Completing"]) == ["answered"]


def test_the_newest_alarm_and_the_question_stand_in_the_line() -> None:
    erp = Domain(id="d", name="erp", mode=Mode.COMPLETING, owner=Owner.REMOTE)
    assert urgent(erp, None) == []
    assert urgent(erp, ASKS) == [NEEDS]
    alarmed = Domain(id="d", name="erp", mode=erp.mode, owner=erp.owner, alarms=(alarm("a snapshot"),))
    assert urgent(alarmed, None) == ["alarm: db01: a snapshot"]
    three = Domain(
        id="d", name="erp", mode=erp.mode, owner=erp.owner,
        alarms=(alarm("late", minute=9), alarm("early"), alarm("a remark", Severity.INFO, 30)),
    )  # fmt: skip
    assert urgent(three, ASKS) == ["2 alarms, the newest: db01: late", NEEDS]


def test_milestones_say_less_in_sentences() -> None:
    words = spoken(["Completing", "7/15 Recover VMs 74%", "waits: 29 s", NEEDS])
    assert words == ["Completing", "7/15 Recover VMs 50%", NEEDS]
    assert spoken(["7/15 Recover VMs 100%"]) == ["7/15 Recover VMs 100%"]
    assert line_of("erp", words[:2], NOW, milestones=True) == (
        "erp: Completing. 7/15 Recover VMs 50%. 2026-01-16T23:00:00Z"
    )
    assert line_of("erp", words[:2], NOW) == "2026-01-16T23:00:00Z  erp  Completing  7/15 Recover VMs 50%"
