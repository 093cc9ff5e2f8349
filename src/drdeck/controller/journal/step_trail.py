"""Steps and alarms of a domain that a site can only look at leave a trace: nobody else keeps one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drdeck.model.domains import Domain
from drdeck.model.guard import GUARD_KINDS
from drdeck.model.times import show
from drdeck.model.views import SiteView

from .event_store import JournalError

SITE_STEP, SITE_ALARM, SITE_ALARM_OVER = "site_step", "site_alarm", "site_alarm_over"
Record = Callable[[str, dict[str, Any]], object]


class StepTrail:
    """Puts into the journal what such a site shows, each change once. `record` raises JournalError.

    Changes while no controller ran are not in it: what is shown at its start is.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._steps: dict[str, dict[str, Any]] = {}
        self._alarms: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}

    def follow(self, view: SiteView) -> None:
        """Journal what differs from the last view; what cannot be written now comes with a later one."""
        try:
            for domain in view.domains:
                if domain.observed_only and not domain.broken:
                    self._follow_steps(domain)
                    self._follow_alarms(domain)
        except JournalError:
            pass  # the controller says so by itself

    def _follow_steps(self, domain: Domain) -> None:
        step = domain.step
        data = {
            "domain": domain.name,
            "id": domain.id,
            "mode": domain.mode_label,
            "session": domain.session.id if domain.session is not None else None,
            "step": step.label if step is not None else None,
            "number": step.number if step is not None else None,
            "of": step.of if step is not None else None,
        }
        if self._steps.get(domain.id) != data:
            self._record(SITE_STEP, data)
            self._steps[domain.id] = data

    def _follow_alarms(self, domain: Domain) -> None:
        before = self._alarms.setdefault(domain.id, {})
        # what others did to VMs is in the trail of alarms
        alarms = {(a.kind, a.text): a for a in domain.alarms if a.kind not in GUARD_KINDS}
        for key, alarm in alarms.items():
            if key not in before:
                data = {
                    "domain": domain.name,
                    "vm": alarm.vm,
                    "kind": alarm.kind,
                    "severity": str(alarm.severity),
                    "at": show(alarm.time),
                    "text": alarm.text,
                }
                self._record(SITE_ALARM, data)
                before[key] = data
        for key in before.keys() - alarms.keys():
            self._record(SITE_ALARM_OVER, before[key])
            del before[key]
