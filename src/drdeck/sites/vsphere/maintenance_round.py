"""The round over all domains of a site: what is due there without anybody asking."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

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
    """Remembers the group points that are being made, which the site may not show yet, and what was seen.

    All domains share the places for what nobody asked for: a round that has begun goes before removals, so
    that its VMs have one instant, and of those to begin the one goes first that waits longest.
    """

    def __init__(self, state: SiteState, views: SiteViews) -> None:
        self._state, self._views = state, views
        self._begun: dict[str, datetime] = {}
        """by domain: the group point that was begun last"""
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
        due, rounds_under_way, removals = (list[tuple[str, PlannedCall]]() for _ in range(3))
        new_rounds: list[tuple[datetime, list[tuple[str, PlannedCall]]]] = []
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
            begun = self._begun.get(folder.name)
            calls = [(folder.name, call) for call in maintenance.due(domain_state, now, begun)]
            removals += [(name, call) for name, call in calls if not maintenance.is_point(call)]
            points = [(name, call) for name, call in calls if maintenance.is_point(call)]
            if points and maintenance.round_goes_on(domain_state, now, begun):
                rounds_under_way += points
            elif points:
                new_rounds.append((maintenance.due_since(domain_state, begun), points))
        new_rounds.sort(key=_due_since)
        due += [*rounds_under_way, *removals, *chain.from_iterable(points for _, points in new_rounds)]
        self._idle_serial, self._idle_since = (0 if due else inventory.serial), now
        idle_s = min(LONGEST_S, REST * (time.thread_time() - began_s))
        self._idle = timedelta(seconds=max(IDLE_S, idle_s))
        return due

    def begins(self, domain: str, call: PlannedCall) -> None:
        """Take note of a call that is given to the site: a group point that it makes has begun."""
        if maintenance.is_point(call):
            self._begun[domain] = datetime.fromisoformat(call.args["name"].removeprefix("drdeck-"))

    def _seen_synchronised(self, folder: FolderFacts, is_so: bool, now: datetime) -> datetime | None:
        """Since when, while it is."""
        if not is_so:
            self._synchronised.pop(folder.id, None)
            return None
        return self._synchronised.setdefault(folder.id, now)


def _due_since(round_: tuple[datetime, Sequence[object]]) -> datetime:
    return round_[0]
