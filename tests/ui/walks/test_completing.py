"""A failover completed by keyboard: few keys, safe dialogs, and exactly what was asked."""

from __future__ import annotations

import msgspec
import pytest

from drdeck.controller.journal.operations import OperationState, Question
from drdeck.model.domains import FailoverType, Health, Mode, PitrPolicy, ProtectedSite
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, changed, domain, in_session, operation


async def test_force_with_pitr_takes_ten_keys_and_the_name() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await deck.press("f")
        await deck.sees("Complete Continuous Failover for Protected Domain erp-prod")
        await deck.sees("Planned Failover", "Force Failover", "Run PITR after recovering VMs", "Cancel")
        await deck.sees("Complete Failover", "Protected site", "does not answer", "Not checked:")
        assert deck.focused() == "cancel"
        await deck.press("3", "i", "tab", "enter")
        await deck.sees("PITR session", "y Continue")
        assert deck.focused() == "cancel"
        await deck.press("y")
        await deck.sees("Continuous rehydration", "y Continue")
        assert deck.focused() == "cancel"
        await deck.press("y")
        await deck.sees("Force failover", "complete ownership", "Cancel", "Confirm")
        assert deck.focused() == "cancel"
        await deck.type("erp-prod")
        await deck.press("tab", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
        assert deck.pressed <= 10
    (request,) = client.submitted
    assert (request.type, request.run_pitr, request.confirm) == (FailoverType.FORCE, True, "erp-prod")
    assert request.networks == {"VM_3510": "VM_3510"}


async def test_regular_is_confirmed_with_cancel_in_the_focus() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await deck.press("f", "tab", "enter")
        await deck.sees("Continuous rehydration", "Confirm")
        assert deck.focused() == "cancel"
        await deck.press("enter")
        await deck.until(lambda: deck.dialog is None, "cancelled")
        assert client.submitted == []
        await deck.press("f", "tab", "enter", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].type is FailoverType.REGULAR
    assert not client.submitted[0].run_pitr


async def test_the_types_exclude_each_other() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("f", "2")
        await deck.sees("( ) Regular  (•) Planned Failover  ( ) Force Failover")
        await deck.press("3")
        await deck.sees("( ) Regular  ( ) Planned Failover  (•) Force Failover")


async def test_run_pitr_is_not_offered_without_pitr() -> None:
    async with running(FakeClient(domain(pitr=PitrPolicy()))) as deck:
        await deck.press("f")
        await deck.sees("Failover type")
        await deck.sees("Run PITR: not available, PITR is off for this domain")
        assert "[ ] Run PITR" not in deck.text


async def test_force_asks_once_more_where_evidence_speaks_against_it() -> None:
    client = FakeClient(domain())
    client.protected = ProtectedSite(state="reachable", running=2, total=2, checked_at=NOW)
    client.against = ("the protected site answers and 2 of its VMs run",)
    async with running(client) as deck:
        await deck.press("f", "3")
        await deck.sees("answers, 2 of 2 VMs run there", "! the protected site answers")
        await deck.press("tab", "enter")
        await deck.sees("Continuous rehydration")
        await deck.press("y")
        await deck.sees("not needed, the site is up", "2 of its VMs run")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.sees("Type the name of the domain")


async def test_force_takes_ten_keys_and_the_name_whatever_speaks_against_it() -> None:
    """With every message that there is: PITR session, Continuous rehydration, not needed, the name."""
    client = FakeClient(domain())
    client.protected = ProtectedSite(state="reachable", running=2, total=2, checked_at=NOW)
    client.against = ("the protected site answers and 2 of its VMs run",)
    async with running(client) as deck:
        await deck.press("f", "3", "i", "tab", "enter")
        await deck.sees("PITR session", "y Continue")
        assert deck.focused() == "cancel"
        await deck.press("y")
        await deck.sees("Continuous rehydration", "y Continue")
        assert deck.focused() == "cancel"
        await deck.press("y")
        await deck.sees("not needed, the site is up", "y Force anyway")
        await deck.press("y")
        await deck.sees('Type the name of the domain, "erp-prod"', "↓ To Confirm")
        await deck.type("erp-prod")
        await deck.press("down")
        assert deck.focused() == "yes"
        await deck.press("enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
        assert deck.pressed <= 10
    assert client.submitted[0].confirm == "erp-prod"


async def test_down_leads_to_confirm_only_once_the_name_is_right() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await to_force_failover(deck)
        await deck.type("erp-pro")
        await deck.press("down", "enter")
        await deck.sees("Type the name of the domain")
        assert client.submitted == []


async def test_a_dialog_shows_its_own_keys_and_takes_no_others() -> None:
    client = FakeClient(domain(), in_session())
    async with running(client) as deck:
        for key, own in (
            ("m", "↑ ↓ Move  enter Choose  esc Close"),
            ("question_mark", "↑ ↓ Scroll  enter Dismiss"),
            ("f", "1 2 3 Type  i Run PITR  tab Next  enter Press  esc Cancel"),
            ("ctrl+q", "tab Next  enter Press  esc Cancel  y Quit"),
        ):
            await deck.press(key)
            await deck.sees(own)
            assert deck.text.splitlines()[-1].strip().startswith(own)
            dialog = deck.dialog
            await deck.press("l", "t", "d")
            assert deck.dialog is dialog
            await deck.press("escape")
            await deck.until(lambda: deck.dialog is None, "closed")


async def to_force_failover(deck: Deck) -> None:
    await deck.press("f", "3", "tab", "enter")
    await deck.sees("Continuous rehydration")
    await deck.press("y")
    await deck.sees('Type the name of the domain, "erp-prod"')


async def test_enter_in_the_field_never_confirms_tier_three() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await to_force_failover(deck)
        await deck.type("erp-prod")
        await deck.pilot.press("enter", "enter", "enter")
        await deck.settle()
        await deck.sees("Type the name of the domain")
        assert client.submitted == [] and deck.focused() == "yes"


@pytest.mark.parametrize("typed", ["erp", "ERP-PROD", "erp-prod2", ""])
async def test_a_wrong_name_confirms_nothing(typed: str) -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await to_force_failover(deck)
        await deck.type(typed)
        await deck.press("tab", "tab", "enter")
        await deck.settle()
    assert client.submitted == []


async def test_an_exit_names_the_vms_that_fail_first() -> None:
    at = in_session(rollbacks=1)
    sick = msgspec.structs.replace(at.vms[0], health=Health.FAILED)
    client = FakeClient(msgspec.structs.replace(at, vms=(sick, *at.vms[1:])))
    async with running(client) as deck:
        await deck.press("m", "down", "enter")
        await deck.sees("Exit PITR Session", "The VMs stay as they are now")
        assert deck.text.index(f"now: {sick.name}") < deck.text.index("The VMs stay as they are now")


async def test_a_yes_is_ignored_for_half_a_second() -> None:
    client = FakeClient(in_session(rollbacks=1))
    async with running(client) as deck:
        await deck.press("m", "down", "enter")
        await deck.sees("Exit PITR Session", "The VMs stay as they are now")
        await deck.pilot.press("tab", "enter", "space")
        await deck.settle()
        assert deck.focused() == "yes"
        deck.pass_time(0.49)
        await deck.pilot.press("enter")
        await deck.settle()
        await deck.sees("enter came before this could be read")
        assert client.submitted == []
        deck.pass_time(0.02)
        await deck.pilot.press("enter")
        await deck.until(lambda: bool(client.submitted), "submitted")


async def test_a_stale_preview_says_what_changed_and_asks_again() -> None:
    client = FakeClient(domain())
    client.stale = ["the state has changed: the protected site answers again"]
    async with running(client) as deck:
        await deck.press("f", "tab", "enter")
        await deck.sees("Continuous rehydration")
        client.protected = ProtectedSite(state="reachable", running=2, total=2, checked_at=NOW)
        await deck.press("tab", "enter")
        await deck.sees(
            "Things changed while you confirmed", 'protected site: "lost" before, "reachable" now'
        )
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.sees("Continuous rehydration")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    preview = client.submitted[0].preview
    assert preview is not None
    assert preview["protected site"] == "reachable"


async def test_a_refusal_is_one_sentence() -> None:
    client = FakeClient(domain())
    client.refuses = "the protected VMs still run"
    async with running(client) as deck:
        await deck.press("f", "tab", "enter", "tab", "enter")
        await deck.sees("the protected VMs still run", "Dismiss")
        assert "Traceback" not in deck.text


ASKS = Question(
    id="q1", kind="failed", text="erp-db01 will not shut down: [bold]Timed out", choices=("retry", "abort")
)


async def test_a_question_is_answered() -> None:
    asking = operation("cfo_complete", question=ASKS)
    client = FakeClient(domain(mode=Mode.COMPLETING), operations=(asking,))
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress", "1 ASK: erp-prod", "ann@jump1")
        await deck.press("right", "enter")
        await deck.sees(
            "needs you: erp-db01 will not shut down: [bold]Timed out", "[ Retry ]", "[ Abort ]", "a Answer"
        )
        await deck.press("a", "enter")
        await deck.until(lambda: client.answers == [("op-1", "retry")], "answered")
        await deck.press("tab", "enter")
        await deck.sees("Answer Abort to Failover (force) of erp-prod?")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: client.answers[-1] == ("op-1", "abort"), "answered")


async def test_the_result_is_shown_when_the_failover_ends() -> None:
    open_one = operation()
    client = FakeClient(domain(mode=Mode.COMPLETING), operations=(open_one,))
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("enter")
        result = {
            "vms_recovered": "2",
            "vms_total": "2",
            "recovery_status": "Recovered",
            "rto_s": "192",
            "unprotected_s": "751.5",
            "rolled_back_to": "2026-11-22T10:00:07Z",
            "runbook:database": "done",
        }
        over = changed(open_one, state=OperationState.DONE, ended_at=NOW, result=result)
        client.tell(domain(mode=Mode.RUNNING_IN_FAILOVER), operations=(over,))
        await deck.becomes_quiet()
        await deck.sees("Continuous Rehydration Task Result", "VMs Recovery Status", "Total VMs Recovered")
        await deck.sees("2 / 2", "00:03:12", "00:12:31", "2026-11-22 10:00:07Z", "database", "Dismiss")
        await deck.press("enter")
        await deck.until(lambda: deck.dialog is None, "dismissed")


async def test_a_failed_task_is_told() -> None:
    open_one = operation("pitr_run", "files")
    client = FakeClient(in_session(), operations=(open_one,))
    async with running(client) as deck:
        over = changed(open_one, state=OperationState.FAILED, error="vCenter says [no]", ended_at=NOW)
        client.tell(in_session(), operations=(over,))
        await deck.becomes_quiet()
        await deck.sees("Run PITR of files failed: vCenter says [no]")
