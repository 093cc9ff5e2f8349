"""Starts of test VMs leave a trace: since when each runs, and when it was ready, as the site showed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from drdeck.model.facts.trial_facts import Trial, TrialState
from drdeck.model.frozen import Frozen
from drdeck.model.times import show
from drdeck.model.views import SiteView

from .event_store import Event, JournalError

TEST_VMS = "test_vms"
_STARTED = (TrialState.STARTING, TrialState.RUNNING, TrialState.OVERDUE)
_ON, _READY = "on", "ready"
Record = Callable[[str, dict[str, Any]], object]


class BootReport(Frozen, frozen=True, kw_only=True):
    """The start of a test VM, by the name of the VM that it is of. Times are the site's, of the views that
    showed it first: a vCenter's test folder is looked at each two seconds."""

    vm: str
    on_at: datetime | None = None
    ready_at: datetime | None = None

    @property
    def took_s(self) -> float | None:
        if self.on_at is None or self.ready_at is None:
            return None
        return max(0.0, (self.ready_at - self.on_at).total_seconds())


class TrialTrail:
    """Puts the starts of test VMs into the journal, each once. `record` raises JournalError.

    `events` reads the journal's events of a kind, oldest first.
    """

    def __init__(self, record: Record, events: Callable[[str], Iterable[Event]]) -> None:
        self._record, self._events = record, events
        self._by_operation: dict[str, dict[str, set[str]]] = {}

    def follow(self, view: SiteView) -> None:
        """Journal the new ones of a view; what cannot be written now comes with a later view."""
        trials = {
            domain.trial.operation: domain.trial
            for domain in view.domains
            if domain.trial is not None and domain.trial.state in _STARTED
        }
        try:
            for trial in trials.values():
                self._follow(trial, view.clock.site)
        except JournalError:
            pass  # the controller says so by itself
        self._by_operation = {i: kinds for i, kinds in self._by_operation.items() if i in trials}

    def _follow(self, trial: Trial, at: datetime) -> None:
        journaled = self._journaled(trial.operation)
        current = {
            _ON: {vm.of for vm in trial.vms if vm.power == "on"},
            _READY: {vm.of for vm in trial.vms if vm.ready},
        }
        fresh = {kind: sorted(vms - journaled[kind]) for kind, vms in current.items()}
        if any(fresh.values()):
            self._record(TEST_VMS, {"operation": trial.operation, "at": show(at), **fresh})
            for kind, vms in fresh.items():
                journaled[kind].update(vms)

    def _journaled(self, operation: str) -> dict[str, set[str]]:
        """Those of before this process too; read when the first one of a test comes."""
        kinds = self._by_operation.get(operation)
        if kinds is None:
            kinds = self._by_operation[operation] = {_ON: set(), _READY: set()}
            for event in self._events(TEST_VMS):
                if event.data.get("operation") == operation:
                    for kind, vms in kinds.items():
                        vms.update(event.data.get(kind, ()))
        return kinds


def boots(events: Iterable[Event], operation: str) -> tuple[BootReport, ...]:
    """The starts of a test's VMs out of such events, by name."""
    times: dict[str, dict[str, datetime]] = {}
    for event in events:
        if event.kind == TEST_VMS and event.data.get("operation") == operation:
            for kind in (_ON, _READY):
                for vm in event.data.get(kind, ()):
                    times.setdefault(vm, {}).setdefault(kind, datetime.fromisoformat(event.data["at"]))
    return tuple(
        BootReport(vm=vm, on_at=at.get(_ON), ready_at=at.get(_READY)) for vm, at in sorted(times.items())
    )
