"""The console comes and goes, the controller too; bugs in a view do not take the console away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from drdeck.console.screens.domain_list import DomainsScreen
from drdeck.console.screens.plan_run import PlanRunScreen
from drdeck.controller.ipc import liveness
from drdeck.controller.ipc.client import Client, ControllerError, Disconnected
from drdeck.model.alarms import Finding
from drdeck.model.domains import Mode
from tests.support.console.console_deck import running
from tests.support.console.fake_client import Attach, FakeClient, domain, in_session, operation
from tests.support.console.plan_double import PlanningClient, mid_run


async def test_a_lost_controller_is_said_and_attached_again() -> None:
    first, second = FakeClient(domain()), FakeClient(domain("after"))
    clients = [first, second]
    gate: list[bool] = []

    async def attach() -> Client:
        if len(clients) == 1 and not gate:
            raise Disconnected("no controller answers")
        return clients.pop(0).as_client()

    async with running(attach) as deck:
        await deck.sees("erp-prod")
        first.lose()
        await deck.sees("NO CONTROLLER")
        assert "erp-prod" in deck.text
        await deck.press("m", "enter")
        await deck.until(lambda: deck.dialog is not None, "a refusal")
        await deck.press("enter")
        gate.append(True)
        await deck.sees("after")
        await deck.until(lambda: "NO CONTROLLER" not in deck.text, "attached")


async def test_a_controller_that_falls_silent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is stopped keeps its connections, and what it said last would look like news."""
    monkeypatch.setattr(liveness, "BEAT_S", 0.01)
    monkeypatch.setattr(liveness, "SILENT_S", 0.2)
    client = FakeClient(domain())
    async with running(client) as deck:
        await deck.sees("erp-prod")
        client.paused = asyncio.Event()
        await deck.sees("NO CONTROLLER", "the controller does not answer")
        await deck.press("f")
        await deck.until(lambda: deck.dialog is not None, "a refusal")
        await deck.press("enter")
        paused, client.paused = client.paused, None
        paused.set()
        await deck.until(lambda: "NO CONTROLLER" not in deck.text, "attached")
    assert client.previewed == []


async def test_the_open_domain_is_subscribed_again() -> None:
    clients = [FakeClient(domain()), FakeClient(domain())]
    first, second = clients

    async def attach() -> Client:
        return clients.pop(0).as_client()

    async with running(attach) as deck:
        await deck.press("enter")
        await deck.sees("erp-db01")
        assert first.watching == "erp-prod"
        first.lose()
        await deck.until(lambda: second.watching == "erp-prod", "subscribed")


async def test_a_version_that_does_not_fit_ends_the_console() -> None:
    async def attach() -> Client:
        raise ControllerError("version", "the controller speaks another version")

    async with running(attach, first=None) as deck:
        await deck.until(lambda: deck.app.final_error is not None, "the end")
        assert deck.app.return_code == 1


async def test_detach_leaves_everything_alone() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("d")
        await deck.until(lambda: not deck.app.is_running or deck.app._exit, "left")
    assert client.submitted == []


async def test_a_controller_that_does_not_answer_can_be_given_up() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        client.hangs = True
        await deck.press("f")
        await deck.press("m")
        await deck.sees("still waiting for the controller; 1 key dropped, escape gives it up")
        await deck.press("m")
        await deck.sees("the last action still waits for the controller")
        await deck.press("escape")
        await deck.sees("No longer waiting")
        client.hangs = False
        await deck.press("f")
        await deck.sees("Complete Continuous Failover")
    assert client.submitted == []


async def test_detaching_hands_over_what_was_confirmed() -> None:
    client = FakeClient(domain())
    client.gate = asyncio.Event()
    async with running(client) as deck:
        await deck.press("f", "tab", "enter", "tab", "enter", "d")
        await deck.sees("handing over what was asked")
        assert not deck.app._exit
        client.gate.set()
        await deck.until(lambda: deck.app._exit, "left")
    assert len(client.submitted) == 1


async def test_detaching_waits_for_what_a_refusal_says() -> None:
    client = FakeClient(domain())
    client.gate = asyncio.Event()
    client.refuses = "the protected VMs still run"
    async with running(client) as deck:
        await deck.press("f", "tab", "enter", "tab", "enter", "d")
        client.gate.set()
        await deck.sees("the protected VMs still run")
        assert not deck.app._exit


async def test_quit_says_what_goes_on() -> None:
    client = FakeClient(in_session(), operations=(operation("pitr_run", "files", waits_for="2 VMs"),))
    async with running(client) as deck:
        await deck.press("ctrl+q")
        await deck.sees("Run PITR of files continues without this console: 2 VMs", "not protected")
        await deck.press("escape")
        await deck.until(lambda: deck.dialog is None, "stays")
        await deck.press("ctrl+q", "y")
        await deck.until(lambda: deck.app._exit, "left")


async def test_the_password_is_asked_for() -> None:
    client = FakeClient(needs_password=True, clock=None, user="ann@vsphere.local", error="login needed")
    client.wrong_password = "wrong"
    async with running(client, first=None) as deck:
        await deck.sees("Password for dr-west", "ann@vsphere.local", "login needed")
        await deck.type("wrong")
        await deck.press("enter")
        await deck.sees("the site refuses this password")
        await deck.type("right")
        assert "right" not in deck.text.partition("Password for")[2].replace("rights", "")
        await deck.press("enter")
        await deck.until(lambda: client.secrets == ["right"], "sent")


async def test_a_bug_in_a_view_is_said_and_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(domain())
    async with running(client) as deck:

        def broken(*anything: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(DomainsScreen, "take", broken)
        client.tell(domain("other"))
        await deck.sees("Something could not be drawn (RuntimeError)")
        monkeypatch.undo()
        client.tell(domain("better"))
        await deck.sees("better")


async def test_a_row_that_cannot_be_drawn_leaves_the_others() -> None:
    client = FakeClient(domain("good"))
    async with running(client) as deck:
        client.tell(domain("good"), domain("bad", consistent_at="nonsense"))
        await deck.sees("this row cannot be drawn", "good")


async def test_a_domain_that_goes_away() -> None:
    client = FakeClient(domain(), domain("stays", Mode.IMPORTED))
    async with running(client) as deck:
        await deck.press("enter")
        await deck.sees("Protected VMs")
        client.tell(domain("stays", Mode.IMPORTED))
        await deck.sees("has no domain of this name any more")


@pytest.fixture
def cold() -> tuple[PlanningClient, asyncio.Event, Attach]:
    """A client, what lets it be reached, and the way to it: a controller that starts takes seconds."""
    client, there = PlanningClient(), asyncio.Event()

    async def attach() -> Client:
        await there.wait()
        return await client.attach()

    return client, there, attach


async def test_a_key_before_the_controller_is_there_waits(cold: Any) -> None:
    _, there, attach = cold
    async with running(attach, first=None) as deck:
        await deck.press("F")
        await deck.sees("waiting for the controller")
        there.set()
        await deck.sees("whole-site", "14 domains")
        assert "waiting for the controller" not in deck.text


async def test_a_run_that_is_open_is_shown_by_a_key_that_came_before_it(cold: Any) -> None:
    client, there, attach = cold
    client.show_run(mid_run())
    async with running(attach, first=None) as deck:
        await deck.press("F")
        there.set()
        await deck.until(lambda: isinstance(deck.app.screen, PlanRunScreen), "the run")


@pytest.mark.parametrize(("key", "shows"), [("l", "nothing was requested yet"), ("D", "vCenter answers")])
async def test_a_screen_opened_before_the_controller_is_there_fills(cold: Any, key: str, shows: str) -> None:
    client, there, attach = cold
    client.doctor_findings = (Finding.ok("site", "vCenter answers"),)
    async with running(attach, first=None) as deck:
        await deck.press(key)
        await deck.settle()
        assert "controller is attached" not in deck.text
        there.set()
        await deck.sees(shows)


@pytest.mark.parametrize("key", ["f", "m", "t", "n", "A"])
async def test_nothing_is_called_none_before_the_site_was_seen(cold: Any, key: str) -> None:
    _, _, attach = cold
    async with running(attach, first=None) as deck:
        await deck.press(key)
        row = deck.text.splitlines()[-1] if key != "A" else deck.text
        assert "waiting for the site" in row


async def test_a_key_that_waits_is_told_why_there_is_no_controller() -> None:
    fails = asyncio.Event()

    async def attach() -> Client:
        await fails.wait()
        raise Disconnected("the controller could not be reached")

    async with running(attach, first=None) as deck:
        await deck.press("F")
        fails.set()
        await deck.until(lambda: deck.dialog is not None, "the reason")
        await deck.sees("Not possible", "could not be reached")
