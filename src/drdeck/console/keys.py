"""The console's keys, made from the only list of actions."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding

from drdeck.model.actions import ACTIONS, BY_NAME

GLOBAL = ("more", "cfo_complete", "steps", "log", "palette", "help", "detach", "quit")
"""Actions whose keys work on every screen; the others belong to a screen or a list."""

_SHOWN = {
    "slash": "/", "question_mark": "?", "colon": ":", "escape": "esc", "left": "←", "right": "→",
}  # fmt: skip


def bindings() -> list[Binding]:
    """For the app; each has its action's name as id, so that settings can remap it."""
    return [
        Binding(BY_NAME[name].key, f"act('{name}')", BY_NAME[name].label, id=name, show=False)
        for name in GLOBAL
    ]


def shown_key(name: str, remapped: Mapping[str, str] | None = None) -> str:
    """An action's first key as it is written on the screen."""
    key = (remapped or {}).get(name) or BY_NAME[name].key
    first = key.split(",")[0]
    return _SHOWN.get(first, first)


def help_rows(screen: str, remapped: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """(keys, label, what it does) of all actions that work on a screen: "list" or "domain"."""
    rows = [("↑ ↓ j k", "Move", "go from row to row; page up/down, g, G go further")]
    for action in ACTIONS:
        if action.screen == "list" and screen != "list":
            continue
        if action.menu and action.name not in GLOBAL:
            continue
        keys = (remapped or {}).get(action.name) or action.key
        shown = " ".join(_SHOWN.get(key, key) for key in keys.split(","))
        rows.append((shown, action.label, action.help))
    return rows
