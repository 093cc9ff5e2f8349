"""Starts of test VMs in the journal: each once, over restarts too, and as the report has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drdeck.controller.journal.event_store import Event, JournalError
from drdeck.controller.journal.trial_trail import TEST_VMS, TrialTrail, boots
from drdeck.model.domains import Domain, Mode, Owner
from drdeck.model.facts.trial_facts import Trial, TrialState, TrialVm
from drdeck.model.views import SiteClock, SiteView

START = datetime(2026, 11, 28, 22, tzinfo=UTC)


class Journal:
    """Events as a journal keeps them; `broken`: nothing can be written."""

    def __init__(self) -> None:
        self.kept: list[Event] = []
        self.broken = False

    def record(self, kind: str, data: dict[str, Any]) -> None:
        if self.broken:
            raise JournalError("full")
        number = len(self.kept) + 1
        self.kept.append(
            Event(id=number, time=START, actor="drdeck", kind=kind, data=data, previous="", hash="")
        )

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.kept if event.kind == kind]


def view(after_s: float, state: TrialState = TrialState.STARTING, **vms: str) -> SiteView:
    """A view in which test VMs are "off", "on" or "ready"."""
    test_vms = tuple(
        TrialVm(id=name, name=f"test-{name}", of=name, power="off" if word == "off" else "on",
                ready=word == "ready")
        for name, word in vms.items()
    )  # fmt: skip
    trial = Trial(operation="op-1", state=state, since=START, vms=test_vms)
    domain = Domain(id="1", name="erp", mode=Mode.IMPORTED, owner=Owner.REMOTE, trial=trial)
    at = START + timedelta(seconds=after_s)
    return SiteView(site="a", kind="x", serial=1, clock=SiteClock(site=at, real=at), domains=(domain,))


@pytest.fixture
def journal() -> Journal:
    return Journal()


def test_each_start_is_kept_once_and_told_with_its_time(journal: Journal) -> None:
    trail = TrialTrail(journal.record, journal.events)
    trail.follow(view(1, db="off", web="off"))
    assert journal.kept == []
    trail.follow(view(2, db="on", web="off"))
    trail.follow(view(3, db="on", web="on"))
    journal.broken = True
    trail.follow(view(20, db="ready", web="on"))
    journal.broken = False
    later = TrialTrail(journal.record, journal.events)  # the next process
    for after_s in (30, 31):
        later.follow(view(after_s, TrialState.RUNNING, db="ready", web="ready"))
    later.follow(view(40, TrialState.ENDING, db="ready", web="ready", app="ready"))
    assert len(journal.kept) == 3
    assert (journal.kept[2].data["on"], journal.kept[2].data["ready"]) == ([], ["db", "web"])
    db, web = boots(journal.events(TEST_VMS), "op-1")
    assert (db.vm, db.took_s, web.vm, web.took_s) == ("db", 28.0, "web", 27.0)
    assert boots(journal.events(TEST_VMS), "op-2") == ()
    journal.record(TEST_VMS, {**journal.kept[0].data, "at": "2026-11-28T22:05:00Z"})
    assert boots(journal.events(TEST_VMS), "op-1") == (db, web), "the first time that each was seen counts"
