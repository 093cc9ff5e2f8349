"""Failover plans by keyboard: chosen, checked, decided, followed, rolled back to one instant, left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drdeck.controller.journal.operations import OperationState, Question
from drdeck.model.domains import FailoverType, Mode, SessionState
from drdeck.model.plans.run_views import BatchOfRun, InRunState, InstantOfRun, Needs, ProtectedAsked, RunState
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, changed, in_session, operation
from tests.support.console.plan_double import PlanningClient, domains, member, mid_run, rolled_back, run_view


async def to_decision(deck: Deck) -> None:
    await deck.press("F")
    await deck.sees("whole-site", "14 domains", "rehearsed 2026-10-30 by ben@jump2")
    await deck.press("enter")
    await deck.sees("12 domains begin, 139 VMs", "1 not possible", "Begin Failover Plan")


async def test_a_whole_site_in_ten_keys_and_its_number() -> None:
    client = PlanningClient()
    async with running(client) as deck:
        await to_decision(deck)
        await deck.sees(
            'hr-legacy: it is "Imported"; continuous failover was never begun', "(•) Force Failover"
        )
        await deck.sees("From vcsa.prod.example (does not answer) to dr-west")
        await deck.press("x")
        await deck.sees("11 domains begin, 130 VMs")
        await deck.press("b")
        await deck.sees("Choose a recovery network for VM_100, VM_210")
        await deck.press("right", "equals_sign", "enter")
        await deck.sees('Type "whole-site 11"', "Force failover of 11 domains with 130 VMs, in 3 waves")
        await deck.sees("It goes from vcsa.prod.example (does not answer) to dr-west.")
        await deck.type("whole-site 11")
        await deck.press("down", "enter")
        await deck.sees("Failover Plan whole-site  run-41  Force, Run PITR", "since decision 00:41:52")
        assert deck.pressed <= 10
    (request,) = client.begun
    assert (request.plan, request.type, request.run_pitr) == ("whole-site", FailoverType.FORCE, True)
    assert request.networks == {"VM_100": "DR-Core", "VM_210": "DR-Core"} and request.except_running
    assert (request.confirm, request.confirm_running) == ("whole-site 11", None)
    assert request.preview == {"number": "11"}, "what was seen goes with the decision"


async def test_domains_whose_vms_run_need_a_word_of_their_own() -> None:
    client = PlanningClient()
    async with running(client) as deck:
        await to_decision(deck)
        await deck.press("b", "right", "equals_sign", "enter")
        await deck.sees("Their protected VMs run", 'Type "RUNNING 1"', "both would write")
        await deck.type("whole-site 12")
        await deck.press("down", "enter")
        await deck.sees('Type "RUNNING 1"')
        await deck.press("escape")
        await deck.until(lambda: deck.dialog is None, "cancelled")
        assert client.begun == []
        await to_decision(deck)
        await deck.press("b", "right", "equals_sign", "enter")
        await deck.type("RUNNING 1")
        await deck.press("down", "enter")
        await deck.sees('Type "whole-site 12"')
        await deck.type("whole-site 12")
        await deck.press("down", "enter")
        await deck.until(lambda: bool(client.begun), "begun")
    assert client.begun[0].confirm_running == "RUNNING 1" and not client.begun[0].except_running


async def test_enter_typed_ahead_begins_nothing() -> None:
    client = PlanningClient()
    async with running(client) as deck:
        for _ in range(8):
            await deck.pilot.press("enter")
        await deck.press("F")
        for _ in range(8):
            await deck.pilot.press("enter")
        await deck.settle()
        assert client.begun == []


async def test_exceptions_by_name() -> None:
    client = PlanningClient()
    async with running(client) as deck:
        await to_decision(deck)
        await deck.press("down", "down", "down", "space")
        await deck.sees("11 domains begin", "1 left out", "[ ] ○ ad-dns")
        await deck.press("space")
        await deck.sees("12 domains begin", "[x] ✓ ad-dns")
    assert client.looked[-1].without == () and client.looked[-2].without == ("ad-dns",)


async def test_a_decision_that_is_out_of_date_is_asked_again() -> None:
    client = PlanningClient()
    client.running = ()
    client.changes = ["plm is in use by run 40 of ben@jump2 now"]
    async with running(client) as deck:
        await to_decision(deck)
        await deck.press("b", "right", "equals_sign", "enter")
        await deck.type("whole-site 12")
        await deck.press("down", "enter")
        await deck.sees("The site has changed", "plm is in use by run 40")
        await deck.press("enter")
        await deck.sees("12 domains begin")
        assert client.begun == []


async def test_marked_domains_are_a_plan() -> None:
    client = PlanningClient()
    async with running(client) as deck:
        await deck.press("space", "space")
        await deck.sees("2 marked; F begins a Failover Plan of them", "✓ ad-dns", "✓ pki")
        await deck.sees("The plan", "possible: regular, Run PITR")
        await deck.press("F")
        await deck.sees("Failover Plan marked", "2 domains begin, 6 VMs")
        await deck.press("escape")
        await deck.until(lambda: deck.dialog is None, "closed")
        await deck.press("asterisk")
        await deck.sees("12 marked")
        await deck.press("asterisk")
        await deck.sees("None is marked")
    assert ("ad-dns", "pki") in [look.domains for look in client.looked]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40)])
async def test_a_marked_row_says_what_the_plan_would_do_with_its_domain(width: int, height: int) -> None:
    client = PlanningClient()
    async with running(client, size=(width, height)) as deck:
        await deck.press("space", "down", "down", "down", "space")  # ad-dns, hr-legacy
        await deck.until(lambda: row_of(deck, "hr-legacy").count("not possible:") == 1, "it is looked at")
        assert "possible:" in row_of(deck, "ad-dns") and "possible" not in row_of(deck, "sap-qa")
        rows = [changed(d, mode=Mode.PROTECTED) if d.name == "ad-dns" else d for d in client.domains]
        looks = len(client.looked)
        client.tell(*rows)
        await deck.until(lambda: len(client.looked) == looks + 1, "its state has changed: looked at again")
        assert client.looked[-1].domains == ("ad-dns", "hr-legacy")


def row_of(deck: Deck, name: str) -> str:
    return next(line for line in deck.text.splitlines() if f" {name} " in line)


async def test_read_only_begins_nothing() -> None:
    client = PlanningClient()
    async with running(client, read_only=True) as deck:
        await deck.press("F")
        await deck.sees("drdeck is read-only here")
    assert client.looked == []


async def on_the_run(deck: Deck, clock: str = "since decision") -> None:
    await deck.press("F")
    await deck.sees(clock)


async def test_what_needs_a_person_comes_first_and_n_goes_round() -> None:
    async with running(PlanningClient(mid_run())) as deck:
        await on_the_run(deck)
        rows = deck.text.splitlines()[7:]
        assert [row.split()[1 if row[3] != " " else 0] for row in rows[:3]][:1] == ["!"]
        await deck.sees("needs you (2), then running (1), then the rest")
        order = ["erp-prod", "files", "sap-qa", "web-tier", "ad-dns"]
        places = [deck.text.index(f" {name} ") for name in order]
        assert places == sorted(places)
        assert deck.app.screen.target() == "erp-prod"  # type: ignore[attr-defined]
        await deck.press("n")
        assert deck.app.screen.target() == "files"  # type: ignore[attr-defined]
        await deck.press("n")
        assert deck.app.screen.target() == "erp-prod"  # type: ignore[attr-defined]


async def test_a_question_is_answered_for_one_or_for_all_alike() -> None:
    def asks(name: str) -> object:
        text = f"a VM of {name} could not be powered on"
        question = Question(id=f"q-{name}", kind="failed", text=text, choices=("retry", "skip"))
        return operation(of=name, id=f"op-{name}", question=question)

    client = PlanningClient(
        run_view(
            *(
                member(name, InRunState.QUESTION, needs=Needs.ANSWER, question=f"a VM of {name} ...",
                       choices=("retry", "skip"))
                for name in ("erp-prod", "files")
            )
        )
    )  # fmt: skip
    client.tell(*client.domains, operations=(asks("erp-prod"), asks("files")), runs=client.listing.runs)  # type: ignore[union-attr, arg-type]
    async with running(client) as deck:
        await deck.sees("2 failovers are in progress", "files: Failover")
        await deck.press("escape")
        await on_the_run(deck)
        await deck.press("a")
        await deck.sees("erp-prod needs you", "The same question: files.", "[ ] Answer all 2 alike")
        await deck.press("right", "enter")
        await deck.until(lambda: bool(client.answers), "answered")
        assert client.answers == [("op-erp-prod", "retry")]
        await deck.press("a", "a")
        await deck.sees("[x] Answer all 2 alike", "a All alike")
        await deck.press("right", "enter")
        await deck.until(lambda: bool(client.alike), "answered all")
    assert client.alike == [("failed", "retry")] and len(client.answers) == 1


async def test_pause_and_resume() -> None:
    client = PlanningClient(mid_run())
    async with running(client) as deck:
        await on_the_run(deck)
        await deck.press("z")
        await deck.sees("Nothing new begins.", "There is no undo.", ">Cancel<", "y Pause Plan")
        await deck.press("y")
        await deck.until(lambda: bool(client.acts), "paused")
        client.show_run(mid_run(state=RunState.PAUSED, why="by ann@jump1"))
        await deck.sees("run-41  paused", "paused: by ann@jump1", "z Resume Plan")
        await deck.press("z", "enter")
        await deck.until(lambda: deck.dialog is None, "Cancel has the focus: resuming begins domains")
        assert len(client.acts) == 1
        await deck.press("z", "tab", "enter")
        await deck.until(lambda: len(client.acts) == 2, "resumed")
    assert client.acts == [("run-41", "pause"), ("run-41", "resume")]


async def test_leave_out_and_release_by_name_only() -> None:
    client = PlanningClient(mid_run())
    async with running(client) as deck:
        await on_the_run(deck)
        await deck.press("m", "down", "enter")
        await deck.sees("Leave erp-prod out of run-41.")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.acts), "left out")
        holds = InstantOfRun(to=NOW, asked_at=NOW, barrier=("files",), holds=True)
        client.show_run(mid_run(pitr=holds))
        await deck.sees("nothing starts before all are reverted; held by files")
        await deck.press("m")
        await deck.sees("this domain holds n")
        await deck.press("escape", "n", "m", "down", "down", "enter")
        await deck.sees("Release the barrier from files")
        await deck.press("tab", "enter")
        await deck.until(lambda: len(client.acts) == 2, "released")
    assert client.acts == [("run-41", "leave_out", "erp-prod"), ("run-41", "release", "files")]


async def test_a_run_of_another_jump_host_is_taken_over_by_its_id() -> None:
    client = PlanningClient(mid_run(holder="ann@jump1", why="driven by ann@jump1"))
    async with running(client) as deck:
        await on_the_run(deck)
        await deck.press("m")
        await deck.sees("Take Over")
        await deck.press("enter")
        await deck.sees("run-41 is driven by ann@jump1.")
        await deck.press(*"run-41", "down", "enter")
        await deck.until(lambda: bool(client.acts), "taken over")
        client.show_run(mid_run())
        await deck.press("m")
        await deck.sees("Open the domain")
        assert "Take Over" not in deck.text
    assert client.acts == [("run-41", "take_over", "run-41")]


async def test_the_filter_stays_until_escape() -> None:
    async with running(PlanningClient(mid_run())) as deck:
        await on_the_run(deck)
        await deck.type("/held")
        await deck.press("enter")
        await deck.sees('filter: "held"', "plant-b")
        assert "erp-prod" not in deck.text
        await deck.press("escape")
        await deck.sees("erp-prod")
        await deck.press("escape")
        await deck.sees("Protected Domains")


async def test_one_instant_for_all() -> None:
    client = PlanningClient(mid_run())
    async with running(client) as deck:
        await on_the_run(deck)
        await deck.press("p")
        await deck.sees("3 of 3 go back, each for itself", "spread 00:14:03", "1 has no session", "group")
        await deck.press("down", "down")
        await deck.sees("cannot reach it: a PITR session was active then")
        await deck.press("g")
        await deck.sees("to 2026-11-22 08:42:07Z, 3 domains", "> 2026-11-22 08:42:07Z")
        await deck.press("enter")
        await deck.sees(
            'Type "whole-site 3"', "Each domain goes back for itself.", "Nothing starts before all"
        )
        await deck.type("whole-site 3")
        await deck.press("down", "enter")
        await deck.until(lambda: bool(client.rolled), "asked for")
        await deck.sees("since decision")
    (request,) = client.rolled
    assert (request.run, request.confirm, request.domains) == ("run-41", "whole-site 3", ())
    assert request.to.hour == 8


async def test_who_cannot_reach_it_stays_and_the_others_are_named() -> None:
    client = PlanningClient(mid_run())
    client.typed_for_instant = ""
    async with running(client) as deck:
        await on_the_run(deck)
        await deck.press("p", "down", "down", "enter")
        await deck.sees("Roll 2 domains back")
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.rolled), "asked for")
    assert client.rolled[0].domains == ("ad-dns", "erp-prod")


@pytest.mark.parametrize(
    ("typed", "words"), [("25:99", "time"), ("10:12", "taken as UTC: 2026-11-22 10:12:00Z")]
)
async def test_a_typed_instant(typed: str, words: str) -> None:
    async with running(PlanningClient(mid_run())) as deck:
        await on_the_run(deck)
        await deck.press("p")
        await deck.sees("spread")
        await deck.type(typed)
        await deck.press("enter")
        await deck.sees(words)
        if "taken" in words:
            return
        await deck.type("10:12")  # what was refused is replaced
        await deck.press("enter")
        await deck.sees("taken as UTC: 2026-11-22 10:12:00Z")


async def test_enter_in_an_empty_time_goes_back_to_the_instants() -> None:
    async with running(PlanningClient(mid_run())) as deck:
        await on_the_run(deck)
        await deck.press("p")
        await deck.sees("spread")
        await deck.press("1", "backspace", "enter")
        await deck.until(lambda: deck.focused() != "time", "the list")
        assert "is not a time" not in deck.text


async def test_exit_of_many_is_two_lists_and_never_both() -> None:
    own = [
        *(d for d in domains() if d.name not in ("ad-dns", "pki", "erp-prod")),
        in_session("ad-dns", rollbacks=1),
        in_session("pki", rollbacks=1),
        in_session("erp-prod"),
    ]
    client = PlanningClient(rolled_back(mid_run(), "ad-dns", "pki"), own=own)
    async with running(client) as deck:
        await deck.press("F")
        await deck.sees("rolled back to 08:42:07Z, points up to 00:14:03 apart; cannot reach it: plm")
        await deck.press("m", "end", "enter")
        await deck.sees(
            "Rolled back (2)", "ad-dns, pki", "Not rolled back (1)", "All PITR data of these is reset"
        )
        await deck.press("enter")
        assert client.left == [], "Cancel has the focus"
        await deck.press("m", "end", "enter", "tab", "enter")
        await deck.until(lambda: bool(client.left), "left")
        await deck.press("m", "end", "enter", "tab", "tab", "enter")
        await deck.sees('Type "RESET 1"', "Not rolled back: erp-prod.")
        await deck.type("RESET 1")
        await deck.press("down", "enter")
        await deck.until(lambda: len(client.left) == 2, "reset")
        await deck.press("F")
        await deck.sees("14 domains", "rehearsed")  # the run is over: from its screen F is the way to another
    first, second = client.left
    assert (first.reset, first.domains, first.confirm) == (False, ("ad-dns", "pki"), None)
    assert (second.reset, second.domains, second.confirm) == (True, ("erp-prod",), "RESET 1")


async def test_a_rollback_of_many_is_followed_and_answered_on_the_screen_of_the_run() -> None:
    going = {"doing": "rolling back", "recovered": 4}
    asks = member(
        "pki", InRunState.PITR_SESSION, **going, needs=Needs.ANSWER, operation="op-back", since=NOW,
        question="pki-2 could not be reverted", reason="pki-2 could not be reverted", choices=("retry",),
    )  # fmt: skip
    goes = member("ad-dns", InRunState.PITR_SESSION, **going, reason="3 of 4 reverted", step="2/3")
    back = BatchOfRun(
        id="back-1", action="pitr_run", asked_at=NOW, by="ann", domains=("ad-dns", "pki", "erp-prod"),
        done=("erp-prod",),
    )  # fmt: skip
    instant = InstantOfRun(to=NOW, asked_at=NOW, spread_s=0.0, barrier=("pki",), holds=True)
    erp = member("erp-prod", InRunState.PITR_SESSION, recovered=20)
    over = run_view(
        goes, asks, erp, state=RunState.DONE, ended_at=NOW, finishes_at=None, pitr=instant, batches=(back,)
    )
    client = PlanningClient(over, own=[in_session(name) for name in back.domains])
    async with running(client, size=(100, 24)) as deck:
        await on_the_run(deck, "to the end")
        await deck.sees(
            "needs you (1), then running (1)", "rolling back: pki-2 could not be", "3 of 4 reverted",
            "rolling back to", "1/3 done", "held by pki",
        )  # fmt: skip
        places = [deck.text.index(f" {name} ") for name in ("pki", "ad-dns", "erp-prod")]
        assert places == sorted(places)
        await deck.press("a")
        await deck.sees("pki needs you")
        await deck.press("right", "enter")
        await deck.until(lambda: bool(client.answers), "answered")
        leaving = changed(back, action="pitr_exit", done=("pki",))
        client.show_run(
            run_view(erp, state=RunState.DONE, ended_at=NOW, finishes_at=None, batches=(leaving,))
        )
        await deck.sees("leaving sessions: 1/3; protection resumes")
    assert client.answers == [("op-back", "retry")]


async def test_the_cursor_stays_on_top_until_somebody_moves_it() -> None:
    client = PlanningClient(run_view(member("ad-dns", InRunState.RUNNING)))
    async with running(client, size=(130, 40)) as deck:
        await on_the_run(deck)
        target = deck.app.screen.target  # type: ignore[attr-defined]
        assert target() == "ad-dns"
        client.show_run(mid_run())
        await deck.sees("needs you (2)")
        await deck.until(lambda: target() == client.watching == "erp-prod", "on what needs somebody")
        await deck.press("down")
        assert target() == "files"
        client.show_run(run_view(member("plm", InRunState.QUESTION, needs=Needs.ANSWER, question="?")))
        await deck.sees("needs you (1)")
        assert target() == "files", "it goes with its domain then"


async def test_the_end_waits_for_what_needs_somebody() -> None:
    rows = [changed(row, state=InRunState.RECOVERED, settled=True) for row in mid_run().domains[2:]]
    asks = [row for row in mid_run().domains if row.needs]
    run = mid_run(finishes_at=None, finishes_from="", state=RunState.WAITING, why="2 domains")
    client = PlanningClient(changed(run, domains=(*asks, *rows[2:])))
    async with running(client) as deck:
        await on_the_run(deck)
        await deck.sees("no estimate: what needs you holds the end", "needs you: 2 domains")


async def test_wide_the_domain_stands_beside_the_run() -> None:
    async with running(PlanningClient(mid_run()), size=(120, 40)) as deck:
        await on_the_run(deck)
        await deck.sees("erp-prod", "Protected VMs", "Force, Run PITR", "wave 3 others")
        assert "VMs   For   Needs" in deck.text, "no column is lost beside the domain"
        assert all(len(line) <= 120 for line in deck.text.splitlines())


async def test_the_end_counts_every_domain() -> None:
    client = PlanningClient(mid_run())
    async with running(client) as deck:
        await on_the_run(deck)
        client.show_run(
            changed(mid_run(), state=RunState.DONE_WITH_EXCEPTIONS, ended_at=NOW, finishes_at=None)
        )
        await deck.sees("run-41  done with exceptions", "14 domains: 2 here, 1 here before, 1 left out")


async def test_a_run_that_is_over_is_there_while_it_has_sessions() -> None:
    over = changed(mid_run(), state=RunState.DONE, ended_at=NOW, finishes_at=None)
    own = [d for d in domains() if d.name != "pki"]
    client = PlanningClient(over, own=[*own, in_session("pki")])
    async with running(client) as deck:
        await deck.press("F")
        await deck.sees("run-41  done", "to the end")
        await deck.press("escape")
        back = in_session("pki")
        session = changed(back.session, state=SessionState.ROLLING_BACK)
        client.tell(*own, changed(back, session=session), runs=(over,))
        await deck.settle()
        await deck.press("F")
        await deck.sees("run-41  done", "to the end")
        await deck.press("m", "end", "enter")
        await deck.sees("not while its sessions start, go back or end")
        await deck.press("enter", "escape")
        client.tell(*domains(), runs=(over,))
        await deck.settle()
        await deck.press("F")
        await deck.sees("14 domains", "rehearsed")


async def test_the_end_of_one_domain_opens_no_window_over_the_run() -> None:
    client = PlanningClient(mid_run())
    going = operation(of="pki", id="op-pki", run="run-41")
    client.tell(*client.domains, operations=(going,), runs=client.listing.runs)  # type: ignore[union-attr]
    async with running(client) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape")
        await on_the_run(deck)
        ended = changed(going, state=OperationState.DONE, ended_at=NOW)
        client.tell(*client.domains, operations=(ended,), runs=client.listing.runs)  # type: ignore[union-attr]
        await deck.sees("Failover (force) of pki: done")
        assert deck.dialog is None and deck.app.notifications.unread == 0


async def test_the_protected_site_is_told_with_the_time() -> None:
    look = ProtectedAsked(answers=False, at=NOW, answered_at=NOW - timedelta(minutes=44))
    client = PlanningClient(mid_run(protected=look))
    async with running(client) as deck:
        await on_the_run(deck)
        await deck.sees("protected site: no answer (asked ", ", answered last ")
        await deck.pilot.resize_terminal(80, 23)
        await deck.until(lambda: "protected site:" not in deck.text, "its line gives its room to the list")
        client.show_run(mid_run(answers_again=NOW))
        await deck.sees("PROTECTED SITE ANSWERS since")
        await deck.press("escape")
        await deck.sees("Protected Domains", "PROTECTED SITE ANSWERS since")
        await deck.press("A")
        await deck.sees("All alarms", "the protected site answers again, which it did not when run-41")
