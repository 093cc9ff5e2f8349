"""A training site of two domains, a run of both by waves, one instant for them, and the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

from drdeck.controller.controller import Controller
from drdeck.controller.journal.runs import RunRecord
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.domains import FailoverType, Mode, SessionState
from drdeck.model.plans.failover_plan import FailoverPlan, Wave
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest, RunRequest
from drdeck.sites.contract import SiteUnreachable
from tests.support.faults.dying import Killed, Point
from tests.support.faults.lives import ANNA, TrainingWorld
from tests.support.training.training_build import domain, scenario

PLAN = FailoverPlan(
    name="site", waves=(Wave(name="first", domains=("erp",)), Wave(name="second", domains=("files",)))
)
NAMES = ("erp", "files")


class PlanWorld(TrainingWorld):
    """`flow` is the whole of it, whatever dies in between."""

    def __init__(self, directory: Path, points: Iterator[Point] | None = None) -> None:
        super().__init__(directory, points)
        self.plot = scenario(*(domain(n, state="synchronised", protected_site="lost") for n in NAMES))

    async def begin(self) -> None:
        await super().begin()
        assert self.controller is not None
        self.controller.plans.inquiry.plans_of = lambda: {PLAN.name: PLAN}
        await self.settle()

    def modes(self) -> list[Mode]:
        view = self.controller.view if self.controller is not None else None
        return [d.mode for d in view.domains] if view else []

    def sessions(self, state: SessionState = SessionState.ACTIVE) -> int:
        view = self.controller.view if self.controller is not None else None
        return sum(d.session is not None and d.session.state is state for d in (view.domains if view else ()))

    @property
    def run(self) -> RunRecord | None:
        assert self.controller is not None
        return next(iter(self.controller.recorder.runs.values()), None)

    async def until_asked(
        self, done: Callable[[], object], ask: Callable[[Controller], Awaitable[object]]
    ) -> None:
        """Ask until it stands in the journal; after a death look whether it does, as a person would."""
        for _ in range(200):
            controller = await self.alive()
            if done():
                return
            try:
                await ask(controller)
            except (Killed, SiteUnreachable):
                continue
            except NotAccepted as refused:
                assert refused.code == "unreachable", refused
                await self.pass_time()
        raise AssertionError("it was never accepted")

    def batches(self, action: str) -> int:
        return sum(batch.action == action for batch in (self.run.batches if self.run else ()))

    async def flow(self) -> None:
        """Fail over, roll back to one instant, exit; every operation of it ends as done."""
        await self.begin()
        await self.until(lambda: self.modes() == [Mode.SYNCHRONISED] * len(NAMES))
        decision = RunRequest(plan="site", type=FailoverType.FORCE, run_pitr=True, confirm="site 2")
        await self.until_asked(lambda: self.run, lambda c: c.plans.begin(decision, ANNA))
        await self.until(lambda: self.run and self.run.ended and self.sessions() == len(NAMES))
        assert self.run is not None
        ident, view = self.run.id, self.controller.view if self.controller else None
        assert view is not None
        start = min(d.session.started_at for d in view.domains if d.session and d.session.started_at)
        back = RunPitrRequest(run=ident, to=start.replace(microsecond=0) - timedelta(seconds=200))

        async def roll_back(c: Controller) -> None:
            await c.plans.sessions.roll_back(back, ANNA)

        await self.until_asked(lambda: self.batches("pitr_run"), roll_back)
        await self.until(lambda: self.batch_over("pitr_run") and self.sessions() == len(NAMES))

        async def leave(c: Controller) -> None:
            c.plans.sessions.leave_sessions(RunExitRequest(run=ident), ANNA)

        await self.until_asked(lambda: self.batches("pitr_exit"), leave)
        await self.until(lambda: self.batch_over("pitr_exit"))
        await self.until(lambda: self.modes() == [Mode.RUNNING_IN_FAILOVER] * len(NAMES))
        await self.until(lambda: self.controller and not self.controller.recorder.open_operations())

    def batch_over(self, action: str) -> bool:
        batch = self.run.batch_of(action) if self.run else None
        return batch is not None and not batch.stopped and len(batch.ends) == len(NAMES)

    def commands_taken(self) -> list[tuple[str, str]]:
        """What was really done, in order for each domain: act and domain."""
        assert self.site is not None and self.site._store is not None
        return [(type(a.command).__name__, a.command.domain) for a in self.site._store.accepted()]
