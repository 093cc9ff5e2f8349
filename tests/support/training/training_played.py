"""A training site to which a script has been played, by a clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from drdeck.model.commands import (
    AnyCommand,
    BeginCompletion,
    ExitSession,
    RollBack,
    StartContinuousFailover,
    StartSession,
)
from drdeck.model.domains import FailoverType
from drdeck.model.views import SiteView
from drdeck.sites.training.scenario.scenario_tables import Scenario
from drdeck.sites.training.site import TrainingSite
from tests.support.training.training_build import at, scenario

REAL = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class Clock:
    """A machine's clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = REAL

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def site(state: Path, clock: Clock, speed: float = 1.0, plot: Scenario | None = None) -> TrainingSite:
    return TrainingSite("lab", plot or scenario(), state, speed, clock)


SCRIPT: list[tuple[float, AnyCommand]] = [
    (10, StartContinuousFailover(operation="a", domain="erp")),
    (200, BeginCompletion(operation="b", domain="erp", type=FailoverType.PLANNED, run_pitr=True)),
    (400, StartSession(operation="b", domain="erp", session="s", after_failover=True)),
    (600, RollBack(operation="c", domain="erp", to=at(-90))),
    (800, ExitSession(operation="d", domain="erp")),
]


async def played(training: TrainingSite, clock: Clock, upto: float = 1000) -> SiteView:
    """The script, at its times, whatever the speed."""
    for seconds, command in SCRIPT:
        if seconds > upto:
            break
        clock.now = REAL + timedelta(seconds=seconds / training.speed)
        await training.execute(command)
    clock.now = REAL + timedelta(seconds=upto / training.speed)
    return await training.observe()
