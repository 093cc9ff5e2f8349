"""The rules of a site that can only be looked at: what applies of the others, and that nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from drdeck.model.actions.action_table import menu
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.commands import ExitSession, MakePlannedCall, StartSession, TakeOver
from drdeck.model.domains import FailoverType, Mode
from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import RecoverySite, Refused, SiteUnreachable
from tests.site_contract.bench import ANNA
from tests.support.appliance.sample import DOMAIN_ID, idle, sound
from tests.support.appliance.stand_in import Reply, StandIn
from tests.support.appliance.watching import controlled, site_of, site_read
from tests.support.waiting import eventually

DOMAIN = "erp-prod"


async def test_serials_grow_and_observe_is_the_newest(stand_in: StandIn) -> None:
    site, _ = site_of(stand_in)
    await site.open()
    serials = []
    async for view in site.watch():
        serials.append(view.serial)
        serials.append((await site.observe()).serial)
        stand_in.say(DOMAIN_ID, sound(progress=31 + len(serials) / 10))
        if len(serials) >= 6:
            break
    await site.close()
    assert serials == sorted(set(serials))


async def test_a_watch_that_is_lost_can_be_opened_and_watched_again(stand_in: StandIn) -> None:
    site, _ = site_of(stand_in)
    await site.open()
    stand_in.instead = Reply(status=500)
    with pytest.raises(SiteUnreachable):
        async for _ in site.watch():
            pass
    with pytest.raises(SiteUnreachable):
        await site.observe()
    stand_in.instead = None
    await site.open()
    assert (await site.observe()).domain(DOMAIN) is not None
    await site.close()
    await site.close()


async def test_every_command_is_refused_and_nothing_is_said_to_the_appliance(stand_in: StandIn) -> None:
    site, _ = site_of(stand_in)
    await site.open()
    await site.observe()
    requests = stand_in.count()
    call = PlannedCall(key="k", kind="power_on", vm="vm-101")
    for command in (
        StartSession(operation="op", domain=DOMAIN, session="op"),
        ExitSession(operation="op", domain=DOMAIN),
        TakeOver(operation="op", domain=DOMAIN),
        MakePlannedCall(operation="op", domain=DOMAIN, call=call),
    ):
        with pytest.raises(Refused):
            await site.execute(command)
        assert site.check(command) and await site.lacking(command)
    with pytest.raises(Refused):
        await site.points(DOMAIN)
    assert (await site.hazards(DOMAIN, ())).warns == ()
    assert (await site.protected_site(DOMAIN)).state == "unknown"
    assert stand_in.count() == requests
    await site.close()


async def test_a_refused_request_leaves_no_operation(stand_in: StandIn, tmp_path: Path) -> None:
    site, _ = site_of(stand_in)
    assert isinstance(site, RecoverySite)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        for action, reason in menu(controller.desk.domain(DOMAIN), controller.watcher.now()):
            request = Request(
                action=action.name,
                domain=DOMAIN,
                type=FailoverType.REGULAR if action.name == "cfo_complete" else None,
                to=controller.watcher.now() if action.name == "pitr_run" else None,
            )
            with pytest.raises(NotAccepted) as refusal:
                await controller.desk.submit(request, ANNA)
            assert refusal.value.code == "rule" and str(refusal.value) == reason
        assert not controller.recorder.operations and controller.maintenance.has_duties() is False
        stand_in.say(DOMAIN_ID, idle())
        await eventually(lambda: controller.desk.domain(DOMAIN).session is None)
        assert controller.desk.domain(DOMAIN).mode is Mode.UNKNOWN
        kinds = [event.kind for event in controller.journal.events()]
        assert "accepted" not in kinds and "site_step" in kinds
