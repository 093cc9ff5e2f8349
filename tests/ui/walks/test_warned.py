"""What must not be overlooked: a view out of date, a question's choices, what is refused, what is cut."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.console.format import plain_of
from drdeck.console.widgets.domain_columns import domain_row
from drdeck.console.widgets.text_lines import Lines
from drdeck.console.widgets.timeline import opening_zoom, sparkline
from drdeck.controller.journal.operations import Question
from drdeck.model.alarms import Health
from drdeck.model.domains import FailoverType, Mode, Owner, ProtectedSite, StepState
from drdeck.model.pitr import Points
from tests.support.console.console_deck import running
from tests.support.console.fake_client import (
    NOW,
    FakeClient,
    changed,
    domain,
    in_session,
    operation,
    points,
    steps,
    vm,
)

STALE: dict[str, Any] = {"stale_s": 70.0, "error": "no route to host", "kind": "training"}


@pytest.mark.parametrize("name", ["files", "a-domain-with-a-rather-long-name"])
async def test_a_stale_view_is_told_beside_an_unprotected_session(name: str) -> None:
    async with running(FakeClient(in_session(name), **STALE), environ={"LANG": "C.UTF-8"}) as deck:
        for keys in ((), ("enter",), ("t",)):
            await deck.press(*keys)
            top = deck.text.splitlines()[0]
            assert "STALE" in top and "UNPROTECTED" in top and "10:42Z" in top
        await deck.press("escape")
        await deck.sees("no route to host. Shown: 10:42:07Z")


async def test_a_lost_controller_is_told_beside_an_unprotected_session() -> None:
    client = FakeClient(in_session(), **STALE)
    async with running(client) as deck:
        client.lose()
        await deck.until(lambda: "NO CONTROLLER" in deck.text.splitlines()[0], "the word")


async def test_left_and_right_move_between_the_choices() -> None:
    asks = operation(
        question=Question(id="q1", kind="site", text="did not shut down", choices=("retry", "abort"))
    )
    busy = domain(mode=Mode.COMPLETING)
    client = FakeClient(busy, operations=(asks,))
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("enter", "enter", "a", "right")
        await deck.sees("[ Retry ] [>Abort<]", "[Protected VMs]")
        await deck.press("right", "left", "right", "enter")
        await deck.sees(">Cancel<")
        assert client.answers == []


@pytest.mark.parametrize("keys", [("question_mark",), ("enter", "question_mark")])
async def test_help_has_its_button_at_80_columns(keys: tuple[str, ...]) -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press(*keys)
        await deck.sees("Keys of this screen", "[>Dismiss<]")
        await deck.press(*["down"] * 20)
        await deck.sees("Detach", "Quit", "[>Dismiss<]")


@pytest.mark.parametrize("width", [54, 56, 76])
def test_the_rehydrations_can_be_told_apart(width: int) -> None:
    row = plain_of(domain_row(domain(mode=Mode.SYNCHRONISED), width, NOW))
    assert "In sync" in row
    assert "Rehydrating" in plain_of(domain_row(domain(mode=Mode.REHYDRATING), width, NOW))


def test_list_and_domain_count_alike() -> None:
    completing = domain(mode=Mode.COMPLETING, owner=Owner.REMOTE)
    assert "2/2" in plain_of(domain_row(completing, 76, NOW))


async def test_the_acts_that_are_open_stand_on_the_screen() -> None:
    async with running(FakeClient(in_session(), domain())) as deck:
        await deck.sees("p Run PITR  m More")
        await deck.press("enter")
        await deck.sees("[p Run PITR]  [m More: Exit PITR Session]", "p Run PITR")
        assert "Failover]" not in deck.text
        await deck.press("escape", "j", "enter")
        await deck.sees("[f Failover]  [m More: Cancel Continuous Failover]")


async def test_a_refused_type_looks_closed_and_says_why() -> None:
    client = FakeClient(domain())
    client.protected = ProtectedSite(state="reachable", running=2, total=2, checked_at=NOW)
    async with running(client) as deck:
        open_one = client.preview

        async def preview(request: Any) -> Any:
            refusal = "2 VMs still run there" if request.type is FailoverType.PLANNED else None
            return changed(await open_one(request), refusal=refusal)

        client.preview = preview  # type: ignore[method-assign]
        await deck.press("f")
        await deck.sees("[ Complete Failover ]", "answers")
        await deck.press("2")
        await deck.sees("( Complete Failover )", "Not possible now: 2 VMs still run there")
        while deck.focused() != "complete":
            await deck.press("tab")
        await deck.press("enter")
        await deck.sees("(>Complete Failover<)", "Not possible now")
        assert deck.dialog is not None and client.submitted == []


async def test_task_steps_follow_the_current_step() -> None:
    many = tuple(
        changed(steps()[0], number=n, of=30, label=f"Step {n}", state=StepState.DONE) for n in range(1, 30)
    )
    last = changed(steps()[1], number=30, of=30)
    busy = vm("erp-db01", status="recovering", error="a long word of the site " * 4 + "END")
    others = tuple(vm(f"erp-app{n:02}", status="recovering") for n in range(1, 40))
    client = FakeClient(domain(mode=Mode.COMPLETING, steps=(*many, last), vms=(busy, *others)))
    async with running(client) as deck:
        await deck.press("t")
        await deck.sees("▶ 30", "erp-db01", "END")
        await deck.press("end")
        await deck.sees("erp-app39")
        await deck.press("home")
        await deck.sees("1 to 29")
        client.tell(*client.domains, stale_s=1.0)
        await deck.sees("1 to 29", "STALE")


def test_a_steady_rate_is_a_low_line() -> None:
    assert set(sparkline([5.0] * 9, 5.0)) <= set("▁▂")
    assert sparkline([1.0] * 9 + [100.0], 1.0)[-1] == "█"
    assert set(sparkline([0.1] * 9 + [5.0], 5.0)) <= set("▁▂"), "what is usual is low beside less"


def test_a_long_window_opens_on_its_last_hours() -> None:
    whole = domain()
    assert opening_zoom(whole, points(12), NOW) == 0
    for hinted, zoom in ((None, 2), (5, 2), (60, 1), (300, 0)):
        many = [changed(p, hint="x" if i == hinted else None) for i, p in enumerate(points(400).points)]
        assert opening_zoom(whole, Points(points=tuple(many), window_to=NOW), NOW) == zoom


async def test_points_that_are_reset_leave_the_timeline_at_once() -> None:
    client = FakeClient(in_session("files"))
    async with running(client) as deck:
        await deck.press("enter", "right")
        await deck.sees("─✗─")
        client.restore_points = points(0)
        client.tell(in_session("files", reset_at=NOW, points=0))
        await deck.until(lambda: "─✗─" not in deck.text, "nothing of them")


async def test_what_is_counted_in_a_stale_view_is_dimmed_as_its_rows_are() -> None:
    """A green "2 of 2 ok" above dimmed rows would be as old as they are."""
    sound = in_session(vms=(vm("erp-app01", health=Health.OK), vm("erp-db01", health=Health.OK)))
    for more, styles in (({}, ["head", "ok"]), (STALE, ["head", "dim"])):
        async with running(FakeClient(sound, **more)) as deck:
            await deck.press("enter")
            await deck.sees("Health 2 of 2 ok")
            header = deck.app.screen.query_one("#pane-header", Lines)
            assert [style for text, style in header._lines[0] if text.strip()] == styles
