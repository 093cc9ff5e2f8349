"""Results of lessons: the figures by which a rehearsal is compared with the next one."""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.model.times import show_clock, show_seconds


class ObjectiveResult(Frozen, frozen=True, kw_only=True):
    """An objective as it came out.

    `met_at`: the site's time at which it was first seen to be met; None: not met.
    """

    id: str
    text: str
    met_at: datetime | None = None


class MistakeResult(Frozen, frozen=True, kw_only=True):
    kind: str
    domain: str
    at: datetime
    why: str
    detail: str = ""


class Cost(Frozen, frozen=True, kw_only=True):
    """Cost of a reset of all PITR data: the points that it took, and the VMs that it leaves failing."""

    domain: str
    points: int
    start: datetime | None = msgspec.field(name="from", default=None)
    end: datetime | None = msgspec.field(name="to", default=None)
    vms_failing: int = 0
    """VMs whose health check fails now, with no older data to go back to"""


class Result(Frozen, frozen=True, kw_only=True):
    """Durations in seconds of the site's time. None: not known, or it did not come to that."""

    lesson: str
    number: int
    title: str
    scenario: str
    finished: bool
    begun_at: datetime
    """our time"""
    at: datetime
    """the site's time of this result"""
    objectives_met: int
    objectives_total: int
    objectives: tuple[ObjectiveResult, ...]
    rto_s: float | None = None
    data_lost_s: float | None = None
    """good data only"""
    data_given_up_s: float | None = None
    """all data, the bad included"""
    vms_failing: int = 0
    """VMs whose check fails: with one of them nothing is a success, whatever objectives were met"""
    vms_total: int = 0
    rolled_back_to: datetime | None = None
    unprotected_s: float = 0
    wave_rto_s: float | None = None
    """of the first wave of a run, where the lesson is about one"""
    spread_s: float | None = None
    """between the oldest and the newest point of the common rollback"""
    left_behind: int | None = None
    """domains of the run that still need somebody or are in a session"""
    hints: int = 0
    mistakes: tuple[MistakeResult, ...] = ()
    cost: tuple[Cost, ...] = ()


def sick_says(result: Result) -> str:
    """Words for VMs that fail their check at the end; empty where none does."""
    if not result.vms_failing:
        return ""
    return f"no success: {result.vms_failing} of {result.vms_total} VMs FAIL their check"


def lines(result: Result) -> list[str]:
    """The result for people, failing VMs first."""
    state = "finished" if result.finished else "not finished"
    sick = f", but {sick_says(result)}" if result.finished and result.vms_failing else ""
    text = [
        f"{result.title}: {state}{sick}, {result.objectives_met} of {result.objectives_total} objectives met"
    ]
    for objective in result.objectives:
        when = f"   ({show_seconds(objective.met_at).partition(' ')[2]})" if objective.met_at else ""
        text.append(f"  [{'x' if objective.met_at else ' '}] {objective.text}{when}")
    text.append(f"  {figures(result)}")
    for cost in result.cost:
        text.append(f"  {cost_of(cost)}")
    for mistake in result.mistakes:
        detail = f" ({mistake.detail})" if mistake.detail else ""
        text.append(f"  Mistake: {mistake.why}{detail}")
    return text


def figures(result: Result) -> str:
    """The figures on one line."""
    return ", ".join(
        (
            *_of_run(result),
            *_of_failover(result),
            f"hints {result.hints}",
            f"mistakes {len(result.mistakes)}",
        )
    )


def _of_failover(result: Result) -> list[str]:
    """Figures of a failover; without those that a lesson which is finished has none of."""
    unprotected = f"unprotected {_clock(result.unprotected_s)}"
    if result.finished and result.rto_s is None and result.data_given_up_s is None:
        return [unprotected]
    return [
        f"RTO {_clock(result.rto_s)}",
        f"data given up {_clock(result.data_given_up_s)}, of which good {_clock(result.data_lost_s)}",
        unprotected,
    ]


def _of_run(result: Result) -> list[str]:
    """Figures that only the lessons about a whole plan have."""
    if result.left_behind is None:
        return []
    return [
        f"wave 1 RTO {_clock(result.wave_rto_s)}",
        f"spread {_clock(result.spread_s)}",
        f"left behind {result.left_behind}",
    ]


def cost_of(cost: Cost) -> str:
    """The cost of a reset, in a sentence."""
    span = f", from {_second(cost.start)} to {_second(cost.end)}" if cost.start and cost.end else ""
    many = f"{cost.points} restore points" if cost.points else "every restore point"
    failing = (
        f"; {cost.vms_failing} VMs fail their check with nothing to go back to" if cost.vms_failing else ""
    )
    return f"Lost for good in {cost.domain}: {many}{span}{failing}."


def _second(at: datetime) -> str:
    return show_seconds(at)


def _clock(seconds: float | None) -> str:
    return "unknown" if seconds is None else show_clock(seconds)
