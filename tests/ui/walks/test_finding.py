"""The filter's words, and the palette: acts, domains, VMs, sites, views and instants."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from drdeck.config.settings import ConsoleSettings, ViewSettings
from drdeck.console.dialogs.action_lists import Item
from drdeck.console.dialogs.palette_dialog import narrowed
from drdeck.console.finding import matches
from drdeck.console.screens.domain_screen import DomainScreen
from drdeck.console.site_mark import OtherSite
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Health, Mode
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, domain, in_session, vm

ALARM = Alarm(time=NOW, severity=Severity.WARNING, vm=None, kind="abnormal_writing", text="x30")
SITE = (
    domain("erp-prod"),
    domain("erp-test", Mode.IMPORTED),
    in_session("shop", vms=(vm("a", health=Health.FAILED), vm("b", health=Health.OK)), alarms=(ALARM,)),
    in_session("billing", vms=(vm("a", health=Health.OK),)),
)
QUERIES = {
    "": "erp-prod erp-test shop billing",
    "erp": "erp-prod erp-test",
    "ERP sync": "erp-prod",
    "!erp": "shop billing",
    "erp !imported": "erp-prod",
    "health:failed": "shop",
    "health:ok": "billing",
    "!health:failed session:": "billing",
    "mode:imported": "erp-test",
    "mode:pitr_session": "shop billing",
    "alarm:": "shop",
    "alarm:abnormal": "shop",
    "owner:remote test": "erp-test",
    "vm:x": "",
}


@pytest.mark.parametrize("query", QUERIES)
def test_what_a_query_leaves(query: str) -> None:
    assert " ".join(d.name for d in SITE if matches(d, query, NOW)) == QUERIES[query]


async def test_the_list_is_filtered_by_several_words() -> None:
    async with running(FakeClient(*SITE)) as deck:
        await deck.press("slash")
        await deck.sees("health:failed")
        await deck.type("health:failed")
        await deck.until(lambda: "billing" not in deck.text and "shop" in deck.text, "filtered")


async def test_a_filter_outlives_the_escapes_that_lead_back_to_it() -> None:
    async with running(FakeClient(*SITE)) as deck:
        await deck.press("slash")
        await deck.sees("health:failed")
        await deck.type("health:failed")
        await deck.until(lambda: "billing" not in deck.text and "shop" in deck.text, "filtered")
        await deck.press("enter", "enter")
        await deck.until(lambda: isinstance(deck.app.screen, DomainScreen), "the domain is open")
        await deck.press("escape", "escape")
        await deck.sees("The filter stays; esc once more shows all domains")
        assert "billing" not in deck.text
        await deck.press("escape")
        await deck.sees("billing")
        await deck.press("slash")
        await deck.type("shop")
        await deck.until(lambda: "billing" not in deck.text, "filtered again")
        await deck.press("enter", "enter")
        await deck.until(lambda: isinstance(deck.app.screen, DomainScreen), "the domain is open")
        await deck.press("escape", "down", "escape")  # after another key it is meant
        await deck.sees("billing")


async def test_the_palette_opens_a_domain() -> None:
    async with running(FakeClient(*SITE)) as deck:
        await deck.press("colon")
        await deck.type("billing")
        await deck.sees("open this domain: PITR session 12m")
        await deck.press("enter")
        await deck.until(lambda: isinstance(deck.app.screen, DomainScreen), "the domain")
        assert deck.app.screen.domain_name == "billing"  # type: ignore[attr-defined]


async def look_up(deck: Deck, text: str) -> None:
    """Open the palette and type."""
    await deck.press("colon")
    await deck.sees("Every act, domain, VM and site")
    await deck.type(text)


async def test_the_palette_says_why_what_no_menu_has_is_not_possible() -> None:
    async with running(FakeClient(in_session("shop"))) as deck:
        await look_up(deck, "")
        assert "Test Failover" not in deck.text, "only where it is typed"
        await deck.type("test fail")
        await deck.sees("(this site does not support a test")
        await deck.press("enter")
        await deck.sees(
            'this site does not support a test of "shop": nothing here can clone its VMs', "Dismiss"
        )


async def test_what_no_menu_has_comes_last_and_by_its_name_alone() -> None:
    async with running(FakeClient(in_session("shop"))) as deck:
        await look_up(deck, "exit")
        await deck.sees("Exit PITR Session")
        await deck.press("escape")
        await look_up(deck, "failover")
        await deck.sees("Commit Failover", "Undo Failover")
        rows = [line for line in deck.text.splitlines() if "Failover" in line]
        assert "Failover Plan" in rows[0], rows
        await deck.type(" clone")
        await deck.until(lambda: "nothing is called so" in deck.text, "its help is not looked at")


async def test_the_palette_goes_to_a_vm() -> None:
    vms = tuple(vm(f"shop-web{number:02}") for number in range(1, 31))
    async with running(FakeClient(*SITE[:2], domain("mall", vms=vms))) as deck:
        await look_up(deck, "vm web27")
        await deck.sees("VM of mall")
        await deck.press("enter")
        await deck.until(lambda: isinstance(deck.app.screen, DomainScreen), "the domain")
        await deck.sees("> shop-web27")
        await deck.press("right")  # to another tab, and from there to another VM of the same domain
        await look_up(deck, "web03")
        await deck.sees("VM of mall")
        await deck.press("enter")
        await deck.sees("> shop-web03")
        assert deck.app.screen.domain_name == "mall"  # type: ignore[attr-defined]


async def test_vms_are_not_listed_before_anything_is_typed() -> None:
    async with running(FakeClient(*SITE)) as deck:
        await look_up(deck, "")
        assert "VM of" not in deck.text


async def test_tab_completes_what_was_typed() -> None:
    vms = (vm("shop-web01"), vm("shop-web02"), vm("shop-db01"))
    settings = ConsoleSettings(views={"night": ViewSettings(filter="mode:pitr")})
    async with running(FakeClient(domain("mall", vms=vms)), settings=settings) as deck:
        for typed, tabs, completed in (
            ("vm s", 1, "vm shop-"),
            ("vm shop-w", 1, "vm shop-web0"),
            ("vm shop-w", 2, "vm shop-web01"),
            ("vm web02", 1, "vm shop-web02"),
            ("ma", 1, "mall"),
            ("view", 1, "view night"),
            ("doc", 1, "Doctor"),
            ("zz", 1, "zz"),
        ):
            await look_up(deck, "")
            await deck.type(typed)
            if typed.startswith("vm"):
                await deck.sees("VM of mall")
            await deck.press(*["tab"] * tabs)
            field = deck.app.screen.query_one(Input)
            assert field.value == completed, typed
            assert deck.focused() == "wanted"
            await deck.press("escape")


async def test_the_palette_leaves_for_another_site() -> None:
    rows = (
        OtherSite("dr-east", "the console of vcsa.east"),
        OtherSite("dr-west", "vcsa", "this is its console"),
    )
    client = FakeClient(*SITE)
    async with running(client, sites=lambda: rows) as deck:
        await look_up(deck, "site west")
        await deck.sees("(this is its console)")
        await deck.press("escape")
        await look_up(deck, "site east")
        await deck.sees("the console of vcsa.east")
        await deck.press("enter")
        await deck.until(lambda: not deck.app.is_running, "the end")
        assert deck.app.next_site == "dr-east"
    assert client.disconnected, "or it is also here while the other site is looked at"


async def test_the_palette_goes_to_an_instant_of_run_pitr() -> None:
    async with running(FakeClient(in_session("files"), SITE[0])) as deck:
        await look_up(deck, "pitr 10:12")
        await deck.sees("Run PITR of files there")
        await deck.press("enter")
        await deck.sees("Run PITR of files", "to 2026-11-22 10:10:07Z")
        assert deck.focused() == "run"
        await deck.press("escape", "down")
        await look_up(deck, "pitr 10:12")
        await deck.sees("pitr 10:12")
        await deck.press("enter")
        await deck.sees('"erp-prod" has no PITR session')


def test_names_that_begin_with_what_was_typed_come_first() -> None:
    items = [
        Item("a", "Failover", "shop and all"),
        Item("b", "the shop", "", typed="the shop"),
        Item("c", "shop", "open", typed="shop"),
        Item("d", "shop-web", "VM", typed="vm shop-web"),
    ]
    assert [item.name for item in narrowed(items, "shop")] == ["c", "d", "b", "a"]
    assert [item.name for item in narrowed(items, "vm shop")] == ["d"]
    assert [item.name for item in narrowed(items, "")] == ["a", "b", "c"]
