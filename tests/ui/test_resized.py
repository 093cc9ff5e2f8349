"""A terminal that changes its size: what lies behind a screen takes nothing from it."""

from __future__ import annotations

import pytest

from drdeck.console.screens.domain_screen import DomainScreen
from drdeck.model.domains import Mode, Networks, Step, StepState
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain, vm

SIZES = [((80, 24), (100, 30)), ((80, 24), (120, 40)), ((130, 40), (80, 22))]


@pytest.mark.parametrize(("before", "after"), SIZES)
async def test_a_domain_is_still_known_after_a_resize(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    client = FakeClient(domain("erp-prod"), domain("files", networks=Networks(protected=("VM_9",))))
    async with running(client, size=before) as deck:
        await deck.press("down", "enter")
        await deck.until(lambda: isinstance(deck.app.screen, DomainScreen), "the domain")
        await deck.sees("erp-app01")
        await deck.pilot.resize_terminal(*after)
        await deck.settle()
        assert client.watching == "files"
        client.tell(*client.domains)
        await deck.sees("erp-app01")
        await deck.press("right", "right")
        await deck.sees("VM_9")


async def test_a_list_that_becomes_wide_shows_the_domain_under_its_cursor() -> None:
    client = FakeClient(domain("erp-prod"), domain("files"))
    async with running(client) as deck:
        await deck.press("down")
        assert client.watching is None
        await deck.pilot.resize_terminal(130, 40)
        await deck.until(lambda: client.watching == "files", "it is watched")
        await deck.pilot.resize_terminal(80, 24)
        await deck.until(lambda: client.watching is None, "no more")


async def test_the_help_tells_of_more_wherever_there_is_some() -> None:
    async with running(FakeClient(domain("erp-prod")), size=(80, 40)) as deck:
        await deck.press("question_mark")
        await deck.sees("Keys of this screen")
        assert "↓ more" not in deck.text
        await deck.pilot.resize_terminal(80, 22)
        await deck.sees("↓ more")
        await deck.press(*["down"] * 20)
        await deck.until(lambda: "↓ more" not in deck.text, "the end")
        await deck.press("up")
        await deck.sees("↓ more")
        await deck.pilot.resize_terminal(80, 40)
        await deck.until(lambda: "↓ more" not in deck.text, "all is seen")


async def test_steps_that_are_done_are_one_line_where_there_is_no_room() -> None:
    labels = [f"Step called {chr(65 + n)}" for n in range(15)]
    done = [StepState.DONE] * 13 + [StepState.CURRENT, StepState.PENDING]
    steps = tuple(
        Step(number=i, of=15, label=label, state=state)
        for i, (label, state) in enumerate(zip(labels, done, strict=True), 1)
    )
    busy = tuple(vm(f"vm{n}", status="recovering", progress=5) for n in range(6))
    async with running(FakeClient(domain("erp-prod", Mode.COMPLETING, steps=steps, vms=busy))) as deck:
        await deck.press("t")
        await deck.sees("1 to 13  of 15 steps  done", *labels[13:], "vm5")
        assert labels[0] not in deck.text
        await deck.pilot.resize_terminal(80, 40)
        await deck.sees(*labels)
