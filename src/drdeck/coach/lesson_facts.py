"""Facts that judge a lesson: the site as the controller shows it, and the journal. Never a key press."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from pathlib import Path

from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.journal import projection
from drdeck.controller.journal.event_store import Journal, JournalError
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.model.domains import Domain, Period
from drdeck.model.frozen import Frozen
from drdeck.model.plans.run_views import RunView


class JournaledAnswer(Frozen, frozen=True, kw_only=True):
    """An answer that stands in the journal, with the question that it answered."""

    operation: str
    choice: str
    text: str = ""


class LessonFacts(Frozen, frozen=True, kw_only=True):
    """One look at a lesson's domains and at the runs. `now` and all other times are the site's."""

    now: datetime
    domains: tuple[Domain, ...] = ()
    listed: tuple[Domain, ...] = ()
    """every domain of the site, without its insides"""
    runs: tuple[RunView, ...] = ()
    operations: tuple[OperationView, ...] = ()
    against: dict[str, tuple[str, ...]] = {}
    """operation -> what spoke against the Force Failover when it was asked for"""
    answers: tuple[JournaledAnswer, ...] = ()

    def domain(self, name: str) -> Domain | None:
        return next((d for d in self.domains if d.name == name), None)

    def operations_of(self, domain: str, action: str) -> list[OperationView]:
        """Operations of a domain, oldest first."""
        operations = [op for op in self.operations if op.domain == domain and op.action == action]
        return sorted(operations, key=lambda op: op.asked_at)

    def done(self, domain: str, action: str) -> list[OperationView]:
        """Those that ended as they should."""
        return [op for op in self.operations_of(domain, action) if op.state is OperationState.DONE]

    def answers_of(self, domain: str) -> list[JournaledAnswer]:
        ids = {op.id for op in self.operations if op.domain == domain}
        return [given for given in self.answers if given.operation in ids]


def session_of(domain: Domain, op: OperationView) -> Period | None:
    """The session in which an operation was asked for."""
    for period in domain.excluded:
        if period.start <= op.asked_at and (period.end is None or op.asked_at <= period.end):
            return period
    return None


def rollbacks_in(facts: LessonFacts, domain: Domain, period: Period) -> list[OperationView]:
    """The rollbacks of a session that were carried out, oldest first."""
    return [op for op in facts.done(domain.name, "pitr_run") if session_of(domain, op) == period]


async def gather(client: Client, journal: Path, domains: tuple[str, ...]) -> LessonFacts | None:
    """Look at the site and the journal now; None while the site is out of sight. Raises ControllerError."""
    listing = await client.get_listing()
    if listing.clock is None or listing.seen_at is None:
        return None
    listed: list[Domain] = []
    for name in domains:
        try:
            detail = (await client.show(name)).detail
        except ControllerError as error:
            if error.code != "usage":
                raise
            continue
        if detail.domain is not None:
            listed.append(detail.domain)
    operations = await client.tasks()
    against, answers = await asyncio.to_thread(_journaled, journal)
    return LessonFacts(
        now=listing.seen_at,
        domains=tuple(listed),
        listed=listing.domains,
        runs=listing.runs,
        operations=operations,
        against=against,
        answers=answers,
    )


def _journaled(file: Path) -> tuple[dict[str, tuple[str, ...]], tuple[JournaledAnswer, ...]]:
    """Facts that only the journal has: evidence against a force, and answers with their questions."""
    against: dict[str, tuple[str, ...]] = {}
    answers: list[JournaledAnswer] = []
    questions: dict[tuple[str, str], str] = {}
    try:
        with contextlib.closing(Journal(file, read_only=True)) as journal:
            for event in journal.events():
                data = event.data
                match event.kind:
                    case projection.ACCEPTED:
                        against[data["operation"]] = tuple(data.get("against", ()))
                    case projection.QUESTION:
                        question = data["question"]
                        questions[data["operation"], question["id"]] = question["text"]
                    case projection.ANSWER:
                        text = questions.get((data["operation"], data.get("question", "")), "")
                        answers.append(
                            JournaledAnswer(operation=data["operation"], choice=data["choice"], text=text)
                        )
    except JournalError as error:
        raise ControllerError("failed", str(error)) from None
    return against, tuple(answers)
