"""Everything at the site that needs somebody, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from drdeck.controller.journal.operations import OperationView
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain
from drdeck.model.text import clean

from .format import age
from .state import State, describe

_GRAVITY = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


class Wanting(NamedTuple):
    """A domain that needs somebody, and why in a few words."""

    domain: str
    why: str


class OpenQuestion(NamedTuple):
    """One question with its choices: an operation's own, or what the site asks of a VM (`vm`).

    `operation` is None where the site asks and no operation is open that the answer could go to.
    """

    domain: str
    operation: OperationView | None
    text: str
    choices: tuple[str, ...]
    vm: str | None = None

    @property
    def doubt(self) -> str:
        """The text where it is asked whether something was done, else empty."""
        unknown = self.vm is None and self.operation is not None and self.operation.unknown
        return self.text if unknown else ""

    @property
    def who(self) -> str:
        """The party that asks, in a few words."""
        if self.vm is not None:
            return clean(self.vm)
        return f"{describe(self.operation)} of {clean(self.domain)}" if self.operation else clean(self.domain)


def open_questions(state: State, name: str) -> list[OpenQuestion]:
    """Questions about a domain: those of its operations, then of vCenter about its VMs."""
    open_ones = state.open_operations(name) if name else ()
    questions = [
        OpenQuestion(name, o, o.question.text, tuple(o.question.choices)) for o in open_ones if o.question
    ]
    domain = state.domain(name)
    first = next(iter(open_ones), None)
    for alarm in questions_of(domain) if domain is not None else ():
        choices = alarm.choices if first is not None else ()
        questions.append(OpenQuestion(name, first, alarm.text, choices, alarm.vm))
    return questions


def questions_of(domain: Domain) -> list[Alarm]:
    """Alarms of a domain by which the site asks something of a VM."""
    return [alarm for alarm in domain.alarms if alarm.choices]


def asking(state: State) -> list[Wanting]:
    """Questions of operations and of VMs, one a row, in the order of the list."""
    needs: list[Wanting] = []
    operations = [o for o in state.open_operations() if o.question is not None]
    for domain in state.domains:
        needs += [Wanting(domain.name, f"{describe(o)} asks") for o in operations if o.domain == domain.name]
        needs += [Wanting(domain.name, f"{clean(alarm.vm or 'a VM')} asks") for alarm in questions_of(domain)]
    listed = {domain.name for domain in state.domains}
    return needs + [Wanting(o.domain, f"{describe(o)} asks") for o in operations if o.domain not in listed]


def protected_answers(state: State) -> dict[str, datetime]:
    """Runs under way whose protected site answers again, with since when."""
    return {run.run: since for run in state.runs if (since := run.answering_since)}


def needs_of(state: State, now: datetime) -> list[Wanting]:
    """Questions, failing checks, alarms above a remark, unprotected sessions; each domain once."""
    sessions = [(s, d.name) for d in state.domains if (s := d.unprotected_s(now)) is not None]
    sick = [Wanting(d.name, d.checked.says) for d in state.domains if d.checked.failed]
    alarms = [
        Wanting(domain.name, clean(alarm.sentence))
        for alarm, domain in alarms_of(state.domains)
        if alarm.severity is not Severity.INFO and domain is not None
    ]
    unprotected = [Wanting(name, f"unprotected for {age(length)}") for length, name in sorted(sessions)[::-1]]
    first: dict[str, Wanting] = {}
    for need in (*asking(state), *sick, *alarms, *unprotected):
        first.setdefault(need.domain, need)
    return list(first.values())


def alarms_of(domains: Iterable[Domain]) -> list[tuple[Alarm, Domain]]:
    """All alarms with their domains, the gravest and newest first."""
    pairs = [(alarm, domain) for domain in domains for alarm in domain.alarms]
    return sorted(pairs, key=lambda pair: (_GRAVITY.index(pair[0].severity), -pair[0].time.timestamp()))
