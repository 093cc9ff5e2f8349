"""Alarms in the journal: once each, and moves to other hosts with their last count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from drdeck.controller.journal.alarm_trail import AlarmTrail
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain, Mode, Owner, Session, SessionState
from drdeck.model.guard import TOOL_RETURNED, Change, alarm, moves
from drdeck.model.views import SiteClock, SiteView

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def view(session: str | None, *alarms: Alarm) -> SiteView:
    active = None if session is None else Session(id=session, state=SessionState.ACTIVE)
    mode = Mode.RUNNING_IN_FAILOVER if session is None else Mode.PITR_SESSION
    domain = Domain(id="d", name="erp", mode=mode, owner=Owner.LOCAL, session=active, alarms=alarms)
    return SiteView(site="dr", kind="vsphere", serial=1, clock=SiteClock(site=AT, real=AT), domains=(domain,))


def moved(times: int) -> Alarm:
    if times == 1:
        return alarm(Change.HOST, "db01", "moved it to another host", AT, "", "")
    return moves({"db01": times}, "moved it to another host", AT, AT + timedelta(hours=times), "", "")


def journaled(*views: SiteView) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    trail = AlarmTrail(lambda kind, data: kept.append(data), lambda kind: ())
    for one_view in views:
        trail.follow(one_view)
        trail.follow(one_view)
    return kept


def test_moves_are_journaled_as_they_begin_and_with_their_last_count() -> None:
    kept = journaled(*(view("s1", moved(times)) for times in range(1, 40)), view(None))
    assert len(kept) == 2 and {data["session"] for data in kept} == {"s1"}
    assert "moved it to another host" in kept[0]["text"]
    assert kept[1]["text"].startswith("39 moves to other hosts in this session (db01 39 times)")


def test_one_move_is_one_line_and_the_next_session_counts_anew() -> None:
    assert len(journaled(view("s1", moved(1)), view(None))) == 1
    kept = journaled(view("s1", moved(1)), view("s1", moved(2)), view("s2", moved(5)), view(None))
    assert [data["session"] for data in kept].count("s1") == 2
    assert kept[1]["text"].startswith("2 moves")


def test_a_sign_of_a_replication_tool_is_journaled_outside_of_sessions() -> None:
    sign = Alarm(time=AT, severity=Severity.CRITICAL, vm="db01", kind=TOOL_RETURNED, text="reverted it")
    (data,) = journaled(view(None, sign), view(None))
    assert (data["kind"], data["vm"], data["session"]) == ("tool_returned", "db01", None)
