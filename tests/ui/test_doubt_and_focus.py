"""A question whether something was done, and the focus: below a dialog, and in a menu opened early."""

from __future__ import annotations

import pytest

from drdeck.console.dialogs.action_lists import Item, MoreMenu
from drdeck.console.widgets.input_field import Field
from drdeck.controller import questions
from drdeck.controller.journal.operations import Operation, Question
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, Mode
from drdeck.model.planned import PlannedCall
from tests.support.console.console_deck import running
from tests.support.console.fake_client import NOW, FakeClient, domain, in_session, operation


def doubt(*says: str) -> Question:
    request = Request(action="cfo_complete", domain="erp-prod", type=FailoverType.FORCE)
    op = Operation(id="op-1", request=request, actor="ann@jump1", asked_at=NOW)
    calls = [
        PlannedCall(key=phrase, kind="_".join(words), name=name, says=phrase)
        for phrase in says
        for *words, name in [phrase.split()]
    ]
    return questions.unknown(op, ["k"], says, domain(mode=Mode.COMPLETING), calls)


@pytest.mark.parametrize(
    ("says", "sentence", "buttons"),
    [
        (("power on erp-db01",), "Did erp-db01 power on?", ("It did", "It did not: power it on")),
        (
            ("power on a", "power on b"), "Did a, b power on?", ("It did", "It did not: power them on"),
        ),
        (
            ("power on there db",), "Was this done: power on there db?", ("It was done", "It was not: do it"),
        ),
        (("revert erp-db01",), "Was this done: revert erp-db01?", ("It was done", "It was not: do it")),
        (
            ("power on a", "revert b"),
            "Was this done: power on a; revert b?",
            ("It was done", "It was not: do it"),
        ),
    ],
)  # fmt: skip
async def test_a_doubt_is_two_lines_and_what_happened_is_answered(
    says: tuple[str, ...], sentence: str, buttons: tuple[str, str]
) -> None:
    open_one = operation(question=doubt(*says), unknown=True)
    for number, choice in enumerate(("confirm", "retry")):
        client = FakeClient(domain(mode=Mode.COMPLETING), operations=(open_one,))
        async with running(client, first=None) as deck:
            await deck.sees("A failover is in progress")
            await deck.press("escape", "enter")
            row = f"[ {buttons[0]} ] [ {buttons[1]} ]"
            await deck.sees(sentence, "and got no answer. Look in vCenter, then:", row)
            lines = deck.text.splitlines()
            at = next(i for i, line in enumerate(lines) if line.startswith(f" ? {sentence[:20]}"))
            assert row in lines[at + 2], "two lines, then the answers"
            await deck.press("a", *["right"] * number, "enter")
            await deck.sees("Seen now: erp-prod is", f"[ {buttons[number]} ]")
            assert "then answer confirm" not in deck.text
            await deck.press("tab", "enter")
            await deck.until(lambda c=client: bool(c.answers), "answered")  # type: ignore[misc]
            assert client.answers[0][:2] == ("op-1", choice)


async def test_a_button_behind_a_dialog_does_not_look_focused() -> None:
    async with running(FakeClient(in_session("files"))) as deck:
        await deck.press("p")
        await deck.sees("Run PITR of files")
        while deck.focused() != "run":
            await deck.press("tab")
        await deck.sees("[>Run PITR<]")
        await deck.press("question_mark")
        await deck.sees("Keys of this screen")
        await deck.press("escape", "enter")
        await deck.sees("[>Cancel<]", "[ Run PITR ]")
        assert "[>Run PITR<]" not in deck.text
        await deck.press("escape")
        await deck.sees("[>Run PITR<]")


async def test_a_button_below_a_menu_is_no_button() -> None:
    async with running(FakeClient(in_session("files"))) as deck:
        await deck.press("p")
        await deck.sees("[ Run PITR ]")
        await deck.press("m")
        await deck.sees("Exit PITR Session", "  Run PITR")
        assert "[ Run PITR ]" not in deck.text
        await deck.press("escape")
        await deck.sees("[ Run PITR ]")


async def test_a_field_below_a_dialog_has_no_cursor() -> None:
    async with running(FakeClient(in_session("files"))) as deck:
        await deck.press("slash", *"fil")
        field = deck.app.screen.query_one(Field)

        def looks() -> list[object]:
            return [(segment.text, segment.style) for segment in field.render_line(0) if segment.text]

        with_cursor = looks()
        await deck.press("ctrl+q")
        await deck.sees("[>Cancel<]")
        assert field.has_focus and len(looks()) < len(with_cursor), "one run of text, nothing in reverse"
        await deck.press("escape")
        await deck.until(lambda: looks() == with_cursor, "the cursor again")


async def test_a_menu_that_was_opened_early_ends_on_the_next_act() -> None:
    late = "its VMs are read now"
    plan = Item("plan", "Failover Plan ...")
    closed = (Item("cfo_start", "Continuous Failover", closed=late), Item("f", "Failover", closed=late), plan)
    opened = (Item("cfo_start", "Continuous Failover"), Item("f", "Failover"), plan)
    async with running(FakeClient(domain())) as deck:
        for keys, ends in (
            ((), "Continuous Failover"),
            (("up",), "Failover"),
            (("up", "down"), "Failover Plan"),
        ):
            items = list(closed)
            menu = MoreMenu(lambda now=items: tuple(now))  # type: ignore[misc]
            deck.app.push_screen(menu)
            await deck.sees("> Failover Plan ...")
            await deck.press(*keys)
            items[:] = opened
            menu.take(deck.app.state)
            await deck.sees(f"> {ends}")
            items[:] = (Item("cfo_start", "Continuous Failover", closed=late), *opened[1:])
            menu.take(deck.app.state)
            await deck.sees(f"> {ends}")
            await deck.press("escape")


async def test_beside_the_list_a_question_is_read_in_full() -> None:
    """Also the first one, while the width of the bar is not known yet."""
    text = (
        "erp-app04 did not power on: the host had no resources for it. Retry, or skip it: it stays off then."
    )
    asks = Question(id="q1", kind="failed", text=text, choices=("retry", "skip"))
    client = FakeClient(domain(mode=Mode.COMPLETING), domain("web"))
    async with running(client, size=(120, 40)) as deck:
        await deck.sees("[Protected VMs]   PITR    Settings    Alarms")
        client.tell(*client.domains, operations=(operation(question=asks),))
        await deck.sees("[ Retry ] [ Skip ]")

        def pane() -> str:
            return " ".join(line.rpartition("│")[2].strip() for line in deck.text.splitlines())

        await deck.until(lambda: f"needs you: {text}" in pane(), "all of it")
