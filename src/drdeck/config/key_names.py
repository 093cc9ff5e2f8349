"""Rules for the keys that an operator gives to actions: allowed, reserved, clashing. No terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from drdeck.model.actions.action_table import ACTIONS
from drdeck.model.text import quoted

FIXED = frozenset({"open", "back"})
"""Their keys, enter and escape, mean the same everywhere."""
_MOVING = "up down left right home end pageup pagedown j k g G"
_EDITING = "enter escape tab shift+tab space backspace delete minus"
_OWN = "h z ctrl+t ctrl+l ctrl+c"
_SENT_AS_OTHERS = "ctrl+h ctrl+i ctrl+j ctrl+m ctrl+s ctrl+z"
RESERVED = frozenset(f"{_MOVING} {_EDITING} {_OWN} {_SENT_AS_OTHERS}".split()) | frozenset("0123456789")
"""Keys that lists, dialogs, the coach and the time field keep for themselves."""
_WORDS = frozenset({"insert", *(f"f{number}" for number in range(1, 25))})
_CTRL = re.compile(r"ctrl\+[a-z]")
_SHORT = {"solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "low_line": "underscore",
          "hyphen_minus": "minus", "plus_sign": "plus"}  # fmt: skip


def canonical(key: str) -> str:
    """One key in the form in which it is compared: "/" and "slash" are the same."""
    if len(key) == 1 and not key.isalnum():
        key = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return _SHORT.get(key, key)


def spread(keys: str) -> list[str]:
    """The keys of "colon,ctrl+p"; a lone comma is a key."""
    return [","] if keys == "," else [key.strip() for key in keys.split(",")]


def effective(own_keys: Mapping[str, str]) -> dict[str, list[str]]:
    """Action -> its keys, those of the operator where there are any."""
    return {a.name: [canonical(k) for k in spread(own_keys.get(a.name, a.key)) if k] for a in ACTIONS}


def _is_key(key: str) -> bool:
    shipped = {k for action in ACTIONS for k in spread(action.key) if k}
    return (
        (len(key) == 1 and key.isprintable() and not key.isspace())
        or key in _WORDS
        or canonical(key) in shipped
        or bool(_CTRL.fullmatch(key))
    )


def wrong(own_keys: Mapping[str, str]) -> tuple[str, str] | None:
    """The first action whose key cannot be had, and why with what would be right; else None."""
    free = sorted(action.name for action in ACTIONS if action.name not in FIXED)
    for name, keys in own_keys.items():
        if name in FIXED:
            return name, "keeps its key, for enter and escape mean the same everywhere"
        if name not in free:
            return name, f"is no action; known here: {', '.join(free)}"
        for key in spread(keys):
            if not _is_key(key):
                text = "is no key; right would be a character, f1 to f24, or such as ctrl+o"
                return name, f"{quoted(key)} {text}"
            if canonical(key) in {canonical(k) for k in RESERVED}:
                return name, f"{quoted(key)} is kept for lists, dialogs or the coach; choose another key"
    by_key: dict[str, str] = {}
    for name, its_keys in effective(own_keys).items():
        for key in its_keys:
            other = by_key.setdefault(key, name)
            if other != name:
                first, second = (name, other) if name in own_keys else (other, name)
                key = quoted(own_keys.get(first, key))
                return first, f'{key} is the key of "{second}" already; give one of them another key'
    return None
