"""Things to look up: the items of the palette, and the keys of a screen."""

from __future__ import annotations

import itertools
from collections.abc import Container, Mapping
from typing import Any

from textual.screen import Screen

from drdeck.config.settings import ViewSettings
from drdeck.console.attention import asking
from drdeck.console.dialogs.action_lists import Item
from drdeck.console.dialogs.fact_sheets import Help
from drdeck.console.format import Line, arrows, left
from drdeck.console.key_bindings import help_rows
from drdeck.console.ports import Console
from drdeck.console.screens.screen import ConsoleScreen
from drdeck.console.terminal.size_guard import is_narrow
from drdeck.console.widgets.list_rows import state_text
from drdeck.model.actions.action_table import ACTIONS, BY_NAME, Action, help_of, menu, refusal
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain
from drdeck.model.text import clean

DOMAIN = "domain:"
"""The begin of the name of an item that opens a domain."""
VIEW = "view:"
"""... that shows the list in a view of the settings."""
VM = "vm:"
"""... that opens a VM's domain with the cursor on it; domain and VM stand behind it, BETWEEN them."""
SITE = "site:"
"""... that leaves for the console of another site."""
INSTANT = "pitr:"
"""... that opens Run PITR at an instant."""
BETWEEN = "\x1f"
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
    if not asking(app.state):
        closed["answer"] = "no question waits anywhere"
    domains = [
        Item(
            f"{DOMAIN}{d.name}",
            clean(d.name),
            f"open this domain: {state_text(d, app.now())}",
            typed=clean(d.name),
        )
        for d in app.state.domains
    ]
    left_out = ("palette", "back", *_without(app))
    unlisted = [] if domain is None else _unlisted(app, domain, closed)
    actions = [
        Item(a.name, a.label, help_of(a, domain), closed.get(a.name), a.label)
        for a in ACTIONS
        if a.name not in left_out and (not a.menu or a.name in closed) and a.screen in ("any", "domain", kind)
    ]
    views = [Item(f"{VIEW}{name}", f"View {clean(name)}", _view_says(view), typed=f"view {clean(name)}")
             for name, view in app.options.views.items() if kind == "list"]  # fmt: skip
    sites = [Item(f"{SITE}{s.name}", f"Site {s.name}", s.says, s.closed, f"site {s.name}")
             for s in (app.sites() if app.sites is not None else ())]  # fmt: skip
    rest = [Item(a.name, a.label, a.help, why, a.label, unlisted=True) for a, why in unlisted]
    return [*actions, *views, *domains, *sites, *rest]


def _unlisted(app: Console, domain: Domain, listed: Container[str]) -> list[tuple[Action, str]]:
    """The actions that no menu has while the domain is as it is, each with the reason."""
    now, read_only = app.now(), app.state.read_only
    others = [a for a in ACTIONS if a.menu and a.name not in listed]
    reasons = [
        (a, refusal(Request(action=a.name, domain=domain.name), domain, now, read_only)) for a in others
    ]
    return [(a, why) for a, why in reasons if why is not None]


def vm_items(vms: Mapping[str, tuple[str, ...]]) -> list[Item]:
    """Items that open VMs, by the names of their domains."""
    return [
        Item(f"{VM}{domain}{BETWEEN}{vm}", clean(vm), f"VM of {clean(domain)}", typed=f"vm {clean(vm)}")
        for domain, names in vms.items()
        for vm in names
    ]


def instant_items(app: Console, target: str | None, text: str) -> list[Item]:
    """The way to Run PITR at the instant that is typed behind "pitr"."""
    word, _, instant = text.strip().partition(" ")
    domain = app.state.domain(target) if target is not None else None
    if word.casefold() != "pitr" or not instant or domain is None:
        return []
    closed = {a.name: why for a, why in menu(domain, app.now(), app.state.read_only)}.get("pitr_run")
    label = f"pitr {clean(instant)}"
    return [Item(f"{INSTANT}{instant}", label, f"Run PITR of {clean(domain.name)} there", closed, label)]


def _view_says(view: ViewSettings) -> str:
    """A saved view in a few words."""
    parts = (view.filter, f"sorted by {view.sort}" if view.sort else "", ", ".join(view.columns))
    return "; ".join(clean(part) for part in parts if part) or "all domains as usual"


COLUMN = 37
"""Cells of one of the two columns of the help."""
_HERE = (
    "open", "back", "filter", "sort", "columns", "cfo_complete", "pitr_run", "more", "steps", "answer",
    "copy",
)  # fmt: skip
"""Actions that are about what the cursor is on; the others mean the same on every screen."""
SIGNS = {
    "list": (("!", "alarm"), ("?", "needs you"), ("-", "not known")),
    "domain": (("●", "as it should be"), ("✗", "fails its check, or an error"), ("-", "not known")),
    "Run PITR": (
        ("│ ═", "points"), ("✗", "abnormal"), ("★", "last good"), ("▒", "session"), ("◆", "rolled back to"),
    ),
}  # fmt: skip

KINDS = "group: of all VMs; entry: as the session began. Skew: across VMs"


def help_lines(screen: ConsoleScreen | None, app: Console) -> list[Line]:
    """The keys in two columns, the screen's beside those that work everywhere; below them the signs."""
    kind = screen.HELP if screen is not None else "domain"
    own = screen.OWN_KEYS if screen is not None else ()
    moving, *actions = help_rows(kind, app.remapped, _without(app))
    labels = {BY_NAME[name].label for name in _HERE}
    here = [moving, *(row for row in actions if row[1] in labels), *own]
    everywhere = [row for row in actions if row[1] not in labels]
    everywhere += COACH_KEYS if app.coach_session is not None else ()
    lines: list[Line] = [((left("This screen", COLUMN), "head"), ("Everywhere", "head"))]
    if is_narrow(app.size):
        rows = [*map(_key_cell, here), (), (("Everywhere", "head"),), *map(_key_cell, everywhere)]
        lines = [(("This screen", "head"),), *rows]
    else:
        for first, second in itertools.zip_longest(here, everywhere):
            lines.append((*_key_cell(first), *_key_cell(second)))
    signs = SIGNS["Run PITR" if screen is not None and screen.TIMELINE else kind]
    meanings = [f"{sign} {meaning}" for sign, meaning in signs]
    lines += [(), (("Signs  ", "head"), ("  ".join(meanings), ""))]
    if screen is not None and screen.TIMELINE:
        lines += [(("Points  ", "head"), (KINDS, ""))]
    lines += [(("In a dialog  ", "head"), ("tab, space, enter; escape is Cancel", ""))]
    return [
        *lines,
        (("Other keys  ", "head"), ("[console.keys] in the settings; : tells what each does", "")),
    ]


def _key_cell(row: tuple[str, str, str] | None) -> Line:
    if row is None:
        return ((" " * COLUMN, ""),)
    return ((left(arrows(row[0]), 12), "key"), (left(row[1], COLUMN - 12), ""))


def help_dialog(app: Console) -> Help:
    """The keys of the screen that is seen."""
    screen = app.screen if isinstance(app.screen, ConsoleScreen) else None
    return Help("Keys of this screen", lambda: help_lines(screen, app))
