"""The list's columns, chosen by a key or by a view of the settings; sorted by any of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from rich.cells import cell_len

from drdeck.config.settings import ColumnName, ConsoleSettings, SettingsError, ViewSettings
from drdeck.config.settings_file import load
from drdeck.console.format import plain_of
from drdeck.console.widgets.domain_columns import COLUMNS, columns_for, domain_header, domain_row, ordered
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Health, Mode
from drdeck.model.facts.trial_facts import LastTrial
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import NOW, FakeClient, domain, in_session, vm

ALARM = Alarm(time=NOW, severity=Severity.CRITICAL, vm=None, kind="abnormal_writing", text="x30")
SITE = (
    domain("web", Mode.IMPORTED, remaining_bytes=9_000_000_000),
    domain("erp", vms=(vm("a", health=Health.FAILED), vm("b", health=Health.OK)), tested=LastTrial(at=NOW)),
    in_session("files", alarms=(ALARM,), last_good=NOW - timedelta(hours=1), remaining_bytes=None),
)
FIRST = {
    "": "web", "name": "erp", "mode": "files", "VMs": "erp", "health": "erp", "RPO": "erp", "window": "erp",
    "good": "files", "owner": "files", "copy": "web", "alarms": "files", "session": "files",
    "tested": "files",
}  # fmt: skip


def head(deck: Deck) -> str:
    """The line with the heads of the columns."""
    return next(line for line in deck.text.splitlines() if line.lstrip().startswith("Domain "))


def test_every_column_is_one_of_the_settings() -> None:
    assert tuple(column.name for column in COLUMNS) == get_args(ColumnName)


@pytest.mark.parametrize("order", FIRST)
def test_each_column_sorts_by_what_wants_somebody_first(order: str) -> None:
    assert ordered(SITE, order, NOW)[0].name == FIRST[order]


@pytest.mark.parametrize("width", [42, 60, 76, 92, 116, 156])
@pytest.mark.parametrize("selection", [(), ("owner",), ("session", "alarms", "copy"), get_args(ColumnName)])
def test_heads_stand_over_their_columns_and_nothing_is_wider_than_the_list(
    width: int, selection: tuple[str, ...]
) -> None:
    heading = plain_of(domain_header(width, selection))
    assert cell_len(heading) <= width
    for row in SITE:
        line = plain_of(domain_row(row, width, NOW, selection=selection))
        assert cell_len(line) == width and line.startswith(row.name)


def test_a_wider_list_gains_columns_and_loses_none() -> None:
    before: set[str] = set()
    for width in range(30, 240):
        names = {str(column.name) for column in columns_for(width)}
        assert names >= before, width
        before = names
    assert len(columns_for(76)) == 5 and len(before) == 8


async def test_a_wide_terminal_has_the_columns_of_a_narrow_one_and_more_beside_the_domain() -> None:
    heads = {}
    for size in ((80, 24), (119, 40), (120, 40), (160, 50), (200, 50)):
        async with running(FakeClient(*SITE), size=size) as deck:
            heads[size] = {c.head for c in COLUMNS if f" {c.head}" in head(deck).partition("│")[0]}
    assert heads[80, 24] == heads[120, 40] < heads[160, 50] < heads[200, 50] <= heads[119, 40]


async def test_columns_are_chosen_and_sorted_by_in_a_dialog() -> None:
    async with running(FakeClient(*SITE)) as deck:
        assert "RPO" in head(deck) and "Owner" not in head(deck)
        await deck.press("c")
        await deck.sees("Columns of the list", "[x] RPO", "[ ] Owner")
        while deck.focused() != "rpo":
            await deck.press("down")
        await deck.press("space")
        while deck.focused() != "alarms":
            await deck.press("down")
        await deck.press("space", "s")
        await deck.sees("sorted by it")
        while deck.focused() != "show":
            await deck.press("tab")
        await deck.press("enter")
        await deck.sees("sorted by")
        assert "RPO" not in head(deck) and "Alarms" in head(deck)
        await deck.press("c")
        while deck.focused() != "usual":
            await deck.press("tab")
        await deck.press("enter")
        await deck.until(lambda: "RPO" in head(deck), "as usual")


async def test_a_saved_view_is_an_item_of_the_palette() -> None:
    view = ViewSettings(filter="!imported", sort="session", columns=("session", "owner"))
    settings = ConsoleSettings(views={"night": view})
    async with running(FakeClient(*SITE), settings=settings) as deck:
        await deck.press("colon")
        await deck.type("night")
        await deck.sees("View night", "!imported; sorted by session; session, owner")
        await deck.press("enter")
        await deck.sees("sorted by", " 12m")
        await deck.until(lambda: " web " not in deck.text, "filtered")
        assert "Session" in head(deck) and "Owner" in head(deck) and "Health" not in head(deck)
        await deck.press("escape")
        await deck.sees(" web ")


def test_a_view_with_a_column_that_is_none_is_refused_with_what_would_be_right(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[console.views.night]\ncolumns = ["helth"]\n', "utf-8")
    with pytest.raises(
        SettingsError, match=r"line 2: console\.views\.night\.columns.*helth.*one of mode, VMs"
    ):
        load(file)


async def test_by_what_the_list_is_sorted_is_never_cut() -> None:
    settings = ConsoleSettings(views={"night": ViewSettings(sort="session")})
    async with running(FakeClient(*SITE), settings=settings) as deck:
        await deck.press("colon")
        await deck.type("night")
        await deck.press("enter")
        await deck.sees("1 alarm, 1 unp…   sorted by session")
