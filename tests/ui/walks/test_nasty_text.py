"""Text from outside is data: on no screen and in no dialog does it hide, move the cursor, or mean markup.

Every text of the site, of operations and of errors begins with an attack. What screens draw is looked at
before the last filter, so that each of them makes its texts harmless where it still knows how wide they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from drdeck.console import themes
from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.journal.operations import OperationState, OperationView, Question
from drdeck.model.alarms import Alarm, Finding, Severity
from drdeck.model.domains import Domain, Mode, Networks, Period, ProtectedSite, RunbookGroup, SessionState
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import (
    NOW,
    FakeClient,
    changed,
    domain,
    in_session,
    operation,
    steps,
    vm,
)
from tests.support.nasty import NASTY, nasty, raw

WIDE = (120, 40)
ALARM = Alarm(time=NOW, severity=Severity.WARNING, vm="erp-db01", kind="foreign", text="a snapshot by ann")
NETWORKS = Networks(protected=("A", "B"), recovery=("x", "y"), mapping={"A": "x"})
ASKS = Question(id="q1", kind="failed", text="It will not shut down", choices=("retry", "perhaps"))
VMS = (
    vm("erp-db01", status="odd", power="odd", error="the site's words", detail="more", group="db"),
    vm("erp-app01", detail="powering on", progress=42),
)


class Looker:
    """Presses keys, and looks at the whole screen after each."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck

    def look(self) -> None:
        text = self.deck.text
        assert raw(text) == [], text
        assert "<U+001B>" in text, f"nothing from outside is on it:\n{text}"

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.deck.press(key)
            assert raw(self.deck.text) == [], self.deck.text

    async def sees(self, *texts: str) -> None:
        await self.deck.sees(*texts)
        self.look()


@pytest.fixture(autouse=True)
def without_the_last_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(themes, "harmless", lambda text: text)


@asynccontextmanager
async def looking(client: FakeClient, size: tuple[int, int] = (80, 24), **more: Any) -> AsyncIterator[Looker]:
    async with running(client, size=size, **more) as deck:
        yield Looker(deck)


def fake(
    *domains: Domain, operations: tuple[OperationView, ...] = (), points: bool = True, **listing: Any
) -> FakeClient:
    """A client of whose texts every one is an attack."""
    attacks = nasty({"domains": domains, "operations": operations, "listing": listing})
    arguments: dict[str, Any] = {key.removeprefix(NASTY): value for key, value in attacks.items()}
    words = {key.removeprefix(NASTY): value for key, value in arguments["listing"].items()}
    client = FakeClient(
        *arguments["domains"], operations=arguments["operations"], **{"site": NASTY + "dr", **words}
    )
    client.restore_points = nasty(client.restore_points)
    lost = ProtectedSite(state="lost", address="vcsa.prod", detail="no route", checked_at=NOW)
    client.protected = changed(nasty(lost), state="lost")
    client.against = nasty(("the protected site answers",))
    finding = Finding.warn("privileges", "one is missing", "add it")
    client.doctor_findings = nasty((finding,))
    return client


def odd(name: str = "erp-prod", mode: Mode = Mode.SYNCHRONISED, **more: Any) -> Domain:
    fields: dict[str, Any] = {
        "alarms": (ALARM,),
        "networks": NETWORKS,
        "vms": VMS,
        "runbook": (RunbookGroup(group="db", vms=("erp-db01",)),),
        "replication": "odd",
    }
    return domain(name, mode, **{**fields, **more})


async def test_list_domain_steps_log_and_menus() -> None:
    client = fake(
        odd(steps=steps()), odd("web", Mode.IMPORTED), in_session("files", vms=VMS),
        operations=(operation("cfo_start", of="web"), operation(of="x", question=ASKS, id="op-2")),
        warnings=("certificate unchecked",),
    )  # fmt: skip
    async with looking(client, first=None) as at:
        await at.sees("A failover is in progress")
        await at.press("escape", "down", "up", "s", "s", "y")
        at.look()
        await at.press("slash", "o", "w", "n", "q", "z", "enter")
        await at.sees("no domain matches")
        await at.press("escape", "s", "s", "home", "enter")
        await at.sees("Protected VMs")
        await at.press("down", "y", "right")
        await at.sees("╵")
        await at.press("right")
        await at.sees("Runbook")
        await at.press("right")
        await at.sees("WARNING")
        await at.press("t")
        await at.sees("Task Steps of")
        await at.press("l")
        await at.sees("Task Log")
        await at.press("y", "enter")
        await at.press("escape", "D")
        await at.sees("Doctor", "add it")
        await at.press("y", "escape", "m")
        await at.sees("More")
        await at.press("down", "up", "escape", "colon")
        at.look()
        await at.press("x", "escape", "question_mark", "escape", "ctrl+q")
        await at.sees("continues without this console")


async def test_side_by_side() -> None:
    client = fake(odd(steps=steps()), in_session("files", vms=VMS), warnings=("certificate unchecked",))
    async with looking(client, WIDE) as at:
        await at.sees("Protected Domains", "Configurations")
        await at.press("down", "enter", "right")
        await at.sees("╵")
        await at.press("t")
        await at.sees("Task Steps of")


async def test_the_wizard() -> None:
    client = fake(odd("web", Mode.IMPORTED))
    async with looking(client) as at:
        await at.press("m", "enter")
        await at.sees("1. General")
        await at.press("enter")
        await at.sees("Recovery VM Network")
        await at.press("right", "down", "right", "enter", "enter")
        await at.sees("5. Summary")
        client.stale = [NASTY + "the state has changed"]
        await at.press("tab", "enter")
        await at.deck.until(lambda: not client.stale, "refused as stale")
        await at.press("escape")
        client.refuses = NASTY + "no"
        await at.press("m", "enter", "enter", "enter", "tab", "enter")
        await at.deck.settle()
        at.look()


async def test_completing() -> None:
    client = fake(odd(networks=Networks(protected=("A",), recovery=("A", "B"))))
    async with looking(client) as at:
        await at.press("f")
        await at.sees("Complete Continuous Failover for Protected Domain")
        await at.press("2", "1", "3", "i", "tab", "enter")
        await at.sees("PITR session")
        await at.press("y")
        await at.sees("Continuous rehydration")
        await at.press("y")
        await at.sees("not needed, the site is up")
        await at.press("y")
        await at.sees("Type the name of the domain")
        client.stale = [NASTY + "the protected site answers again"]
        client.protected = changed(client.protected, state="reachable", running=2, total=2)
        typed = at.deck.app.screen.query_one("Input")
        typed.value = client.domains[0].name  # type: ignore[attr-defined]
        await at.deck.settle()
        await at.press("escape")


async def test_a_session() -> None:
    past = (Period(start=NOW - timedelta(days=2), end=NOW - timedelta(days=1)),)
    more: dict[str, Any] = {"alarms": (ALARM,), "vms": VMS, "excluded": past}
    client = fake(in_session("files", rollbacks=1, **more), in_session("other", **more))
    async with looking(client) as at:
        await at.press("m", "enter")
        await at.sees("Run PITR of")
        await at.press("down", "y", "x", "enter", "backspace")
        await at.deck.type("10:02")
        await at.press("enter", "enter")
        await at.sees("Roll")
        client.refuses = NASTY + "the rule"
        await at.press("tab", "enter")
        await at.sees("the rule")
        await at.press("enter", "escape", "m", "down", "enter")
        await at.sees("Exit PITR Session")
        await at.press("escape", "escape", "home", "down", "m", "down", "enter")
        await at.sees("Type the name of the domain")


@pytest.mark.parametrize("state", list(SessionState))
async def test_states_of_a_session(state: SessionState) -> None:
    session = changed(in_session().session, state=state, waits_for="a task on a VM", vms=("erp-db01",))
    client = fake(in_session(session=session, vms=VMS), operations=(operation("pitr_run", of="files"),))
    async with looking(client) as at:
        await at.press("enter")
        at.look()
        await at.press("right", "t", "escape", "m", "up", "down")
        at.look()


async def test_what_comes_up_by_itself() -> None:
    asking = operation(question=ASKS)
    client = fake(odd(mode=Mode.COMPLETING), operations=(asking,))
    async with looking(client, first=None) as at:
        await at.sees("A failover is in progress")
        await at.press("enter", "enter")
        at.look()
        await at.press("a", "right", "left", "t")
        await at.sees("Task Steps of")
        result = {
            "type": "force", "vms_total": "2", "vms_recovered": "1", "skipped": "erp-db01", "odd": "x",
            "runbook:db": "Failed", "rolled_back_to": "then", "rto_s": "soon", "recovery_status": "Odd",
        }  # fmt: skip
        for state, error in ((OperationState.DONE, None), (OperationState.FAILED, "the site's words")):
            ended = operation(state=state, ended_at=NOW, result=result, error=error, waits_for="")
            attacks = nasty((odd(mode=Mode.RUNNING_IN_FAILOVER), (ended,)))
            # the end of a run's operation opens no window
            alone = tuple(msgspec.structs.replace(one, run="") for one in attacks[1])
            client.tell(attacks[0], operations=alone)
            await at.deck.becomes_quiet()
            if error is None:
                await at.deck.until(lambda: at.deck.dialog is not None, "the result")
            at.look()
            await at.press("escape", "l", "enter", "escape", "escape")
            client.tell(odd(mode=Mode.COMPLETING), operations=(operation(),))
            await at.deck.settle()


@pytest.mark.parametrize(
    "listing",
    [
        {"stale_s": 70.0, "error": "no route to host"},
        {"journal_error": "the disk is full"},
        {"warnings": ("the certificate is not checked", "another")},
        {"kind": "training", "read_only": True, "consoles": ("ann@jump1",)},
        {"error": "the site wants a password", "needs_password": True, "user": "drdeck", "seen_at": None},
    ],
)
async def test_the_top_line_and_what_is_wrong(listing: dict[str, Any]) -> None:
    client = fake(odd(), in_session(), **listing)
    async with looking(client, first=None) as at:
        await at.deck.until(lambda: "<U+001B>" in at.deck.text, "drawn")
        for key in ("", "escape", "enter", "t", "l", "escape", "escape", "f", "escape", "m", "up", "escape"):
            if key:
                await at.press(key)
            at.look()


@pytest.mark.parametrize(
    "more",
    [
        {"broken": "drdeck.mode is no JSON"},
        {"holder": "ben@jump2#1"},
        {"left_by": "ben@jump2#1"},
    ],
)
async def test_a_domain_that_is_not_ours_to_drive(more: dict[str, Any]) -> None:
    client = fake(odd(**more), odd("second"))
    async with looking(client) as at:
        await at.press("enter")
        at.look()
        await at.press("f", "escape", "m", *["down"] * 3, "enter")
        await at.deck.settle()
        at.look()


async def test_errors_of_questions() -> None:
    """What the points, the doctor and the log say when they cannot be had."""
    client = fake(odd(), in_session())

    async def fails(*_: object) -> Any:
        raise ControllerError("failed", NASTY + "it cannot be had")

    for name in ("points", "findings", "tasks", "preview"):
        setattr(client, name, fails)
    async with looking(client) as at:
        await at.press("enter", "right")
        await at.sees("it cannot be had")
        await at.press("escape", "l", "escape", "D")
        await at.sees("it cannot be had")
        await at.press("escape", "f")
        await at.sees("it cannot be had")
        await at.press("escape", "down", "m", "enter")
        await at.sees("it cannot be had")


async def test_adding_a_site() -> None:
    async def refused(answers: dict[str, Any]) -> str:
        raise ControllerError("failed", NASTY + "it says no")

    async with looking(fake(odd()), add_site=refused) as at:
        await at.press("S")
        await at.deck.sees("Add a vCenter site")
        for name in ("name", "url", "username", "root", "ca_file", "thumbprint", "password"):
            await at.deck.type("" if name in ("ca_file", "thumbprint") else "x")
            await at.press("enter")
        await at.press("enter")
        await at.sees("it says no")


async def test_a_controller_that_says_goodbye() -> None:
    client = fake(odd())
    client_lost = ControllerError("failed", NASTY + "another user is there")

    async def attach() -> Any:
        if client.closed.is_set():
            raise client_lost
        return client.as_client()

    async with running(attach) as deck:
        at = Looker(deck)
        client.lose()
        await at.sees("another user is there")
