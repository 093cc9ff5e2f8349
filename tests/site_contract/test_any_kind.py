"""The rules of every kind of site, those included that can only be looked at."""

from __future__ import annotations

import pytest

from drdeck.model.actions.action_table import ACTIONS, menu
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.domains import FailoverType
from drdeck.sites.contract import RecoverySite
from tests.site_contract.bench import ANNA, Bench
from tests.site_contract.on_jetstream import JetStreamBench

AnyBench = Bench | JetStreamBench


def kinds(bench: AnyBench) -> set[str]:
    return {alarm.kind for alarm in bench.domain.alarms}


def test_it_is_a_recovery_site(any_site: AnyBench) -> None:
    assert isinstance(any_site.site, RecoverySite) or isinstance(any_site, Bench)
    assert any_site.site.kind in ("training", "vsphere", "jetstream") and any_site.site.parallel >= 1


async def test_what_is_observed_is_newer_than_all_before(any_site: AnyBench) -> None:
    observed = []
    for _ in range(3):
        before = any_site.controller.view
        assert before is not None
        observed.append((await any_site.site.observe()).serial)
        assert observed[-1] > before.serial
        await any_site.look()
    assert observed == sorted(set(observed))


async def test_an_alarm_goes_with_its_cause_and_by_nothing_else(any_site: AnyBench) -> None:
    before = kinds(any_site)
    await any_site.trouble()
    await any_site.until(lambda d: {alarm.kind for alarm in d.alarms} > before)
    new = [alarm for alarm in any_site.domain.alarms if alarm.kind not in before]
    assert all(alarm.text for alarm in new)
    await any_site.look()
    assert all(alarm in any_site.domain.alarms for alarm in new), "the same, since the same time"
    await any_site.mend()
    await any_site.until(lambda d: {alarm.kind for alarm in d.alarms} == before)


async def test_a_dimmed_item_is_refused_in_its_own_words_and_leaves_nothing(any_site: AnyBench) -> None:
    items = menu(any_site.domain, any_site.controller.watcher.now())
    dimmed = [(action, reason) for action, reason in items if reason is not None]
    if any_site.site.kind == "jetstream":
        assert len(dimmed) == len(items) > 3
    for action, reason in dimmed:
        request = any_site.asks(
            action.name,
            type=FailoverType.REGULAR if action.name == "cfo_complete" else None,
            to=any_site.controller.watcher.now() if action.name == "pitr_run" else None,
        )
        with pytest.raises(NotAccepted) as refusal:
            await any_site.controller.desk.submit(request, ANNA)
        assert (refusal.value.code, str(refusal.value)) == ("rule", reason)
    assert not any_site.controller.recorder.operations
    assert "accepted" not in [event.kind for event in any_site.controller.journal.events()]


@pytest.mark.parametrize("action", [action.name for action in ACTIONS if action.menu])
async def test_of_a_domain_that_is_not_there_nothing_can_be_asked(any_site: AnyBench, action: str) -> None:
    request = any_site.asks(action, type=FailoverType.REGULAR if action == "cfo_complete" else None)
    with pytest.raises(NotAccepted) as refusal:
        await any_site.controller.desk.submit(type(request)(action=action, domain="nowhere"), ANNA)
    assert "nowhere" in str(refusal.value) and any_site.name in str(refusal.value)
    assert not any_site.controller.recorder.operations


async def test_findings_come_whatever_is_wrong_and_close_may_come_twice(any_site: AnyBench) -> None:
    assert all(f.level in ("ok", "warn", "fail") and f.text for f in await any_site.site.findings())
    await any_site.site.close()
    assert await any_site.site.findings() is not None
    await any_site.site.close()
