"""Every call whose answer is lost: not started, running, done, or unknown, and then a person is asked."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drdeck.controller import maintenance_runner
from drdeck.controller.journal.audit import steps_by_operation
from drdeck.controller.journal.operations import OperationState
from drdeck.controller.journal.projection import STARTED
from drdeck.controller.journal.recorder import SELF
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType
from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import ResultUnknown
from tests.support import ROOT
from tests.support.controlling import ANNA, complete, controlling
from tests.support.deck import Deck
from tests.support.faults.asking_site import AskingSite
from tests.support.waiting import eventually


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path)
    deck.here = True
    words = ["--site", "training", *deck.arguments, "controller", "serve"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.faults.fake_process", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=deck.env,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield deck
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize(("choice", "burnt"), [("confirm", 1), ("retry", 2)])
def test_on_the_command_line(deck: Deck, choice: str, burnt: int) -> None:
    done = deck.run("cfo", "complete", "erp", "--type", "force", "--confirm", "erp", "--wait", code=6)
    ident = done.stdout.strip()
    assert "burn the bridge" in done.stderr and deck.typed(f"answer {ident} retry|confirm") in done.stderr
    question = deck.domain("erp")["question"]
    assert question["choices"] == ["retry", "confirm"] and "does not show" in question["text"]
    assert 'Seen now: erp is "Completing' in question["text"]
    requested = re.search(r"drdeck asked for it at (\S+ \S+Z) and got no answer", question["text"])
    assert requested and requested.group(1).replace(" ", "T")[:10] == question["asked_at"][:10]
    operation = deck.json("tasks")["operations"][0]
    assert operation["id"] == ident and operation["state"] == "asking"
    deck.run("answer", ident, "skip", code=3)
    deck.run("answer", ident, choice)
    deck.run("watch", "erp", "--until", "idle", "--timeout", "60")
    (file,) = deck.state.glob("*/burnt")
    assert file.read_text().count("burnt") == burnt
    events = [json.loads(line) for line in deck.run("audit", "export").stdout.splitlines()]
    kinds = [e["kind"] for e in events if e["kind"] in ("question", "answer")]
    assert kinds == ["question", "answer"]
    results = [e["data"]["result"] for e in events if e["kind"] == "outcome" and e["data"]["key"] == "burn"]
    assert results == ["unknown"] + ["done"] * (burnt - 1)
    deck.run("audit", "verify")


def force() -> Request:
    return complete(type=FailoverType.FORCE, run_pitr=False)


async def test_what_never_left_is_done_without_asking(tmp_path: Path) -> None:
    site = AskingSite(tmp_path / "burnt", ("unreachable", "unreachable"))
    async with controlling(site, tmp_path / "journal.db") as controller:
        ident = await controller.desk.submit(force(), ANNA)
        await eventually(lambda: controller.recorder.operations[ident].state is OperationState.DONE)
        assert site.burnt() == 1
        assert not any(e.kind == "question" for e in controller.journal.events())


async def test_interrupted_in_the_middle_asks_after_the_start(tmp_path: Path) -> None:
    site = AskingSite(tmp_path / "burnt", ())
    under_way = asyncio.Event()
    execute = site.execute

    async def hold(command: object, begun: object = None) -> str:
        if getattr(getattr(command, "call", None), "kind", "") == "burn":
            under_way.set()
            await asyncio.Event().wait()
        return await execute(command)  # type: ignore[arg-type]

    site.execute = hold  # type: ignore[method-assign]
    async with controlling(site, tmp_path / "journal.db") as controller:
        ident = await controller.desk.submit(force(), ANNA)
        await asyncio.wait_for(under_way.wait(), 60)
    site.execute = execute  # type: ignore[method-assign]
    async with controlling(site, tmp_path / "journal.db") as controller:
        await eventually(lambda: controller.recorder.operations[ident].state is OperationState.ASKING)
        question = controller.recorder.operations[ident].question
        assert question is not None and question.kind == "unknown" and "got no answer" in question.text
        assert site.burnt() == 0
        controller.recorder.record(SELF, STARTED, {"pid": 1})  # as its process does
        assert results(tmp_path, ident) == ["done", "interrupted"]
        controller.desk.answer(ident, "retry", ANNA)
        await eventually(lambda: controller.recorder.operations[ident].state is OperationState.DONE)
        assert site.burnt() == 1
        assert results(tmp_path, ident)[:4] == ["done", "interrupted", "done", "done"]


def results(directory: Path, ident: str) -> list[str]:
    """What became of each step, as the task log has it."""
    return [step["result"] for step in steps_by_operation(directory / "journal.db")[ident]]


async def test_a_view_read_before_the_loss_tells_nothing(tmp_path: Path) -> None:
    """The site tells of something else meanwhile: what it read before the loss is no reason to go on."""
    site = AskingSite(tmp_path / "burnt", ())
    site.lose["BeginCompletion"] = True
    release = asyncio.Event()
    observe = site.observe

    async def late() -> object:
        await release.wait()
        return await observe()

    site.observe = late  # type: ignore[assignment]
    async with controlling(site, tmp_path / "journal.db") as controller:
        old_view = site.domain
        ident = await controller.desk.submit(force(), ANNA)
        await eventually(lambda: "BeginCompletion" in controller.recorder.operations[ident].lost)
        taken, site.domain = site.domain, old_view  # an old picture, with a new number
        for _ in range(3):
            await site.taken_in(controller)
        assert site.log == ["BeginCompletion"]
        site.domain = taken
        release.set()
        await eventually(
            lambda: controller.recorder.operations[ident].state is OperationState.FAILED or site.log
        )
        assert site.log.count("BeginCompletion") == 1


async def test_after_a_lost_answer_the_site_is_read_once_more_and_not_for_ever(tmp_path: Path) -> None:
    site = AskingSite(tmp_path / "burnt", ())
    site.lose["StartSession"] = True
    looked = 0
    observe = site.observe

    async def counted() -> object:
        nonlocal looked
        looked += 1
        return await observe()

    site.observe = counted  # type: ignore[assignment]
    async with controlling(site, tmp_path / "journal.db") as controller:
        await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: site.domain.session is not None)
        await eventually(lambda: looked)
        for _ in range(50):
            await site.taken_in(controller)
        assert looked <= 2


async def test_what_cannot_be_reached_for_long_does_not_fill_the_journal(tmp_path: Path) -> None:
    site = AskingSite(tmp_path / "burnt", ("unreachable",) * 50)
    now = 0.0
    clocks = {"real_now": lambda: datetime(2026, 11, 22, tzinfo=UTC), "steady": lambda: now}
    async with controlling(site, tmp_path / "journal.db", **clocks) as controller:
        ident = await controller.desk.submit(force(), ANNA)
        for _ in range(100):
            await site.taken_in(controller)
        await eventually(lambda: "burn" in controller.recorder.operations[ident].unsent)
        tried = 50 - len(site.answers)
        assert tried <= 3
        now = 100.0
        await site.news()
        await eventually(lambda: 50 - len(site.answers) > tried)


async def test_a_point_of_which_the_answer_was_lost_is_not_made_again_before_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, release, points_made = AskingSite(tmp_path / "burnt", ()), asyncio.Event(), 0
    monkeypatch.setattr(maintenance_runner, "RETRY_S", 0.0)
    observe = site.observe
    point = PlannedCall(key="point:1", kind="snapshot", says="make a point")
    looks = 0

    def due(now: datetime) -> list[tuple[str, PlannedCall]]:
        nonlocal looks
        looks += 1
        return [("erp", point)] if points_made < 2 else []

    async def lose(command: object, begun: object = None) -> str:
        nonlocal points_made
        points_made += 1
        raise ResultUnknown("the answer was lost")

    async def late() -> object:
        await release.wait()
        return await observe()

    site.maintenance_due, site.execute, site.observe = due, lose, late  # type: ignore[method-assign, assignment]
    async with controlling(site, tmp_path / "journal.db"):
        await eventually(lambda: points_made == 1)
        looks_before = looks
        await eventually(lambda: looks >= looks_before + 3)
        assert points_made == 1, "asked for again and again, and not made before the site was read anew"
        release.set()
        await eventually(lambda: points_made == 2)
