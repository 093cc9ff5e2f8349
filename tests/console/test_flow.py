"""The acts of the workflow by keyboard: few keys, safe dialogs, and exactly what was asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.events import Key

from drdeck.console.widgets.mapping import NetworkMapping
from drdeck.controller.operations import OperationState, Question
from drdeck.model.domains import FailoverType, Mode, Networks, Period, PitrPolicy, ProtectedSite
from tests.console.deck import Deck, running
from tests.console.fake import NOW, FakeClient, changed, domain, in_session, operation

TWO = Networks(protected=("VM_3510",), recovery=("DRSeg", "Other"))


async def test_continuous_failover_is_started_in_eight_keys() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=TWO))
    async with running(client) as deck:
        await deck.press("m")
        await deck.sees("More", "Continuous Failover")
        await deck.press("enter")
        await deck.sees("Continuous Failover Protected Domain", "1. General", "2b. VM Settings", "5. Summary")
        await deck.press("enter")
        await deck.sees("Protected VM Network", "Recovery VM Network", "choose one of 2")
        await deck.press("right", "enter", "enter")
        await deck.sees("VM_3510 → DRSeg", "[ Continuous Failover ]")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
        assert deck.pressed <= 8
    (request,) = client.submitted
    assert (request.action, request.domain, request.networks) == ("cfo_start", "web", {"VM_3510": "DRSeg"})
    assert request.shown


async def test_many_networks_are_chosen_at_once() -> None:
    networks = Networks(protected=("A", "B", "C"), recovery=("x", "y"))
    client = FakeClient(domain("web", Mode.IMPORTED, networks=networks))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Choose a recovery network for A, B, C")
        await deck.press("right", "equals_sign", "enter")
        await deck.sees("A → x", "B → x", "C → x")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
        assert deck.pressed <= 8


async def test_enter_right_behind_the_same_for_all_goes_on() -> None:
    networks = Networks(protected=("A", "B", "C"), recovery=("x", "y"))
    async with running(FakeClient(domain("web", Mode.IMPORTED, networks=networks))) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Choose a recovery network for A, B, C")
        await deck.press("right")
        mapping = deck.app.screen.query_one(NetworkMapping)
        mapping.action_same()
        mapping.action_open()  # as both keys come to it, where the second was typed before the focus moved on
        await deck.sees("A → x", "B → x", "C → x", "[ Continuous Failover ]")
        assert deck.focused() == "cancel"
        await deck.press("shift+tab", "enter")
        await deck.sees("← → choose")
        assert deck.focused() == "next"
        deck.app.screen.query_one(NetworkMapping).focus()
        await deck.press("enter")
        await deck.until(lambda: deck.focused() == "next", "Enter alone goes to the button")


async def test_a_network_must_be_chosen_where_there_is_a_choice() -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=TWO))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("choose one of 2")
        await deck.press("tab", "tab", "tab", "enter")
        await deck.sees("Choose a recovery network for VM_3510")
        await deck.press("escape")
    assert client.submitted == []


@pytest.mark.parametrize(
    ("networks", "mapping"),
    [
        (Networks(protected=("A", "B"), recovery=("A", "B", "C")), {"A": "A", "B": "B"}),
        (Networks(protected=("A",), recovery=("only",)), {"A": "only"}),
        (Networks(protected=("A",), recovery=("x", "y"), mapping={"A": "y"}), {"A": "y"}),
        (Networks(), {}),
    ],
)
async def test_network_defaults(networks: Networks, mapping: dict[str, str]) -> None:
    client = FakeClient(domain("web", Mode.IMPORTED, networks=networks))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        if networks.protected:
            await deck.press("enter")
        await deck.sees("[ Continuous Failover ]")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].networks == mapping


async def test_force_with_pitr_takes_ten_keys_and_the_name() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await deck.press("f")
        await deck.sees("Complete Continuous Failover for Protected Domain erp-prod")
        await deck.sees("Planned Failover", "Force Failover", "Run PITR after recovering VMs", "Cancel")
        await deck.sees("Complete Failover", "Protected site: does not answer", "Not checked:")
        assert deck.focused() == "cancel"
        await deck.press("3", "i", "tab", "enter")
        await deck.sees("PITR session")
        await deck.press("enter")
        await deck.sees("Continuous rehydration")
        await deck.press("enter")
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
        assert "Run PITR" not in deck.text


async def test_force_asks_once_more_where_evidence_speaks_against_it() -> None:
    client = FakeClient(domain())
    client.protected = ProtectedSite(state="reachable", running=2, total=2, checked_at=NOW)
    client.against = ("the protected site answers and 2 of its VMs run",)
    async with running(client) as deck:
        await deck.press("f", "3")
        await deck.sees("Protected site: answers, 2 of 2 VMs run there", "Against it:")
        await deck.press("tab", "enter")
        await deck.sees("Continuous rehydration")
        await deck.press("enter")
        await deck.sees("is it needed?", "2 of its VMs run")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.sees("Type the name of the domain")


async def test_force_takes_ten_keys_and_the_name_whatever_speaks_against_it() -> None:
    """With every message that there is: PITR session, Continuous rehydration, is it needed, the name."""
    client = FakeClient(domain())
    client.protected = ProtectedSite(state="reachable", running=2, total=2, checked_at=NOW)
    client.against = ("the protected site answers and 2 of its VMs run",)
    async with running(client) as deck:
        await deck.press("f", "3", "i", "tab", "enter")
        await deck.sees("PITR session")
        await deck.press("enter")
        await deck.sees("Continuous rehydration")
        await deck.press("enter")
        await deck.sees("is it needed?", "y Force all the same")
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
            ("ctrl+q", "tab Next  enter Press  esc Cancel"),
        ):
            await deck.press(key)
            await deck.sees(own)
            assert deck.text.splitlines()[-1].strip().startswith(own)
            shown = deck.dialog
            await deck.press("l", "t", "d")
            assert deck.dialog is shown
            await deck.press("escape")
            await deck.until(lambda: deck.dialog is None, "closed")


async def to_force_failover(deck: Deck) -> None:
    await deck.press("f", "3", "tab", "enter")
    await deck.sees("Continuous rehydration")
    await deck.press("enter")
    await deck.sees('Type the name of the domain, "erp-prod"')


async def test_enter_never_confirms_tier_three() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await to_force_failover(deck)
        await deck.type("erp-prod")
        await deck.press("enter", "enter")
        await deck.sees("Type the name of the domain")
        assert client.submitted == []


@pytest.mark.parametrize("typed", ["erp", "ERP-PROD", "erp-prod2", ""])
async def test_a_wrong_name_confirms_nothing(typed: str) -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await to_force_failover(deck)
        await deck.type(typed)
        await deck.press("tab", "tab", "enter")
        await deck.settle()
    assert client.submitted == []


async def test_keys_are_ignored_for_half_a_second() -> None:
    client = FakeClient(in_session(rollbacks=1))
    async with running(client) as deck:
        await deck.press("m", "down", "enter")
        await deck.sees("Exit PITR Session", "The VMs stay as of")
        await deck.pilot.press("tab", "enter")
        await deck.settle()
        assert deck.focused() == "cancel"
        deck.pass_time(0.49)
        await deck.pilot.press("tab")
        assert deck.focused() == "cancel"
        deck.pass_time(0.02)
        await deck.pilot.press("tab")
        assert deck.focused() == "yes"
        await deck.press("enter")
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
            "The state has changed since it was shown", 'protected site: "lost" before, "reachable" now'
        )
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.sees("Continuous rehydration")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    shown = client.submitted[0].shown
    assert shown is not None
    assert shown["protected site"] == "reachable"


async def test_a_refusal_is_one_sentence() -> None:
    client = FakeClient(domain())
    client.refuses = "the protected VMs still run"
    async with running(client) as deck:
        await deck.press("f", "tab", "enter", "tab", "enter")
        await deck.sees("the protected VMs still run", "Dismiss")
        assert "Traceback" not in deck.text


async def test_rolling_back_takes_six_keys_and_a_time() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("Run PITR of files", "Time (UTC)", "│ point", "2026-11-22 10:40:07Z", "2/2")
        await deck.sees("Disks are rolled back", "configuration")
        await deck.type("10:02")
        await deck.press("enter")
        await deck.sees("taken as UTC: 2026-11-22 10:02:00Z", "to 2026-11-22 10:00:07Z, all VMs (2)")
        await deck.press("enter")
        await deck.sees("Roll files back to 2026-11-22 10:00:07Z, all its VMs")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
        assert deck.pressed <= 6
    (request,) = client.submitted
    assert request.to == client.restore_points.points[4].time
    assert request.vms == ()


@pytest.mark.parametrize(
    ("typed", "said"),
    [("-15m", "2026-11-22 10:27:07Z"), ("2026-11-22T09:00:00Z", "09:00:00Z"), ("99:99", "is not a time"),
     ("2026-11-22T01:00:00Z", "no point at or before 2026-11-22 01:00:00Z; the oldest is of"),
     ("2026-11-22T11:00:00Z", "is in the future; it is 2026-11-22 10:42:07Z at the site"),
     ("2026-11-18T10:00:00Z", "is before the PITR window, which begins at 2026-11-19 10:42:07Z"),
     ("9:15", "a PITR session was active from 2026-11-22 09:00:00Z to 2026-11-22 09:30:00Z;"),
     ("-1s", "a PITR session was active from 2026-11-22 10:29:36Z to now; no instant in it can be"),
    ],
)  # fmt: skip
async def test_typed_times(typed: str, said: str) -> None:
    """What was made of them, or why nothing can be; a refused one moves nothing and is said in full."""
    past = Period(start=NOW.replace(hour=9, minute=0, second=0), end=NOW.replace(hour=9, minute=30, second=0))
    going = Period(start=NOW - timedelta(minutes=12, seconds=31))
    client = FakeClient(in_session(excluded=(past, going)))
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("2026-11-22 10:20:07Z")
        cursor = next(line for line in deck.text.splitlines() if line.startswith(" > "))
        await deck.type(typed)
        await deck.press("enter")
        await deck.sees(said)
        if said.startswith(("2026", "09:00:00Z")):
            assert deck.focused() == "run"
            return
        assert deck.focused() == "time" and cursor in deck.text
        assert client.submitted == [] and deck.dialog is None
        await deck.press("backspace")
        await deck.until(lambda: said not in deck.words(), "gone with the next key")


async def test_a_time_typed_in_one_burst() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("2026-11-22 10:40:07Z")
        for key in ("1", "0", "colon", "0", "2", "enter"):
            deck.app.post_message(Key(key, {"colon": ":"}.get(key, key if len(key) == 1 else None)))
        await deck.sees("taken as UTC: 2026-11-22 10:02:00Z")
        assert deck.dialog is None


async def test_some_vms_only() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("2026-11-22 10:40:07Z", "erp-db01")
        await deck.press("tab", "tab")
        assert deck.focused() == "choose"
        await deck.press("space")
        await deck.sees("1 of 2 VMs")
        await deck.press("tab", "enter", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].vms == ("erp-db01",)


async def test_exit_without_a_rollback_wants_the_name() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("m", "down", "enter")
        await deck.sees("Exit PITR Session", "all PITR data is reset", 'Type the name of the domain, "files"')
        assert deck.focused() == "cancel"
        await deck.type("files")
        await deck.press("tab", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert (client.submitted[0].action, client.submitted[0].confirm) == ("pitr_exit", "files")


async def test_a_session_by_hand() -> None:
    client = FakeClient(domain("mine", Mode.RUNNING_IN_FAILOVER))
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("Start PITR Session")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].action == "pitr_start"


ASKS = Question(
    id="q1", kind="failed", text="erp-db01 will not shut down: [bold]Timed out", choices=("retry", "abort")
)


async def test_a_question_is_answered() -> None:
    asking = operation("cfo_complete", question=ASKS)
    client = FakeClient(domain(mode=Mode.COMPLETING), operations=(asking,))
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress", "ASKS: erp-prod", "ann@jump1")
        await deck.press("right", "enter")
        await deck.sees(
            "asks: erp-db01 will not shut down: [bold]Timed out", "[ Retry ]", "[ Abort ]", "a Answer"
        )
        await deck.press("a", "enter")
        await deck.until(lambda: client.answers == [("op-1", "retry")], "answered")
        await deck.press("tab", "enter")
        await deck.sees("Answer Abort to what Failover of erp-prod asks?")
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
        await deck.sees("Run PITR of files failed: vCenter says [no]")


async def test_a_progressing_rollback_is_followed_on_its_screen() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("erp-db01")
        going = in_session()
        vms = tuple(changed(v, status="rolling_back", progress=37, detail="reverting") for v in going.vms)
        client.tell(changed(going, vms=vms), operations=(operation("pitr_run", "files", waits_for="2 VMs"),))
        await deck.sees("Rolling back", "37%", "2 VMs")


async def test_the_timeline_can_be_narrowed() -> None:
    async with running(FakeClient(in_session())) as deck:
        await deck.press("m", "enter")
        await deck.sees("08:44:31Z")
        await deck.press("z", "z", "z")
        await deck.sees("09:42:07Z")
        assert "08:44:31Z" not in deck.text


async def test_the_rollback_in_force_is_drawn() -> None:
    async with running(FakeClient(in_session(rollbacks=1))) as deck:
        await deck.press("m", "enter")
        await deck.sees("rolled back to 2026-11-22 09:42:07Z", "◆")
