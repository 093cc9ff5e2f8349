"""What comes in the way of a run: domains that come and go, sites that answer, no controller for a time."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from drdeck.controller.controller import Controller
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.journal.run_evidence import run_report
from drdeck.controller.journal.runs import RunRecord
from drdeck.controller.plans import protected_watch
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.domains import FailoverType, Mode, ProtectedSite, SessionState
from drdeck.model.plans.failover_plan import FailoverPlan, Gate, Wave
from drdeck.model.plans.plan_check import Possible
from drdeck.model.plans.run_requests import RunPitrRequest, RunRequest
from drdeck.model.plans.run_views import DomainInRun, InRunState, Needs, RunState
from tests.support.controlling import ANNA, controlling
from tests.support.fakesite import START
from tests.support.plans.many_site import ManySite
from tests.support.waiting import eventually

GATED = FailoverPlan(
    name="gated",
    waves=(Wave(name="one", domains=("ad",)), Wave(name="two", domains=("e*", "files"), gate=Gate.CONFIRM)),
)
FORCE = RunRequest(plan="gated", type=FailoverType.FORCE, run_pitr=True, confirm="gated 3")


@contextlib.asynccontextmanager
async def planned(site: ManySite, tmp_path: Path) -> AsyncIterator[Controller]:
    async with controlling(site, tmp_path / "journal.db") as controller:
        controller.plans.inquiry.plans_of = lambda: {"gated": GATED}
        yield controller


def run_of(controller: Controller) -> RunRecord:
    (run,) = controller.recorder.runs.values()
    return run


def row(controller: Controller, name: str) -> DomainInRun:
    return controller.plans.runs.row(run_of(controller), name)


async def first_wave(site: ManySite, controller: Controller) -> str:
    """A run whose first wave is in its session, with the second at its gate."""
    ident = await controller.plans.begin(FORCE, ANNA)
    await eventually(lambda: site.of("ad").session is not None)
    await eventually(lambda: controller.plans.runs.view_of(run_of(controller)).waves[1].state == "gate")
    return ident


async def test_a_domain_that_vanishes_stops_and_one_that_appears_joins_no_run(tmp_path: Path) -> None:
    site = ManySite("ad", "erp", "files")
    async with planned(site, tmp_path) as controller:
        ident = await first_wave(site, controller)
        vanished = site.domains.pop("erp")
        site.domains["e-new"] = ManySite("e-new").of("e-new")
        await site.taken_in(controller)
        controller.plans.resume(ident, ANNA)
        await eventually(lambda: row(controller, "erp").state is InRunState.QUESTION)
        assert 'no Protected Domain "erp"' in row(controller, "erp").reason
        assert row(controller, "erp").needs is Needs.BEGIN_ANEW
        await eventually(lambda: site.of("files").session is not None)
        assert site.here == ["ad", "files"], "the others go on, and who came joins nothing"
        with pytest.raises(NotAccepted, match='"e-new" is not in'):
            controller.plans.leave_out(ident, "e-new", ANNA)

        site.domains["erp"] = vanished
        await site.taken_in(controller)
        controller.plans.begin_anew(ident, "erp", None, ANNA)
        await eventually(lambda: site.of("erp").session is not None)
        await eventually(lambda: run_of(controller).ended)


async def test_a_domain_that_came_since_the_look_is_named_and_asked_again(tmp_path: Path) -> None:
    site = ManySite("ad", "erp", "files")
    async with planned(site, tmp_path) as controller:
        look = await controller.plans.inquiry.check(FORCE)
        site.domains["e-new"] = ManySite("e-new").of("e-new")
        await site.taken_in(controller)
        decision = RunRequest(plan="gated", type=FORCE.type, confirm="gated 4", preview=look.facts)
        with pytest.raises(NotAccepted, match="e-new") as refusal:
            await controller.plans.begin(decision, ANNA)
        assert refusal.value.code == "stale" and controller.recorder.runs == {}


async def test_a_protected_site_that_answers_again_wants_the_name_of_what_has_not_begun(
    tmp_path: Path,
) -> None:
    site = ManySite("ad", "erp", "files")
    async with planned(site, tmp_path) as controller:
        ident = await first_wave(site, controller)
        look = controller.plans.runs.view_of(run_of(controller)).protected
        assert look is not None and not look.answers
        site.sites["erp"] = ProtectedSite(state="reachable", address="vcsa.prod", running=2, total=2)
        controller.plans.resume(ident, ANNA)
        await eventually(lambda: row(controller, "erp").state is InRunState.QUESTION)
        assert "answers again" in row(controller, "erp").reason
        assert controller.plans.runs.view_of(run_of(controller)).answers_again is not None
        await eventually(lambda: site.here == ["ad", "files"])
        assert site.of("ad").session is not None, "what runs goes on unasked"
        for typed in (None, "files", "gated 3"):
            with pytest.raises(NotAccepted, match='"erp"') as refusal:
                controller.plans.begin_anew(ident, "erp", typed, ANNA)
            assert refusal.value.code == "unconfirmed"
        controller.plans.begin_anew(ident, "erp", "erp", ANNA)
        await eventually(lambda: site.of("erp").session is not None)


async def test_a_protected_site_that_answers_again_is_told_of_while_nothing_begins(tmp_path: Path) -> None:
    site = ManySite("ad", "erp", "files")
    with mock.patch.object(protected_watch, "ASK_S", 0.02):
        async with planned(site, tmp_path) as controller:
            ident = await first_wave(site, controller)
            site.sites["ad"] = ProtectedSite(state="reachable", address="vcsa.prod", running=2, total=2)
            await eventually(lambda: run_of(controller).answers_again is not None)
            assert site.here == ["ad"] and run_of(controller).stopped == {}, "what runs goes on unasked"
    report = run_report(tmp_path / "journal.db", ident)
    assert report is not None
    assert [w.says for w in report.words] == ["the protected site answers again"]


@pytest.mark.parametrize(("minutes", "stands"), [(9, False), (11, True)])
async def test_after_ten_minutes_without_a_controller_the_rest_waits_for_a_word(
    tmp_path: Path, minutes: int, stands: bool
) -> None:
    site = ManySite("ad", "erp", "files")
    async with planned(site, tmp_path) as controller:
        await first_wave(site, controller)
    last = datetime.now(UTC) - timedelta(minutes=minutes)
    with mock.patch.object(Journal, "last_written", return_value=last):
        async with planned(site, tmp_path) as controller:
            run = run_of(controller)
            await eventually(lambda: run_of(controller).paused is not None or not stands)
            if not stands:
                assert controller.plans.runs.view_of(run).state is RunState.WAITING, "at its gate, as before"
                return
            view = controller.plans.runs.view_of(run_of(controller))
            assert view.state is RunState.PAUSED and view.why.startswith("no controller ran for 00:11:")
            controller.plans.resume(run.id, ANNA)  # the pause, then the gate
            controller.plans.resume(run.id, ANNA)
            await eventually(lambda: run_of(controller).ended)
            assert site.here == ["ad", "erp", "files"]


async def test_an_instant_in_an_earlier_session_of_one_domain_is_not_reached_by_it_alone(
    tmp_path: Path,
) -> None:
    site = ManySite("ad", "erp", "files")
    site.excluded("erp", timedelta(minutes=25), timedelta(minutes=15))
    async with planned(site, tmp_path) as controller:
        ident = await first_wave(site, controller)
        controller.plans.resume(ident, ANNA)
        await eventually(lambda: run_of(controller).ended)
        to = START - timedelta(minutes=20)
        sessions = controller.plans.sessions
        instant = await sessions.instant(RunPitrRequest(run=ident, to=to))
        assert [d.name for d in instant.cannot] == ["erp"] and len(instant.reaching) == 2
        with pytest.raises(NotAccepted, match=r'erp cannot reach it.*"gated 2"') as refusal:
            await sessions.roll_back(RunPitrRequest(run=ident, to=to), ANNA)
        assert refusal.value.code == "unconfirmed"
        await sessions.roll_back(RunPitrRequest(run=ident, to=to, confirm="gated 2"), ANNA)

        def rolled_back() -> bool:
            there = [site.of(name).session for name in ("ad", "files")]
            return all(s is not None and s.rolled_back_to == to for s in there)

        await eventually(rolled_back)
        stays = site.of("erp").session
        assert stays is not None and stays.state is SessionState.ACTIVE and stays.rollbacks == 0


async def test_a_network_that_only_one_domain_has_is_mapped_for_that_one(tmp_path: Path) -> None:
    site = ManySite("ad", "erp", "files")
    site.on_network("erp", "VM_ERP")
    for name in ("ad", "files"):
        site.on_network(name, "VM_ALL")
    async with planned(site, tmp_path) as controller:
        request = RunRequest(plan="gated", type=FailoverType.FORCE, networks={"VM_ERP": "DR-1"})
        check = await controller.plans.inquiry.check(request)
        possible = {d.name: d.possible for d in check.domains}
        assert possible == {"ad": Possible.NO, "erp": Possible.YES, "files": Possible.NO}
        assert check.unmapped == ("VM_ALL",) and check.number == 1
        both = RunRequest(
            plan="gated",
            type=FailoverType.FORCE,
            networks={"VM_ERP": "DR-1", "VM_ALL": "DR-2"},
            confirm="gated 3",
        )
        await controller.plans.begin(both, ANNA)
        networks = {d.name: d.networks for d in run_of(controller).frozen.domains}
        assert networks == {
            "ad": {"VM_ALL": "DR-2"}, "erp": {"VM_ERP": "DR-1"}, "files": {"VM_ALL": "DR-2"}
        }  # fmt: skip


async def test_forty_domains_that_cannot_begin_for_one_reason_are_one_sentence(tmp_path: Path) -> None:
    names = [f"erp-{number:02}" for number in range(38)]
    site = ManySite("ad", *names, "files")
    for name in ("ad", *names):
        site.change(name, mode=Mode.IMPORTED)
    site.change("files", mode=Mode.RUNNING_IN_FAILOVER)
    async with planned(site, tmp_path) as controller:
        with pytest.raises(NotAccepted) as refusal:
            await controller.plans.begin(FORCE, ANNA)
        assert refusal.value.code == "rule"
        text = str(refusal.value)
        assert text.count('"Imported"') == 1 and "(and 38 more)" in text and '"Running in Failover"' in text
        assert len(text) < 400
