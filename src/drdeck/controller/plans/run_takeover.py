"""Taking a run over that another controller began: journaled as the site keeps it, and gone on with."""

from __future__ import annotations

import logging
from datetime import datetime

import msgspec

from drdeck.controller.asking.request_desk import RequestDesk
from drdeck.controller.journal import runs as run_facts
from drdeck.controller.journal.runs import RunRecord
from drdeck.controller.takeover import adoption
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain
from drdeck.model.plans.run_note import RunNote
from drdeck.model.times import show, show_duration

from .run_keeping import RunKeeping
from .run_notes import taken

log = logging.getLogger(__name__)

AWAY_S = 600.0
"""After so long without a controller, what was not begun waits for Resume Plan."""
AGAIN_S = 5.0
"""Between two tries to drive a domain that another one drives."""


class RunTakeover:
    """Belongs to one event loop."""

    def __init__(self, desk: RequestDesk, keeping: RunKeeping) -> None:
        self._desk, self._recorder, self._watcher = desk, desk.recorder, desk.watcher
        self._keeping = keeping
        self._rests: dict[str, float] = {}

    async def take(self, ident: str, confirm: str | None, actor: str) -> str:
        """Drive a run from here; its id. Raises NotAccepted."""
        self._desk.check_in_sight()
        self._watcher.take(
            await self._desk.site.observe()
        )  # what the holder before has done until now counts
        there = self._keeping.at_site()
        run = there.get(ident) or there.get(f"run-{ident}")
        own = self._recorder.runs.get(run.note.id if run is not None else ident)
        if own is not None and not own.handed_to and not self._keeping.successor(own):
            raise NotAccepted("rule", f"{own.id} is driven from here; there is nothing to take over")
        if run is None:
            recent = ", ".join(there) or "none"
            raise NotAccepted("usage", f'the site keeps no run "{ident}"; it keeps {recent}')
        note = run.note
        if note.holder is not None and not note.silent and confirm != note.id:
            typed = "it was not given" if confirm is None else f"{confirm!r} is not it"
            raise NotAccepted(
                "unconfirmed",
                f"{note.id} is driven by {note.holder}, who is at work: taking it over must be confirmed with"
                f' its id, "{note.id}" ({typed})',
            )
        domains = {d.name: d for d in self._watcher.view.domains} if self._watcher.view is not None else {}
        record = msgspec.structs.replace(
            taken(run, domains, self._watcher.now()),
            g=note.g + 1,
            handed_to="",
            taken_from=note.holder or "",
            taken_by=actor,
            paused=note.paused or self._away(note, domains) or None,
        )
        data = {
            "run": record.id,
            "record": msgspec.to_builtins(record),
            "from": note.holder or "",
            "at": show(self._watcher.now()),
        }
        self._desk.note(actor, run_facts.TAKEN, data)
        log.info("%s is driven from here, on the word of %s; before: %s", record.id, actor, note.driven_by)
        return record.id

    def _away(self, note: RunNote, domains: dict[str, Domain]) -> str:
        """Reason why what was not begun waits for a person; empty: it does not."""
        if note.holder is not None and not note.silent:
            return ""
        begun = [d.failover.began_at for d in domains.values() if d.failover and d.failover.began_at]
        last: datetime = max([note.since, *begun, *([note.touched] if note.touched else [])])
        away_s = (self._watcher.now() - last).total_seconds()
        if away_s <= AWAY_S:
            return ""
        return f"nothing was begun for {show_duration(away_s)}; Resume Plan begins what is left"

    async def drive_domains(self, run: RunRecord) -> None:
        """Go on with what is under way in domains of a run that was taken over, and is not known here."""
        view = self._watcher.view
        for domain in view.domains if view is not None else ():
            ident = run.begun.get(domain.name)
            if view is None or ident is None or not self._lacks(run, domain, ident):
                continue
            if domain.holder is None and domain.left_by is None:
                entries = adoption(domain, view.runs, run.id, self._watcher.now())
                self._desk.loop.adopt(run.taken_by, entries)
            else:
                await self.drive(run, domain)

    async def drive(self, run: RunRecord, domain: Domain) -> bool:
        """Drive a domain from here that the run's holder of before drives; True while that goes on."""
        if any(
            op.action == "take_over" and op.domain == domain.name for op in self._recorder.open_operations()
        ):
            return True
        holder, his = domain.holder, f"{run.taken_from} since "
        if not run.taken_from or not (holder or domain.left_by) or (holder and not holder.startswith(his)):
            return False
        if self._watcher.steady() < self._rests.get(domain.name, 0.0):
            return True
        self._rests[domain.name] = self._watcher.steady() + AGAIN_S
        try:
            request = Request(action="take_over", domain=domain.name, confirm=domain.name)
            await self._desk.submit(request, run.taken_by)
        except NotAccepted as error:
            log.info("%s of %s is not driven from here yet: %s", domain.name, run.id, error)
        return True

    def _lacks(self, run: RunRecord, domain: Domain, ident: str) -> bool:
        """Tell whether something of the run is under way in a domain that nobody here goes on with."""
        batch = run.batches[-1] if run.batches else None
        inner = batch.operations.get(domain.name) if batch is not None else None
        idents = [ident] if ident not in run.ends else []
        if batch is not None and inner is not None and inner not in batch.ends:
            idents.append(inner)
        under_way = {data["operation"] for data in adoption(domain, (), "", self._watcher.now())}
        return any(i in under_way and i not in self._recorder.operations for i in idents)
