"""One round of a domain's life by keyboard: in one sitting there, committed, and given back."""

from __future__ import annotations

from typing import Any

from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, Mode, Owner
from drdeck.model.facts.life_facts import Undo, WayBack
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, domain, vm

HERE: dict[str, Any] = {
    "undo": Undo(since=NOW),
    "vms": (vm("erp-app01", power="off"), vm("erp-db01", power="off")),
}


async def request_number(deck: Deck, client: FakeClient, number: int) -> Request:
    await deck.until(lambda: len(client.submitted) == number, "submitted")
    return client.submitted[-1]


async def test_an_imported_domain_fails_over_in_one_sitting() -> None:
    client = FakeClient(domain(mode=Mode.IMPORTED))
    async with running(client) as deck:
        await deck.press("f")
        await deck.sees("Failover of Protected Domain erp-prod", "VM_3510", "Run PITR after recovering VMs")
        await deck.press("3", "i")
        await deck.until(lambda: bool(client.previewed) and client.previewed[-1].start_first, "previewed")
        draft = client.previewed[-1]
        assert draft.type is FailoverType.FORCE and draft.run_pitr
        await deck.press("escape")
        await deck.until(lambda: deck.dialog is None, "closed")
    assert client.submitted == [], "nothing is asked for by a look"


async def test_commit_restore_and_release() -> None:
    client = FakeClient(domain(mode=Mode.RUNNING_IN_FAILOVER, **HERE))
    async with running(client) as deck:
        await deck.more("Commit Failover")
        await deck.sees("The failover stands")
        assert deck.focused() == "cancel"
        await deck.press("tab", "enter")
        assert (await request_number(deck, client, 1)).action == "failover_commit"
        client.tell(domain(mode=Mode.RUNNING_IN_FAILOVER, committed_at=NOW, **HERE))
        await deck.more("Restore")
        await deck.sees("primary site", "Running here, not protected")
        await deck.press("escape")
        await deck.more("Release Domain")
        await deck.sees("Waits for replicas until each VM")
        await deck.type("erp-prod")
        await deck.press("enter", "enter")
        released = await request_number(deck, client, 2)
        assert (released.action, released.confirm) == ("domain_release", "erp-prod")


async def test_the_checklist_says_what_is_missing() -> None:
    lacks = {"erp-db01": "no restore point since 2026-11-22 10:00:07Z"}
    back = WayBack(releasing="op-9", missing=lacks)
    client = FakeClient(domain(mode=Mode.RELEASING, owner=Owner.REMOTE, way_back=back))
    async with running(client) as deck:
        await deck.sees("Waits for replicas")
        await deck.more("Way Back")
        await deck.sees("Way Back: Protected Domain erp-prod", "by you, in the tool", "NOT CHECKED")
        assert "erp-db01: no restore point since" in deck.words()
        await deck.press("escape")
    assert client.submitted == []


async def test_an_undo_that_facts_speak_against_is_typed_twice() -> None:
    client = FakeClient(domain(mode=Mode.RUNNING_IN_FAILOVER, **HERE))
    client.against = ("Nobody can tell whether its VMs are there: it does not answer.",)
    async with running(client) as deck:
        await deck.more("Undo Failover")
        await deck.sees("Nobody can tell whether its VMs are there")
        await deck.type("erp-prod")
        await deck.press("enter", "enter")
        await deck.sees("is given up", "Nobody can tell whether its VMs are there")
        assert client.submitted == [], "it is typed once more"
        await deck.type("erp-prod")
        await deck.press("enter", "enter")
        undone = await request_number(deck, client, 1)
        assert (undone.action, undone.confirm) == ("failover_undo", "erp-prod")
        assert undone.even_though == ("named by the controller",)


async def test_a_committed_failover_has_no_undo_and_a_domain_that_runs_no_release() -> None:
    up = (vm("erp-app01", power="on"),)
    client = FakeClient(domain(mode=Mode.RUNNING_IN_FAILOVER, committed_at=NOW, vms=up))
    async with running(client) as deck:
        await deck.press("m")
        await deck.sees("Release Domain")
        assert "Undo Failover" not in deck.text
        await deck.press("escape")
        await deck.more("Release Domain")
        await deck.sees("are not off here", "a Planned Failover there shuts them down")
    assert client.submitted == []
