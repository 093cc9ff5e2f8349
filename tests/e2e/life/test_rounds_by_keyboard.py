"""Three rounds of a domain's life by keyboard, the console on the controller of two vCenters or a site."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drdeck.model.domains import Mode
from tests.support.deck import Deck
from tests.support.life.keyboard import Operator
from tests.support.life.rounds import (
    ROUNDS,
    check_round,
    foreign_disk,
    left,
    other_side_owns,
    other_side_released,
    replicate,
)
from tests.support.life.seat import look_there, seated
from tests.support.life.training_life import (
    FOREIGN_DISK,
    LIFE_SETTINGS,
    check_training_log,
    check_training_round,
)
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

pytestmark = pytest.mark.timeout(900)


async def fails_over(operator: Operator) -> None:
    """A failover with its session up to the commit: the way there of each round."""
    await operator.starts()
    await operator.completes()
    await operator.rolls_back(1)
    await operator.leaves()
    await operator.act("Commit Failover", "The failover stands")
    await operator.until(lambda d: d.committed_at, "committed")


async def a_test_with_a_foreign_disk(operator: Operator, tests: TrialFlow) -> None:
    """Somebody attaches a disk to a test VM: it stays, and is named, until the disk is detached."""
    await operator.begins_test()
    file = foreign_disk(tests)
    await operator.ends_test()
    alarm = f"its disk {file} is not in its own directory; detach it"
    await operator.detaches(file, f"drdeck-test-{DOMAIN}-{VMS[0]}", alarm)
    assert tests.clones() == []


async def one_round(tests: TrialFlow, there: VCenter, number: int) -> None:
    async with seated(tests.flow.deck, DOMAIN) as operator:
        if number == 0:
            await a_test_with_a_foreign_disk(operator, tests)
        else:
            await operator.tests()
        await fails_over(operator)
        await operator.idle()
        other_side_owns(tests.flow, there, f"op-there{number}")
        await look_there(tests.flow.deck, DOMAIN)
        off = "owned there, and off here"
        await operator.until(
            lambda d: d.way_back.owned_there and d.vms_total and not tests.flow.power() - {"off"}, off
        )
        await operator.act("Release Domain", "Waits for replicas until each VM")
        await operator.until(lambda d: d.mode is Mode.RELEASING, "waits for replicas")
        replicate(tests.flow, number + 1)
        await operator.until(lambda d: d.mode is Mode.IMPORTED, "imported again")
        await operator.idle()
        other_side_released(there)
        await look_there(tests.flow.deck, DOMAIN)
        await operator.until(lambda d: not d.way_back.owned_there, "given back there")


def test_three_rounds_by_keyboard(make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, protected=protected_vcenter)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    before = left(tests, protected_vcenter)
    for number in range(ROUNDS):
        asyncio.run(one_round(tests, protected_vcenter, number))
        after = left(tests, protected_vcenter)
        # the wizard was left at the first network that it offers, where the VMs have been since
        check_round(before, after, number, ["DC0_DVPG1"])
        before = after


async def test_three_rounds_by_keyboard_on_a_training_site(tmp_path: Path) -> None:
    LIFE_SETTINGS.write(tmp_path)
    deck = Deck(tmp_path, LIFE_SETTINGS.toml)
    try:
        before = deck.domain("erp")
        for number in range(ROUNDS):
            async with seated(deck, "erp", "training-life") as operator:
                await operator.begins_test()
                await operator.ends_test()
                if number == 0:
                    alarm = "a disk of another VM is attached to it; detach it"
                    await operator.detaches(FOREIGN_DISK, "drdeck-test-erp-db1", alarm)
                await operator.until(lambda d: d.trial is None and d.tested, "the test is over")
                await operator.idle()
                await fails_over(operator)
                await operator.act("Failback", "Failback")
                await operator.until(lambda d: d.mode is Mode.IMPORTED, "imported again")
                await operator.idle()
            after = deck.domain("erp")
            check_training_round(before, after, number)
            before = after
        check_training_log(deck)
    finally:
        deck.stop()
