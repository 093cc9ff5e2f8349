"""What others do in a session at the training site: alarms, marked points, and warnings before."""

from __future__ import annotations

import pytest

from drdeck.model.alarms import Severity
from drdeck.model.domains import Mode
from drdeck.model.pitr import excluded_by
from tests.support.training.training_build import Player, at, fault, scenario


def test_the_alarm_says_who_what_it_means_and_what_to_do() -> None:
    play = Player(scenario(faults=(fault("foreign_snapshot", "db1", start=0, end=4000),)))
    play.in_session()
    (alarm,) = play.after(5).alarms
    assert alarm.severity is Severity.WARNING and alarm.user and alarm.address
    assert alarm.text.startswith(f"{alarm.user} (from {alarm.address}) made the snapshot ")
    assert "roll back to older points" in alarm.text and "Pause the tool" in alarm.text
    assert play.to(9000).alarms == (alarm,), "it belongs to the session, not to the tool's working hours"
    play.leave()
    assert play.until(Mode.RUNNING_IN_FAILOVER).alarms == ()


def test_points_made_by_others_are_told_and_cannot_be_picked() -> None:
    play = Player(scenario(faults=(fault("foreign_snapshot", "db1", start=0),)))
    play.in_session()
    play.after(5)
    listing = play.points()
    (point,) = listing.disturbed
    assert point.vm == "db1" and "in the PITR session" in point.text
    assert point.time not in {p.time for p in listing.points if p.kind != "entry"}
    assert not any(excluded_by(p.time, listing.excluded) for p in listing.points)
    play.leave()
    play.until(Mode.RUNNING_IN_FAILOVER)
    assert play.points().disturbed == ()


@pytest.mark.parametrize("seed", range(12))
def test_schedules_are_warned_of_before(seed: int) -> None:
    """Tools come by a schedule; of what people will do nobody knows."""
    plot = scenario(faults=(fault("foreign_snapshot", "db1", start=5000),), seed=seed)
    play = Player(plot)
    site = play.simulation
    hazards = site.hazards("erp", (), at(10))
    assert hazards is not None and hazards.not_checked == ()
    play.in_session()
    (alarm,) = play.to(6000).alarms
    tool = str(alarm.user).startswith("svc-")
    assert [h.kind for h in hazards.warns] == (["schedule"] if tool else [])
    if tool:
        (hazard,) = hazards.warns
        assert str(alarm.user) in hazard.text and "db1" in hazard.text
        assert "next at" in hazard.text
    later = site.hazards("erp", (), at(6000))
    assert later is not None and later.warns == ()
    assert site.hazards("nobody", (), at(6000)) is None


def test_only_the_vms_of_the_session_count() -> None:
    for seed in range(12):
        site = Player(scenario(faults=(fault("foreign_snapshot", "db1", start=5000),), seed=seed)).simulation
        answers = [site.hazards("erp", names, at(10)) for names in (("app1",), ("db1",), ())]
        counts = [len(answer.warns) for answer in answers if answer is not None]
        assert counts[0] == 0 and counts[1] == counts[2]
