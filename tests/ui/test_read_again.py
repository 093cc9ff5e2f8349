"""What could not be read while there was no controller is read when there is one again."""

from __future__ import annotations

import asyncio

import pytest

from drdeck.controller.ipc.client import Client
from drdeck.model.alarms import Finding
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, in_session, points
from tests.support.console.plan_double import PlanningClient, mid_run

WAYS = {
    "task log": ((), ("l",), "nothing was requested yet"),
    "doctor": ((), ("D",), "vCenter answers"),
    "PITR tab": (("enter",), ("right",), "╵"),
    "plan's Run PITR": (("F",), ("p",), "spread"),
}
"""keys before the controller is lost, keys while it is, and what is read then"""


@pytest.mark.parametrize("way", WAYS)
async def test_opened_while_the_controller_is_lost(way: str) -> None:
    before, meanwhile, shows = WAYS[way]
    of_plan = way.startswith("plan")
    clients: list[FakeClient] = [
        PlanningClient(mid_run()) if of_plan else FakeClient(in_session()) for _ in range(2)
    ]
    for client in clients:
        client.doctor_findings = (Finding.ok("site", "vCenter answers"),)
        client.restore_points = points()
    there = asyncio.Event()
    first = clients[0]

    async def attach() -> Client:
        if len(clients) == 1:
            await there.wait()
        return clients.pop(0).as_client()

    async with running(attach) as deck:
        await deck.press(*before)
        await deck.settle()
        first.lose()
        await deck.sees("NO CONTROLLER")
        await deck.press(*meanwhile)
        await deck.settle()
        assert shows not in deck.text
        there.set()
        await deck.sees(shows)
