"""Places are for requests on their way: operations take turns, and what a site works on holds none."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from drdeck.controller.journal.operations import OperationState
from drdeck.model.commands import AnyCommand, MakePlannedCall
from drdeck.model.planned import Phase, PlannedCall
from drdeck.model.views import SiteView
from tests.support.controlling import ANNA, complete, controlling, state
from tests.support.fakesite import FakeSite
from tests.support.waiting import eventually

CALLS = tuple(
    PlannedCall(key=f"power:{n}", kind="power_on", vm=f"vm-{n}", name=f"vm{n}", says=f"power on vm{n}")
    for n in range(20)
)


class BusySite(FakeSite):
    """Twenty calls are due in each failover; with `begins` each becomes a task that never ends."""

    begins = True
    calls = CALLS

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.on_their_way = self.most = 0

    def _view(self) -> SiteView:
        view = super()._view()
        (domain,) = view.domains
        if domain.failover is None:
            return view
        phase = Phase(operation=domain.failover.id, name="Execute runbook", calls=self.calls)
        return msgspec.structs.replace(view, domains=(msgspec.structs.replace(domain, phase=phase),))

    async def execute(self, command: AnyCommand, begun: Any = None) -> str:
        if not isinstance(command, MakePlannedCall) or command.call.vm is None:
            return await super().execute(command, begun)
        self.on_their_way += 1
        self.most = max(self.most, self.on_their_way)
        self.sent.append(command.call.key)
        await asyncio.sleep(0)
        if self.begins:
            self.on_their_way -= 1
            await begun(f"task-{len(self.sent)}")
        await asyncio.Event().wait()
        return ""


async def test_what_runs_at_the_site_holds_no_place(tmp_path: Path) -> None:
    site = BusySite()
    site.parallel = 3
    async with controlling(site, tmp_path / "journal.db") as controller:
        await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: len(site.sent) == len(CALLS))
        assert site.most <= 3
        assert len(set(site.sent)) == len(CALLS), "none is given twice"


async def test_requests_on_their_way_hold_theirs(tmp_path: Path) -> None:
    site = BusySite()
    site.parallel, site.begins = 3, False
    async with controlling(site, tmp_path / "journal.db") as controller:
        ident = await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: len(site.sent) == 3)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(site.sent) == 3 and controller.executor.full
        assert state(controller, ident) is OperationState.OPEN


async def test_a_pause_begins_nothing(tmp_path: Path) -> None:
    """Before a restart at a safe instant: neither calls on VMs nor changes of a record."""
    site = BusySite()
    async with controlling(site, tmp_path / "journal.db") as controller:
        controller.executor.pausing = True
        await controller.desk.submit(complete(), ANNA)
        for _ in range(20):
            await asyncio.sleep(0)
        assert site.sent == [] and controller.view is not None
        assert controller.view.domains[0].failover is None


async def test_a_host_takes_so_many_at_a_time(tmp_path: Path) -> None:
    """Tasks that run count too; VMs of another host go on."""
    site = BusySite()
    site.parallel = 64
    site.calls = tuple(
        msgspec.structs.replace(call, places={f"host-{number % 2}": 3, "datastore-1": 5})
        for number, call in enumerate(CALLS)
    )
    async with controlling(site, tmp_path / "journal.db") as controller:
        await controller.desk.submit(complete(), ANNA)
        await eventually(lambda: len(site.sent) == 5)
        for _ in range(50):
            await asyncio.sleep(0)
        assert sorted(site.sent) == [f"power:{number}" for number in range(5)]
