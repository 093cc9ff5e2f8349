"""PITR sessions at the training site: the workflow's rules."""

from __future__ import annotations

import re

import pytest

from drdeck.model.domains import FailoverType, Health, Mode, Owner, Period, SessionState
from drdeck.model.pitr import why_unreachable
from drdeck.sites.training.scenario.scenario_file import load
from drdeck.sites.training.units import instant
from tests.support.training.training_build import START, Player, at, domain, fault, incident, scenario, vm

FORCE = FailoverType.FORCE


def test_the_site_waits_for_the_session_to_be_asked_for() -> None:
    play = Player(scenario())
    play.failed_over(run_pitr=True)
    domain = play.after(3600)
    assert domain.mode is Mode.COMPLETING and domain.session is None
    assert domain.failover is not None and domain.failover.recovered_at is not None and domain.recovered
    assert play.session(after_failover=True) is None
    domain = play()
    assert domain.session is not None and domain.session.state is SessionState.WAITING
    assert domain.session.after_failover == domain.failover.id  # type: ignore[union-attr]
    began = play.now
    domain = play.until_active()
    assert domain.mode is Mode.PITR_SESSION and domain.session is not None
    assert domain.session.started_at == domain.session.entry_at
    assert began < play.now < began + 10
    assert domain.unprotected_s(at(play.now + 60)) == pytest.approx(60, abs=1.1)


def test_protection_is_suspended_in_a_session() -> None:
    play = Player(scenario())
    domain = play.in_session()
    since = domain.consistent_at
    assert since is not None
    domain = play.after(3600)
    assert domain.consistent_at == since == domain.session.started_at  # type: ignore[union-attr]
    assert domain.excluded == (Period(start=since),)
    assert not [p for p in play.points().points if p.time > since]
    entry = play.points().points[0]
    assert entry.kind == "entry" and entry.time == since


def test_a_rollback_reads_what_changed_and_boots_by_the_runbook() -> None:
    play = Player(scenario(link=100_000_000))
    play.in_session()
    began = play.now
    assert play.roll(-3600 + 20) is None
    domain = play()
    assert domain.session is not None and domain.session.last_operation == "op4"
    assert domain.session.state is SessionState.ROLLING_BACK and domain.session.rollbacks == 0
    assert all(v.power == "off" for v in domain.vms)
    assert [v.status for v in domain.vms] == ["rolling_back"] * 3
    domain = play.until_active()
    # an hour of writes at 3 MB/s over 100 MB/s, then 30 s, 10 s, 30 s
    assert play.now - began == pytest.approx((3600 + began) * 3 / 100 + 70, abs=5)
    assert domain.session is not None and domain.session.rollbacks == 1
    assert domain.session.rolled_back_to == at(-3580)
    assert {v.rolled_back_to for v in domain.vms} == {at(-3600)}, "the newest point at or before it"


def test_rolling_back_twice_and_to_the_entry_point() -> None:
    play = Player(scenario(domain(incidents=({"at": at(1), "vms": (), "breaks_health": True},))))
    play.in_session()
    assert {v.health for v in play().vms} == {Health.FAILED}
    play.roll(-600)
    assert {v.health for v in play.until_active().vms} == {Health.OK}
    entry = play().session.entry_at  # type: ignore[union-attr]
    assert entry is not None
    assert play.roll((entry - START).total_seconds()) is None
    erp = play.until_active()
    assert {v.health for v in erp.vms} == {Health.FAILED}
    assert erp.session is not None and erp.session.rollbacks == 2 and erp.session.rolled_back_to == entry


def test_exit_after_a_rollback_keeps_older_points_only() -> None:
    play = Player(scenario())
    play.in_session()
    started = play().session.started_at  # type: ignore[union-attr]
    play.roll(-600)
    play.until_active()
    assert play.leave() is None
    assert play().session.state is SessionState.EXITING  # type: ignore[union-attr]
    domain = play.until(Mode.RUNNING_IN_FAILOVER)
    assert domain.session is None and domain.reset_at is None and domain.owner is Owner.LOCAL
    (period,) = domain.excluded
    assert period.start == started and period.end is not None
    points = play.points().points
    assert points[0].time == at(-600) and not [p for p in points if p.kind == "entry"]
    newest = play.after(300).newest_point
    assert newest is not None and newest > period.end
    assert at(-600) in {p.time for p in play.points().points}


def test_exit_after_a_failover_without_a_rollback_resets_everything() -> None:
    play = Player(scenario())
    play.in_session()
    assert play().points > 4000
    play.leave()
    domain = play.until(Mode.RUNNING_IN_FAILOVER)
    assert domain.points == 0 and domain.oldest_point is None and domain.reset_at is not None
    assert play.points().points == ()
    domain = play.after(3600)
    assert domain.points == len(play.points().points) and domain.points in (59, 60)
    assert all(p.time > domain.reset_at for p in play.points().points if domain.reset_at)
    assert play.session() is None
    play.until_active()
    assert "was reset" in (play.roll(-600) or "")


@pytest.mark.parametrize("state", ["protected", "failed over"])
def test_a_session_by_hand_without_a_rollback_loses_nothing(state: str) -> None:
    play = Player(scenario(domain(state="protected") if state == "protected" else domain()))
    if state != "protected":
        play.failed_over()
        play.finish()
    home = play().mode
    play.to(1000)
    before = {p.time for p in play.points().points}
    assert play.session() is None
    play.until_active()
    play.after(100)
    play.leave()
    erp = play.until(home)
    assert erp.reset_at is None and erp.session is None
    after = {p.time for p in play.points().points}
    assert {t for t in before if t > at(play.now) - (at(3 * 86400) - START)} <= after
    (period,) = erp.excluded
    assert not [t for t in after if period.covers(t)]


def test_a_session_for_some_vms() -> None:
    play = Player(scenario(domain(state="protected", incidents=(incident(500, "app1"),))))
    play.to(1000)
    assert "no VM" in (play.session(vms=("nobody",)) or "")
    assert play.session(vms=("app1",)) is None
    erp = play.until_active()
    assert erp.session is not None and erp.session.vms == ("app1",)
    assert "not in the PITR session" in (play.roll(0, ("db1",)) or "")
    assert play.roll(480) is None
    erp = play.until_active()
    assert [v.rolled_back_to for v in erp.vms] == [None, at(480), None]
    play.leave()
    erp = play.until(Mode.PROTECTED)
    uneven = next(p for p in play.points().points if p.time == at(780))
    assert uneven.vms == 2 and uneven.skew_s == 300 and uneven.missing == ()
    assert [v.restore_points for v in erp.vms].count(erp.points) == 2


def test_vms_can_be_rolled_back_to_instants_of_their_own() -> None:
    play = Player(scenario(domain(incidents=(incident(10, "db1"), incident(70, "app1")))))
    play.in_session()
    assert [v.health for v in play().vms] == [Health.FAILED, Health.FAILED, Health.OK]
    assert play.roll(0, ("db1",)) is None
    play.until_active()
    assert play.roll(60, ("app1",)) is None
    erp = play.until_active()
    assert [v.rolled_back_to for v in erp.vms] == [at(0), at(60), None]
    assert {v.health for v in erp.vms} == {Health.OK}


@pytest.mark.parametrize(
    ("to", "health"),
    [(0, "ok"), (60, "ok"), (119, "ok"), (120, "ok"), (121, "ok"), (180, "failed"), (240, "failed")],
)
def test_health_is_ok_exactly_for_data_not_later_than_the_incident(to: float, health: str) -> None:
    # points at whole minutes; the incident strikes at 120 s, and 121 s means the point of 120 s
    play = Player(scenario(domain(incidents=(incident(120, "db1"),), state="synchronised")))
    play.to(300)
    play.complete(FORCE, run_pitr=True)
    play.until_recovered()
    play.session(after_failover=True)
    play.until_active()
    assert play.roll(to) is None
    erp = play.until_active()
    assert erp.vms[0].health == health and erp.vms[1].health == "ok"


@pytest.mark.parametrize(
    ("to", "words"), [(1e6, "future"), (-3 * 86400 - 60, "PITR window"), (-40 * 86400, "PITR window")]
)
def test_instants_that_cannot_be_reached(to: float, words: str) -> None:
    play = Player(scenario())
    play.in_session()
    assert words in (play.roll(to) or "")


def test_no_instant_of_a_session_is_ever_reached() -> None:
    play = Player(scenario())
    play.in_session()
    first = play.now
    play.roll(-600)
    play.until_active()
    play.leave()
    play.until(Mode.RUNNING_IN_FAILOVER)
    play.after(600)
    assert play.session() is None
    play.until_active()
    assert "a PITR session was active" in (play.roll(first + 30) or "")


def test_a_vm_that_does_not_power_on_in_a_rollback() -> None:
    play = Player(scenario(faults=(fault("power_on_fails", "db1", start=1000),)))
    play.in_session()
    play.to(1100)
    play.roll(0)
    question = play.until_asked().question
    assert question is not None and question.operation == "op4"
    assert play.leave() is not None
    assert play.answer("retry") is None
    assert play.until_active().session.rollbacks == 1  # type: ignore[union-attr]


def test_a_foreign_snapshot_is_an_alarm_in_the_session_only() -> None:
    play = Player(scenario(faults=(fault("foreign_snapshot", "db1", start=0),)))
    assert play.to(20).alarms == ()
    domain = play.in_session()
    (alarm,) = play.after(5).alarms
    assert alarm.kind == "foreign_snapshot" and alarm.vm == "db1" and alarm.time == domain.session.started_at  # type: ignore[union-attr]
    play.leave()
    assert play.until(Mode.RUNNING_IN_FAILOVER).alarms == ()


def test_every_listed_point_can_be_reached() -> None:
    play = Player(scenario())
    play.in_session()
    play.roll(-600)
    play.until_active()
    play.leave()
    play.until(Mode.RUNNING_IN_FAILOVER)
    domain = play.after(500)
    assert not [p for p in play.points().points if why_unreachable(domain, p.time, at(play.now))]


def vms_told(hint: str | None) -> int:
    """Of how many VMs a hint says that they write abnormally: "(a)", or "(a and 2 more)"."""
    more = re.search(r"and (\d+) more", hint or "")
    return 0 if not hint else 1 if more is None else 1 + int(more[1])


def test_ransomware_points_tell_when_it_began_and_first_failover_is_silent() -> None:
    night = load("ransomware")
    play = Player(night, "erp-prod")
    play.now = (night.first_instant - START).total_seconds()
    points = play.points().points
    assert len(points) > 4300
    marked = [p for p in points if p.hint]
    first = min(incident.at for incident in night.domains[0].incidents)
    assert abs((marked[-1].time - first).total_seconds()) <= 120
    assert "from 22:42Z (erp-app03)" in (marked[-1].hint or "") and "x30" in (marked[-1].hint or "")
    older_first = points[::-1]
    for attack in night.domains[0].incidents:
        place = next(i for i, p in enumerate(older_first) if p.time > attack.at)
        before, after = older_first[place - 1], older_first[place + 1]
        hints = f"{attack.at}: {before.hint} -> {after.hint}"
        assert vms_told(after.hint) >= vms_told(before.hint) + len(attack.vms), hints
    quiet = load("first-failover")
    calm = Player(quiet, "intranet")
    calm.now = (quiet.start - START).total_seconds()
    calm.failed_over()
    calm.finish()
    calm.after(7200)
    assert not [p.hint for p in calm.points().points if p.hint]


def test_one_small_vm_among_large_ones_is_found() -> None:
    plot = scenario(
        domain(
            vms=(vm("db1", rate=90_000_000), vm("app1", rate=100_000), vm("app2")),
            incidents=(incident(3630, "app1"),),
        )
    )
    play = Player(plot)
    play.to(7200)
    marked = [p.time for p in play.points().points if p.hint]
    assert marked[-1] == at(3660) and len(marked) == 59


def test_points_are_made_again_at_once_after_a_reset() -> None:
    play = Player(scenario())
    play.in_session()
    play.leave()
    domain = play.until(Mode.RUNNING_IN_FAILOVER)
    assert domain.reset_at is not None
    first = play.after(70).oldest_point
    assert first is not None and instant(0) < domain.reset_at < first <= at(play.now)
