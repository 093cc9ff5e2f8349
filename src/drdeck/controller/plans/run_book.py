"""The runs that are known, found by id and shown; and the rules that all requests about them share."""

from __future__ import annotations

from typing import Any

from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.journal.runs import RunRecord, newest_first
from drdeck.model.actions.action_table import READ_ONLY
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.plans.run_views import DomainInRun, RunView
from drdeck.model.text import some

from .plan_inquiry import PlanInquiry
from .run_display import run_view

SHOWN = 5
"""Ended runs that consoles are shown."""


class RunBook:
    """The journaled runs, for those who ask about one."""

    def __init__(self, inquiry: PlanInquiry) -> None:
        self.inquiry, self.keeper, self.recorder = inquiry, inquiry.keeper, inquiry.recorder
        self.watcher = inquiry.watcher

    def run(self, ident: str) -> RunRecord:
        """A run by its id; "41" will do for "run-41". Raises NotAccepted."""
        runs = {run.id: run for run in self.keeper.runs()}
        run = runs.get(ident) or runs.get(f"run-{ident}")
        if run is None:
            recent = [r.id for r in newest_first(runs.values())[:5]]
            there = f"the last ones are {', '.join(recent)}" if recent else "there was none yet"
            raise NotAccepted("usage", f'there is no run "{ident}"; {there}')
        return run

    def views(self) -> tuple[RunView, ...]:
        """The open runs and the last that ended, newest first."""
        ordered = newest_first(self.keeper.runs())
        ended = [run.id for run in ordered if run.ended][:SHOWN]
        return tuple(self.view_of(run) for run in ordered if not run.ended or run.id in ended)

    def view_of(self, run: RunRecord) -> RunView:
        batch = run.batch_of("pitr_run")
        used = self.keeper.loop.executor.places_used()
        limits = self.keeper.loop.executor.places.limits
        return run_view(
            run,
            self.keeper.decision(run),
            self.inquiry.domains(),
            self.recorder.operations,
            {kind: (used[kind], limit) for kind, limit in limits.items()},
            () if batch is None else self.keeper.holding(run, batch),
            self.watcher.now(),
            self.keeper.protected.looks.get(run.id),
        )

    def refuse_read_only(self) -> None:
        if self.keeper.read_only:
            raise NotAccepted("rule", READ_ONLY)

    def own(self, ident: str) -> RunRecord:
        """A run that is driven from here. Raises NotAccepted."""
        run = self.run(ident)
        if run.handed_to:
            raise NotAccepted(
                "rule",
                f"{run.id} is driven by {run.handed_to}; `drdeck plan takeover {run.id}` drives it from here",
            )
        return run

    def open_run(self, ident: str) -> RunRecord:
        self.refuse_read_only()
        run = self.own(ident)
        if run.ended:
            raise NotAccepted("rule", f"{run.id} has ended ({run.end_state})")
        return run

    def row(self, run: RunRecord, name: str | None) -> DomainInRun:
        rows = {row.name: row for row in self.keeper.decision(run).domains}
        if name is None or name not in rows:
            raise NotAccepted("usage", f'"{name}" is not in {run.id}; it has {some(list(rows), 8)}')
        return rows[name]

    def record(self, actor: str, kind: str, data: dict[str, Any]) -> None:
        try:
            self.recorder.record(actor, kind, data)
        except JournalError as error:
            raise NotAccepted("failed", f"{error}; nothing new is accepted until it can be") from None
