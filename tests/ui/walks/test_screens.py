"""Each screen shows its labels letter by letter, and nothing made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from drdeck.console.widgets.row_list import RowList
from drdeck.controller.journal.operations import OperationState
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Mode, Networks, PitrPolicy
from tests.support.console.console_deck import running
from tests.support.console.fake_client import NOW, FakeClient, domain, in_session, operation, steps, vm


async def test_the_list() -> None:
    client = FakeClient(
        domain(), in_session(), domain("web", Mode.IMPORTED, pitr=PitrPolicy(), consistent_at=None)
    )
    async with running(client) as deck:
        await deck.sees("drdeck", "dr-west (recovery)", "10:42Z", "Protected Domains", "1 unprotected")
        await deck.sees("UNPROTECTED files 00:12:31", "PITR session 12m", "2/2", "Imported")
        web = next(line for line in deck.text.splitlines() if " web " in line)
        assert web.split()[-2:] == ["-", "-"]


async def test_a_domain() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("enter")
        await deck.sees(
            "Mode",
            "Continuous Rehydration in Progress",
            "Recoverable / Total VMs",
            "Data (Processed/Known Remaining)",
            "1.91 TB / 4.1 GB",
            "Current Step",
            "Configurations",
            "Storage Site",
            "array-7",
            "Owner Site",
            "REMOTE, vcsa.prod",
            "PITR",
            "3 days, every 15 min",
            "Protected VMs",
            "Settings",
            "Alarms",
            "VM Name",
            "Protection Status",
            "erp-db01",
        )


async def test_a_domain_after_failover() -> None:
    async with running(FakeClient(domain(mode=Mode.RUNNING_IN_FAILOVER, remaining_bytes=None))) as deck:
        await deck.press("enter")
        await deck.sees(
            "Running in Failover", "Replication Status", "Remaining Background Data", "Current RPO"
        )
        await deck.sees("LOCAL")
        remaining = next(line for line in deck.text.splitlines() if "Remaining Background Data" in line)
        assert remaining.partition("│")[0].split()[-1] == "-"


async def test_a_domain_that_fell_behind() -> None:
    again = domain(
        mode=Mode.REHYDRATING, again="1 of 2 VMs are not Recoverable: no restore point yet: erp-db01"
    )
    async with running(FakeClient(again)) as deck:
        await deck.sees("Rehydrating again")
        await deck.press("enter")
        await deck.sees("Continuous Rehydration again")
        await deck.sees("Rehydrating again: 1 of 2 VMs are not Recoverable: no restore point yet: erp-db01")


async def test_unknown_figures_are_shown_as_unknown() -> None:
    nothing = domain(
        processed_bytes=None, remaining_bytes=None, step=None, storage_site="", consistent_at=None
    )
    async with running(FakeClient(nothing)) as deck:
        await deck.press("enter")
        await deck.sees("Data (Processed/Known Remaining)")
        data = next(line for line in deck.text.splitlines() if "Known Remaining" in line)
        assert "- / -" in data


async def test_the_tabs() -> None:
    alarm = Alarm(
        time=NOW,
        severity=Severity.WARNING,
        vm="erp-db01",
        kind="foreign_snapshot",
        text="a snapshot [b]x[/b]",
    )
    async with running(FakeClient(domain(alarms=(alarm,)))) as deck:
        await deck.press("enter")
        await deck.sees("Alarms (1)")
        await deck.press("right")
        await deck.sees("╵", "write rate x30 from 10:02Z", "3 days, every 15 min")
        await deck.press("right")
        await deck.sees("VM_3510 →", "Runbook")
        await deck.press("right")
        await deck.sees("WARNING", "erp-db01: a snapshot [b]x[/b]")


async def test_the_more_menu_dims_with_a_reason() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("m")
        await deck.sees("More", "Continuous Failover", "Failover")
        await deck.press("up")
        await deck.sees("continuous failover needs an imported domain")


async def test_an_open_more_menu_follows_the_news() -> None:
    client = FakeClient(domain(mode=Mode.COMPLETING))
    async with running(client) as deck:
        await deck.press("m")
        await deck.sees("More", "Failover", "Cancel Continuous Failover")
        client.tell(in_session(name="erp-prod"))
        await deck.sees("Run PITR", "Exit PITR Session")
        assert "Cancel Continuous Failover" not in deck.words()
        client.tell()
        await deck.sees("nothing can be done here")
        assert "many domains as one" not in deck.words()


async def test_task_steps() -> None:
    busy = domain(
        mode=Mode.COMPLETING,
        steps=steps(),
        vms=(vm("erp-app01", status="recovering", progress=42, detail="powering on"), vm("erp-db01")),
    )
    async with running(FakeClient(busy, operations=(operation(waits_for="2 of 2 VMs"),)), first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("enter", "t")
        await deck.sees("Task Steps", "✓  1  Prerequisite checks  done", "▶  2", "42%", "current", "pending")
        await deck.sees("erp-app01", "powering on", "RTO 00:05:00", "by ann@jump1", "2 of 2 VMs")


async def test_the_rto_clock_runs() -> None:
    busy = domain(mode=Mode.COMPLETING, steps=steps())
    async with running(FakeClient(busy, operations=(operation(),)), first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("enter", "t")
        await deck.sees("RTO 00:05:00")
        deck.clocks["now"] = NOW + timedelta(seconds=9)
        await deck.sees("RTO 00:05:09")


async def test_the_unprotected_clock_runs_on_every_screen() -> None:
    async with running(FakeClient(in_session())) as deck:
        await deck.press("l")
        await deck.sees("Task Log", "UNPROTECTED files 00:12:31")
        deck.clocks["now"] = NOW + timedelta(seconds=60)
        await deck.sees("UNPROTECTED files 00:13:31", "10:43Z")


async def test_the_task_log() -> None:
    async with running(FakeClient(domain(), operations=(operation(),)), first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("enter", "l")
        await deck.sees("Task Log", "Failover (force)", "ann@jump1", "open")
        await deck.press("enter")
        await deck.sees("Waits for", "the PITR session to be exited")


async def test_the_task_log_is_filtered_and_follows_the_newest() -> None:
    def done(name: str) -> Any:
        return operation("cfo_start", name, id=f"op-{name}", state=OperationState.DONE, ended_at=NOW)

    tasks = tuple(done(f"d-{n}") for n in range(4))
    client = FakeClient(domain(), operations=tasks)
    async with running(client) as deck:
        await deck.press("l")
        await deck.sees("Task Log", "d-3", "/ Filter")
        rows: RowList[Any] = deck.app.screen.query_one("#tasks", RowList)
        client.tell(domain(), operations=(done("new"), *tasks))
        await deck.until(lambda: rows.rows[rows.cursor].id == "op-new", "on the newest, which it follows")
        await deck.press("down", "down")
        client.tell(domain(), operations=(done("last"), done("new"), *tasks))
        await deck.sees("last")
        assert rows.rows[rows.cursor].id == "op-d-1", "the cursor was moved: it stays on its task"
        await deck.press("slash")
        await deck.type("done !d-2 d-")
        await deck.sees("3 of 6", "esc Show all")
        assert [row.domain for row in rows.rows] == ["d-0", "d-1", "d-3"]
        await deck.press("enter", "escape")
        await deck.sees("d-2", "esc Back")
        await deck.press("escape")
        await deck.sees("Protected Domains")


async def test_who_asked_for_what_was_taken_over() -> None:
    taken = operation(taken_over_by="bob@jump2")
    async with running(FakeClient(domain(), operations=(taken,)), first=None) as deck:
        await deck.sees("A failover is in progress", "ann@jump1, taken over by bob@jump2")
        await deck.press("enter", "l", "enter")
        await deck.sees("ann@jump1, taken over by bob@jump2", "Number")
        own = operation(actor="bob@jump2", taken_over_by="bob@jump2")
        assert own.asked_by == "bob@jump2, who took it over", "by whom it was asked is not known"


async def test_help_is_made_from_the_action_list() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("question_mark")
        await deck.sees(
            "Keys of this screen", "This screen", "Everywhere", "t Task Steps", "d Detach", "! alarm"
        )


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        ({"stale_s": 70.0, "error": "no route to host"}, ("STALE since 10:42:07Z", "no route to host")),
        ({"read_only": True}, ("READ-ONLY",)),
        ({"warnings": ("certificate unchecked",)}, ("certificate unchecked",)),
        ({"kind": "training"}, ("TRAINING",)),
        ({"journal_error": "disk full"}, ("JOURNAL FAILS", "disk full")),
    ],
)
async def test_lasting_warnings(listing: dict[str, Any], words: tuple[str, ...]) -> None:
    async with running(FakeClient(domain(), **listing)) as deck:
        await deck.sees(*words)


async def test_a_small_terminal_is_told_so() -> None:
    async with running(
        FakeClient(domain()), size=(59, 20), first="Terminal too small: 59 x 20, needs 60 x 16."
    ) as deck:
        assert "Protected Domains" not in deck.text


@pytest.mark.parametrize("size", [(59, 16), (60, 15), (40, 10), (20, 8)])
async def test_below_the_smallest_size_nothing_is_drawn_and_no_key_acts_unseen(size: tuple[int, int]) -> None:
    client = FakeClient(in_session(rollbacks=1))
    async with running(client) as deck:
        await deck.press("m", "down", "enter")
        await deck.sees("Exit PITR Session", "[>Cancel<]", "The VMs stay as they are now")
        await deck.pilot.resize_terminal(*size)
        word = f"Terminal too small: {size[0]} x {size[1]}, needs 60 x 16."
        await deck.until(lambda: word in deck.words(), word)
        hide = "hide tmux's status line (prefix : set status off)"
        advice = f"Enlarge it, or {hide}. d leaves; the work continues."
        assert deck.words().strip() == f"{word} {advice}"
        await deck.press("tab", "enter", "escape", "m")
        assert client.submitted == []
        await deck.pilot.resize_terminal(80, 24)
        await deck.sees("Exit PITR Session", "[>Cancel<]", "The VMs stay as they are now")
        await deck.pilot.resize_terminal(*size)
        await deck.press("d")
        await deck.until(lambda: not deck.app.is_running or deck.app._exit, "left")


async def test_no_domain_and_no_vm() -> None:
    async with running(FakeClient()) as deck:
        await deck.sees("the site has no Protected Domain")
    async with running(FakeClient(domain("empty", vms=(), networks=Networks()))) as deck:
        await deck.press("enter")
        await deck.sees("this domain has no VM", "0 / 0")
        await deck.press("f")
        await deck.sees('"empty" has no VM')


NAMES = ["[bold]x", "a/b \"c\" 'd'", "漢字ドメイン", "x" * 80, "%2f[/]", "back\\slash"]


@pytest.mark.parametrize("name", NAMES)
async def test_names_are_data(name: str) -> None:
    vms = (vm(name, error=f"{name} did not start"), vm("other"))
    async with running(FakeClient(domain(name, vms=vms), domain("zz"))) as deck:
        rows = [line for line in deck.text.splitlines() if "In sync" in line]
        places = {_cells(line.partition("In sync")[0]) for line in rows}
        assert len(places) == 1, deck.text
        await deck.press("enter")
        await deck.until(lambda: "".join(name.split()) in _joined(deck.text), name)
        await deck.press("f")
        await deck.until(lambda: f"Domain{''.join(name.split())}" in _joined(deck.text), name)


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _joined(text: str) -> str:
    return "".join(text.replace("│", "").split())


async def test_control_characters_in_names_are_seen() -> None:
    async with running(FakeClient(domain("evil\u202e\x1b[2J"))) as deck:
        await deck.sees("evil<U+")


async def test_ascii_where_the_locale_is_not_utf8() -> None:
    async with running(FakeClient(domain("漢字"), in_session()), environ={"LANG": "C"}) as deck:
        assert deck.text.isascii()
        await deck.press("question_mark")
        await deck.sees("up/down j k Move", "down more")
        await deck.press("escape")
        for key in ("enter", "m", "escape", "right", "t", "escape", "escape", "f"):
            await deck.press(key)
            assert deck.text.isascii(), key


@pytest.mark.parametrize("environ", [{"LANG": "C.UTF-8", "NO_COLOR": "1"}, {"LANG": "C.UTF-8"}])
async def test_no_color_means_mono(environ: dict[str, str]) -> None:
    async with running(FakeClient(domain(), in_session()), environ=environ) as deck:
        strips = deck.app.screen._compositor.render_strips(deck.app.size)
        colours = {s.style.color for strip in strips for s in strip if s.style and s.style.color}
        assert bool(colours) is ("NO_COLOR" not in environ)


async def test_filtering() -> None:
    async with running(FakeClient(domain(), in_session(), domain("web", Mode.IMPORTED))) as deck:
        await deck.press("slash")
        await deck.type("web")
        await deck.until(lambda: "erp-prod" not in deck.text, "filtered")
        await deck.press("enter", "enter")
        await deck.sees("Imported", "Protected VMs")
        await deck.press("escape", "escape", "escape")
        await deck.sees("erp-prod")


async def test_many_vms_are_drawn_only_where_seen() -> None:
    many = tuple(vm(f"vm{i:05}") for i in range(10_000))
    async with running(FakeClient(domain(vms=many))) as deck:
        await deck.press("enter", "end")
        await deck.sees("vm09999", "10000 / 10000")


async def test_list_and_domain_side_by_side() -> None:
    client = FakeClient(domain(), in_session())
    async with running(client, size=(120, 40)) as deck:
        await deck.sees("Protected Domains", "Configurations", "REMOTE, vcsa.prod", "erp-db01")
        assert client.watching == "erp-prod"
        await deck.press("j")
        await deck.until(lambda: client.watching == "files", "the other domain")
        await deck.sees("Replication Status", "Suspended (PITR session)")
        await deck.press("enter")
        await deck.until(lambda: "Protected Domains" not in deck.text, "its own screen")


async def test_a_wide_console_without_domains() -> None:
    async with running(FakeClient(), size=(160, 50)) as deck:
        await deck.sees("the site has no Protected Domain")


async def test_who_else_is_attached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drdeck.controller.ipc.client.who", lambda: "ann@jump1")
    client = FakeClient(domain(), consoles=("ann@jump1",))
    async with running(client) as deck:
        await deck.sees("Protected Domains")
        assert "also here" not in deck.text
        client.tell(domain(), consoles=("ann@jump1", "ann@jump1", "bob@jump2"))
        await deck.sees("also here: ann@jump1, bob@jump2")
        client.tell(domain(), consoles=("ann@jump1",))
        await deck.until(lambda: "also here" not in deck.text, "gone")


@pytest.mark.parametrize(
    ("driven", "words"),
    [
        ({"holder": "bob@jump2 since 10:40"}, "driven by bob@jump2 since 10:40"),
        ({"left_by": "bob@jump2 until 10:40"}, "bob@jump2 until 10:40, silent since; Take Over continues"),
    ],
)
async def test_who_drives_a_domain_or_left_it_is_said(driven: dict[str, Any], words: str) -> None:
    async with running(FakeClient(in_session(**driven))) as deck:
        await deck.press("enter")
        await deck.until(lambda: words in deck.words(), words)
