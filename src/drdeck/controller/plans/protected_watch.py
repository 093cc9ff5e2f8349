"""The protected sites of a Force that is under way: whether one answers again that did not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from drdeck.controller.asking.request_desk import RequestDesk
from drdeck.controller.journal import runs as run_facts
from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.journal.recorder import SELF
from drdeck.controller.journal.runs import RunRecord
from drdeck.model.domains import Domain, FailoverType, ProtectedSite
from drdeck.model.plans.run_views import ProtectedAsked
from drdeck.model.times import show
from drdeck.sites.contract import SiteError

log = logging.getLogger(__name__)

ASK_S = 10.0
"""Seconds between two questions while a run continues; each is about one domain, in turn."""


class ProtectedWatch:
    """Asks on behalf of runs; what it learns of a site that answers again is journaled once.

    `open_runs`: those that are driven from here and not over; `domains`: by name, as seen now.
    """

    def __init__(
        self,
        desk: RequestDesk,
        open_runs: Callable[[], list[RunRecord]],
        domains: Callable[[], dict[str, Domain]],
    ) -> None:
        self.site, self.watcher, self.recorder = desk.site, desk.watcher, desk.recorder
        self._open_runs, self._domains = open_runs, domains
        self._turn = 0
        self.looks: dict[str, ProtectedAsked] = {}
        """id of a run -> its last look"""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(ASK_S)
            for run in self._open_runs():
                try:
                    await self._ask(run)
                except JournalError:
                    pass  # the executor says why nothing goes on
                except Exception:
                    log.exception("asking the protected site for a run failed, which is a bug")

    async def _ask(self, run: RunRecord) -> None:
        silent = [d.name for d in run.frozen.domains if d.begins and not d.answered]
        if run.ended or run.frozen.type is not FailoverType.FORCE or not silent:
            return
        self._turn += 1
        name = silent[self._turn % len(silent)]
        look = await self.look(name)
        now = self.recorder.runs.get(run.id)
        if now is None or now.ended or now.handed_to:
            return
        self.note(now, {name: look})
        if now.answers_again is None and not isinstance(look, str) and look.state == "reachable":
            data = {"run": run.id, "domain": name, "address": look.address, "at": show(self.watcher.now())}
            self.recorder.record(SELF, run_facts.ANSWERS, data)
            log.warning("%s: the protected site answers again, which it did not when it was decided", run.id)

    async def look(self, name: str) -> ProtectedSite | str:
        """The protected site of a domain now; words where it cannot be asked about."""
        try:
            return await self.site.protected_site(name)
        except SiteError as error:
            return str(error)

    def note(self, run: RunRecord, looks: Mapping[str, ProtectedSite | str]) -> None:
        """Keep when protected sites were asked, and whether they answered."""
        states = {name: site.state for name, site in looks.items() if not isinstance(site, str)}
        domains = self._domains()
        lost = [
            alarm.time
            for name, state in states.items()
            for alarm in (domains[name].alarms if name in domains and state != "reachable" else ())
            if alarm.kind == "protected_site_lost"
        ]
        if "lost" in states.values() or "reachable" in states.values():
            answers = "lost" not in states.values()
            self.looks[run.id] = ProtectedAsked(
                answers=answers, at=self.watcher.now(), answered_at=max(lost, default=None)
            )
            self.watcher.on_change()
