"""The next thing that needs somebody is one key away; what vCenter asks of a VM is answered."""

from __future__ import annotations

from datetime import UTC, datetime

from drdeck.console.screens.domain_screen import DomainScreen
from drdeck.controller.journal.operations import Question
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Health, Mode
from drdeck.terminal_info import FULL_HEIGHT, FULL_WIDTH
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, changed, domain, in_session, operation, vm

ASKS = Question(id="q1", kind="failed", text="erp-db01 will not shut down", choices=("retry", "abort"))
ASKED = datetime(2026, 11, 22, 10, 29, 17, tzinfo=UTC)
MOVED = Alarm(
    time=NOW,
    severity=Severity.CRITICAL,
    vm="hr-db01",
    kind="vm_question",
    text="This virtual machine might have been moved or copied",
    choices=("I Moved It", "I Copied It"),
)


def site() -> FakeClient:
    sick = in_session("shop", vms=(vm("shop1", health=Health.FAILED), vm("shop2", health=Health.OK)))
    return FakeClient(
        domain("calm"),
        domain("hr", Mode.COMPLETING, alarms=(MOVED,)),
        domain("portal", Mode.COMPLETING),
        sick,
        in_session("billing"),
        operations=(
            operation(of="hr", id="op-hr"),
            operation(of="portal", id="op-p", question=ASKS, question_at=ASKED),
        ),
    )


def on(deck: Deck) -> str | None:
    screen = deck.app.screen
    return screen.target() if hasattr(screen, "target") else None


async def test_n_goes_through_all_that_needs_somebody() -> None:
    client = site()
    async with running(client, first=None) as deck:
        await deck.sees("failovers are in progress")
        await deck.press("escape")
        await deck.sees("2 ASK", "2 UNPROTECTED, longest 12m")
        for name, why in (
            ("hr", "1 of 4: hr: hr-db01 asks"),
            ("portal", "2 of 4: portal: Failover (force) asks"),
            ("shop", "3 of 4: shop: 1 of 2 VMs FAIL their check"),
            ("billing", "4 of 4: billing: unprotected for 12m"),
            ("hr", "1 of 4: hr"),
        ):
            await deck.press("n")
            await deck.sees(why)
            assert on(deck) == name
        await deck.press("N")
        await deck.sees("4 of 4: billing")


async def test_a_and_n_work_from_another_domain_and_leave_one_screen_to_close() -> None:
    client = site()
    async with running(client, first=None) as deck:
        await deck.sees("failovers are in progress")
        await deck.press("escape", "enter")
        await deck.sees("Configurations")
        await deck.press("a")
        await deck.sees("hr-db01 needs you: This virtual machine might have been moved", "[ I Copied It ]")
        await deck.press("a", "a")
        await deck.until(lambda: on(deck) == "portal", "the next question")
        assert isinstance(deck.app.screen, DomainScreen)
        await deck.press("escape")
        await deck.sees("Protected Domains")


async def test_what_vcenter_asks_of_a_vm_is_answered_with_its_own_label() -> None:
    client = site()
    async with running(client, first=None) as deck:
        await deck.sees("failovers are in progress")
        await deck.press("escape", "a")
        await deck.sees("[ I Moved It ]", "[ I Copied It ]")
        await deck.press("a", "right", "enter")
        await deck.sees("Answer I Copied It to hr-db01?", ">Cancel<")
        assert client.answers == []
        await deck.press("tab", "enter")
        await deck.until(lambda: client.answers == [("op-hr", "I Copied It", "hr-db01")], "answered")


async def test_nothing_needs_anybody() -> None:
    async with running(FakeClient(domain())) as deck:
        await deck.press("n")
        await deck.sees("nothing needs you now")
        await deck.press("a")
        await deck.sees("no question waits anywhere")


async def test_all_alarms_lead_to_their_domains() -> None:
    client = site()
    async with running(client, first=None) as deck:
        await deck.sees("failovers are in progress")
        await deck.press("escape", "A")
        await deck.sees("All alarms", "2 in 5 domains", "CRITICAL", "hr-db01: This virtual machine might")
        await deck.sees("10:29:17Z CRITICAL portal", "Failover (force)")
        await deck.press("down", "enter")
        await deck.until(lambda: on(deck) == "hr" and isinstance(deck.app.screen, DomainScreen), "its domain")


async def test_the_same_trouble_of_many_vms_is_one_row_with_each_a_key_away() -> None:
    """Fifty VMs in trouble: the smallest terminal says all reasons, with the names below."""
    alarms = [changed(MOVED, vm=f"app{n:02}") for n in range(20)]
    for count, text in ((20, "its datastore is full"), (7, "inaccessible"), (3, "no Tools answer")):
        kind = text.partition(" ")[0]
        alarms += [
            Alarm(
                time=NOW,
                severity=Severity.WARNING,
                vm=f"{kind}{n:02}",
                kind=kind,
                text=f"{kind}{n:02}: {text}",
            )
            for n in range(count)
        ]
    hr = domain("hr", Mode.COMPLETING, alarms=tuple(alarms))
    client = FakeClient(hr, operations=(operation(of="hr", id="op-hr", question=ASKS),))
    async with running(client, size=(FULL_WIDTH, FULL_HEIGHT), first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "A")
        await deck.sees(
            "51 in 1 domain, for 5 reasons", "needs you: erp-db01 will not shut down",
            "20 VMs: This virtual machine might", "20 VMs: its datastore is full", "7 VMs: inaccessible",
            "3 VMs: no Tools answer",
        )  # fmt: skip
        await deck.press("down", "down", "down")
        await deck.sees("inaccessible00, inaccessible01, inaccessible02, inaccessible03")
        await deck.press("space")
        await deck.sees("> 10:42:07Z WARNING  hr                 inaccessible00", "space Fold")
        await deck.press("space", "enter")
        await deck.until(lambda: on(deck) == "hr", "its domain")


async def test_all_that_is_asked_of_a_domain_is_within_reach() -> None:
    """The operation's question, and of each VM what vCenter asks: none hides another."""
    asks = Question(id="q2", kind="not_ready", text="Not ready", choices=("retry", "skip"))
    alarms = (MOVED, changed(MOVED, vm="hr-web01", text="No space is left"))
    hr = domain("hr", Mode.COMPLETING, alarms=alarms)
    asking = (operation(of="hr", id="op-hr", question=asks),)
    client = FakeClient(hr, operations=asking)
    async with running(client, first=None) as deck:
        await deck.sees("A failover is in progress")
        await deck.press("escape", "enter", "a")
        await deck.sees("of hr needs you (1 of 3): Not ready", ">Retry<")
        await deck.press("a")
        await deck.sees("hr-db01 needs you (2 of 3): This virtual", ">I Moved It<")
        await deck.press("a", "right")
        await deck.sees("hr-web01 needs you (3 of 3): No space", ">I Copied It<")
        client.tell(changed(hr, alarms=alarms[1:]), operations=asking)
        await deck.sees("hr-web01 needs you (2 of 2): No space", ">I Copied It<")
        await deck.press("a")
        await deck.sees("of hr needs you (1 of 2): Not ready", ">Retry<")
