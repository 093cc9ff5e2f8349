"""The first list on the screen: it waits for no widget that it does not show."""

from __future__ import annotations

import pytest

from drdeck.console.app import DrdeckApp
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain


@pytest.mark.parametrize("columns", [80, 120])
async def test_the_first_list_is_made_of_few_widgets(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pane and filter come later: each widget is a task, a style and a place to be found."""
    widgets: list[int] = []
    begin = DrdeckApp.begin_drawing

    def counted(app: DrdeckApp) -> None:
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
