"""PITR sessions by keyboard: rolling back to an instant, and out of it again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.events import Key

from drdeck.controller.journal.operations import SESSION_OPEN
from drdeck.model.domains import Mode, Period
from tests.support.console.console_deck import running
from tests.support.console.fake_client import NOW, FakeClient, changed, domain, in_session, operation


async def test_rolling_back_takes_six_keys_and_a_time() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("Run PITR of files", "Time (UTC)", "╵", "2026-11-22 10:40:07Z", "2/2")
        await deck.sees("Only disks are rolled back", "check VM settings")
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


async def test_on_a_vcenter_a_point_has_the_time_at_which_it_was_made() -> None:
    """register V11: the data is older than its snapshot; and a revert takes the configuration back."""
    client = FakeClient(in_session(configuration_goes_back=True))
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees(
            "Point made at (UTC)",
            "Disks and configuration go back; networks are mapped again, nothing else is",
            "2026-11-22 10:40:07Z",
        )


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("-15m", "2026-11-22 10:27:07Z"), ("2026-11-22T09:00:00Z", "09:00:00Z"), ("99:99", "is not a time"),
     ("2026-11-22T01:00:00Z", "no point at or before 2026-11-22 01:00:00Z; the oldest is of"),
     ("2026-11-22T11:00:00Z", "is in the future; it is 2026-11-22 10:42:07Z at the site"),
     ("2026-11-18T10:00:00Z", "is before the PITR window, which begins at 2026-11-19 10:42:07Z"),
     ("9:15", "a PITR session was active from 2026-11-22 09:00:00Z to 2026-11-22 09:30:00Z;"),
     ("-1s", "a PITR session was active from 2026-11-22 10:29:36Z to now; no instant in it can be"),
    ],
)  # fmt: skip
async def test_typed_times(typed: str, expected: str) -> None:
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
        await deck.sees(expected)
        if expected.startswith(("2026", "09:00:00Z")):
            assert deck.focused() == "run"
            return
        assert deck.focused() == "time" and cursor in deck.text
        assert client.submitted == [] and deck.dialog is None
        await deck.press("backspace")
        await deck.until(lambda: expected not in deck.words(), "gone with the next key")


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


async def test_without_colours_an_empty_field_is_seen() -> None:
    environ = {"LANG": "C.UTF-8", "NO_COLOR": "1"}
    async with running(FakeClient(in_session()), environ=environ) as deck:
        await deck.press("m", "down", "enter")
        await deck.sees('Type the name of the domain, "files"')
        strips = deck.app.screen._compositor.render_strips(deck.app.size)
        drawn = [s.text for strip in strips for s in strip if s.style and s.style.underline]
        assert any(text.isspace() and len(text) > 20 for text in drawn)


async def test_a_session_by_hand() -> None:
    client = FakeClient(domain("mine", Mode.RUNNING_IN_FAILOVER))
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("Start PITR Session")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        await deck.until(lambda: bool(client.submitted), "submitted")
    assert client.submitted[0].action == "pitr_start"


async def test_a_progressing_rollback_is_followed_on_its_screen() -> None:
    client = FakeClient(in_session())
    async with running(client) as deck:
        await deck.press("m", "enter")
        await deck.sees("erp-db01")
        going = in_session()
        vms = tuple(changed(v, status="rolling_back", progress=37, detail="reverting") for v in going.vms)
        client.tell(changed(going, vms=vms), operations=(operation("pitr_run", "files", waits_for="2 VMs"),))
        await deck.sees("Rolling back", "37%", "2 VMs")


async def test_once_the_session_is_over_its_points_are_only_looked_at() -> None:
    client = FakeClient(in_session("files"))
    async with running(client) as deck:
        await deck.press("p")
        await deck.sees("[ Run PITR ]", "Only disks are rolled back")
        while deck.focused() != "run":
            await deck.press("tab")
        client.tell(domain("files", Mode.RUNNING_IN_FAILOVER))
        await deck.sees("Points of files   there is no PITR session", "> 2026-11-22 10:40:07Z")
        for words in ("Run PITR", "Only disks", "all VMs"):
            assert words not in deck.text
        assert deck.focused() == "points"


async def test_the_way_out_of_a_session_is_named_beside_the_last_good_point() -> None:
    async with running(FakeClient(in_session("files"))) as deck:
        await deck.press("p")
        await deck.sees("g Last good  esc Back  m More  ? Help")
        await deck.press("g")
        await deck.sees("★ last good", "m More")


async def test_the_timeline_can_be_narrowed() -> None:
    async with running(FakeClient(in_session())) as deck:
        await deck.press("m", "enter")
        await deck.sees("08:44:31Z")
        await deck.press("z", "z", "z")
        await deck.sees("09:42:07Z")
        assert "08:44:31Z" not in deck.text


async def test_the_next_act_of_a_session_is_named_as_it_stands() -> None:
    waits = operation(of="files", waits_for=SESSION_OPEN)
    client = FakeClient(in_session(), operations=(waits,))
    async with running(client) as deck:
        await deck.press("enter", "t")
        await deck.sees("Task Steps of files", "next: p Run PITR, then m Exit PITR Session")
        client.tell(in_session(rollbacks=1), operations=(waits,))
        await deck.sees("next: m Exit PITR Session, or p Run PITR again")


async def test_the_rollback_in_force_is_drawn() -> None:
    async with running(FakeClient(in_session(rollbacks=1))) as deck:
        await deck.press("m", "enter")
        await deck.sees("rolled back to 2026-11-22 09:42:07Z", "◆")
