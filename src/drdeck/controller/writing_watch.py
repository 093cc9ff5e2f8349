"""Sick data made visible: abnormal writing, and VMs whose check fails, as facts and alarms of a domain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain, Health
from drdeck.model.pitr import STEADY, Writing
from drdeck.model.text import some
from drdeck.model.times import show_seconds
from drdeck.model.views import SiteView
from drdeck.sites.contract import RecoverySite, SiteError

log = logging.getLogger(__name__)

EVERY_S = 5.0
"""The points of one domain are read no more often than every so many seconds."""


class WritingWatch:
    """Reads the restore points of a domain whenever they have changed, for what they tell of its writing.

    `steady` counts seconds; `on_change` is called after what is told of a domain has changed. All methods
    belong to one event loop.
    """

    def __init__(
        self, site: RecoverySite, steady: Callable[[], float], on_change: Callable[[], None]
    ) -> None:
        self._site, self._steady, self._on_change = site, steady, on_change
        self._writing: dict[str, Writing] = {}
        self._marks: dict[str, object] = {}
        self._read_at: dict[str, float] = {}
        self._failing_since: dict[str, datetime] = {}
        self._due: dict[str, object] = {}
        self._kick = asyncio.Event()
        self._bare: SiteView | None = None
        self._annotated: SiteView | None = None

    def annotated(self, view: SiteView | None) -> SiteView | None:
        """The view with what is told of each domain's writing and health."""
        if view is not self._bare or self._annotated is None:
            self._bare, self._annotated = view, view
            if view is not None:
                domains = tuple(self._with_writing(domain, view.clock.site) for domain in view.domains)
                self._annotated = msgspec.structs.replace(view, domains=domains)
        return self._annotated

    def follow(self, view: SiteView) -> None:
        """Have the points read of all domains whose points are others now."""
        for domain in view.domains:
            marks = marks_of(domain)
            if marks != self._marks.get(domain.name):
                self._due[domain.name] = marks
        if self._due:
            self._kick.set()

    async def run(self) -> None:
        """Read what is due, one domain after another, until cancelled."""
        while True:
            await self._kick.wait()
            self._kick.clear()
            for name, marks in list(self._due.items()):
                if self._steady() - self._read_at.get(name, -EVERY_S) >= EVERY_S:
                    del self._due[name]
                    await self._read(name, marks)
            if self._due:
                asyncio.get_running_loop().call_later(EVERY_S, self._kick.set)

    async def _read(self, name: str, marks: object) -> None:
        self._read_at[name] = self._steady()
        try:
            writing = STEADY if marks is None else await self._site.writing(name)
        except SiteError as error:
            log.debug("the writing of %s could not be read: %s", name, error)
            return
        self._marks[name] = marks
        if writing != self._writing.get(name, STEADY):
            self._writing[name] = writing
            self._annotated = None
            self._on_change()

    def _with_writing(self, domain: Domain, now: datetime) -> Domain:
        writing = self._writing.get(domain.name, STEADY) if marks_of(domain) is not None else STEADY
        failing = [vm.name for vm in domain.vms if vm.health is Health.FAILED]
        if not failing:
            self._failing_since.pop(domain.name, None)
        since = self._failing_since.setdefault(domain.name, now) if failing else now
        new = [*_writing_alarms(domain, writing), *_health_alarms(failing, len(domain.vms), since)]
        if not new and writing.since is None:
            return domain
        return msgspec.structs.replace(
            domain,
            abnormal_since=writing.since,
            last_good=writing.last_good,
            alarms=(*domain.alarms, *new),
        )


def marks_of(domain: Domain) -> object:
    """All that the points of a domain depend on; None where there are none."""
    if not domain.pitr.enabled or domain.broken or not domain.points:
        return None
    session = domain.session
    return (
        domain.points, domain.oldest_point, domain.newest_point, domain.reset_at, len(domain.excluded),
        session and (session.id, session.rolled_back_to),
    )  # fmt: skip


def _writing_alarms(domain: Domain, writing: Writing) -> list[Alarm]:
    """None once the VMs were rolled back to before it."""
    if writing.since is None:
        return []
    back = domain.session.rolled_back_to if domain.session is not None else None
    if back is not None and writing.last_good is not None and back <= writing.last_good:
        return []
    last = (
        "no point before it can be picked"
        if writing.last_good is None
        else f"the last point before it is of {show_seconds(writing.last_good)}"
    )
    end = "" if writing.until is None else f", normal again at {show_seconds(writing.until)}"
    severity = Severity.WARNING if writing.until is None else Severity.INFO
    text = f"abnormal writing: {writing.hint}{end}; {last}"
    return [Alarm(time=writing.since, severity=severity, vm=None, kind="abnormal_writing", text=text)]


def _health_alarms(failing: list[str], total: int, since: datetime) -> list[Alarm]:
    if not failing:
        return []
    text = f"{len(failing)} of {total} VMs FAIL their check: {some(failing)}"
    return [Alarm(time=since, severity=Severity.CRITICAL, vm=None, kind="health_failed", text=text)]
