"""What differs between the facts that were shown and those that hold now, in words that a person reads."""

from __future__ import annotations

from collections.abc import Mapping

LISTS = ("VMs", "recovery networks")
"""Facts that are names, as "3: a, b, c" or "a, b"."""
MOST_NAMES = 5


def changes(shown: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A sentence for each fact that differs; of a list of names only those that came or went."""
    told = [_change(key, shown.get(key, ""), now.get(key, "")) for key in sorted({*shown, *now})]
    return [text for text in told if text]


def _change(key: str, before: str, after: str) -> str:
    if key in LISTS:
        pairs = (_names(before) - _names(after), "gone"), (_names(after) - _names(before), "new")
        told = "; ".join(f"{_some(names)} {word}" for names, word in pairs if names)
        return f"{key}: {told}" if told else ""
    was, now = (f'"{text}"' if text else "nothing" for text in (before, after))
    return f"{key}: {was} before, {now} now" if before != after else ""


def _names(text: str) -> set[str]:
    count, colon, names = text.partition(": ")
    return set(filter(None, (names if colon and count.isdecimal() else text).split(", ")))


def _some(names: set[str]) -> str:
    told = sorted(names)
    more = f" and {len(told) - MOST_NAMES} more" if len(told) > MOST_NAMES else ""
    return ", ".join(told[:MOST_NAMES]) + more
