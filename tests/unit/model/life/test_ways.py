"""Ways on and ways back of every state that a domain can be in, at a vCenter and at a training site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from drdeck.model.actions.action_table import ACTIONS, refusal
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, PitrPolicy, Session, SessionState, Vm
from drdeck.model.facts.life_facts import Undo, WayBack
from drdeck.model.facts.trial_facts import Trial, TrialOffer, TrialState

NOW = datetime(2026, 1, 16, 22, 30, tzinfo=UTC)
ON = ("cfo_start", "cfo_resume", "cfo_complete", "pitr_start", "pitr_run", "pitr_exit", "test_start",
      "test_end", "failover_commit", "domain_restore")  # fmt: skip
BACK = ("cfo_cancel", "failover_undo", "domain_failback", "domain_release", "release_cancel")


def domain(mode: Mode, **changes: Any) -> Domain:
    here = mode in (Mode.PITR_SESSION, Mode.RUNNING_IN_FAILOVER)
    values: dict[str, Any] = {
        "id": "group-v1",
        "name": "erp",
        "mode": mode,
        "owner": Owner.LOCAL if here else Owner.REMOTE,
        "vms_total": 1,
        "vms_recoverable": 1,
        "pitr": PitrPolicy(enabled=True, window_s=3 * 86400, interval_s=900),
        "vms": (Vm(id="vm-1", name="db", power="on" if here else "off"),),
        "undo": Undo(),
        "trial_offer": TrialOffer(networks=("bubble",), mapping={"net": "bubble"}),
    }
    return Domain(**{**values, **changes})


SESSION = Session(id="op-1", state=SessionState.ACTIVE, started_at=NOW)
TRIAL = Trial(operation="op-2", state=TrialState.RUNNING, since=NOW)
RUNS = Mode.RUNNING_IN_FAILOVER
OFF = (Vm(id="vm-1", name="db", power="off"),)
TRAINING = WayBack(fails_back=True)
FAILED_BACK = WayBack(fails_back=True, resumable=True)
RETURNING = WayBack(fails_back=True, returning="op-4")
BY_ITSELF = "goes on by itself"
STATES: list[tuple[str, Domain, str, str]] = [
    ("imported", domain(Mode.IMPORTED), "cfo_start test_start", ""),
    (
        "failed back",
        domain(Mode.IMPORTED, way_back=FAILED_BACK),
        "cfo_start cfo_resume test_start",
        "",
    ),
    ("tested", domain(Mode.IMPORTED, trial=TRIAL), "cfo_start test_end", ""),
    ("rehydrating", domain(Mode.REHYDRATING, vms_recoverable=0), "test_start", "cfo_cancel"),
    ("synchronised", domain(Mode.SYNCHRONISED), "cfo_complete test_start", "cfo_cancel"),
    ("completing, not owned", domain(Mode.COMPLETING), BY_ITSELF, "cfo_cancel"),
    ("completing, owned", domain(Mode.COMPLETING, owner=Owner.LOCAL), BY_ITSELF, ""),
    ("session", domain(Mode.PITR_SESSION, session=SESSION), "pitr_run pitr_exit", ""),
    ("uncommitted", domain(RUNS), "pitr_start failover_commit", "failover_undo"),
    ("no undo", domain(RUNS, undo=Undo(reason="no entry point of db")), "pitr_start failover_commit", ""),
    (
        "uncommitted, training",
        domain(RUNS, way_back=TRAINING),
        "pitr_start failover_commit",
        "failover_undo domain_failback",
    ),
    ("undone", domain(RUNS, undoing="op-3"), BY_ITSELF, ""),
    ("committed", domain(RUNS, committed_at=NOW), "pitr_start domain_restore", ""),
    (
        "committed, off",
        domain(RUNS, committed_at=NOW, vms=OFF),
        "pitr_start domain_restore",
        "domain_release",
    ),
    (
        "committed, training",
        domain(RUNS, committed_at=NOW, way_back=TRAINING),
        "pitr_start domain_restore",
        "domain_failback",
    ),
    ("being failed back", domain(RUNS, way_back=RETURNING), BY_ITSELF, ""),
    (
        "restored",
        domain(Mode.PROTECTED, owner=Owner.LOCAL, vms=OFF, way_back=WayBack(restored_at=NOW)),
        "pitr_start",
        "domain_release",
    ),
    ("waits for replicas", domain(Mode.RELEASING, vms=OFF), BY_ITSELF, "release_cancel"),
    (
        "waits, owned there",
        domain(Mode.RELEASING, vms=OFF, way_back=WayBack(owned_there=True)),
        BY_ITSELF,
        "",
    ),
]


def ways(subject: Domain, names: tuple[str, ...]) -> list[str]:
    """The actions among these that are open; each other one says in a sentence why it is not."""
    open_now = []
    for name in names:
        request = Request(action=name, domain="erp", type=FailoverType.FORCE, to=NOW, confirm="erp")
        why = refusal(request, subject, NOW)
        if why is None:
            open_now.append(name)
        else:
            assert len(why.split()) > 4 and "_" not in why, (name, why)
    return open_now


@pytest.mark.parametrize(
    ("subject", "on", "back"), [row[1:] for row in STATES], ids=[row[0] for row in STATES]
)
def test_a_way_on_and_a_way_back_or_a_sentence(subject: Domain, on: str, back: str) -> None:
    assert ways(subject, ON) == ([] if on == BY_ITSELF else on.split())
    assert ways(subject, BACK) == back.split()
    listed = {action.name for action in ACTIONS if action.menu and action.listed(subject)}
    open_now = {*ways(subject, ON), *ways(subject, BACK)} - {"cfo_resume", "test_end"}
    assert open_now <= listed, "all that can be done is in the menu"


def test_every_mode_is_in_the_table() -> None:
    """But for one that the site does not tell: nothing is offered there."""
    modes = {row[1].mode for row in STATES}
    assert modes == {*Mode} - {Mode.UNKNOWN}
    assert ways(domain(Mode.UNKNOWN), (*ON, *BACK)) == []
