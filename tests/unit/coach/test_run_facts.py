"""Conditions and figures of a run, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from drdeck.coach import lesson as spec
from drdeck.coach.lesson_facts import LessonFacts
from drdeck.coach.run_facts import left_behind, run_holds, wave_rto_s
from drdeck.model.domains import Domain, Failover, FailoverType, Mode, Owner, Session, SessionState
from drdeck.model.plans.run_views import (
    BatchOfRun,
    DomainInRun,
    InRunState,
    InstantOfRun,
    Needs,
    RunState,
    RunView,
    WaveView,
)

T = datetime(2026, 3, 6, 10, 50, tzinfo=UTC)
GOOD = datetime(2026, 3, 6, 8, 40, tzinfo=UTC)


def row(
    name: str, wave: int, state: InRunState, settled: bool = True, needs: Needs = Needs.NOTHING
) -> DomainInRun:
    return DomainInRun(
        name=name, wave=wave, state=state, settled=settled, needs=needs, operation=f"op-{name}"
    )


def run(*rows: DomainInRun, **more: Any) -> RunView:
    fields: dict[str, Any] = {
        "run": "run-1", "plan": "p", "state": RunState.RUNNING, "type": FailoverType.FORCE, "run_pitr": True,
        "since": T, "by": "ann", "domains": rows, "waves": (_wave("one"), _wave("two")),
    }  # fmt: skip
    return RunView(**{**fields, **more})


def _wave(name: str) -> WaveView:
    return WaveView(name=name, state="running", settled=0, of=1)


def domain(name: str, after: float | None, session: bool = False) -> Domain:
    end = None if after is None else T + timedelta(seconds=after)
    failover = Failover(id=f"op-{name}", type=FailoverType.FORCE, run_pitr=True, began_at=T, recovered_at=end)
    return Domain(
        id=name,
        name=name,
        owner=Owner.LOCAL,
        mode=Mode.PITR_SESSION if session else Mode.RUNNING_IN_FAILOVER,
        failover=failover,
        session=Session(id="s", state=SessionState.ACTIVE, started_at=T) if session else None,
    )


def facts(view: RunView | None, *domains: Domain) -> LessonFacts:
    return LessonFacts(now=T + timedelta(hours=1), runs=() if view is None else (view,), listed=domains)


ACTIVE, FAILED, SKIPPED = InRunState.PITR_SESSION, InRunState.FAILED, InRunState.SKIPPED
RUNNING = InRunState.RUNNING
ASKS = row("b", 1, InRunState.QUESTION, True, Needs.ANSWER)
"""Its question has stood for longer than the plan's patience: the next wave begins, and it still asks."""
BACK = BatchOfRun(id="b", action="pitr_run", asked_at=T, by="ann", domains=("a",), done=("a",))
AT = InstantOfRun(to=GOOD, asked_at=T, spread_s=600)


@pytest.mark.parametrize(
    ("when", "view", "met"),
    [
        (spec.RunStarted(plan="p"), None, False),
        (spec.RunStarted(plan="other"), run(), False),
        (spec.RunStarted(plan="p", type=FailoverType.FORCE, run_pitr=True), run(), True),
        (spec.RunStarted(plan="p", type=FailoverType.PLANNED), run(), False),
        (
            spec.WaveRecovered(plan="p", wave="one"),
            run(row("a", 0, ACTIVE), row("b", 1, RUNNING, False)),
            True,
        ),
        (
            spec.WaveRecovered(plan="p", wave="two"),
            run(row("a", 0, ACTIVE), row("b", 1, RUNNING, False)),
            False,
        ),
        (spec.WaveRecovered(plan="p", wave="one"), run(row("a", 0, FAILED)), False),
        (spec.WaveRecovered(plan="p", wave="none"), run(row("a", 0, ACTIVE)), False),
        (spec.RunSettled(plan="p"), run(row("a", 0, ACTIVE), row("b", 1, SKIPPED)), True),
        (spec.RunSettled(plan="p"), run(row("a", 0, ACTIVE), row("b", 1, RUNNING, False)), False),
        (spec.RunSettled(plan="p"), run(row("a", 0, ACTIVE), ASKS), False),
        (spec.OneInstant(plan="p"), run(row("a", 0, ACTIVE)), False),
        (spec.OneInstant(plan="p", spread="10m"), run(row("a", 0, ACTIVE), pitr=AT, batches=(BACK,)), True),
        (spec.OneInstant(plan="p", spread="5m"), run(row("a", 0, ACTIVE), pitr=AT, batches=(BACK,)), False),
        (spec.OneInstant(plan="p", at_or_before=GOOD - timedelta(1)), run(pitr=AT, batches=(BACK,)), False),
        (spec.OneInstant(plan="p", at_or_after=GOOD + timedelta(1)), run(pitr=AT, batches=(BACK,)), False),
    ],
)
def test_conditions(when: spec.RunCondition, view: RunView | None, met: bool) -> None:
    assert run_holds(when, facts(view)) is met


def test_nothing_is_left_behind_once_every_session_is_left() -> None:
    view = run(row("a", 0, InRunState.RECOVERED), row("b", 1, SKIPPED))
    when = spec.NothingLeft(plan="p")
    assert not run_holds(when, facts(view, domain("a", 60, session=True)))
    assert run_holds(when, facts(view, domain("a", 60)))
    asks = run(msgspec.structs.replace(ASKS, name="a"))
    assert left_behind(asks, facts(asks, domain("a", 60))) == ["a"]


def test_the_rto_of_a_wave_is_that_of_its_slowest_domain() -> None:
    view = run(row("a", 0, ACTIVE), row("b", 0, ACTIVE), row("c", 1, ACTIVE))
    everything = (domain("a", 60), domain("b", 90), domain("c", 600))
    assert (wave_rto_s(view, facts(view, *everything)), wave_rto_s(view, facts(view, *everything), 1)) == (
        90,
        600,
    )
    assert wave_rto_s(view, facts(view, domain("a", 60), domain("b", None))) is None
    assert wave_rto_s(view, facts(view, domain("a", 60))) is None
