"""Times of task steps, timed from view to view."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from drdeck.console.format import plain_of
from drdeck.console.widgets.task_step_lines import current_of, step_lines
from drdeck.model.domains import Domain, Failover, FailoverType, Mode, Step, StepState
from drdeck.model.step_times import StepTimes
from drdeck.model.views import SiteView
from tests.support.fakesite import FakeSite
from tests.support.operation_build import domain

LABELS = ("Prepare", "Recover", "Execute runbook")
STATES = {"d": StepState.DONE, "c": StepState.CURRENT, "p": StepState.PENDING, "f": StepState.FAILED}


def followed(*looks: str | None) -> Domain:
    """The domain after looks ten seconds apart, each with the states of its steps; None: unreadable then."""
    times, empty = StepTimes(), FakeSite()._view()
    timed: SiteView | None = None
    for number, states in enumerate(looks):
        steps = tuple(
            Step(number=n, of=3, label=label, state=STATES[state])
            for n, (label, state) in enumerate(zip(LABELS, states or "", strict=False), 1)
        )
        failover = Failover(id="op-1" if states else "op-0", type=FailoverType.FORCE)
        broken = "gone" if states is None else None
        at = domain(Mode.COMPLETING, steps=steps, failover=failover, broken=broken)
        site = empty.clock.site.replace(minute=0, second=0) + timedelta(seconds=10 * number)
        clock = msgspec.structs.replace(empty.clock, site=site)
        view = msgspec.structs.replace(empty, serial=number, clock=clock, domains=(at,))
        timed = times.with_times(view)
    assert timed is not None
    return timed.domains[0]


@pytest.mark.parametrize(
    ("looks", "took"),
    [
        (["", "cpp", "dcp", "dcp", "ddc"], [10, 20, None]),
        (["", "cpp", "fpp", "cpp", "dcp"], [30, None, None]),  # it was tried again
        (["cpp", "dcp", "ddc"], [None, 10, None]),  # the first began before anybody looked
        (["", "cpp", None, "dcp", "ddc"], [None, None, None]),  # nor while it could not be read
        (["", "cpp", "dcp", "cpp", "dcp"], [10, None, None]),  # gone back to: the last time counts
    ],
)
def test_a_step_took_what_was_seen_of_it(looks: list[str | None], took: list[float | None]) -> None:
    assert [step.took_s for step in followed(*looks).steps] == took


def test_the_steps_of_the_next_failover_begin_anew() -> None:
    first = followed("", "cpp", "dcp")
    times, view = StepTimes(), FakeSite()._view()
    times.with_times(msgspec.structs.replace(view, serial=1, domains=(first,)))
    again = msgspec.structs.replace(first, failover=Failover(id="op-2", type=FailoverType.FORCE))
    bare = tuple(msgspec.structs.replace(s, began_at=None, ended_at=None) for s in again.steps)
    new = msgspec.structs.replace(view, serial=2, domains=(msgspec.structs.replace(again, steps=bare),))
    timed = times.with_times(new).domains[0]
    assert [step.began_at for step in timed.steps] == [None, view.clock.site, None]
    unchanged = msgspec.structs.replace(new, serial=3)
    assert times.with_times(unchanged).domains[0] is timed, "what did not change costs nothing"
    older = msgspec.structs.replace(view, serial=2, domains=())
    assert times.with_times(older) is older and times.with_times(unchanged) is unchanged
    later = msgspec.structs.replace(new, serial=4)
    assert times.with_times(later).domains[0] is timed


def test_lines_tell_how_long_each_took_and_since_when_the_current_one_is_under_way() -> None:
    lines = step_lines(followed("", "cpp", "dcp", "dcp", "ddc"), 80, room=9)
    assert [plain_of(line).rstrip() for line in lines] == [
        "  ✓  1  Prepare  done  00:00:10",
        "  ✓  2  Recover  done  00:00:20",
        "  ▶  3  Execute runbook  current  since 22:00:40Z",
    ]
    assert current_of(lines) == range(2, 3)
    folded = step_lines(followed("", "cpp", "dcp", "dcp", "ddc"), 80)
    assert plain_of(folded[0]) == "  ✓  1 to 2  of 3 steps  done  00:00:30"


def test_beside_a_bar_the_time_has_a_line_of_its_own_where_it_would_be_cut() -> None:
    steps = followed("", "cpp").steps
    first = msgspec.structs.replace(steps[0], label="Recover VMs' data from Storage Site", progress=35.0)
    lines = step_lines(domain(Mode.COMPLETING, steps=(first, *steps[1:])), 80)
    assert plain_of(lines[0]).rstrip().endswith("35%  current")
    assert plain_of(lines[1]) == "        since 22:00:10Z"
    assert current_of(lines) == range(2)


def test_the_bar_goes_first_where_the_line_would_be_cut() -> None:
    """Of a step without a time too, under which no blank line stands."""
    step = followed("", "cpp").steps[0]
    bare = msgspec.structs.replace(
        step, label="Recover VMs' data from Storage Site", progress=35.0, began_at=None
    )
    lines = step_lines(domain(Mode.COMPLETING, steps=(bare,)), 60)
    assert [plain_of(line) for line in lines] == [
        "  ▶  1  Recover VMs' data from Storage Site  35%  current",
        *[plain_of(line) for line in lines[1:]],
    ]
    assert all(plain_of(line).strip() for line in lines), "no blank line"
