"""Nothing is done twice, and nothing to what it was not asked for: sessions and rollbacks of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from drdeck.controller import operation_loop
from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.journal.operations import OperationState
from drdeck.controller.next_steps import AskOperator, Complete, Fail, GiveCommands, WaitFor
from drdeck.controller.reconcile import next_step
from drdeck.model.actions.request import Request
from drdeck.model.commands import AnyCommand, ExitSession, MakePlannedCall, RollBack
from drdeck.model.domains import Mode
from drdeck.model.planned import Phase, PlannedCall
from drdeck.model.views import SiteView
from tests.support.controlling import ANNA, complete, controlling, state
from tests.support.fakesite import START, FakeSite
from tests.support.operation_build import commands, domain, operation, session
from tests.support.waiting import eventually

IN_SESSION = domain(Mode.PITR_SESSION, session=session(id="op-0"))
ANOTHER = domain(Mode.PITR_SESSION, session=session(id="op-9"))
SENT = "2026-01-16T22:00:05.25Z"
OVERTAKEN = domain(Mode.PITR_SESSION, session=session(id="op-0", last_operation="op-7"))


def test_an_exit_is_of_its_session_only() -> None:
    exiting = operation("pitr_exit", session="op-0")
    assert commands(next_step(exiting, IN_SESSION, 1)) == [ExitSession]
    assert isinstance(next_step(exiting, ANOTHER, 1), Fail)
    sent = msgspec.structs.replace(exiting, lost={"ExitSession": 0})
    assert isinstance(next_step(sent, ANOTHER, 1), Complete), "its own session is over"


def test_a_rollback_is_of_its_session_only() -> None:
    rollback = operation("pitr_run", session="op-0")
    assert commands(next_step(rollback, IN_SESSION, 1)) == [RollBack]
    assert isinstance(next_step(rollback, ANOTHER, 1), Fail)


def test_a_rollback_does_not_undo_a_later_one() -> None:
    rollback = operation("pitr_run", session="op-0")
    assert isinstance(next_step(rollback, OVERTAKEN, 1), Fail)
    step = next_step(msgspec.structs.replace(rollback, lost={"RollBack": 0}), OVERTAKEN, 1)
    assert isinstance(step, AskOperator) and step.question.kind == "unknown"
    assert isinstance(
        next_step(msgspec.structs.replace(rollback, done={"RollBack": 0}), OVERTAKEN, 1), Complete
    )
    before = msgspec.structs.replace(rollback, after="op-7")
    assert commands(next_step(before, OVERTAKEN, 1)) == [RollBack], "that one was there when it was asked"


@pytest.mark.parametrize(("looked", "step"), [(4, WaitFor), (5, WaitFor), (6, GiveCommands)])
def test_after_a_loss_only_a_reading_begun_later_counts(looked: int, step: type) -> None:
    rollback = operation("pitr_run", session="op-0", lost={"RollBack": 5})
    assert isinstance(next_step(rollback, IN_SESSION, 9, looked), step)
    never_sent = operation("pitr_run", session="op-0", unsent={"RollBack": 5})
    assert isinstance(next_step(never_sent, IN_SESSION, 9, looked), step)


@pytest.mark.parametrize(("looked", "step"), [(4, WaitFor), (5, WaitFor), (6, AskOperator)])
def test_only_a_reading_begun_later_misses_what_was_confirmed(looked: int, step: type) -> None:
    """A view that was on its way may show the site as it was before, and no word on it may end anything."""
    completion = operation("cfo_complete", done={"BeginCompletion": 5})
    step_taken = next_step(completion, domain(Mode.SYNCHRONISED), 9, looked)
    assert isinstance(step_taken, step)
    assert not isinstance(step_taken, WaitFor) or step_taken.unshown == "BeginCompletion"


async def test_news_that_is_older_than_the_answer_is_looked_behind(tmp_path: Path) -> None:
    """The completion was begun; what comes next was read before that."""

    class Slow(FakeSite):
        async def execute(self, command: AnyCommand, begun: object = None) -> str:
            before = self.domain
            remark = await super().execute(command)
            self.domain, self.after = before, self.domain
            return remark

        async def observe(self) -> SiteView:
            self.domain = self.after
            return await super().observe()

    site = Slow()
    async with controlling(site, tmp_path / "journal.db") as controller:
        ident = await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: "BeginCompletion" in controller.recorder.operations[ident].done)
        await site.news()
        await eventually(lambda: controller.desk.domain("erp").mode is Mode.COMPLETING)
        await eventually(lambda: controller.recorder.operations[ident].waits_for == "recovering VMs")
        kinds = [event.kind for event in controller.journal.events()]
        assert facts.QUESTION not in kinds and site.log == ["BeginCompletion"]


def test_a_try_that_never_left_hides_no_earlier_one_that_was_lost(tmp_path: Path) -> None:
    """The first one landed after it was given again, so the session is over by our own word."""
    journal = Journal(tmp_path / "journal.db")
    request = {"action": "pitr_exit", "domain": "erp"}
    for kind, data in (
        (facts.ACCEPTED, {"request": request, "asked_at": "2026-01-16T22:00:00Z", "session": "op-0"}),
        (facts.INTENT, {"key": "ExitSession"}),
        (facts.OUTCOME, {"key": "ExitSession", "result": "unknown", "serial": 3}),
        (facts.INTENT, {"key": "ExitSession"}),
        (facts.OUTCOME, {"key": "ExitSession", "result": "unreachable", "serial": 4}),
    ):
        journal.append(ANNA, kind, {"operation": "op-1", **data})
    exiting = facts.read(journal)["op-1"]
    assert commands(next_step(exiting, IN_SESSION, 5)) == [ExitSession]
    assert isinstance(next_step(exiting, domain(Mode.RUNNING_IN_FAILOVER), 5), Complete)
    journal.close()


@pytest.mark.parametrize(
    "lost",
    [
        [(facts.STARTED, {})],
        [(facts.OUTCOME, {"key": "RollBack", "result": "unknown", "serial": 0, "asked_at": SENT})],
    ],
)
def test_a_question_about_a_lost_answer_tells_when_it_was_requested(
    lost: list[tuple[str, dict[str, Any]]], tmp_path: Path
) -> None:
    """Whether the process that requested it died, or only the answer did not come."""
    journal = Journal(tmp_path / "journal.db")
    request = {"action": "pitr_run", "domain": "erp", "to": "2026-01-16T21:00:00Z"}
    accepted: dict[str, Any] = {"request": request, "asked_at": "2026-01-16T22:00:00Z", "session": "op-0"}
    for kind, data in (
        (facts.ACCEPTED, accepted), (facts.INTENT, {"key": "RollBack", "at": SENT}), *lost,
    ):  # fmt: skip
        journal.append(ANNA, kind, {"operation": "op-1", **data})
    step = next_step(facts.read(journal)["op-1"], OVERTAKEN, 1)
    assert isinstance(step, AskOperator)
    assert "drdeck asked for it at 2026-01-16 22:00:05Z and got no answer" in step.question.text
    journal.close()


def test_an_answer_about_what_was_interrupted_outlives_the_next_start(tmp_path: Path) -> None:
    """What was under way when a process died was asked about, and answered: it is not asked again."""
    journal = Journal(tmp_path / "journal.db")
    request = {"action": "cfo_complete", "domain": "erp", "type": "force"}
    question = {"id": "unknown:paint", "kind": "unknown", "text": "?", "choices": ["retry", "confirm"]}
    for kind, data in (
        (facts.ACCEPTED, {"request": request, "asked_at": "2026-01-16T22:00:00Z"}),
        (facts.INTENT, {"key": "paint"}),
        (facts.STARTED, {}),
        (facts.QUESTION, {"question": question}),
        (facts.ANSWER, {"question": "unknown:paint", "choice": "confirm"}),
        (facts.STARTED, {}),
    ):
        journal.append(ANNA, kind, {"operation": "op-1", **data})
    started = facts.read(journal)["op-1"]
    assert (started.lost, started.done) == ({}, {"paint": 0})
    journal.close()


ONCE = PlannedCall(key="paint", kind="paint", choices=("retry",), says="paint the wall")


class Whitewash(FakeSite):
    """Confirms that the wall is painted; it is not, before it was told `coats` times."""

    coats = 1

    async def execute(self, command: object, begun: object = None) -> str:
        if not isinstance(command, MakePlannedCall):
            await super().execute(command)  # type: ignore[arg-type]
            self.set(phase=Phase(operation=command.operation, name="Paint", calls=(ONCE,)))  # type: ignore[attr-defined]
        else:
            self.log.append("paint")
            if self.log.count("paint") > self.coats:
                self.set(phase=None, vms_recovered=2)
        await self.news()
        return ""


async def test_what_was_confirmed_and_is_not_shown_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation_loop, "SETTLE_S", 0.05)
    site = Whitewash()
    async with controlling(site, tmp_path / "journal.db") as controller:
        ident = await controller.desk.submit(complete(run_pitr=False), ANNA)
        await eventually(lambda: state(controller, ident) is OperationState.ASKING)
        question = controller.recorder.operations[ident].question
        assert question is not None and "still shows it as not done" in question.text
        assert site.log.count("paint") == 1, "not by itself"
        controller.desk.answer(ident, "retry", ANNA)
        await eventually(lambda: site.log.count("paint") == 2)
        await eventually(lambda: controller.recorder.operations[ident].question is None)


async def test_drdecks_own_failure_stops_one_operation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = FakeSite()
    broken = True

    def failing(*args: object) -> object:
        if broken:
            raise ZeroDivisionError("of drdeck's own")
        return next_step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(operation_loop, "next_step", failing)
    async with controlling(site, tmp_path / "journal.db") as controller:
        ident = await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: state(controller, ident) is OperationState.ASKING)
        for _ in range(5):
            await site.taken_in(controller)
        questions = [event for event in controller.journal.events() if event.kind == "question"]
        assert len(questions) == 1 and site.log == []
        broken = False
        controller.desk.answer(ident, "retry", ANNA)
        await eventually(lambda: "BeginCompletion" in site.log)


async def test_nothing_is_begun_on_an_old_picture(tmp_path: Path) -> None:
    site = FakeSite()
    async with controlling(site, tmp_path / "journal.db") as controller:
        first = await controller.desk.submit(complete(), ANNA)
        await site.recover()
        await eventually(lambda: site.domain.session is not None)
        await eventually(lambda: "session is active" in controller.recorder.operations[first].waits_for)
        site.out_of_reach = "gone"
        await site.news()
        await eventually(lambda: controller.watcher.error)
        assert controller.view is not None
        controller.watcher.view = msgspec.structs.replace(controller.view, serial=10**6)
        controller.recorder.record(
            ANNA,
            "accepted",
            {
                "operation": "op-x",
                "request": msgspec.to_builtins(Request(action="pitr_run", domain="erp", to=START)),
                "asked_at": START.isoformat(),
            },
        )
        controller.kick()
        await eventually(lambda: "out of sight" in controller.recorder.operations["op-x"].waits_for)
        assert "RollBack" not in site.log
