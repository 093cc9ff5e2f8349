"""Whatever is asked, lost, doubled, killed and waited for, in any order: what drdeck promises holds.

DRDECK_MACHINE_EXAMPLES=2000 tries that many ways, new ones each time; without it the same few.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import ControllerError, Disconnected
from drdeck.model.actions.action_table import menu
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Mode, Owner, SessionState
from drdeck.model.facts.fault_kinds import FAULT_KINDS
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioFault
from tests.support.faults.bad_way import Fate
from tests.support.faults.chances import (
    NAMES,
    Choice,
    acts,
    choices,
    domains,
    fates,
    faults,
    moments,
    names,
    others,
    people,
    ways,
)
from tests.support.faults.chaos import Bugs, Chaos
from tests.support.faults.crowd import Person
from tests.support.faults.dying import Point
from tests.support.faults.promises import Promises
from tests.support.training.training_build import START
from tests.support.training.training_build import domain as training_domain
from tests.support.virtual_time import VirtualTime

EXAMPLES = int(os.environ.get("DRDECK_MACHINE_EXAMPLES", "0"))
T = TypeVar("T")
NO = ("rule", "unconfirmed", "usage", "stale", "unreachable", "failed")
"""with which a request may be refused"""


class Anything(RuleBasedStateMachine, Promises):
    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        Promises.__init__(self)
        self.loop = VirtualTime()
        self.directory = tempfile.TemporaryDirectory()

    @initialize(data=st.tuples(domains, domains), spoils=st.lists(faults, max_size=3))
    def begin(self, data: tuple[dict[str, Any], ...], spoils: list[ScenarioFault]) -> None:
        domains = tuple(training_domain(name, **more) for name, more in zip(NAMES, data, strict=True))
        plot = Scenario(name="test", start=START, seed=7, domains=domains, faults=tuple(spoils))
        self.world = world = Chaos(Path(self.directory.name), plot, self.loop)
        self.log = Bugs(world)
        logging.getLogger("drdeck").addHandler(self.log)
        self.people += [Person(name, world.socket) for name in ("anna@jump1", "bert@jump2")]

        async def all_begin() -> None:
            await world.begin()
            for person in self.people:
                await person.attach()

        self.loop.run_until_complete(all_begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it, and wait until there is a controller again, and nothing is under way in it."""

        async def work_and_settle() -> T:
            done = await work
            await self.there.settled()
            await self.check()
            return done

        return self.loop.run_until_complete(work_and_settle())

    def teardown(self) -> None:
        try:
            if self.world is not None:
                self.run(self.all_is_well_in_the_end())
        finally:
            if self.world is not None:
                logging.getLogger("drdeck").removeHandler(self.log)
                self.loop.run_until_complete(self.all_leave())
            self.loop.close()
            self.directory.cleanup()

    async def all_leave(self) -> None:
        for person in self.people:
            await person.leave()
        await self.there.end()

    async def all_is_well_in_the_end(self) -> None:
        """Nothing goes wrong any more, people answer and leave their sessions: all that was accepted ends."""
        world = self.there
        world.site_lost = world.disk_full = False
        world.site.wake()
        for queue in (world.fates, world.view_delays, world.old_views, world.points):
            queue.clear()
        world.journal.point = None
        for _ in range(400):
            await world.settled(5)
            person = self.people[0]
            await person.attach()
            if not world.open() and all(d.session is None for d in world.domains):
                return
            for op in world.open():
                if op.question is not None:
                    choices = op.question.choices
                    await self.answer(person, op.id, "skip" if "skip" in choices else choices[0])
            for domain in world.domains:
                if domain.session is not None and domain.session.state is SessionState.ACTIVE:
                    request = Request(action="pitr_exit", domain=domain.name, confirm=domain.name)
                    await self.ask(person, request)
        waiting = [(op.action, op.waits_for, op.question) for op in world.open()]
        raise AssertionError(f"it does not end: {waiting}, {[d.session for d in world.domains]}")

    # -- how things are asked

    async def ask(self, person: Person, request: Request, insist: bool = False) -> bool:
        """Whether it was accepted. `insist`: after a lost connection ask again without looking."""
        for _ in range(2):
            try:
                ident = await person.client.submit(request)
            except Disconnected:
                self.stale[request.action] += 1
                await person.attach()
                if not insist:
                    return False
            except ControllerError as refused:
                assert refused.code in NO and refused.args[0], refused
                return False
            else:
                self.accepted.add(ident)
                return True
        return False

    async def answer(self, person: Person, ident: str, choice: str) -> None:
        await self.unless_refused(person.client.answer(ident, choice))

    def domain(self, name: str) -> Domain:
        domain = next((d for d in self.there.domains if d.name == name), None)
        assert domain is not None
        return domain

    # -- what may be asked

    @rule(way=ways, who=people, request=acts)
    def anything_is_asked(self, way: str, who: int, request: Request) -> None:
        self.run(self.in_a_way(way, who, request))

    @rule(way=ways, who=people, name=names, choice=choices, wait=moments)
    def what_is_open_is_asked(self, way: str, who: int, name: str, choice: Choice, wait: float) -> None:
        able = [
            a.name for a, closed in menu(self.domain(name), self.there.controller.watcher.now()) if not closed
        ]
        if able:
            self.run(self.sensibly(able[choice.which % len(able)], way, who, name, choice, wait))

    @precondition(lambda self: self.where(Mode.SYNCHRONISED))
    @rule(way=ways, who=people, choice=choices, wait=moments)
    def a_failover_is_completed(self, way: str, who: int, choice: Choice, wait: float) -> None:
        self.run(self.sensibly("cfo_complete", way, who, self.where(Mode.SYNCHRONISED)[0], choice, wait))

    @precondition(lambda self: self.where(Mode.PITR_SESSION))
    @rule(way=ways, who=people, choice=choices, wait=moments)
    def vms_are_rolled_back(self, way: str, who: int, choice: Choice, wait: float) -> None:
        self.run(self.sensibly("pitr_run", way, who, self.where(Mode.PITR_SESSION)[-1], choice, wait))

    @precondition(lambda self: self.where(Mode.PITR_SESSION))
    @rule(way=ways, who=people, choice=choices, wait=moments)
    def a_session_is_left(self, way: str, who: int, choice: Choice, wait: float) -> None:
        self.run(self.sensibly("pitr_exit", way, who, self.where(Mode.PITR_SESSION)[0], choice, wait))

    def where(self, mode: Mode) -> list[str]:
        return [d.name for d in self.there.domains if d.mode is mode]

    async def sensibly(self, action: str, way: str, who: int, name: str, choice: Choice, wait: float) -> None:
        """As people do: of what is offered, and confirmed."""
        domain, to = self.domain(name), None
        if action == "pitr_run":
            points = (
                (await self.there.controller.desk.points(name)).points if not self.there.site_lost else ()
            )
            to = points[choice.far % len(points)].time if points else None
        request = Request(
            action=action,
            domain=name,
            type=choice.kind if domain.owner is Owner.REMOTE else None,
            run_pitr=choice.run_pitr and domain.pitr.enabled,
            confirm=name,
            to=to,
            vms=choice.vms if action in ("pitr_run", "pitr_start") else (),
        )
        await self.in_a_way(way, who, request)
        await asyncio.sleep(wait)

    async def in_a_way(self, way: str, who: int, request: Request) -> None:
        person, other, life = self.people[who], self.people[1 - who], self.there.life
        line = p.line(p.Submit(id=1, request=request))
        match way:
            case "after a look":
                with contextlib.suppress(Disconnected, ControllerError):
                    preview = (await person.client.preview(request)).facts
                    await self.ask(person, msgspec.structs.replace(request, preview=preview))
            case "by both":
                taken = await asyncio.gather(self.ask(person, request), self.ask(other, request))
                assert sum(taken) <= 1 or life < self.there.life, f"{request} was accepted twice"
            case "twice":  # as by a console that does not know whether it was sent
                answers = await Person("cara@jump3", self.there.socket).says(line * 2, 2)
                idents = [answer["operation"] for answer in answers if answer["is"] == "submitted"]
                self.accepted.update(idents)
                self.stale[request.action] += 2 - len(answers)
                assert len(idents) <= 1, "what came twice was done twice"
            case "vanishing":
                self.stale[request.action] += 1
                await Person("dora@jump4", self.there.socket).says(line, 0)
            case _:
                await self.ask(person, request, insist=way == "insisting")

    @precondition(lambda self: any(op.question for op in self.there.open()))
    @rule(which=st.integers(0, 3), who=people, both=st.booleans())
    def a_question_is_answered(self, which: int, who: int, both: bool) -> None:
        async def say() -> None:
            op = next(op for op in self.there.open() if op.question)
            assert op.question is not None
            choices = op.question.choices
            answers = [(self.people[who], choices[which % len(choices)])]
            if both:
                answers.append((self.people[1 - who], choices[(which + 1) % len(choices)]))
            await asyncio.gather(*(self.answer(one, op.id, choice) for one, choice in answers))

        self.run(say())

    @rule(who=people, what=others, request=acts)
    def something_else_is_asked(self, who: int, what: str, request: Request) -> None:
        person = self.people[who]

        async def ask() -> None:
            before, busy = set(self.there.operations), bool(self.there.open())
            if what == "leave":
                await person.leave()
            elif what == "secret":
                await person.client.secret("canary")
            elif what in ("stop", "force"):
                await person.client.stop(what == "force")
                assert what == "force" or not busy, "a controller with something to do was stopped"
            else:
                await person.client._call(
                    lambda i: p.Ask(id=i, what=what, domain=request.domain, request=request)
                )
            assert before == set(self.there.operations)

        self.run(self.unless_refused(ask()))

    # -- what the instructor does, and time

    @rule(who=people, kind=st.sampled_from(FAULT_KINDS), name=names | st.none(),
          vms=st.sampled_from([(), ("db1",)]), for_s=st.integers(1, 600))  # fmt: skip
    def a_fault_is_thrown_in(
        self, who: int, kind: str, name: str | None, vms: tuple[str, ...], for_s: int
    ) -> None:
        self.run(self.unless_refused(self.people[who].client.inject(kind, name, vms, float(for_s), 1)))

    @rule(who=people, seconds=st.sampled_from([-5.0, 1.0, 60.0, 600.0, 3000.0, 90_000.0]))
    def the_site_jumps(self, who: int, seconds: float) -> None:
        async def jump() -> None:
            await self.people[who].client.jump(seconds)
            assert seconds > 0

        self.run(self.unless_refused(jump()))

    @rule(seconds=st.floats(0.1, 40), set_by=st.sampled_from([0, 0, 0, -86_400, -600, -5, 5, 60]))
    def time_passes(self, seconds: float, set_by: int) -> None:
        """And somebody may set our clock."""
        self.there.set_on += timedelta(seconds=set_by)
        self.there.site.wake()
        self.run(self.there.settled(seconds))

    async def unless_refused(self, request: Awaitable[object]) -> None:
        try:
            await request
        except Disconnected:
            pass
        except ControllerError as refused:
            assert refused.code in NO and refused.args[0], refused

    # -- what goes wrong

    @rule(
        fates=st.lists(fates, max_size=3),
        delays=st.lists(st.sampled_from([0.2, 2.0, 20.0]), max_size=2),
        old=st.lists(st.integers(1, 9), max_size=2),
    )
    def the_way_to_the_site_is_bad(self, fates: list[Fate], delays: list[float], old: list[int]) -> None:
        """Commands and answers are lost, doubled and late; news is late and old."""
        self.there.fates[:], self.there.view_delays[:], self.there.old_views[:] = fates, delays, old

    @rule(what=st.sampled_from(["site", "disk", "controller"]), seconds=st.floats(0.1, 30),
          set_by=st.sampled_from([0, 0, 60]))  # fmt: skip
    def something_is_gone_for_a_while(self, what: str, seconds: float, set_by: int) -> None:
        async def site_lost() -> None:
            world = self.there
            if what == "controller":
                world.kill()
                world.set_on += timedelta(seconds=set_by)
            world.site_lost, world.disk_full = what == "site", what == "disk"
            world.site.wake()
            await asyncio.sleep(seconds)
            world.site_lost = world.disk_full = False

        self.run(site_lost())

    @rule(when=st.sampled_from(["before", "after"]), writes=st.integers(1, 6), next_too=st.booleans())
    def the_controller_will_die_writing(self, when: str, writes: int, next_too: bool) -> None:
        journal = self.there.journal
        journal.point = Point(when, journal.writes + writes)
        if next_too:
            self.there.points = [Point(when, writes)]


TestAnything = Anything.TestCase
TestAnything.settings = settings(
    max_examples=EXAMPLES or 100,
    stateful_step_count=50,
    deadline=None,
    derandomize=not EXAMPLES,
    phases=[Phase.reuse, Phase.generate],  # making a failure small takes minutes: add Phase.shrink by hand
    suppress_health_check=list(HealthCheck),
)
