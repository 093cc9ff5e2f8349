"""Alarms: shown, not acknowledged, and gone when their cause is."""

from __future__ import annotations

import pytest

from drdeck.model.actions.action_table import ACTIONS
from tests.site_contract.bench import VMS, Bench, MakeBench


def kinds(bench: Bench) -> set[str]:
    return {alarm.kind for alarm in bench.domain.alarms}


@pytest.mark.parametrize("state", ["synchronised", "owned"])
async def test_an_alarm_goes_with_its_cause_and_by_nothing_else(make: MakeBench, state: str) -> None:
    bench = await make(state=state, unsettled=True)
    before = kinds(bench)
    await bench.trouble()
    await bench.until(lambda d: {alarm.kind for alarm in d.alarms} > before)
    (alarm,) = (alarm for alarm in bench.domain.alarms if alarm.kind not in before)
    assert alarm.text and alarm.time <= bench.now() and alarm.vm in (None, *VMS)
    assert not any("acknowledge" in action.name + action.label.lower() for action in ACTIONS)
    await bench.look()
    assert alarm in bench.domain.alarms, "the same alarm, since the same time"
    await bench.mend()
    await bench.until(lambda d: {alarm.kind for alarm in d.alarms} == before)
