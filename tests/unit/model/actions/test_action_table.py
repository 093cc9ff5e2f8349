"""The rules that the console keeps, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drdeck.model.actions.action_table import ACTIONS, menu, refusal
from drdeck.model.actions.confirming import consequences, tier_of, unconfirmed
from drdeck.model.actions.request import Request
from drdeck.model.domains import (
    MODE_LABELS,
    Domain,
    FailoverType,
    Mode,
    Owner,
    Period,
    PitrPolicy,
    Session,
    SessionState,
    Vm,
)
from drdeck.model.facts.life_facts import WayBack
from drdeck.model.pitr import why_unreachable

NOW = datetime(2026, 1, 16, 22, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def domain(mode: Mode = Mode.SYNCHRONISED, **changes: Any) -> Domain:
    facts: dict[str, Any] = {
        "id": "group-v1",
        "name": "erp",
        "mode": mode,
        "owner": Owner.LOCAL if mode in (Mode.PITR_SESSION, Mode.RUNNING_IN_FAILOVER) else Owner.REMOTE,
        "vms_total": 2,
        "vms_recoverable": 2,
        "pitr": PitrPolicy(enabled=True, window_s=3 * 86400, interval_s=900),
        "vms": (Vm(id="vm-1", name="db"), Vm(id="vm-2", name="app")),
    }
    return Domain(**{**facts, **changes})


def session(**changes: Any) -> Session:
    facts: dict[str, Any] = {"id": "op-1", "state": SessionState.ACTIVE, "started_at": NOW - DAY / 24}
    return Session(**{**facts, **changes})


def in_session(**changes: Any) -> Domain:
    return domain(Mode.PITR_SESSION, session=session(**changes))


def ask(action: str, **details: Any) -> Request:
    return Request(action=action, domain="erp", **details)


@pytest.mark.parametrize(
    ("request_", "at", "says"),
    [
        (ask("cfo_start"), domain(Mode.IMPORTED), None),
        (ask("cfo_start"), domain(Mode.SYNCHRONISED), "needs an imported domain"),
        (ask("cfo_start"), domain(Mode.IMPORTED, vms_total=0), "has no VM"),
        (ask("cfo_complete", type=FailoverType.FORCE), domain(), None),
        (ask("cfo_complete"), domain(Mode.REHYDRATING, vms_recoverable=1), "1 of 2 VMs are not recoverable"),
        (ask("cfo_complete", type=FailoverType.FORCE), domain(Mode.IMPORTED), "only while it is in progress"),
        (ask("cfo_complete", type=FailoverType.FORCE, start_first=True), domain(Mode.IMPORTED), None),
        (
            ask("cfo_complete", type=FailoverType.FORCE, start_first=True),
            domain(Mode.RUNNING_IN_FAILOVER),
            "only while it is in progress",
        ),
        (ask("cfo_complete", run_pitr=True), domain(pitr=PitrPolicy()), "not PITR-enabled"),
        (ask("cfo_complete", run_pitr=True), domain(), None),
        (ask("pitr_start"), domain(Mode.RUNNING_IN_FAILOVER), None),
        (ask("pitr_start"), domain(Mode.RUNNING_IN_FAILOVER, pitr=PitrPolicy()), "not PITR-enabled"),
        (ask("pitr_start"), domain(Mode.SYNCHRONISED), "does not own"),
        (ask("pitr_start"), in_session(), "already has a PITR session"),
        (ask("pitr_start", vms=("web",)), domain(Mode.RUNNING_IN_FAILOVER), 'no VM named "web"'),
        (ask("pitr_run", to=NOW - DAY), in_session(), None),
        (ask("pitr_run", to=NOW - DAY), domain(Mode.RUNNING_IN_FAILOVER), "has no PITR session"),
        (ask("pitr_run", to=NOW - DAY), in_session(state=SessionState.WAITING), "still starting"),
        (ask("pitr_run", to=NOW - DAY), in_session(state=SessionState.ROLLING_BACK), "rolling back now"),
        (ask("pitr_run", to=NOW - DAY, vms=("app",)), in_session(vms=("db",)), "not in the PITR session"),
        (ask("pitr_run", to=NOW - 4 * DAY), in_session(), "before the PITR window"),
        (ask("pitr_exit"), in_session(), None),
        (ask("pitr_exit"), domain(Mode.RUNNING_IN_FAILOVER), "has no PITR session"),
        (ask("pitr_exit"), in_session(state=SessionState.EXITING), "being exited"),
        (ask("open"), domain(), "not something that can be asked for"),
        (ask("format c:"), domain(), "not something that can be asked for"),
        (ask("cfo_start"), domain(Mode.IMPORTED, broken="nonsense"), "nonsense"),
        (ask("cfo_start"), domain(Mode.IMPORTED, holder="anna@jump2"), "driven by anna@jump2"),
    ],
)
def test_when_an_action_is_open(request_: Request, at: Domain, says: str | None) -> None:
    answer = refusal(request_, at, NOW)
    if says is None:
        assert answer is None
    else:
        assert answer is not None
        assert says in answer


def test_read_only_refuses_every_act() -> None:
    for action in ACTIONS:
        if action.menu and not action.reads:
            assert "read-only" in (refusal(ask(action.name), in_session(), NOW, read_only=True) or "")


@pytest.mark.parametrize(
    ("instant", "says"),
    [
        (NOW - DAY, None),
        (NOW + DAY, "in the future"),
        (NOW - 4 * DAY, "was reset"),
        (NOW - 2 * DAY, "was reset"),
        (NOW - timedelta(minutes=45), "session was active"),
        (NOW - timedelta(minutes=60), None),
        (NOW - timedelta(minutes=30), "session was active"),
        (NOW - timedelta(minutes=5), "session was active"),
        (NOW - timedelta(minutes=20), None),
    ],
)
def test_which_instants_can_be_reached(instant: datetime, says: str | None) -> None:
    ended = Period(start=NOW - timedelta(minutes=60), end=NOW - timedelta(minutes=30))
    running = Period(start=NOW - timedelta(minutes=10))
    at = domain(Mode.PITR_SESSION, excluded=(ended, running), reset_at=NOW - 2 * DAY)
    answer = why_unreachable(at, instant, NOW)
    assert (answer is None) if says is None else (says in (answer or ""))


def test_tiers_and_consent() -> None:
    force = ask("cfo_complete", type=FailoverType.FORCE)
    assert tier_of(ask("cfo_complete", type=FailoverType.PLANNED), domain()) == 2
    assert tier_of(force, domain()) == 3
    assert tier_of(ask("pitr_run", to=NOW), in_session()) == 2
    assert tier_of(ask("pitr_exit"), in_session(rollbacks=1)) == 2
    assert tier_of(ask("pitr_exit"), in_session(after_failover="op-1")) == 3
    assert unconfirmed(ask("pitr_exit"), in_session(rollbacks=1)) is None
    assert '"erp"' in (unconfirmed(force, domain()) or "")
    assert "'Erp' is not its name" in (
        unconfirmed(ask("cfo_complete", type=FailoverType.FORCE, confirm="Erp"), domain()) or ""
    )
    assert unconfirmed(ask("cfo_complete", type=FailoverType.FORCE, confirm="erp"), domain()) is None


def test_what_an_exit_costs_is_told() -> None:
    reset = " ".join(consequences(ask("pitr_exit"), in_session(after_failover="op-1"), NOW))
    assert "all PITR data is reset" in reset
    kept = " ".join(consequences(ask("pitr_exit"), in_session(rollbacks=1, rolled_back_to=NOW - DAY), NOW))
    assert "reset" not in kept
    assert "2026-01-15 22:30:00Z" in kept


@pytest.mark.parametrize(
    ("vms", "at_a_vcenter", "warned"), [(96, True, False), (97, True, True), (97, False, False)]
)
def test_more_vms_than_a_round_of_points_has_room_for(vms: int, at_a_vcenter: bool, warned: bool) -> None:
    pitr = PitrPolicy(enabled=True, window_s=86400, interval_s=14400)
    at = domain(Mode.SYNCHRONISED, vms_total=vms, pitr=pitr, configuration_goes_back=at_a_vcenter)
    text = " ".join(consequences(ask("cfo_complete", type=FailoverType.FORCE), at, NOW))
    assert ("the newest point of a VM is up to 8h old, and not 4h" in text) is warned


def test_snapshots_of_others_are_counted_and_named_before() -> None:
    vms = (
        Vm(id="vm-1", name="db", foreign_snapshots=("nightly", "keep"), exit_removes=("nightly", "HBR 1")),
        Vm(id="vm-2", name="app", foreign_snapshots=("keep",)),
    )
    at = domain(Mode.PITR_SESSION, vms=vms, session=session(rollbacks=1, rolled_back_to=NOW - DAY))
    exit_says = " ".join(consequences(ask("pitr_exit"), at, NOW))
    assert (
        "2 snapshots that drdeck did not make go with it, as prune_also allows:"
        ' "nightly" of db, "HBR 1" of db.'
    ) in exit_says
    assert (
        '2 snapshots by others from this session stay; their owners remove them: "keep" of db, "keep" of app.'
    ) in exit_says
    rollback_says = " ".join(consequences(ask("pitr_run", vms=("app",)), at, NOW))
    assert "1 snapshot by others from this session stays, and the disks do not stand on it" in rollback_says
    assert "of db" not in rollback_says
    assert "others" not in " ".join(consequences(ask("pitr_exit"), in_session(), NOW))


RETURN = ["Restore", "Release Domain", "Way Back"]


@pytest.mark.parametrize(
    ("at", "labels"),
    [
        (domain(Mode.IMPORTED), ["Continuous Failover", "Failover"]),
        (in_session(), ["Run PITR", "Exit PITR Session"]),
        (
            domain(Mode.RUNNING_IN_FAILOVER),
            ["Start PITR Session", "Undo Failover", "Commit Failover", *RETURN],
        ),
        (domain(Mode.RUNNING_IN_FAILOVER, committed_at=NOW), ["Start PITR Session", *RETURN]),
        (
            domain(Mode.RUNNING_IN_FAILOVER, committed_at=NOW, way_back=WayBack(fails_back=True)),
            ["Start PITR Session", "Failback", *RETURN],
        ),
        (domain(Mode.RELEASING), ["Cancel Release", "Way Back"]),
        (
            domain(Mode.IMPORTED, way_back=WayBack(fails_back=True, resumable=True)),
            ["Continuous Failover", "Failover", "Resume Continuous Rehydration"],
        ),
        (domain(Mode.SYNCHRONISED), ["Continuous Failover", "Failover", "Cancel Continuous Failover"]),
        (domain(Mode.RUNNING_IN_FAILOVER, pitr=PitrPolicy(), committed_at=NOW), RETURN),
    ],
)
def test_the_more_menu_shows_what_the_mode_has(at: Domain, labels: list[str]) -> None:
    assert [action.label for action, _ in menu(at, NOW)] == labels


def test_names_and_keys_are_unique() -> None:
    names = [action.name for action in ACTIONS]
    keys = [key for action in ACTIONS for key in action.key.split(",") if key]
    assert len(names) == len(set(names))
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("mode", list(Mode))
def test_refusals_name_modes_as_the_screens_do(mode: Mode) -> None:
    at = domain(mode)
    refused = [
        closed
        for action in ACTIONS
        if action.menu
        for closed in [refusal(Request(action=action.name, domain="erp"), at, NOW)]
        if closed
    ]
    named = [text for text in refused if 'is "' in text]
    assert all(f'is "{MODE_LABELS[mode]}"' in text for text in named)
    assert named or mode in (Mode.SYNCHRONISED, Mode.REHYDRATING)
    assert not [text for text in refused if "_" in text]
