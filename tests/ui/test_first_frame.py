"""The first list on the screen: it waits for no widget that it does not show."""

from __future__ import annotations

import pytest

from drdeck.console.app import DrdeckApp
from drdeck.console.screens.domain_list import DomainsScreen
from drdeck.console.screens.domain_pane import DomainPane
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain


@pytest.mark.parametrize("columns", [80, 120])
async def test_the_first_list_is_made_of_few_widgets(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pane and filter come later: each widget is a task, a style and a place to be found."""
    widgets: list[int] = []
    begin = DrdeckApp.begin_drawing

    def counted(app: DrdeckApp) -> None:
        if app.screen_stack:  # its timer may ring while the app ends
            widgets.append(len(list(app.screen.walk_children())))
        begin(app)

    monkeypatch.setattr(DrdeckApp, "begin_drawing", counted)
    async with running(FakeClient(domain("web")), size=(columns, 24)) as deck:
        await deck.sees("web")
        assert widgets[0] <= 12
        if columns == 120:
            await deck.sees("Recoverable / Total VMs", "[Protected VMs]")
        else:
            assert not deck.app.query("DomainPane")
        assert not deck.app.query("Input")


async def test_a_moved_cursor_draws_what_depends_on_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the whole list, which at a large site is most of a key's time."""
    drawn: list[str] = []
    follow, take = DomainsScreen._follow, DomainsScreen.take

    def followed(screen: DomainsScreen) -> None:
        with monkeypatch.context() as inside:
            inside.setattr(DomainsScreen, "take", lambda *_: drawn.append("all"))
            follow(screen)
        drawn.append("row")

    names = [f"domain{number}" for number in range(4)]
    async with running(FakeClient(*map(domain, names)), size=(120, 40)) as deck:
        await deck.sees("[Protected VMs]")
        monkeypatch.setattr(DomainsScreen, "_follow", followed)
        await deck.press("down", "down")
        await deck.until(lambda: deck.app.screen.query_one(DomainPane).domain_name == names[2], "followed")
        assert drawn == ["row", "row"]
    assert DomainsScreen.take is take
