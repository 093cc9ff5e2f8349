"""No window steals a key: keys go where the focus will be, a yes that came too early is dropped and said so,
and what ended meanwhile waits as a line."""

from __future__ import annotations

import asyncio

import pytest
from textual.events import Key

from drdeck.console.screens.run_pitr import RunPitrScreen
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.model.domains import FailoverType, Mode
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, changed, domain, in_session, operation

_NAMES = {"/": "slash", "\n": "enter", "\t": "tab", "?": "question_mark", ":": "colon"}


async def packet(deck: Deck, text: str) -> None:
    """All of it in one packet of a slow line: each key is there before the first has had its effect."""
    deck.pass_time(1.0)
    for char in text:
        printed = char if char.isprintable() else None
        event = Key(_NAMES.get(char, char), printed)
        event.set_sender(deck.app)
        deck.app.post_message(event)
    await deck.settle()


async def test_a_sequence_in_one_packet_does_what_it_says() -> None:
    client = FakeClient(domain(), in_session("mail"), in_session("mailing"))
    async with running(client) as deck:
        await packet(deck, "/mail\np")
        await deck.until(lambda: isinstance(deck.app.screen, RunPitrScreen), "Run PITR")
        await deck.sees("Run PITR of mail ")


async def test_keys_typed_ahead_of_a_dialog_go_to_it() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await packet(deck, "f2i")
        await deck.sees("(•) Planned Failover", "[x] Run PITR")
        await deck.press("tab", "enter")
        await deck.sees("PITR session")
    assert client.previewed[-1].type is FailoverType.PLANNED and client.previewed[-1].run_pitr


OPENERS = {
    "Complete": (domain(), "f"),
    "wizard": (domain(mode=Mode.IMPORTED), "m\n"),
    "exit without a rollback": (in_session("erp-prod"), "mj\n"),
    "exit after one": (in_session("erp-prod", rollbacks=1), "mj\n"),
    "quit": (domain(), "q"),
    "help": (domain(), "?"),
    "more": (domain(mode=Mode.RUNNING_IN_FAILOVER), "m"),
}


@pytest.mark.parametrize("what", OPENERS)
async def test_enter_typed_ahead_does_nothing_that_cannot_be_undone(what: str) -> None:
    """Five times, in the packet of the key that opens it; then escape leaves nothing behind."""
    of, keys = OPENERS[what]
    client = FakeClient(of)
    async with running(client) as deck:
        if keys == "q":
            deck.app.action_begin("quit")
            keys = ""
        await packet(deck, keys + "\n" * 5)
        await deck.settle()
        assert client.submitted == [] and deck.app.is_running
        await deck.press(*["escape"] * 6)
        await deck.sees("Protected Domains")
        await deck.until(lambda: deck.dialog is None, "nothing is left")
        assert client.submitted == []


async def test_a_yes_that_came_too_early_is_dropped_in_sight() -> None:
    client = FakeClient(in_session(rollbacks=1))
    async with running(client) as deck:
        await packet(deck, "mj\n\t\n")
        await deck.sees("Exit PITR Session", "enter came before this could be read")
        assert deck.focused() == "yes" and client.submitted == []
        await deck.press("enter")
        await deck.until(lambda: bool(client.submitted), "submitted")


def ended(operation: OperationView, **result: str) -> OperationView:
    over: OperationView = changed(operation, state=OperationState.DONE, ended_at=NOW, result=result)
    return over


async def test_a_result_waits_while_something_else_is_open() -> None:
    open_one = operation(of="erp-test", id="op-7")
    client = FakeClient(domain(), domain("erp-test", Mode.COMPLETING), operations=(open_one,))
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "f")
        await deck.sees("Complete Continuous Failover")
        over = domain("erp-test", Mode.RUNNING_IN_FAILOVER)
        client.tell(domain(), over, operations=(ended(open_one, recovery_status="Success"),))
        await deck.press("3")
        await deck.sees("(•) Force Failover")
        await deck.becomes_quiet()
        await deck.sees("(•) Force Failover")
        await deck.press("escape")
        await deck.sees("r Results (1)")
        assert deck.dialog is None
        await deck.press("r")
        await deck.sees("Continuous Rehydration Task Result", "erp-test")
        await deck.press("enter")
        await deck.until(lambda: "Results (1)" not in deck.text, "read")


async def test_no_result_opens_while_somebody_types() -> None:
    open_one = operation(of="erp-prod", id="op-7")
    client = FakeClient(domain(mode=Mode.COMPLETING), operations=(open_one,))
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "j")
        client.tell(domain(mode=Mode.RUNNING_IN_FAILOVER), operations=(ended(open_one),))
        await deck.sees("Failover (force) of erp-prod: done", "r Results (1)")
        deck.app.dialog_queue.show_waiting()
        await deck.settle()
        assert deck.dialog is None
        await deck.becomes_quiet()
        await deck.sees("Continuous Rehydration Task Result")


async def test_a_result_waits_for_the_answer_to_a_request_and_is_not_lost() -> None:
    """No dialog is open then: the request itself is under way."""
    open_one = operation(of="erp-test", id="op-7")
    client = FakeClient(domain(), domain("erp-test", Mode.COMPLETING), operations=(open_one,))
    client.gate = asyncio.Event()
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "f", "tab", "enter")
        await deck.sees("Continuous rehydration")
        await deck.press("tab", "enter")
        await deck.until(lambda: deck.dialog is None, "handed over")
        over = domain("erp-test", Mode.RUNNING_IN_FAILOVER)
        client.tell(domain(), over, operations=(ended(open_one, recovery_status="Success"),))
        await deck.sees("r Results (1)")
        await deck.becomes_quiet()
        assert deck.dialog is None and "still waits for the controller" not in deck.text
        client.gate.set()
        await deck.until(lambda: bool(client.submitted), "submitted")
        await deck.becomes_quiet()
        await deck.sees("Continuous Rehydration Task Result", "erp-test")


async def test_no_result_opens_over_a_field_that_is_typed_into_however_slowly() -> None:
    open_one = operation(of="erp-prod", id="op-7")
    client = FakeClient(domain(mode=Mode.COMPLETING), operations=(open_one,))
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "/")
        client.tell(domain(mode=Mode.RUNNING_IN_FAILOVER), operations=(ended(open_one),))
        await deck.sees("Failover (force) of erp-prod: done")
        await deck.becomes_quiet()
        assert deck.dialog is None
        await deck.press("e", "escape", "escape")
        await deck.becomes_quiet()
        await deck.sees("Continuous Rehydration Task Result")


async def test_of_several_results_none_opens_and_a_key_lists_them() -> None:
    names = ("hr", "lab", "warehouse")
    going = tuple(operation(of=n, id=f"op-{n}") for n in names)
    client = FakeClient(*(domain(n, Mode.COMPLETING) for n in names), operations=going)
    async with running(client, first=None) as deck:
        await deck.sees("3 failovers are in progress")
        await deck.press("escape")
        over = tuple(ended(o, recovery_status="Unhealthy", vms_failing="2") for o in going)
        client.tell(*(domain(n, Mode.RUNNING_IN_FAILOVER) for n in names), operations=over)
        await deck.sees("r Results (3)")
        await deck.becomes_quiet()
        assert deck.dialog is None
        await deck.press("r")
        await deck.sees("Results", "2 VMs FAIL", "hr", "lab", "warehouse")
        await deck.press("enter")
        await deck.sees("Continuous Rehydration Task Result", "FAIL their check")
        await deck.press("enter", "escape")
        await deck.sees("r Results (2)")
