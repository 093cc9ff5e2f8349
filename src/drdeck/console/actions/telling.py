"""Tells the terminal, once each, of what needs somebody who does not look: by the settings."""

from __future__ import annotations

from datetime import datetime

from drdeck.console.attention import asking
from drdeck.console.format import age
from drdeck.console.ports import Console
from drdeck.console.state import State
from drdeck.model.alarms import Severity
from drdeck.model.plans.run_views import RUN_ENDED, Needs
from drdeck.model.text import clean

Event = tuple[str, ...]
"""The kind of an event first, then what tells it from others."""


class Telling:
    """Compares the news with what was there; what was there on attaching is not told."""

    def __init__(self, app: Console) -> None:
        self._app = app
        self._before: frozenset[Event] | None = None

    def look(self) -> None:
        """Tell what is new."""
        app, options = self._app, self._app.options
        if options.tell_by == "none" or app.state.listing is None or app.state.listing.clock is None:
            return
        events = events_of(app.state, app.now(), float(options.tell_unprotected_after))
        if self._before is not None:
            for event, text in events.items():
                if event not in self._before and event[0] in options.tell:
                    app.summon(f"{app.state.site}: {text}")
        self._before = frozenset(events)


def events_of(state: State, now: datetime, long_s: float) -> dict[Event, str]:
    """All that somebody should know of who looks elsewhere, with a sentence each."""
    events: dict[Event, str] = {}
    for need in asking(state):
        events["question", need.domain, need.why] = f"{clean(need.domain)} needs you: {need.why}"
    events |= _of_runs(state)
    for domain in state.domains:
        name, session, length = clean(domain.name), domain.session, domain.unprotected_s(now)
        for alarm in domain.alarms:
            if alarm.severity is not Severity.INFO:
                events["alarm", domain.name, alarm.kind, alarm.vm or ""] = f"{name}: {clean(alarm.sentence)}"
        if session is not None and length is not None:
            events["session", domain.name, session.id] = f"{name}: its PITR session began; it is unprotected"
            if length >= long_s:
                events["unprotected", domain.name, session.id] = f"{name} is unprotected for {age(length)}"
    return events


def _of_runs(state: State) -> dict[Event, str]:
    """Needs of runs of failover plans beside answers: a domain to be begun anew, a wave at its gate."""
    events: dict[Event, str] = {}
    for run in state.runs:
        if run.state in RUN_ENDED or run.holder:
            continue
        for row in run.domains:
            if row.needs is Needs.BEGIN_ANEW:
                events["question", row.name, run.run] = f"{clean(row.name)} needs you: {clean(row.reason)}"
        for wave in run.waves:
            if wave.state == "gate":
                text = f'{clean(run.plan)} needs you: wave "{clean(wave.name)}" waits for Resume Plan'
                events["question", run.run, wave.name] = text
    return events
