"""The console's keys, made from the only list of actions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from textual.binding import Binding
from textual.keys import format_key

from drdeck.config.key_names import canonical, spread
from drdeck.model.actions.action_table import ACTIONS, BY_NAME, menu
from drdeck.model.domains import Domain

GLOBAL = (
    "more", "plan", "cfo_complete", "pitr_run", "steps", "log", "results", "answer", "next_need",
    "previous_need", "alarms", "copy", "lessons", "doctor", "password", "add_site", "palette", "help",
    "detach", "quit",
)  # fmt: skip
"""Actions whose keys work on every screen; the others belong to a screen or a list."""

_SHOWN = {"escape": "esc", "enter": "enter", "left": "←", "right": "→"}


def normal(own_keys: Mapping[str, str]) -> dict[str, str]:
    """The operator's keys in the form in which a terminal's keys come: "/" is "slash"."""
    return {name: ",".join(canonical(key) for key in spread(keys)) for name, keys in own_keys.items()}


def keys_of(name: str, remapped: Mapping[str, str] | None = None) -> list[str]:
    """The keys of an action, as they come from the terminal."""
    return ((remapped or {}).get(name) or BY_NAME[name].key).split(",")


def bindings() -> list[Binding]:
    """For the app; each has its action's name as id, so that settings can remap it."""
    return [
        Binding(BY_NAME[name].key, f"begin('{name}')", BY_NAME[name].label, id=name, show=False)
        for name in GLOBAL
    ]


def shown_key(name: str, remapped: Mapping[str, str] | None = None) -> str:
    """An action's first key as it is written on the screen."""
    return _key_text(keys_of(name, remapped)[0])


def _key_text(key: str) -> str:
    return _SHOWN.get(key) or format_key(key)


def open_actions(domain: Domain, now: datetime, read_only: bool) -> list[str]:
    """Actions of a domain's More menu that can be taken now."""
    return [action.name for action, closed in menu(domain, now, read_only) if closed is None]


def action_keys(
    domain: Domain | None, now: datetime, read_only: bool, remapped: Mapping[str, str]
) -> list[tuple[str, str]]:
    """For the line of keys: Failover (dimmed, so without a key, where it is closed) or in a session
    Run PITR, then More. They are equally long: the keys behind them stay where they are."""
    actions = [] if domain is None else open_actions(domain, now, read_only)
    failover, more = shown_key("cfo_complete", remapped), shown_key("more", remapped)
    label = BY_NAME["cfo_complete"].label
    first = (failover, label) if "cfo_complete" in actions else ("", f"{failover} {label}")
    if "pitr_run" in actions:
        first = (shown_key("pitr_run", remapped), BY_NAME["pitr_run"].label)
    return [first, (more, BY_NAME["more"].label)]


def help_rows(
    screen: str, remapped: Mapping[str, str] | None = None, without: Collection[str] = ()
) -> list[tuple[str, str, str]]:
    """(keys, label, what it does) of all actions that work on a screen: "list" or "domain"."""
    rows = [("↑ ↓ j k", "Move", "page up/down, home, end go further")]
    for action in ACTIONS:
        if action.name in without or (action.screen == "list" and screen != "list"):
            continue
        keys = keys_of(action.name, remapped)
        if keys != [""]:
            rows.append((" ".join(map(_key_text, keys)), action.label, action.help))
    return rows


def own_bindings(remapped: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(keys, binding, label) of the actions that have a key only because the operator gave them one."""
    return [(keys, f"begin('{name}')", BY_NAME[name].label) for name, keys in remapped.items()
            if not BY_NAME[name].key]  # fmt: skip
