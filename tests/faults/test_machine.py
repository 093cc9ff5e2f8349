"""Whatever is asked, lost, killed and waited for, in any order: what drdeck promises holds.

A controller over a training site, in one process, with a clock that is moved by hand.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drdeck.controller.operations import Operation
from drdeck.controller.requests import NotAccepted
from drdeck.model.actions import Request
from drdeck.model.commands import AnyCommand, RollBack, StartSession
from drdeck.model.domains import FailoverType, SessionState
from drdeck.sites.site import RecoverySite, ResultUnknown, SiteUnreachable
from drdeck.sites.training.scenario import ScenarioPitr
from drdeck.sites.training.site import TrainingSite
from tests.faults.lives import TrainingWorld
from tests.training.build import START, scenario
from tests.training.build import domain as training_domain

PEOPLE = st.sampled_from(["anna@jump1", "bert@jump2"])
NAME = "erp"
POLICY = ScenarioPitr(enabled=True, window="1h", interval="1m")


class LosingSite(TrainingSite):
    """`losses`: what becomes of the next answers; "after" or "before" it was done, or "unreachable"."""

    losses: list[str]

    async def execute(self, command: Any) -> None:
        loss = self.losses.pop(0) if self.losses else ""
        if loss == "unreachable":
            raise SiteUnreachable("lost for a moment")
        if loss != "before":
            await super().execute(command)
        if loss:
            raise ResultUnknown("the answer was lost")


class LosingWorld(TrainingWorld):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.losses: list[str] = []
        self.plot = scenario(training_domain(state="synchronised", protected_site="lost", pitr=POLICY))

    def make_site(self) -> RecoverySite:
        site = LosingSite("lab", self.plot, self.directory, real_now=self.clock)
        site.losses, self.site = self.losses, site
        return site

    def commands(self) -> list[AnyCommand]:
        assert self.site is not None and self.site._store is not None
        return [one.command for one in self.site._store.accepted()]  # type: ignore[misc]


class Anything(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = tempfile.TemporaryDirectory()
        self.world = LosingWorld(Path(self.directory.name))
        self.accepted: list[str] = []
        self.run(self.world.begin())

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.world.losses.clear()
            self.run(self.all_is_well_in_the_end())
            assert self.run(self.world.finish()) == []
        finally:
            self.run(self.world.end())
            self.loop.close()
            self.directory.cleanup()

    async def all_is_well_in_the_end(self) -> None:
        """With time, everything accepted has ended, asks, or waits for the session to be exited."""
        for _ in range(400):
            if all(op.ended or op.question or self.in_session(op) for op in self.operations()):
                break
            await self.world.pass_time()
        for op in self.operations():
            assert op.ended or op.question is not None or self.in_session(op), op

    # -- what holds of the world

    def operations(self) -> list[Operation]:
        assert self.world.controller is not None
        return list(self.world.controller.operations.values())

    def in_session(self, op: Operation) -> bool:
        shown = self.world.shown
        active = bool(shown and shown.session and shown.session.state is SessionState.ACTIVE)
        return active and op.action == "cfo_complete"

    # -- what may happen

    async def _ask(self, request: Request, who: str) -> None:
        controller = await self.world.alive()
        try:
            ident = await controller.submit(request, who)
        except NotAccepted as refused:
            assert refused.code in ("rule", "unconfirmed", "usage", "stale", "unreachable"), refused
            return
        self.accepted.append(ident)
        await self.world.settle()

    @rule(who=PEOPLE, kind=st.sampled_from(list(FailoverType)), run_pitr=st.booleans())
    def complete(self, who: str, kind: FailoverType, run_pitr: bool) -> None:
        request = Request(action="cfo_complete", domain=NAME, type=kind, run_pitr=run_pitr, confirm=NAME)
        self.run(self._ask(request, who))

    @rule(who=PEOPLE)
    def start_session(self, who: str) -> None:
        self.run(self._ask(Request(action="pitr_start", domain=NAME), who))

    @rule(who=PEOPLE, ago_s=st.integers(-60, 7200))
    def roll_back(self, who: str, ago_s: int) -> None:
        assert self.world.controller is not None
        to = self.world.controller.now() - timedelta(seconds=ago_s)
        self.run(self._ask(Request(action="pitr_run", domain=NAME, to=to), who))

    @rule(who=PEOPLE, confirm=st.sampled_from([NAME, None]))
    def leave(self, who: str, confirm: str | None) -> None:
        self.run(self._ask(Request(action="pitr_exit", domain=NAME, confirm=confirm), who))

    @rule(first=PEOPLE, second=PEOPLE)
    def two_leave_at_once(self, first: str, second: str) -> None:
        request = Request(action="pitr_exit", domain=NAME, confirm=NAME)

        async def both() -> None:
            await asyncio.gather(self._ask(request, first), self._ask(request, second))

        self.run(both())

    @precondition(lambda self: any(op.question for op in self.operations()))
    @rule(which=st.integers(0, 3), who=PEOPLE)
    def answer(self, which: int, who: str) -> None:
        assert self.world.controller is not None
        op = next(op for op in self.operations() if op.question)
        assert op.question is not None
        choice = op.question.choices[which % len(op.question.choices)]
        self.world.controller.answer(op.id, choice, who)
        self.run(self.world.settle())

    @rule(seconds=st.integers(1, 900))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.on(seconds)
        self.run(self.world.pass_time())

    @rule(steps=st.integers(5, 60))
    def much_time_passes(self, steps: int) -> None:
        for _ in range(steps):
            self.run(self.world.pass_time())

    @rule()
    def our_clock_goes_back(self) -> None:
        self.world.clock.on(-600)
        self.run(self.world.pass_time())

    @rule(losses=st.lists(st.sampled_from(["after", "before", "unreachable"]), min_size=1, max_size=3))
    def answers_are_lost(self, losses: list[str]) -> None:
        self.world.losses[:] = losses

    @rule()
    def the_controller_is_killed(self) -> None:
        async def die() -> None:
            await self.world.end()
            await self.world.begin()

        self.run(die())

    # -- what must hold

    @invariant()
    def no_session_is_started_twice(self) -> None:
        sessions = Counter(c.session for c in self.world.commands() if isinstance(c, StartSession))
        assert not sessions or max(sessions.values()) == 1
        rollbacks = [c.operation for c in self.world.commands() if isinstance(c, RollBack)]
        asked = {op.id for op in self.operations() if op.action == "pitr_run"}
        assert len(rollbacks) == len(set(rollbacks)) and set(rollbacks) <= asked

    @invariant()
    def what_was_accepted_is_known(self) -> None:
        assert set(self.accepted) == {op.id for op in self.operations()}

    @invariant()
    def nothing_goes_on_beside_what_forbids_it(self) -> None:
        still = [op.action for op in self.operations() if not op.ended]
        inside = [action for action in still if action in ("pitr_run", "pitr_exit")]
        assert len(inside) <= 1 and len(still) - len(inside) <= 1

    @invariant()
    def excluded_periods_are_not_offered(self) -> None:
        controller = self.world.controller
        if controller is None or controller.error is not None:
            return
        points = self.run(controller.points(NAME))
        offered: list[datetime] = [p.time for p in points.points]
        shown = self.world.shown
        assert shown is not None
        for period in points.excluded:
            ours = [t for t in offered if period.covers(t)]
            entry = shown.session.entry_at if shown.session else None
            assert not [t for t in ours if t != entry], (period, ours)
        assert all(t >= START - timedelta(days=4) for t in offered)

    @invariant()
    def the_chain_verifies(self) -> None:
        assert self.world.journal is not None
        assert self.world.journal.verify() == []


TestAnything = Anything.TestCase
TestAnything.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
