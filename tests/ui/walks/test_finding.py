"""The filter's words, and the palette that takes domains too."""

from __future__ import annotations

import pytest

from drdeck.console.finding import matches
from drdeck.console.screens.domain_screen import DomainScreen
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Health, Mode
from tests.support.console.console_deck import running
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


async def test_the_palette_opens_a_domain() -> None:
    async with running(FakeClient(*SITE)) as deck:
        await deck.press("colon")
        await deck.type("billing")
        await deck.sees("open this domain: PITR session 12m")
        await deck.press("enter")
        await deck.until(lambda: isinstance(deck.app.screen, DomainScreen), "the domain")
        assert deck.app.screen.domain_name == "billing"  # type: ignore[attr-defined]
