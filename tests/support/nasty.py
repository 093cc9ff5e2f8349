"""Text as an enemy would write it, put into everything that comes from outside."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

import msgspec

from drdeck.model.text import hides

NASTY = "\x1b[2J\u202e\u200b\x9b\n[red]"
"""escape sequences of 7 and 8 bits, bidi and zero-width characters, a line end, markup"""
EVERYTHING = f"{NASTY}\x1b]0;own\x07\x00\x7f\x85\u2066\ufeff\u2028\u2029\u00ad\u3164\U000e0041\r\b"
"""and a title, NUL, DEL, line ends, tags, a blank letter"""
_KEPT = frozenset({"action", "version"})
"""fields that only drdeck itself writes"""
_DECIDES = frozenset({"observed_only", "unusable"})
"""fields that decide by being empty or not: an empty one stays so, for else nothing else is reached"""
T = TypeVar("T")


def nasty(value: T) -> T:
    """A copy in which every text begins with an attack; the same text always becomes the same."""
    return _copy(value)  # type: ignore[no-any-return]


def _copy(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return NASTY + value
    if isinstance(value, tuple | list):
        return type(value)(_copy(one) for one in value)
    if isinstance(value, dict):
        return {_copy(key): _copy(one) for key, one in value.items()}
    if isinstance(value, msgspec.Struct):
        kept = {*_KEPT, *(f for f in _DECIDES if not getattr(value, f, ""))}
        fields = [f for f in value.__struct_fields__ if f not in kept]
        return msgspec.structs.replace(value, **{f: _copy(getattr(value, f)) for f in fields})
    return value


def raw(text: str, lines: bool = True) -> list[str]:
    """What in a text should have been made harmless."""
    code_points = [f"U+{ord(char):04X}" for char in text if hides(char) and not (lines and char == "\n")]
    return [*code_points, *(attack for attack in ("\x1b", "\u009b") if attack in text)]
