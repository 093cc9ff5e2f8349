"""A run is what its site keeps of it: taken over at any instant, by any controller, it begins the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.controller.journal.event_store import Event
from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.controller.journal.runs import RunRecord, apply
from drdeck.controller.plans.decide import RunDecision, decide
from drdeck.controller.plans.run_notes import kept, makes_sense, taken
from drdeck.model.domains import Domain, Failover, FailoverType, Mode, Owner
from drdeck.model.plans.failover_plan import Gate
from drdeck.model.plans.run_note import KeptRun
from drdeck.model.plans.run_views import InRunState
from tests.support.plans.plan_build import NOW, ago, domain, frozen, operation, run

NAMES = [f"d{number}" for number in range(7)]
PLAN = frozen(
    {"1": NAMES[:3], "2": NAMES[3:5], "3": NAMES[5:]},
    domains_at_once=2,
    gates={"3": Gate.CONFIRM},
    impossible={"d4": "it has no VM"},
)
DISTURBANCES = ("kill", "take over")


class World:
    """A run and its site, as events move them; a disturbance may change nothing of what begins."""

    def __init__(self) -> None:
        self.run: RunRecord = run(PLAN, since=ago(0))
        self.domains: dict[str, Domain] = {name: domain(name) for name in NAMES}
        self.operations: dict[str, Operation] = {}
        self.begins: list[str] = []
        self.now: datetime = NOW

    def look(self) -> RunDecision:
        return decide(self.run, self.domains, self.operations, self.now)

    def go_on(self) -> None:
        """Begin what is due, until nothing more is."""
        while begins := self.look().begins:
            for name in begins:
                self._begin(name)

    def _begin(self, name: str) -> None:
        ident = f"op-{name}"
        data = {"operation": ident, "request": {"domain": name}, "run": self.run.id}
        self.journal("accepted", data)
        failover = Failover(id=ident, type=FailoverType.FORCE, began_at=self.now)
        self.domains[name] = domain(name, Mode.COMPLETING, failover=failover)
        self.operations[ident] = operation(name)
        self.begins.append(name)

    def journal(self, kind: str, data: dict[str, Any]) -> None:
        event = Event(id=1, time=self.now, actor="ann@jump", kind=kind, data=data, previous="", hash="")
        self.run = apply({self.run.id: self.run}, event)[self.run.id]

    def happens(self, what: str, name: str) -> None:
        """Something happens at the site, or a person says something, where it can."""
        self.now += timedelta(seconds=1)
        at, ident = self.now.isoformat(), f"op-{name}"
        op, here = self.operations.get(ident), {"run": self.run.id, "at": self.now.isoformat()}
        row = next(row for row in self.look().domains if row.name == name)
        if what in ("ends", "fails") and op is not None:
            done = what == "ends"
            state = OperationState.DONE if done else OperationState.ABORTED
            self.journal("ended", {"operation": ident, "state": str(state), "at": at, "error": ""})
            del self.operations[ident]
            before = self.domains[name].failover
            assert before is not None
            failover = msgspec.structs.replace(before, recovered_at=self.now)
            self.domains[name] = (
                domain(name, Mode.RUNNING_IN_FAILOVER, failover=failover) if done else domain(name)
            )
        elif what == "asks" and op is not None:
            self.operations[ident] = operation(name, self.now)
        elif what == "is refused" and row.state is InRunState.HELD:
            self.journal("run_stopped", {**here, "domain": name, "why": "in use", "code": "rule"})
        elif what == "is left out" and row.state in (InRunState.HELD, InRunState.QUESTION):
            self.journal("run_left_out", {**here, "domain": name})
        elif what == "pause":
            self.journal("run_paused" if self.run.paused is None else "run_resumed", {**here, "why": "x"})
        elif what == "gate" and any(wave.state == "gate" for wave in self.look().waves):
            self.journal("run_gate_passed", {**here, "wave": 2})

    def disturb(self, how: str) -> None:
        """The controller is killed, or another one takes the run over from what the site keeps."""
        if how == "kill":
            self.run = msgspec.convert(msgspec.to_builtins(self.run), RunRecord)
            return
        text = msgspec.json.encode(kept(self.run))  # as it goes through an attribute
        again = taken(msgspec.json.decode(text, type=KeptRun), self.domains, self.now)
        self.run = msgspec.structs.replace(again, handed_to="", g=self.run.g + 1)


def played(script: Sequence[tuple[str, str]], disturbances: dict[int, str]) -> World:
    world = World()
    for number, (what, name) in enumerate(script):
        if number in disturbances:
            world.disturb(disturbances[number])
        world.go_on()
        world.happens(what, name)
    world.go_on()
    return world


EVENTS = st.tuples(
    st.sampled_from(["ends", "ends", "fails", "asks", "is refused", "is left out", "pause", "gate"]),
    st.sampled_from(NAMES),
)


@given(
    st.lists(EVENTS, max_size=25),
    st.dictionaries(st.integers(0, 24), st.sampled_from(DISTURBANCES), max_size=6),
)
def test_kills_and_take_overs_change_neither_what_begins_nor_in_which_order(
    script: list[tuple[str, str]], disturbances: dict[int, str]
) -> None:
    alone, disturbed = played(script, {}), played(script, disturbances)
    assert disturbed.begins == alone.begins
    assert len(set(alone.begins)) == len(alone.begins), "none twice"
    undisturbed, other = alone.look(), disturbed.look()
    assert [(d.name, d.state, d.settled) for d in other.domains] == [
        (d.name, d.state, d.settled) for d in undisturbed.domains
    ]
    assert (other.state, other.over, other.begins) == (
        undisturbed.state,
        undisturbed.over,
        undisturbed.begins,
    )


@given(
    st.lists(EVENTS, max_size=25),
    st.dictionaries(st.integers(0, 24), st.sampled_from(DISTURBANCES), max_size=6),
)
def test_at_every_instant_begun_and_held_and_left_out_and_impossible_are_all(
    script: list[tuple[str, str]], disturbances: dict[int, str]
) -> None:
    world = World()
    for number, (what, name) in enumerate(script):
        if number in disturbances:
            world.disturb(disturbances[number])
        world.go_on()
        world.happens(what, name)
        rows = world.look().domains
        begun = {n for n in NAMES if n in world.run.begun and n not in world.run.left_out}
        left_out = {row.name for row in rows if row.state is InRunState.LEFT_OUT}
        impossible = {row.name for row in rows if row.state is InRunState.NOT_POSSIBLE}
        waiting = {
            row.name for row in rows
            if row.state in (InRunState.HELD, InRunState.WAITS_FOR_PLACE) or row.name in world.run.stopped
        } - left_out  # fmt: skip
        parts = [begun, waiting, left_out, impossible]
        assert set().union(*parts) == set(NAMES) and sum(map(len, parts)) == len(NAMES), parts


def test_what_a_site_keeps_of_a_domain_fits_into_one_attribute() -> None:
    started = run(PLAN, *NAMES[:2])
    for mark in kept(started).marks.values():
        assert len(msgspec.json.encode(mark)) < 255 - 20
    assert kept(started).note.frozen.domains == (), "membership is in the domains' own marks"


@pytest.mark.parametrize(
    "damage",
    [
        {"ended": "over"},
        {"ended": "done"},
        {"frozen": {"plan": "x", "type": "force", "waves": [], "domains": []}},
        {"batch": {"id": "b", "action": "x", "actor": "a", "asked_at": NOW}},
    ],
)
def test_what_anybody_wrote_into_the_attribute_is_no_run(damage: dict[str, Any]) -> None:
    good = kept(run(PLAN))
    assert makes_sense(good)
    note = msgspec.convert({**msgspec.to_builtins(good.note), **damage}, type(good.note))
    assert not makes_sense(msgspec.structs.replace(good, note=note))


def test_only_a_failover_of_after_the_decision_is_the_runs() -> None:
    before = Failover(id="op-old", type=FailoverType.FORCE, began_at=ago(1000))
    there = {"d0": domain("d0", Mode.COMPLETING, failover=before, owner=Owner.LOCAL)}
    assert taken(kept(run(PLAN)), there, NOW).begun == {}
    later = msgspec.structs.replace(before, began_at=ago(10))
    assert taken(
        kept(run(PLAN)), {"d0": msgspec.structs.replace(there["d0"], failover=later)}, NOW
    ).begun == {"d0": "op-old"}
