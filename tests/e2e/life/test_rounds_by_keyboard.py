"""Three rounds of a domain's life by keyboard, the console on the controller of two vCenters or a site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drdeck.controller.ipc.client import Client
from drdeck.controller.process.paths import paths_for
from drdeck.model.actions.request import Request
from drdeck.model.domains import Mode
from tests.support.console.console_deck import running
from tests.support.deck import SITE, Deck
from tests.support.life.keyboard import Operator
from tests.support.life.rounds import (
    ROUNDS,
    check_left,
    kept,
    other_side_owns,
    other_side_released,
    replicate,
)
from tests.support.life.training_life import LIFE_SETTINGS, check_training_left, training_kept
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

pytestmark = pytest.mark.timeout(900)


@asynccontextmanager
async def seated(deck: Deck, site: str, domain: str) -> AsyncIterator[Operator]:
    """An operator at a console of the deck's controller, which runs."""

    async def attach() -> Client:
        client = Client(paths_for(site, deck.state).socket, "console")
        await client.connect()
        return client

    async with running(attach, size=(100, 30)) as console:
        await console.sees(domain)
        yield Operator(console, domain)


async def look_there(deck: Deck) -> None:
    """Have drdeck look at the other side now: no vCenter tells that an attribute changed."""
    client = Client(paths_for(SITE, deck.state).socket, "console")
    await client.connect()
    await client.preview(Request(action="failover_undo", domain=DOMAIN))
    await client.close()


async def fails_over(operator: Operator) -> None:
    """A test, and a failover with its session up to the commit: the way there of each round."""
    await operator.tests()
    await operator.starts()
    await operator.completes()
    await operator.rolls_back(1)
    await operator.leaves()
    await operator.act("Commit Failover", "The failover stands")
    await operator.until(lambda d: d.committed_at, "committed")


async def one_round(tests: TrialFlow, there: VCenter, number: int) -> None:
    async with seated(tests.flow.deck, SITE, DOMAIN) as operator:
        await fails_over(operator)
        await operator.idle()
        other_side_owns(tests.flow, there, f"op-there{number}")
        await look_there(tests.flow.deck)
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
        await look_there(tests.flow.deck)
        await operator.until(lambda d: not d.way_back.owned_there, "given back there")


def test_three_rounds_by_keyboard(make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, protected=protected_vcenter)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    left = []
    for number in range(ROUNDS):
        asyncio.run(one_round(tests, protected_vcenter, number))
        left.append(kept(tests))
    # the wizard was left at the first network that it offers, where the VMs have been since
    check_left(tests, left, {vm: ["DC0_DVPG1"] for vm in VMS})


async def test_three_rounds_by_keyboard_on_a_training_site(tmp_path: Path) -> None:
    LIFE_SETTINGS.write(tmp_path)
    deck, left = Deck(tmp_path, LIFE_SETTINGS.toml), []
    try:
        deck.run("domains")
        for _ in range(ROUNDS):
            async with seated(deck, "training-life", "erp") as operator:
                await fails_over(operator)
                await operator.act("Failback", "Failback")
                await operator.until(lambda d: d.mode is Mode.IMPORTED, "imported again")
                await operator.idle()
            left.append(training_kept(deck))
        check_training_left(deck, left)
    finally:
        deck.stop()
