"""How a record changes: every command twice, after a crash between any two writes, and out of turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from drdeck.model import commands as c
from drdeck.model.domains import FailoverType, Mode, SessionState
from drdeck.sites.vsphere.record import attribute_names as names
from drdeck.sites.vsphere.record import attributes as r
from drdeck.sites.vsphere.record import record_values as values
from drdeck.sites.vsphere.record import session_transitions as st
from drdeck.sites.vsphere.record import transitions as ch
from drdeck.sites.vsphere.record.attribute_changes import Changes, NotNow
from drdeck.sites.vsphere.record.domain_record import Record
from tests.support.vcenter.domain_states import OP, at, failover, rollback, session

Attributes = dict[str, str]
Change = Callable[[Record, Any], Changes]


def written(attributes: Attributes, changes: Changes) -> Attributes:
    return {k: v for k, v in {**attributes, **changes}.items() if v}


def base(**records: Any) -> Attributes:
    named = {
        "mode": names.MODE,
        "failover": names.FAILOVER,
        "session": names.SESSION,
        "rollback": names.ROLLBACK,
    }
    return {named[k]: r.write(v) for k, v in records.items()}


CFO = values.ModeRecord(mode="cfo", by="op-0", since=at(0))
OWNED = base(mode=CFO, failover=failover("recovered"))
ACTIVE = {**OWNED, **base(session=session(after=OP))}
ROLLING = {
    **OWNED, **base(session=session(SessionState.ROLLING_BACK, last="op-2"), rollback=rollback("power", n=2)),
}  # fmt: skip
EXITING = {**OWNED, **base(session=session(SessionState.EXITING, last="op-3", after=OP))}


def step(to: str, operation: str = OP, g: int = 0) -> Change:
    return lambda record, now: ch.step(record, operation, to, g, now)


def command(kind: Any, operation: str = OP, **more: Any) -> Any:
    return kind(operation=operation, domain="erp-prod", asked_by="anna@jump1", **more)


start = command(c.StartContinuousFailover, "op-0")
begin = command(c.BeginCompletion, type=FailoverType.FORCE, run_pitr=True)
planned = command(c.BeginCompletion, type=FailoverType.PLANNED)
start_session = command(c.StartSession, session=OP, after_failover=True)
by_hand = command(c.StartSession, "op-9", session="op-9")
roll = command(c.RollBack, "op-2", to=at(-5))
leave = command(c.ExitSession, "op-3")

TABLE: list[tuple[str, Attributes, Change, Callable[[Any], object]]] = [
    ("start", {}, lambda d, now: ch.start_cfo(d, start, {"a": "b"}, now),
     lambda d: d.mode_without_vms is Mode.SYNCHRONISED and d.networks == {"a": "b"}),
    ("begin", base(mode=CFO), lambda d, now: ch.begin(d, begin, {}, now),
     lambda d: d.failover.phase == "take" and d.failover.pitr and not d.owned),
    ("begin planned", base(mode=CFO), lambda d, now: ch.begin(d, planned, {}, now),
     lambda d: d.failover.phase == "shutdown" and not d.failover.pitr),
    ("abort", base(mode=CFO, failover=failover("shutdown")),
     lambda d, now: ch.abort(d, command(c.AbortCompletion)), lambda d: d.failover is None),
    ("take", base(failover=failover("take")), step("network"), lambda d: d.owned),
    ("shut down", base(failover=failover("shutdown", n=2)), step("point"),
     lambda d: (d.failover.phase, d.failover.n, d.failover.since) == ("point", 2, at(60))),
    ("switched on again", base(failover=failover("point", n=2)),
     lambda d, now: ch.resolve(d, command(c.Resolve, question=f"again:{OP}:2", choice="retry"), (), now),
     lambda d: (d.failover.phase, d.failover.n, d.failover.since) == ("shutdown", 3, at(60))),
    ("delay", base(failover=failover("power", g=1)), step("delay", g=1),
     lambda d: d.failover.phase == "delay" and d.failover.since == at(60)),
    ("next", base(failover=failover("delay", g=1, n=3)), step("next", g=1),
     lambda d: (d.failover.phase, d.failover.g, d.failover.n) == ("power", 2, 1)),
    ("recovered", base(failover=failover("power", g=2)), step("recovered", g=2),
     lambda d: d.failover.phase == "recovered" and d.failover.recovered == at(60)),
    ("finish", OWNED, lambda d, now: ch.finish(d, command(c.FinishFailover)),
     lambda d: d.mode_without_vms is Mode.RUNNING_IN_FAILOVER),
    ("start session", OWNED, lambda d, now: st.start_session(d, start_session, ()),
     lambda d: d.session.state is SessionState.WAITING and d.session.after == OP and d.completing),
    ("by hand", base(failover=failover("finished")), lambda d, now: st.start_session(d, by_hand, ("vm-1",)),
     lambda d: d.session.after is None and d.session_vms == ("vm-1",)),
    ("entry", {**OWNED, **base(session=session(SessionState.WAITING))}, step("entry"),
     lambda d: d.session.entry == at(60) and d.session.started is None),
    ("active", {**OWNED, **base(session=session(SessionState.WAITING, entry=at(1)))}, step("active"),
     lambda d: d.session.started == at(60) and d.session.entry == at(1)),
    ("roll back", ACTIVE, lambda d, now: st.roll_back(d, roll, ("vm-1",), now),
     lambda d: d.session.state is SessionState.ROLLING_BACK and d.rollback.to == at(-5)
     and d.rollback_vms == ("vm-1",) and d.session.last == "op-2"),
    ("revert", {**ROLLING, **base(rollback=rollback("off"))}, step("revert", "op-2"),
     lambda d: d.rollback.phase == "revert"),
    ("rolled back", ROLLING, step("over", "op-2"),
     lambda d: d.session.state is SessionState.ACTIVE and d.session.n == 1 and d.session.back == at(0)),
    ("exit without", ACTIVE, lambda d, now: st.exit_session(d, leave, now),
     lambda d: d.pitr.reset == at(60) and d.session.state is SessionState.EXITING),
    ("exit after a rollback", {**OWNED, **base(session=session(after=OP, n=1))},
     lambda d, now: st.exit_session(d, leave, now), lambda d: d.pitr.reset is None),
    ("exit by hand", {**OWNED, **base(session=session())},
     lambda d, now: st.exit_session(d, leave, now), lambda d: d.pitr.reset is None),
    ("closed", EXITING, step("closed", "op-3"),
     lambda d: d.session is None and d.failover.phase == "finished" and len(d.excluded) == 1
     and d.excluded[0].start == at(0) and d.excluded[0].end == at(60)),
    ("skip", OWNED, lambda d, now: ch.skip(d, command(c.Skip, vm="vm-1")),
     lambda d: d.skipped == ("vm-1",)),
]  # fmt: skip


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case[0])
def test_each_change(case: tuple[str, Attributes, Change, Callable[[Any], object]]) -> None:
    _, before, change, holds = case
    changes = change(r.read(before), at(60))
    assert changes
    after = written(before, changes)
    assert holds(r.read(after))

    # given again, later: nothing but what is there already
    try:
        again = change(r.read(after), at(61))
    except NotNow:
        again = {}
    assert written(after, again) == after

    # a crash after any number of the writes: the record can be read, and giving it again completes it
    todo = [(k, v) for k, v in changes.items() if before.get(k, "") != v]
    for done in range(len(todo)):
        partly = written(before, dict(todo[:done]))
        record = r.read(partly)
        completed = written(partly, change(record, at(60)))
        assert completed == after, f"after {done} of {len(todo)} writes"


RACES = [
    (base(mode=CFO), lambda d: ch.start_cfo(d, command(c.StartContinuousFailover), {}, at(1)), "meanwhile"),
    (OWNED, lambda d: ch.begin(d, command(c.BeginCompletion, "op-7", type="force"), {}, at(1)), "meanwhile"),
    (OWNED, lambda d: ch.abort(d, command(c.AbortCompletion)), "ownership"),
    (base(failover=failover("take")), lambda d: ch.abort(d, command(c.AbortCompletion, "op-7")), "only co"),
    (OWNED, lambda d: ch.finish(d, command(c.FinishFailover, "op-7")), "somebody else"),
    (ACTIVE, lambda d: st.start_session(d, by_hand, ()), "another PITR session"),
    (OWNED, lambda d: st.roll_back(d, roll, (), at(1)), "no PITR session"),
    (EXITING, lambda d: st.roll_back(d, roll, (), at(1)), "exiting"),
    (ROLLING, lambda d: st.exit_session(d, leave, at(1)), "rolling back"),
    (ACTIVE, lambda d: st.close_session(d, "op-3", at(1)), "active"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "change", "reason"), RACES)
def test_out_of_turn(before: Attributes, change: Callable[[Any], object], reason: str) -> None:
    with pytest.raises(NotNow, match=reason):
        change(r.read(before))


STALE = [
    (OWNED, step("network")),
    (base(failover=failover("power", g=2)), step("next", g=1)),
    (base(failover=failover("power", g=2)), step("recovered", g=1)),
    (base(failover=failover("power")), step("recovered", "op-7")),
    (ACTIVE, step("active")),
    (ACTIVE, step("entry")),
    (ROLLING, step("revert", "op-2")),
    (ROLLING, step("over", "op-7")),
    (OWNED, step("closed", "op-3")),
]  # fmt: skip


@pytest.mark.parametrize(("before", "change"), STALE)
def test_a_step_whose_time_has_passed(before: Attributes, change: Change) -> None:
    assert change(r.read(before), at(1)) == {}


def answer(question: str, choice: str, attributes: Attributes, unready: tuple[str, ...] = ()) -> Record:
    resolve = command(c.Resolve, question=question, choice=choice)
    return r.read(written(attributes, ch.resolve(r.read(attributes), resolve, unready, at(60))))


def test_answers() -> None:
    shutdown = base(failover=failover("shutdown"))
    after = answer(f"shutdown:{OP}:1", "retry", shutdown).failover
    assert after is not None and (after.n, after.since) == (2, at(60))
    point = answer(f"point:{OP}:1", "confirm", base(failover=failover("point"))).failover
    assert point is not None and point.phase == "take"
    power = base(failover=failover("power", g=1, n=2))
    assert answer(f"ready:failover:{OP}:1:2", "skip", power, ("vm-1",)).skipped == ("vm-1",)
    waited = answer(f"ready:failover:{OP}:1:2", "retry", power).failover
    assert waited is not None and waited.n == 3
    rolled = answer("ready:rollback:op-2:0:2", "retry", ROLLING).rollback
    assert rolled is not None and rolled.n == 3
    # the occasion has passed
    assert answer(f"ready:failover:{OP}:1:1", "skip", power, ("vm-1",)) == r.read(power)
    assert answer(f"point:{OP}:1", "confirm", OWNED) == r.read(OWNED)


def test_who_was_left_out() -> None:
    skipped = r.write_many(names.SKIPPED, ("vm-1",))
    kept = st.start_session(r.read(written(OWNED, skipped)), start_session, ())
    assert r.read(written(written(OWNED, skipped), kept)).skipped == ("vm-1",)
    owned = written(base(failover=failover("finished")), skipped)
    assert r.read(written(owned, st.start_session(r.read(owned), by_hand, ()))).skipped == ()
    active = written(ACTIVE, skipped)
    assert r.read(written(active, st.exit_session(r.read(active), leave, at(1)))).skipped == ()


def test_who_asked_is_known_of_what_goes_on_and_of_nothing_else() -> None:
    def asked_by(kind: Any, operation: str, by: str, **more: Any) -> Any:
        return msgspec.structs.replace(command(kind, operation, **more), asked_by=by)

    record = r.read({**ACTIVE, names.ASKED: r.write_askers({"op-gone": "eve@jump3", OP: "anna@jump1"})})
    changes = st.roll_back(record, asked_by(c.RollBack, "op-2", "bob@jump2", to=at(-5)), (), at(1))
    assert r.read(written(ACTIVE, changes)).askers == {OP: "anna@jump1", "op-2": "bob@jump2"}
    unknown = st.roll_back(record, asked_by(c.RollBack, "op-2", "", to=at(-5)), (), at(1))
    assert names.ASKED not in unknown
    nasty = st.roll_back(record, asked_by(c.RollBack, "op-2", "b\u202eob\n" + 99 * "x", to=at(-5)), (), at(1))
    who = r.read(written(ACTIVE, nasty)).askers["op-2"]
    assert who.startswith("b<U+202E>ob x") and len(who) == values.MAX_ASKER


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ({}, {"a": "x"}, {"a": "x"}),
        ({"a": "x"}, {"a": "y"}, {"a": "y", "x": "y"}),
        ({"a": "y", "x": "y"}, {"a": "z"}, {"a": "z", "x": "z", "y": "z"}),
        ({"a": "x"}, {"a": "a"}, {"a": "a", "x": "a"}),
        ({"a": "x", "b": "x"}, {"a": "y", "b": "y"}, {"a": "y", "b": "y", "x": "y"}),
        ({"a": "x", "b": "x"}, {"a": "y"}, None),
        ({"a": "x", "b": "y"}, {"a": "b"}, None),
    ],
)
def test_networks_mapped_anew(
    before: dict[str, str], change: dict[str, str], after: dict[str, str] | None
) -> None:
    """Cards that a rollback takes back follow too; what cannot be told apart is refused."""
    if after is None:
        with pytest.raises(NotNow):
            ch.remapped(before, change)
    else:
        assert ch.remapped(before, change, was=["x"]) == after
        assert ch.remapped(after, change, was=["x", "y"]) == after, "twice is the same"


def test_groups_to_shut_down_and_whom_to_power_off() -> None:
    shutdown = base(failover=failover("shutdown"))
    down = r.read(written(shutdown, ch.step(r.read(shutdown), OP, "down", 2, at(1))))
    assert down.failover is not None and (down.failover.g, down.failover.since) == (2, at(1))
    assert ch.step(down, OP, "down", 2, at(2)) == {} == ch.step(down, OP, "down", 1, at(2))
    off = command(c.Resolve, question=f"shutdown:{OP}:1", choice="power-off", vms=("vm-7",))
    after = r.read(written(shutdown, ch.resolve(r.read(shutdown), off, (), at(60))))
    assert after.power_off == ("vm-7",)
    assert after.failover is not None and (after.failover.n, after.failover.since) == (2, at(60))
    again = command(c.BeginCompletion, type=FailoverType.PLANNED)
    aborted = {names.POWER_OFF: '["vm-7"]'}
    assert r.read(written(aborted, ch.begin(r.read(aborted), again, {}, at(90)))).power_off == ()


def test_a_skip_leaves_out_whom_the_operator_saw() -> None:
    """One that was not in the question is waited for as long again."""
    power = base(failover=failover("power", g=1, n=2))
    skip = command(c.Resolve, question=f"ready:failover:{OP}:1:2", choice="skip", vms=("vm-1", "vm-9"))
    after = r.read(written(power, ch.resolve(r.read(power), skip, ("vm-1", "vm-2"), at(60))))
    assert after.skipped == ("vm-1",)
    assert after.failover is not None and (after.failover.n, after.failover.since) == (3, at(60))
