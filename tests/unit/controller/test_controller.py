"""The controller over a site in memory: what is accepted is done once, whatever happens in between."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from drdeck.controller.controller import Controller
from drdeck.controller.executor import RetryPause
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.journal.operation_evidence import operation_report
from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, ProtectedSite, Step, StepState
from tests.support.controlling import ANNA, complete, controlling, state
from tests.support.fakesite import START, FakeSite
from tests.support.waiting import eventually


@pytest.fixture
def site() -> FakeSite:
    return FakeSite()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def op(controller: Controller, ident: str) -> Operation:
    return controller.recorder.operations[ident]


async def test_the_session_starts_by_itself_once(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        ident = await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: site.log == ["BeginCompletion"])
        await site.recover()
        await eventually(lambda: site.log == ["BeginCompletion", "StartSession"])
        for _ in range(20):
            await site.taken_in(controller)
        assert site.log.count("StartSession") == 1
        assert site.domain.session is not None
        assert site.domain.session.after_failover == ident


@pytest.mark.parametrize("turns", range(4))
async def test_it_ends_when_told_so_whatever_comes_at_that_moment(
    site: FakeSite, file: Path, turns: int
) -> None:
    """Before Python 3.12 asyncio.wait_for forgets that it was cancelled when its wait ends in that moment."""
    controller = Controller(site, Journal(file))
    controller.executor._rests["op-1", "BeginCompletion"] = RetryPause(times=3, until=0)
    running = asyncio.create_task(controller.loop.run())
    for _ in range(5):
        await asyncio.sleep(0)
    controller.kick()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    ended, _ = await asyncio.wait({running}, timeout=60)
    running.cancel()
    assert ended
    controller.journal.close()


async def test_without_the_tick_there_is_no_session(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        ident = await controller.desk.submit(complete(run_pitr=False), ANNA)
        await eventually(lambda: site.log == ["BeginCompletion"])
        await site.recover()
        await eventually(lambda: state(controller, ident) is OperationState.DONE)
        assert site.log == ["BeginCompletion", "FinishFailover"]


async def test_the_end_of_an_act_that_began_later_is_estimated(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: site.log == ["BeginCompletion"])
        site.set(vms_recovered=1)
        for _ in range(3):  # the site's clock goes on by a second each
            await site.taken_in(controller)
        assert controller.view is not None
        estimate = controller.view.domains[0].estimate
        assert estimate is not None and estimate.source == "1 of 2 VMs recovered"


async def test_a_step_tells_how_long_it_took(site: FakeSite, file: Path) -> None:
    first, last = (Step(number=n, of=2, label=label) for n, label in enumerate(("Recover", "Start"), 1))
    states = StepState.PENDING, StepState.CURRENT, StepState.DONE
    async with controlling(site, file) as controller:
        for state_now in states:
            site.set(steps=(msgspec.structs.replace(first, state=state_now), last))
            await site.taken_in(controller)
        assert controller.view is not None
        assert [step.took_s for step in controller.view.domains[0].steps] == [1, None]


async def test_a_whole_flow_ends_the_completion_after_the_exit(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        first = await controller.desk.submit(complete(), ANNA)
        await site.recover()
        await eventually(lambda: site.domain.session is not None)
        await eventually(lambda: "session is active" in op(controller, first).waits_for)
        second = await controller.desk.submit(Request(action="pitr_run", domain="erp", to=START), ANNA)
        await eventually(lambda: state(controller, second) is OperationState.DONE)
        assert state(controller, first) is OperationState.OPEN
        third = await controller.desk.submit(Request(action="pitr_exit", domain="erp"), ANNA)
        await eventually(lambda: state(controller, third) is OperationState.DONE)
        await eventually(lambda: state(controller, first) is OperationState.DONE)
        assert site.log == ["BeginCompletion", "StartSession", "RollBack", "ExitSession"]
        assert op(controller, first).result["rolled_back_to"] == "2026-01-16T22:00:00Z"
        assert controller.journal.verify() == []


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("command", ["BeginCompletion", "StartSession"])
async def test_a_lost_answer_is_looked_into_and_nothing_is_done_twice(
    site: FakeSite, file: Path, command: str, done: bool
) -> None:
    site.lose[command] = done
    async with controlling(site, file) as controller:
        await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: "BeginCompletion" in site.log)
        await site.recover()
        await eventually(lambda: site.domain.session is not None)
        assert site.log == ["BeginCompletion", "StartSession"]


async def test_what_was_accepted_goes_on_after_a_crash(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        ident = await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: "BeginCompletion" in site.log)
    await site.recover()
    async with controlling(site, file) as controller:
        await eventually(lambda: site.domain.session is not None)
        assert state(controller, ident) is OperationState.OPEN
        assert op(controller, ident).actor == ANNA
    async with controlling(site, file):
        await site.news()
        assert site.log == ["BeginCompletion", "StartSession"]


async def test_a_refused_session_start_asks_and_is_retried_on_a_word(site: FakeSite, file: Path) -> None:
    site.refuse["StartSession"] = "the datastore is full"
    async with controlling(site, file) as controller:
        ident = await controller.desk.submit(complete(), ANNA)
        await site.recover()
        await eventually(lambda: state(controller, ident) is OperationState.ASKING)
        question = op(controller, ident).question
        assert question is not None
        assert "datastore is full" in question.text
        with pytest.raises(NotAccepted) as refused:
            controller.desk.answer(ident, "skip", ANNA)
        assert refused.value.code == "rule"
        site.refuse.clear()
        controller.desk.answer(ident, "retry", ANNA)
        await eventually(lambda: site.domain.session is not None)


@pytest.mark.parametrize(
    ("request_", "code", "says"),
    [
        (complete(confirm=None), "unconfirmed", "erp"),
        (complete(confirm="Erp"), "unconfirmed", "is not its name"),
        (complete(type=None), "usage", "failover type"),
        (complete(preview={"mode": "rehydrating"}), "stale", 'mode: "rehydrating" before'),
        (Request(action="cfo_complete", domain="crm"), "usage", 'no Protected Domain "crm"'),
        (Request(action="pitr_start", domain="erp", vms=("web",)), "usage", 'no VM named "web"'),
        (Request(action="pitr_run", domain="erp"), "usage", "instant"),
        (Request(action="pitr_run", domain="erp", to=START), "rule", "no PITR session"),
        (Request(action="nonsense", domain="erp"), "usage", "nonsense"),
        (complete(type=FailoverType.PLANNED), "rule", "does not answer"),
        (complete(type=FailoverType.REGULAR), "rule", "does not answer"),
    ],
)
async def test_what_is_not_accepted(
    site: FakeSite, file: Path, request_: Request, code: str, says: str
) -> None:
    async with controlling(site, file) as controller:
        with pytest.raises(NotAccepted, match=says) as refused:
            await controller.desk.submit(request_, ANNA)
        assert refused.value.code == code
        assert controller.recorder.operations == {}
        assert site.log == []


async def test_regular_is_refused_while_the_protected_vms_run(site: FakeSite, file: Path) -> None:
    site.protected = ProtectedSite(state="reachable", address="vcsa.prod", running=2, total=2)
    async with controlling(site, file) as controller:
        with pytest.raises(NotAccepted, match="2 VMs still run"):
            await controller.desk.submit(complete(type=FailoverType.REGULAR), ANNA)
        preview = await controller.desk.preview(complete())
        assert "2 of 2 VMs run there" in " ".join(preview.against)
        assert preview.tier == 3


async def test_a_second_operation_in_the_same_domain_is_refused(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        first = await controller.desk.submit(complete(), ANNA)
        with pytest.raises(NotAccepted, match=f"{first}|only while it is in progress"):
            await controller.desk.submit(complete(), ANNA)


async def test_read_only_is_kept_in_the_controller(site: FakeSite, file: Path) -> None:
    async with controlling(site, file, read_only=True) as controller:
        with pytest.raises(NotAccepted, match="read-only"):
            await controller.desk.submit(complete(), ANNA)


async def test_a_site_out_of_sight_is_said_and_nothing_is_accepted(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        site.out_of_reach = "vCenter is gone"
        await site.news()
        await eventually(lambda: controller.watcher.error == "vCenter is gone")
        with pytest.raises(NotAccepted, match="vCenter is gone") as refused:
            await controller.desk.submit(complete(), ANNA)
        assert refused.value.code == "unreachable"
        assert controller.watcher.stale_s() is not None
        site.out_of_reach = ""
        await eventually(lambda: controller.watcher.error is None)
        assert controller.watcher.stale_s() is None


async def test_the_facts_that_were_shown_are_evidence(site: FakeSite, file: Path) -> None:
    async with controlling(site, file) as controller:
        looked = await controller.desk.preview(complete())
        ident = await controller.desk.submit(complete(preview=looked.facts), ANNA)
    evidence = operation_report(file, ident)
    assert evidence is not None and evidence.saw == looked.facts != {}
    assert evidence.operation.actor == ANNA and evidence.operation.ended_at is None
    assert operation_report(file, "crm") is None
