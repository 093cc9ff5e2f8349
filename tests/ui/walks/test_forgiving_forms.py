"""Forms that forgive: nothing typed is lost by a slip, and the keys that are promised work everywhere."""

from __future__ import annotations

from drdeck.model.domains import FailoverType, Mode, Networks, ProtectedSite
from drdeck.terminal_info import FULL_HEIGHT, FULL_WIDTH
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain, in_session

TWO = Networks(protected=("VM_1", "VM_2"), recovery=("DRSeg", "DRIsolated"))


async def test_the_networks_are_chosen_from_the_buttons_too() -> None:
    client = FakeClient(domain(mode=Mode.IMPORTED, networks=TWO))
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("Step 1 of 3:", "2, all recoverable now")
        await deck.press("enter")
        await deck.sees("Step 2 of 3:", "choose (DRSeg, DRIsolated)")
        while deck.focused() != "next":
            await deck.press("tab")
        await deck.press("right")
        await deck.sees("‹ DRSeg ›")
        while deck.focused() != "next":
            await deck.press("tab")
        await deck.press("equals_sign")
        await deck.until(lambda: deck.text.count("‹ DRSeg ›") == 2, "the same for both")


async def test_enter_on_a_network_lists_those_that_are_offered() -> None:
    client = FakeClient(domain(mode=Mode.IMPORTED, networks=TWO))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Step 2 of 3:", "enter List")
        await deck.press("enter")
        await deck.sees("VM_1 leads to", "> DRSeg", "DRIsolated", "esc Cancel")
        await deck.press("escape")
        await deck.sees("Choose a recovery network for VM_1, VM_2")
        await deck.press("enter", "down", "enter")
        await deck.sees("‹ DRIsolated ›", "Choose a recovery network for VM_2")
        await deck.press("enter", "enter")
        await deck.sees("‹ DRSeg ›", "enter Go on")
        await deck.press("enter", "enter")
        await deck.sees("Step 3 of 3:", "VM_1 → DRIsolated", "VM_2 → DRSeg")


async def test_the_choice_made_from_the_list_is_the_same_for_all() -> None:
    async with running(FakeClient(domain(mode=Mode.IMPORTED, networks=TWO))) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Step 2 of 3:")
        await deck.press("enter", "down", "enter", "equals_sign", "enter")
        await deck.sees("Step 3 of 3:", "VM_1 → DRIsolated", "VM_2 → DRIsolated")


async def test_the_same_for_all_without_a_choice_says_what_to_do_first() -> None:
    async with running(FakeClient(domain(mode=Mode.IMPORTED, networks=TWO))) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Step 2 of 3:")
        await deck.press("equals_sign")
        await deck.sees("Choose a network first, with the right arrow or enter: = gives it to all")
        await deck.press("right", "equals_sign")
        await deck.until(lambda: deck.text.count("‹ DRSeg ›") == 2, "the same for both")
        assert "Choose a network first" not in deck.text


async def test_the_arrows_choose_networks_from_the_buttons_until_all_are_chosen() -> None:
    async with running(FakeClient(domain(mode=Mode.IMPORTED, networks=TWO))) as deck:
        await deck.press("f")
        await deck.sees("Failover of Protected Domain", "[>Cancel<]")
        await deck.press("right")
        await deck.sees("> VM_1", "‹ DRSeg ›", "choose (DRSeg, DRIsolated)")
        await deck.press("equals_sign")
        await deck.until(lambda: deck.text.count("‹ DRSeg ›") == 2, "the same for both")
        while deck.focused() != "cancel":
            await deck.press("tab")
        await deck.press("right")
        assert deck.focused() == "complete"


async def test_what_is_not_checked_is_ticked_off_by_hand_and_noted() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await deck.press("f")
        await deck.sees("Not checked: whether users", "[ ] What drdeck did not check was checked by hand")
        await deck.press("c")
        await deck.sees("Checked by hand: whether users", "[x] What drdeck did not check")
        await deck.press("escape", "f")
        await deck.sees("Checked by hand: whether users", "[x] What drdeck did not check")
        await deck.press("1", "tab", "enter", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].checked_by_hand == ("whether users can reach the recovery network",)


async def test_enter_leads_from_the_type_to_the_act_and_turns_no_tick_in_passing() -> None:
    client = FakeClient(domain())
    client.protected = ProtectedSite(state="lost")
    async with running(client) as deck:
        await deck.press("f")
        await deck.sees("[ ] Run PITR after", "[ ] What drdeck did not check")
        while deck.focused() != "type":
            await deck.press("tab")
        for place in ("pitr", "by-hand", "complete"):
            await deck.sees("enter Go on")
            await deck.press("enter")
            await deck.until(lambda place=place: deck.focused() == place, place)  # type: ignore[misc]
        await deck.sees("[ ] Run PITR after", "[ ] What drdeck did not check", "[>Complete Failover<]")
        assert deck.dialog is not None and client.submitted == []


async def test_long_warnings_push_no_tick_below_the_edge() -> None:
    client = FakeClient(domain())
    client.against = tuple(f"{n} VMs still run there, and will go on running beside these" for n in range(20))
    async with running(client, size=(FULL_WIDTH, FULL_HEIGHT)) as deck:
        await deck.press("f", "3")
        await deck.sees("! 0 VMs still run there", "[ ] What drdeck did not check was checked by hand")


async def test_blank_lines_give_way_to_what_was_found() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await deck.press("f", "3")
        await deck.sees("[ ] What drdeck did not check")
        assert "│\n│ Failover type" in deck.text.replace(" ", "").replace("Failovertype", " Failover type")
        client.against = tuple(f"{n} VMs still run there" for n in range(8))
        await deck.press("i")
        await deck.sees("! 7 VMs still run there", "Not checked: ")
        assert "pgdn" not in deck.text, "nothing is below the edge"


async def test_choices_outlive_a_cancel() -> None:
    client = FakeClient(domain(mode=Mode.IMPORTED, networks=TWO))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Step 2 of 3:")
        await deck.press("right", "right", "equals_sign", "enter")
        await deck.sees("Step 3 of 3:", ">Cancel<", "VM_2 → DRIsolated")
        await deck.press("enter")
        await deck.sees("Cancelled; nothing was started")
        await deck.press("m", "enter", "enter")
        await deck.sees("Step 2 of 3:", "‹ DRIsolated ›")
        assert deck.focused() == "next", "nothing is left to choose"
        await deck.press("enter", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].networks == {"VM_1": "DRIsolated", "VM_2": "DRIsolated"}


async def test_enter_on_every_page_of_the_wizard_throws_nothing_away() -> None:
    client = FakeClient(domain(mode=Mode.IMPORTED))
    async with running(client) as deck:
        await deck.press("m", "enter", "enter")
        await deck.sees("Step 2 of 3:")
        await deck.press("right", "enter", "enter")
        await deck.sees("Step 3 of 3:", ">Cancel<")
        await deck.press("enter")
        await deck.sees("Cancelled; nothing was started")
        await deck.press("m", "enter", "enter")
        await deck.sees("Step 2 of 3:", "‹ DRSeg ›")
        await deck.press("enter", "tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")


async def test_the_complete_dialog_opens_as_it_was_cancelled() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("f", "2", "i")
        await deck.sees("(•) Planned Failover", "[x] Run PITR")
        await deck.press("escape")
        await deck.sees("Cancelled; nothing was started")
        await deck.press("f")
        await deck.sees("(•) Planned Failover", "[x] Run PITR")


async def test_enter_behind_the_right_name_goes_to_the_yes_and_presses_nothing() -> None:
    client = FakeClient(domain())
    async with running(client) as deck:
        await deck.press("f", "3", "tab", "enter")
        await deck.sees("Continuous rehydration")
        await deck.press("y")
        await deck.sees('Type the name of the domain, "erp-prod"')
        await deck.type("erp-pro")
        await deck.press("enter")
        assert deck.focused() == "typed"
        await deck.type("d")
        await deck.sees("enter To Confirm")
        deck.pass_time(1.0)
        await deck.pilot.press("enter", "enter", "enter")
        await deck.settle()
        assert deck.focused() == "yes" and client.submitted == []
        await deck.sees("enter came before this could be read")
        await deck.press("enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].type is FailoverType.FORCE


async def test_a_time_that_is_typed_again_replaces_the_old_one() -> None:
    async with running(FakeClient(in_session())) as deck:
        await deck.press("p")
        await deck.sees("Run PITR of files")
        await deck.type("10:02")
        await deck.press("tab")
        while deck.focused() != "time":
            await deck.press("tab")
        await deck.type("9:45")
        assert deck.app.screen.query_one("#time").value == "9:45"  # type: ignore[attr-defined]
        await deck.type("99")
        await deck.press("enter")
        await deck.sees("'9:4599' is not a time")
        await deck.type("10:02")
        assert deck.app.screen.query_one("#time").value == "10:02"  # type: ignore[attr-defined]
