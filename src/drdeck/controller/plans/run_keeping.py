"""Runs as their site keeps them: written there as they go on, and seen to be driven by others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec

from drdeck.controller.journal.runs import RunRecord
from drdeck.controller.site_watcher import SiteWatcher
from drdeck.model.domains import Domain
from drdeck.model.plans.run_note import KeptRun
from drdeck.sites.contract import KeepsRuns, RecoverySite, SiteError

from .run_notes import batch_over, kept, makes_sense, taken

log = logging.getLogger(__name__)

ANEW_S = 10.0
"""After so long what the site does not show, or did not take, is written anew."""


class RunKeeping:
    """The notes of runs at their site, kept up to date.

    `domains` gives those of the view by name. Belongs to one event loop.
    """

    def __init__(
        self, site: RecoverySite, watcher: SiteWatcher, domains: Callable[[], Mapping[str, Domain]]
    ) -> None:
        self._site, self._watcher, self._domains = site, watcher, domains
        self._written: dict[str, tuple[KeptRun, float]] = {}
        self._rests: dict[str, float] = {}
        self._notes: dict[str, tuple[RunRecord, KeptRun]] = {}
        """of each run as it was last: it is looked at far more often than it changes"""
        self.failed: dict[str, str] = {}
        """id of a run -> why the site does not keep it now"""

    def at_site(self) -> dict[str, KeptRun]:
        """The runs that the site keeps, by id."""
        view = self._watcher.view
        return {run.note.id: run for run in view.runs if makes_sense(run)} if view is not None else {}

    def of_others(self, own: Mapping[str, RunRecord]) -> list[RunRecord]:
        """The runs that others drive, or nobody, as they are at the site."""
        runs = [run for ident, run in self.at_site().items() if ident not in own or own[ident].handed_to]
        return [taken(run, self._domains(), self._watcher.now()) for run in runs]

    def successor(self, run: RunRecord) -> str:
        """Another controller that has taken a run of ours over, in words; empty: none has."""
        there = self.at_site().get(run.id)
        if there is None or there.note.holder is None or there.note.g < run.g:
            return ""
        return there.note.holder

    async def follow(self, run: RunRecord) -> None:
        """Have the site keep what has changed of a run, or nothing any more once it is over."""
        if not isinstance(self._site, KeepsRuns) or self._watcher.steady() < self._rests.get(run.id, 0.0):
            return
        there = self.at_site().get(run.id)
        try:
            if self._goes_on(run):
                await self._keep(self._site, run, there)
            elif there is not None:
                await self._site.forget_run(run.id)
                self._written.pop(run.id, None)
                self._notes.pop(run.id, None)
            self.failed.pop(run.id, None)
        except SiteError as error:
            if run.id not in self.failed:
                log.warning("the site does not keep %s: %s", run.id, error)
            self.failed[run.id] = str(error)
            self._rests[run.id] = self._watcher.steady() + ANEW_S

    def _goes_on(self, run: RunRecord) -> bool:
        """Tell whether there is something that another controller could go on with."""
        domains = self._domains()
        sessions = (
            d.session is not None and d.failover is not None and d.failover.id == ident
            for name, ident in run.begun.items()
            if (d := domains.get(name)) is not None
        )  # fmt: skip
        return not run.ended or any(sessions) or not all(map(batch_over, run.batches))

    def _due(self, run: RunRecord) -> KeptRun:
        """The run as the site is to keep it; the same object until something of it has changed."""
        last = self._notes.get(run.id)
        if last is None or last[0] is not run:
            last = self._notes[run.id] = run, kept(run)
        return last[1]

    async def _keep(self, site: KeepsRuns, run: RunRecord, there: KeptRun | None) -> None:
        now, due = self._watcher.steady(), self._due(run)
        before, since = self._written.get(run.id, (None, now))
        if there is not None and (before is None or now - since > ANEW_S):
            before = msgspec.structs.replace(there, note=_bare(there))
        elif there is None and now - since > ANEW_S:
            before = None
        if before == due:
            return
        marks = before.marks if before is not None else {}
        changed = {name: mark for name, mark in due.marks.items() if marks.get(name) != mark}
        note = msgspec.structs.replace(due.note, touched=self._watcher.now())
        await site.keep_run(note, changed)
        self._written[run.id] = due, self._watcher.steady()


def _bare(run: KeptRun) -> object:
    return msgspec.structs.replace(run.note, touched=None, holder=None, silent=False)
