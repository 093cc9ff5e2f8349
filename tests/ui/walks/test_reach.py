"""Keys of one's own, sorting, copying, the doctor, local time, read-only."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from drdeck import terminal_info
from drdeck.config.settings import ConsoleSettings
from drdeck.console.terminal.clipboard import CAP, sequence
from drdeck.console.widgets.domain_columns import ordered
from drdeck.controller.journal.operations import Question
from drdeck.model.actions.action_table import ACTIONS
from drdeck.model.alarms import Finding
from drdeck.model.domains import Health, Mode, PitrPolicy
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, domain, in_session, operation, vm

ASKS = Question(id="q1", kind="failed", text="Power it off by hand?", choices=("retry", "abort"))


def rows(deck: Deck, *names: str) -> list[str]:
    """The names in the order in which the list shows them."""
    text = deck.text.partition("Protected Domains")[2]
    return sorted(names, key=lambda name: text.find(f" {name} "))


async def test_sorting_goes_round_and_stays_while_filtering() -> None:
    client = FakeClient(
        domain("web", Mode.IMPORTED, consistent_at=None),
        domain("erp", consistent_at=NOW - timedelta(seconds=4)),
        in_session("files", consistent_at=NOW - timedelta(hours=1)),
    )
    names = ("web", "erp", "files")
    async with running(client) as deck:
        assert rows(deck, *names) == ["web", "erp", "files"]
        for order, expected in (
            ("name", ["erp", "files", "web"]),
            ("mode", ["files", "erp", "web"]),
            ("RPO", ["files", "erp", "web"]),
        ):
            await deck.press("s")
            await deck.sees(f"sorted by {order}")
            assert rows(deck, *names) == expected
        await deck.press("slash")
        await deck.type("e")
        await deck.press("enter")
        await deck.sees("sorted by RPO")
        await deck.press("s")
        await deck.until(lambda: "sorted by" not in deck.text, "the site's order")


def test_equal_rows_keep_the_order_of_their_names() -> None:
    domains = [
        domain("b", consistent_at=NOW),
        domain("a", consistent_at=NOW),
        domain("c", consistent_at=None),
    ]
    assert [d.name for d in ordered(domains, "RPO", NOW)] == ["a", "b", "c"]
    assert [d.name for d in ordered(domains, "mode", NOW)] == ["a", "b", "c"]


# -- keys


async def test_keys_of_ones_own_work_and_are_shown() -> None:
    keys = {"sort": "o", "more": "!", "log": "f9", "pitr_exit": "x", "filter": "f3", "answer": "w"}
    settings = ConsoleSettings(keys=keys)
    async with running(FakeClient(in_session(), domain("web")), settings=settings) as deck:
        await deck.sees("! More", "f3 Filter")
        await deck.press("o")
        await deck.sees("sorted by name")
        await deck.press("exclamation_mark")
        await deck.sees("Exit PITR Session")
        await deck.press("exclamation_mark")
        await deck.until(lambda: deck.dialog is None, "closed by its own key")
        await deck.press("m", "l", "s")
        assert deck.dialog is None
        assert "sorted by name" in deck.text
        await deck.press("question_mark")
        await deck.sees("f9 Task Log", "x Exit PITR Session", "w Answer")
        await deck.press("escape", "f3")
        await deck.type("web")
        await deck.until(lambda: "files" not in deck.text.partition("Domain")[2], "filtered")
        await deck.press("escape", "home", "p")
        await deck.sees("Run PITR of files")
        await deck.press("x")
        await deck.sees("all PITR data is reset")


async def test_help_and_palette_list_every_action_that_works() -> None:
    async with running(FakeClient(domain(), operations=(operation(question=ASKS),)), first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "question_mark")
        await deck.sees("a Answer", "s Sort", "y Copy", "D Doctor")
        assert "Add a vCenter site" not in deck.text, "nobody gave this console a way to add one"
        await deck.press("escape", "colon")
        await deck.type("answer")
        await deck.press("enter")
        await deck.sees("Protected VMs", "Power it off by hand?")
        await deck.press("a")
        await deck.until(lambda: deck.focused() == "Push", "the choices")


def test_every_action_has_a_help() -> None:
    assert all(action.help and action.label for action in ACTIONS)


# -- copying


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to the clipboard, as on a terminal."""
    clipboard: list[str] = []

    def copy_out(app: object, text: str) -> str:
        clipboard.append(text)
        return text

    monkeypatch.setattr("drdeck.console.app.DrdeckApp.copy_out", copy_out)
    return clipboard


async def test_copying_what_is_under_the_cursor(copied: list[str]) -> None:
    client = FakeClient(in_session("files\x1b[2J"), operations=(operation(of="x", action="cfo_start"),))
    async with running(client) as deck:
        await deck.press("y")
        await deck.sees("Copied the domain's name: files<U+001B>[2J")
        await deck.press("enter", "down", "y")
        await deck.sees("Copied the VM's name: erp-db01")
        await deck.press("l", "y")
        await deck.sees("Copied the operation's number: op-1")
        await deck.press("escape", "m")
        await deck.sees("Run PITR")
        await deck.press("enter")
        await deck.sees("Run PITR of files")
        await deck.press("y")
        await deck.sees("Copied the point's time (UTC): 2026-11-22T10:40:07Z")
    assert copied == ["files<U+001B>[2J", "erp-db01", "op-1", "2026-11-22T10:40:07Z"]


async def test_nothing_is_copied_without_a_terminal() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("y")
        await deck.sees("nothing was copied: this is no terminal")


def test_the_sequence_that_copies() -> None:
    written, taken = sequence("erp-prod", tmux=False)
    assert (written, taken) == ("\x1b]52;c;ZXJwLXByb2Q=\x07", "erp-prod")
    inside, _ = sequence("erp-prod", tmux=True)
    assert inside == "\x1bPtmux;\x1b\x1b]52;c;ZXJwLXByb2Q=\x07\x1b\\"


@pytest.mark.parametrize("text", ["x" * 20_000, "漢" * 9_000])
def test_copies_are_capped(text: str) -> None:
    written, taken = sequence(text, tmux=True)
    assert len(written.encode()) <= CAP
    assert text.startswith(taken)
    assert len(taken.encode()) > 6000
    assert base64.b64decode(written.partition("c;")[2].partition("\x07")[0]).decode() == taken


# -- doctor


async def test_the_doctor_reads_site_and_terminal() -> None:
    client = FakeClient(domain())
    client.doctor_findings = (
        Finding.ok("site", "answers"),
        Finding.fail("privileges", "3 are missing", "grant them"),
    )
    async with running(client, environ={"LANG": "C", "TMUX": "x", "TERM": "screen"}) as deck:
        await deck.press("D")
        await deck.sees("Doctor", "80 x 24, TERM screen", "drawn in ASCII only", "tmux", "allow-passthrough")
        await deck.sees("x fail privileges", "3 are missing", "> grant them")
        await deck.press("escape")
        await deck.sees("Protected Domains")


@pytest.mark.parametrize(
    ("size", "colours", "environ", "says"),
    [
        ((59, 20), "256", {"LANG": "C.UTF-8"}, "make it 60 x 16"),
        ((60, 20), "256", {"LANG": "C.UTF-8"}, "from 80 x 22 on nothing is folded"),
        ((80, 24), "standard", {"LANG": "C.UTF-8"}, 'theme = "ansi"'),
        ((80, 24), "256", {"LANG": "C"}, "set LANG"),
        ((80, 24), "256", {"LANG": "C.UTF-8", "TMUX": "1"}, "allow-passthrough"),
        ((80, 24), None, {"LANG": "C.UTF-8", "NO_COLOR": "1"}, ""),
    ],
)
def test_what_the_terminal_lacks(
    size: tuple[int, int], colours: str | None, environ: dict[str, str], says: str
) -> None:
    findings = terminal_info.findings(size, ConsoleSettings(), {"TERM": "xterm", **environ}, colours, "off")
    assert [f.remedy for f in findings if f.remedy and says in f.remedy] or not says
    assert says or all(f.level == "ok" for f in findings)


# -- times


@pytest.fixture
def east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal two hours east of Greenwich."""
    monkeypatch.setenv("TZ", "EET-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("east")
@pytest.mark.parametrize(("width", "has_room"), [(80, False), (96, False), (97, True)])
async def test_local_time_of_the_points(width: int, has_room: bool) -> None:
    async with running(FakeClient(in_session()), size=(width, 24)) as deck:
        await deck.press("m", "enter")
        await deck.sees("Time (UTC)", "2026-11-22 10:40:07Z")
        assert ("Local time" in deck.text) is has_room
        if has_room:
            await deck.sees("12:40:07 EET")
            return
        await deck.sees("local: 2026-11-22 12:40:07 EET")
        await deck.press("down")
        await deck.sees("local: 2026-11-22 12:30:07 EET")
        await deck.type("10:02")
        await deck.press("enter")
        await deck.sees("taken as UTC: 2026-11-22 10:02:00Z", "all VMs (2); local: 12:00:07 EET")


# -- words that were missing


async def test_cancelling_says_that_nothing_was_asked_for() -> None:
    async with running(FakeClient(domain(), in_session())) as deck:
        await deck.press("f")
        await deck.sees("Complete Failover", "key i", "keys 1, 2, 3", "left/right choose another")
        await deck.press("escape")
        await deck.sees("Cancelled; nothing was started")
        await deck.press("f")
        await deck.sees("Complete Failover")
        await deck.press("tab", "enter")
        await deck.sees("Continuous rehydration", "Confirm")
        await deck.press("enter")
        await deck.sees("Cancelled; nothing was started")


async def test_the_health_of_the_vms_has_a_label() -> None:
    ill = vm(
        "erp-db01", health=Health.FAILED, detail="the database does not start; its files are not readable"
    )
    async with running(FakeClient(in_session(vms=(vm("erp-app01", health=Health.OK), ill)))) as deck:
        await deck.press("enter", "down")
        await deck.sees("VM  erp-db01: check failed")
        await deck.press("right")
        await deck.sees("Health        1 of 2 VMs healthy; health check failed: erp-db01")


@pytest.mark.parametrize(
    ("domain", "word"),
    [
        (in_session(), "Suspended (PITR session)"),
        (domain(mode=Mode.RUNNING_IN_FAILOVER), "Protected by points every 15 min"),
        (domain(mode=Mode.RUNNING_IN_FAILOVER, replication="Active"), "Active"),
        (domain(mode=Mode.RUNNING_IN_FAILOVER, pitr=PitrPolicy()), "-"),
        (domain(mode=Mode.PROTECTED), "-"),
    ],
)
async def test_replication_status(domain: Any, word: str) -> None:
    async with running(FakeClient(domain)) as deck:
        await deck.press("enter")
        await deck.sees("Replication Status")
        line = next(line for line in deck.text.splitlines() if "Replication Status" in line)
        assert line.partition("│")[0].strip().removeprefix("Replication Status").strip() == word


# -- read-only here


async def test_a_read_only_console_refuses_whatever_its_controller_allows() -> None:
    client = FakeClient(domain(), in_session(), operations=(operation(of="files", question=ASKS),))
    async with running(client, first=None, read_only=True) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "f")
        await deck.sees("drdeck is read-only here")
        await deck.press("escape", "m")
        await deck.sees("(drdeck is read-only")
        await deck.press("escape", "a")
        await deck.sees("Power it off by hand?")
        await deck.press("a", "enter")
        await deck.sees("drdeck is read-only here")
    assert (client.submitted, client.answers) == ([], [])
