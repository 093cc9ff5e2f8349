"""The evidence of one operation, from the journal alone: the controller need not run, nor the site answer."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import Any

from drdeck.model.frozen import Frozen
from drdeck.model.plans.run_report import QuestionReport

from . import projection as facts
from .alarm_trail import ALARM
from .audit import steps_of
from .event_store import Event, Journal
from .operations import Operation, OperationView, view_of
from .question_trail import QuestionTrail
from .trial_trail import TEST_VMS, BootReport, boots

_BEGINS_ANEW = ("cfo_start", "cfo_complete")
"""Acts with which another failover of the domain begins: what comes then belongs to that one."""
_OF_A_TEST = ("test_end", "test_detach", "test_adopt")
"""What follows a test until the next one."""


class ChangeReport(Frozen, frozen=True, kw_only=True):
    """A change that others made to a VM meanwhile, as the guard told it."""

    at: datetime
    vm: str
    by: str
    text: str


class OperationReport(Frozen, frozen=True, kw_only=True):
    """An operation in full. Times are the site's, those of `steps` this machine's.

    `saw`: facts that the operator was shown before, by name; `against`: what spoke against a Force.
    `followed`: the operations of the domain until its next failover: rollbacks, exit, undo, commit;
    of a test: its end. `questions` and `changes`: those of all of these. `boots`: starts of a test's VMs.
    """

    operation: OperationView
    saw: dict[str, str] = {}
    against: tuple[str, ...] = ()
    steps: tuple[dict[str, Any], ...] = ()
    followed: tuple[OperationView, ...] = ()
    questions: tuple[QuestionReport, ...] = ()
    changes: tuple[ChangeReport, ...] = ()
    boots: tuple[BootReport, ...] = ()
    events: int = 0
    problems: tuple[str, ...] = ()


def operation_report(file: Path, ident: str) -> OperationReport | None:
    """The report of an operation, by its id or by the name of a domain, whose last failover it is then.

    None where the journal has neither. Raises JournalError without a readable journal.
    """
    with contextlib.closing(Journal(file, read_only=True)) as journal:
        operations = facts.read(journal, every=True)
        subject = operations.get(ident) or _last_failover(operations, ident)
        if subject is None:
            return None
        in_order = sorted(operations.values(), key=lambda op: (op.asked_at, op.id))
        later = [op for op in in_order[in_order.index(subject) + 1 :] if op.domain == subject.domain]
        of_a_test = subject.action == "test_start"
        anew = (subject.action,) if of_a_test else _BEGINS_ANEW
        end = next((i for i, op in enumerate(later) if op.action in anew), len(later))
        followed = [op for op in later[:end] if not of_a_test or op.action in _OF_A_TEST]
        until = later[end].asked_at if end < len(later) else None
        own = {op.id for op in (subject, *followed)}
        events = [
            event
            for event in journal.events(facts.QUESTION, facts.ANSWER, facts.SETTLED, facts.ENDED)
            if event.data.get("operation") in own
        ]
        accepted = next(
            (e.data for e in journal.events(facts.ACCEPTED) if e.data["operation"] == subject.id), {}
        )
        changes = [
            change
            for event in journal.events(ALARM)
            if (change := _change(event, subject.domain)) is not None
            and subject.asked_at <= change.at
            and (until is None or change.at < until)
        ]
        return OperationReport(
            operation=view_of(subject),
            saw=accepted.get("saw", {}),
            against=tuple(accepted.get("against", ())),
            steps=tuple(steps_of(journal).get(subject.id, ())),
            followed=tuple(map(view_of, followed)),
            questions=_questions(events, subject.domain),
            changes=tuple(changes),
            boots=boots(journal.events(TEST_VMS), subject.id) if of_a_test else (),
            events=journal.count(),
            problems=tuple(journal.verify()),
        )


def _last_failover(operations: facts.Operations, domain: str) -> Operation | None:
    failovers = [op for op in operations.values() if op.domain == domain and op.action == "cfo_complete"]
    return max(failovers, key=lambda op: op.asked_at, default=None)


def _questions(events: list[Event], domain: str) -> tuple[QuestionReport, ...]:
    trail = QuestionTrail()
    for event in events:
        if event.kind == facts.ENDED:
            trail.ended(event.data)
        else:
            trail.follow(event, domain)
    return tuple(trail.rows)


def _change(event: Event, domain: str) -> ChangeReport | None:
    data = event.data
    if data.get("domain") != domain:
        return None
    at = datetime.fromisoformat(data["at"])
    return ChangeReport(at=at, vm=data.get("vm") or "", by=data.get("user") or "", text=data.get("text", ""))
