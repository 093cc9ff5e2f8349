"""The round over all domains of a site: what is due there without anybody asking."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from drdeck.model.domains import Mode
from drdeck.model.planned import PlannedCall
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts
from drdeck.sites.vsphere.plan import maintenance
from drdeck.sites.vsphere.plan.late_joiners import joining
from drdeck.sites.vsphere.plan.trials.trial_plan import self_driven

from .view.site_state import SiteState
from .view.site_views import SiteViews

IDLE_S = 2.0
"""Between two looks while nothing is due and the site shows nothing new: each costs with every domain."""
REST, LONGEST_S = 500.0, 30.0
"""So many times what the last look took pass before the next one then, but not more than so long."""


class MaintenanceRound:
    """Remembers the group points that are being made, which the site may not show yet, and what was seen."""

    def __init__(self, state: SiteState, views: SiteViews) -> None:
        self._state, self._views = state, views
        self._pending: dict[str, datetime] = {}
        self._idle_serial, self._idle_since = 0, datetime.min.replace(tzinfo=UTC)
        self._idle = timedelta(seconds=IDLE_S)
        self._synchronised: dict[str, datetime] = {}
        """by folder: since when it was seen so, without a break"""

    def due(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        """Name of a domain and call, for each that is due."""
        watch = self._state.watch
        inventory = watch.inventory if watch else None
        if inventory is None:
            return []
        if inventory.serial == self._idle_serial and now - self._idle_since < self._idle:
            return []
        began_s = time.thread_time()
        due: list[tuple[str, PlannedCall]] = []
        for folder, domain_state in self._state.domain_states(begun=True):
            synchronised = self._views.domain(inventory, folder).mode is Mode.SYNCHRONISED
            note = maintenance.noted(domain_state, self._seen_synchronised(folder, synchronised, now), now)
            if self._state.holder(folder) is not None:
                continue
            if note is not None:
                due.append((folder.name, note))
            due += [
                (folder.name, call)
                for call in maintenance.answers(domain_state, self._state.settings.uuid_question)
            ]
            due += [(folder.name, call) for call in joining(domain_state)]
            due += [(folder.name, call) for call in self_driven(domain_state)]
            calls = maintenance.due(domain_state, now, self._pending.get(folder.id))
            for call in calls:
                if call.key.startswith("point:"):
                    self._pending[folder.id] = datetime.fromisoformat(
                        call.args["name"].removeprefix("drdeck-")
                    )
            due += [(folder.name, call) for call in calls]
        self._idle_serial, self._idle_since = (0 if due else inventory.serial), now
        idle_s = min(LONGEST_S, REST * (time.thread_time() - began_s))
        self._idle = timedelta(seconds=max(IDLE_S, idle_s))
        return due

    def _seen_synchronised(self, folder: FolderFacts, is_so: bool, now: datetime) -> datetime | None:
        """Since when, while it is."""
        if not is_so:
            self._synchronised.pop(folder.id, None)
            return None
        return self._synchronised.setdefault(folder.id, now)
