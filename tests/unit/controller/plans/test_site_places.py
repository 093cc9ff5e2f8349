"""Places of the whole site: so many calls of a kind at a time, however many domains want them; who has the
fewest calls left comes first."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drdeck.controller.call_places import CallPlaces
from drdeck.model.commands import AnyCommand, MakePlannedCall
from drdeck.model.domains import FailoverType
from drdeck.model.planned import Phase, PlannedCall
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.views import SiteView
from tests.support.controlling import ANNA, controlling
from tests.support.plans.many_site import ManySite
from tests.support.waiting import eventually

NAMES = tuple(f"d{number}" for number in range(6))
EACH, PLACES = 5, 4


class StartingSite(ManySite):
    """Each domain has VMs to start, whose calls last until the test ends them."""

    parallel = 64

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        super().__init__(*NAMES)
        self.sizes = dict.fromkeys(NAMES, EACH) | dict(sizes or {})
        self.call_places = {"power_on": PLACES}
        self.going: dict[str, asyncio.Event] = {}
        self.sent: list[str] = []
        self.over: set[str] = set()
        self.most = 0

    def _view(self) -> SiteView:
        view = super()._view()
        return msgspec.structs.replace(view, domains=tuple(map(self._starting, view.domains)))

    def _starting(self, domain: Any) -> Any:
        if domain.failover is None or domain.session is not None:
            return domain
        calls = [
            PlannedCall(
                key=f"power:{domain.name}:{n}", kind="power_on", vm=f"{domain.name}-{n}", says="power on"
            )
            for n in range(self.sizes[domain.name])
        ]
        due = tuple(call for call in calls if call.key not in self.over)
        recovered = 0 if due else 2
        phase = Phase(operation=domain.failover.id, name="Execute runbook", calls=due) if due else None
        return msgspec.structs.replace(domain, vms_recovered=recovered, phase=phase)

    def is_full(self, ended: int) -> bool:
        """Every place is taken, or all that is left is under way, once so many calls have ended."""
        return len(self.going) == min(PLACES, sum(self.sizes.values()) - ended)

    def has_ended(self, number: int) -> bool:
        return len(self.over) == number

    async def execute(self, command: AnyCommand, begun: Any = None) -> str:
        if not isinstance(command, MakePlannedCall):
            return await super().execute(command, begun)
        key = command.call.key
        self.sent.append(key)
        self.going[key] = asyncio.Event()
        self.most = max(self.most, len(self.going))
        await begun(f"task-{len(self.sent)}")
        await self.going[key].wait()
        del self.going[key]
        self.over.add(key)
        await self.news()
        return ""


Runs = tuple[tuple[str, ...], ...]


async def all_started(site: StartingSite, journal: Path, runs: Runs = (NAMES,)) -> None:
    """Runs that begin all domains, and whose calls end one by one."""
    async with controlling(site, journal) as controller:
        for names in runs:
            request = RunRequest(
                domains=names, type=FailoverType.FORCE, run_pitr=True, confirm=f"marked {len(names)}"
            )
            ident = await controller.plans.begin(request, ANNA)
        await eventually(lambda: len(site.here) == len(NAMES) and len(site.going) == PLACES)
        view = controller.plans.runs.view_of(controller.plans.runs.run(ident))
        assert view.places == {"power_on": (PLACES, PLACES)}
        for number in range(sum(site.sizes.values())):
            await eventually(functools.partial(site.is_full, number))
            next(iter(site.going.values())).set()
            await eventually(functools.partial(site.has_ended, number + 1))
        await eventually(lambda: all(site.of(name).session is not None for name in NAMES))
    assert site.most == PLACES
    assert sorted(Counter(site.sent).values()) == [1] * sum(site.sizes.values()), "none is given twice"


@pytest.mark.parametrize("runs", [(NAMES,), (NAMES[:3], NAMES[3:])], ids=["one run", "two runs"])
async def test_no_more_calls_than_places_are_at_a_site_whatever_the_number_of_domains(
    tmp_path: Path, runs: Runs
) -> None:
    site = StartingSite()
    await all_started(site, tmp_path / "journal.db", runs)
    domains = [name for name, _ in itertools.groupby(key.split(":")[1] for key in site.sent)]
    assert sorted(domains) == sorted(NAMES), "one after the other: the first goes on while others start"


async def test_a_large_domain_holds_no_small_one_up(tmp_path: Path) -> None:
    site = StartingSite({NAMES[0]: 40, NAMES[1]: 1})
    await all_started(site, tmp_path / "journal.db")
    before = site.sent[: len(site.sent) - 40 + PLACES]
    of_the_large = [key for key in before if key.split(":")[1] == NAMES[0]]
    assert len(of_the_large) <= PLACES, "what it had before the others were there"


@pytest.mark.parametrize(("asks", "passed_s", "used"), [(True, 4, 1), (True, 5, 0), (False, 600, 1)])
def test_a_vm_that_waits_for_a_person_gives_its_place_back(asks: bool, passed_s: float, used: int) -> None:
    call = PlannedCall(key="power:1", kind="power_on", vm="vm-1")
    places = CallPlaces({"power_on": 1})
    taken = places.used([(call, 100.0)], 100.0 + passed_s, {"vm-1"} if asks else ())
    assert taken["power_on"] == used and places.has_room(call, taken) == (used == 0)
