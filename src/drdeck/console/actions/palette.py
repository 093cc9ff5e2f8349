"""Actions to look up: the items of the palette, and the keys of a screen."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from drdeck.console.dialogs.action_lists import Item
from drdeck.console.dialogs.fact_sheets import Help, row
from drdeck.console.format import Line
from drdeck.console.key_bindings import help_rows
from drdeck.console.ports import Console
from drdeck.console.screens.screen import ConsoleScreen
from drdeck.model.actions import ACTIONS, menu

COACH_KEYS = (
    ("h", "Hint", "what to think of; once more: what to press"),
    ("ctrl+t", "Coach", "fold the coach's panel, or show it"),
)


def _without(app: Console) -> tuple[str, ...]:
    """Actions that this console was not given, or for which there is no occasion."""
    listing = app.state.listing
    training = listing is not None and listing.kind == "training"
    absent = {
        "add_site": app.add_site is None,
        "password": listing is None or not listing.passwords,
        "lessons": app.lessons is None or not training,
    }
    return tuple(name for name, is_absent in absent.items() if is_absent)


def everything(app: Console, screen: Screen[Any], target: str | None) -> list[Item]:
    """The palette's items over a screen, for the domain that they would be about."""
    domain = app.state.domain(target) if target is not None else None
    kind = screen.HELP if isinstance(screen, ConsoleScreen) else "domain"
    closed: dict[str, str | None] = {}
    if domain is not None:
        closed = {a.name: why for a, why in menu(domain, app.now(), app.state.read_only)}
    if app.state.question() is None:
        closed["answer"] = "nothing is asked now"
    left_out = ("palette", "back", *_without(app))
    return [
        Item(a.name, a.label, a.help, closed.get(a.name))
        for a in ACTIONS
        if a.name not in left_out and (not a.menu or a.name in closed) and a.screen in ("any", "domain", kind)
    ]


def help_dialog(app: Console) -> Help:
    """The keys of the screen that is seen."""
    screen = app.screen
    kind = screen.HELP if isinstance(screen, ConsoleScreen) else "domain"
    rows: list[Line] = []
    moving, *acts = help_rows(kind, app.remapped, _without(app))
    own = screen.OWN_KEYS if isinstance(screen, ConsoleScreen) else ()
    for keys, label, text in (moving, *own, *acts, *(COACH_KEYS if app.coach_session is not None else ())):
        rows += row(f"{keys:10} {label}", text, "")
    rows += row("In a dialog", "tab, space, enter; escape is Cancel", "")
    return Help("Keys of this screen", rows)
