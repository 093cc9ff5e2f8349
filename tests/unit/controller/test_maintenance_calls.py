"""Points and pruning that the site refuses: tried again for ever, told once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drdeck.controller import maintenance_runner
from drdeck.controller.maintenance_runner import MaintenanceCalls
from drdeck.controller.site_watcher import SiteWatcher
from drdeck.model.commands import MakePlannedCall
from drdeck.model.planned import PlannedCall
from drdeck.model.times import utcnow
from drdeck.sites.contract import Refused
from tests.support.controlling import controlling
from tests.support.fakesite import FakeSite
from tests.support.waiting import eventually

FULL = ("refused", "vCenter refused to make a point: no room")
LOCKED = ("refused", "vCenter refused to make a point: a file is locked")
GONE = ("unreachable", "Could not make a point: somebody else drives")
DONE, LOST = ("done", ""), ("unknown", "its answer was lost")


class MaintenanceEvents:
    """What chores journal when the site answers one thing after another; each try has a key of its own."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.tries = 0
        self._answers: Iterator[tuple[str, str]] = iter(())
        watcher = SiteWatcher(FakeSite(), utcnow, lambda: 0.0)
        self.chores = MaintenanceCalls(self._execute, self._record, self._surely, watcher)

    async def _execute(self, command: Any) -> tuple[str, str]:
        self.tries += 1
        return next(self._answers)

    def _record(self, kind: str, data: dict[str, Any]) -> None:
        self.events.append((kind, data))

    async def _surely(self, kind: str, data: dict[str, Any]) -> None:
        self._record(kind, data)

    def command(self, vm: str = "vm-1", kind: str = "snapshot") -> MakePlannedCall:
        call = PlannedCall(key=f"point:{self.tries}:{vm}", kind=kind, vm=vm, says="make a point")
        return MakePlannedCall(operation="", domain="erp", call=call)

    async def answered(self, *answers: tuple[str, str], vm: str = "vm-1", kind: str = "snapshot") -> None:
        self._answers = iter(answers)
        for _ in answers:
            command = self.command(vm, kind)
            self.chores.begin(command)
            await self.chores.carry_out(command)

    @property
    def short(self) -> list[str]:
        return ["begins" if kind == "upkeep" else data["result"] for kind, data in self.events]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([DONE, DONE], ["begins", "done"] * 2),
        ([FULL], ["begins", "refused"]),
        ([FULL] * 50, ["begins", "refused"]),
        ([FULL, FULL, LOCKED, LOCKED, FULL], ["begins", "refused", "refused", "refused"]),
        ([FULL, GONE, GONE], ["begins", "refused", "unreachable"]),
        ([FULL, FULL, DONE, DONE], ["begins", "refused", "done", "begins", "done"]),
        ([FULL, LOST, FULL], ["begins", "refused", "unknown", "begins", "refused"]),
        ([LOST, LOST], ["begins", "unknown"] * 2),
    ],
)
async def test_the_same_refusal_is_told_once(answers: list[tuple[str, str]], expected: list[str]) -> None:
    runner = MaintenanceEvents()
    await runner.answered(*answers)
    assert runner.short == expected
    assert runner.tries == len(answers)


async def test_what_ends_a_row_of_refusals_tells_what_it_was_and_how_often() -> None:
    runner = MaintenanceEvents()
    await runner.answered(*[FULL] * 9, DONE)
    kind, data = runner.events[-1]
    assert (kind, data["result"], data["not_done_before"]) == ("upkeep_outcome", "done", 9)
    assert data["key"] == "point:9:vm-1", "the try that worked, not the first one"
    assert data["command"]["act"]["key"] == data["key"]


async def test_other_vms_and_other_acts_are_told_by_themselves() -> None:
    runner = MaintenanceEvents()
    await runner.answered(FULL, FULL)
    await runner.answered(FULL, FULL, vm="vm-2")
    await runner.answered(FULL, FULL, kind="remove")
    assert runner.short == ["begins", "refused"] * 3


async def test_the_same_words_of_another_point_are_the_same_words() -> None:
    runner = MaintenanceEvents()
    for minute in range(3):
        call = PlannedCall(key=f"point:{minute}", kind="snapshot", vm="vm-1", says=f"make point 10:0{minute}")
        runner._answers = iter([("refused", f"vCenter refused to {call.says}: no room")])
        await runner.chores.carry_out(MakePlannedCall(operation="", domain="erp", call=call))
    assert runner.short == ["begins", "refused"]


async def test_a_refused_act_rests_before_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = MaintenanceEvents()
    await runner.answered(FULL)
    assert not runner.chores.may_begin(runner.command()), "another key, and still the same act"
    assert runner.chores.may_begin(runner.command(vm="vm-2"))
    monkeypatch.setattr(maintenance_runner, "RETRY_S", 0.0)
    assert runner.chores.may_begin(runner.command())


async def test_nothing_is_looked_for_while_operations_wait_for_places(tmp_path: Path) -> None:
    site, looks = FakeSite(), 0

    def due(now: object) -> list[tuple[str, PlannedCall]]:
        nonlocal looks
        looks += 1
        return []

    site.maintenance_due = due  # type: ignore[method-assign]
    async with controlling(site, tmp_path / "journal.db") as controller:
        runner = maintenance_runner.MaintenanceRunner(
            site, controller.watcher, controller.recorder, controller.executor, read_only=False
        )
        controller.executor.calls_wait, looks = True, 0
        runner._begin_calls()
        assert looks == 0
        controller.executor.calls_wait = False
        runner._begin_calls()
        assert looks == 1


async def test_a_controller_goes_on_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, tried = FakeSite(), 0
    monkeypatch.setattr(maintenance_runner, "RETRY_S", 0.0)

    def due(now: object) -> list[tuple[str, PlannedCall]]:
        return [("erp", PlannedCall(key=f"point:{tried}", kind="snapshot", vm="1", says="make a point"))]

    async def refuse(command: object, begun: object = None) -> str:
        nonlocal tried
        tried += 1
        raise Refused("no room")

    site.maintenance_due, site.execute = due, refuse  # type: ignore[method-assign]
    async with controlling(site, tmp_path / "journal.db") as controller:
        await eventually(lambda: tried >= 3)
        kinds = [e.kind for e in controller.journal.events() if e.kind.startswith("upkeep")]
        assert kinds == ["upkeep", "upkeep_outcome"]
