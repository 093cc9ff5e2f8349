"""Places of keys in a TOML file, so that an error can name the line."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from drdeck.model.text import brief, clean

Place = tuple[str | int, ...]
"""("domains", 0, "vms", 1, "disk_bytes")"""

_LONGEST = 1000
"""Characters of a line in which its key is looked for."""
_WORD = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_WORD}(?:\s*\.\s*{_WORD})*"
_HEADER = rf"^\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?$"
_KEY = rf"^\s*({_DOTTED})\s*="
"""texts, which `re` compiles and keeps when a file is refused: most are not"""
_PART = r"""\[(\d+|\.\.\.)\]|([^.\[\]$]+)"""


def path_of(text: str) -> Place:
    """The path in msgspec's "$.domains[0].vms[1].name"."""
    parts: list[str | int] = []
    for match in re.finditer(_PART, text):
        if match[1] is None:
            parts.append(match[2])
        elif match[1].isdigit():
            parts.append(int(match[1]))
    return tuple(parts)


def path_text(path: Place) -> str:
    """A path for people: domains[0].vms[1].name."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{brief(part)}" if text else brief(part)
    return text


def sentence(source: str, text: str, path: Place, what: str) -> str:
    """Source, line where it can be found, key path, and what is to be said."""
    line = line_of(text, path)
    place = f"{source}:{line}" if line is not None else source
    return clean(f"{place}: {path_text(path)}: {what}" if path else f"{place}: {what}")


def line_of(text: str, path: Place) -> int | None:
    """The line of a key, else of the nearest table around it; None when neither is found."""
    lines = _lines(text)
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _lines(text: str) -> dict[Place, int]:
    """Path -> line of every table header and key; what stands in inline tables is not looked into."""
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    here: Place = ()
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole[:_LONGEST].rstrip("\r")
        header = re.match(_HEADER, line)
        if header:
            names = _names(header[2])
            here = _inside(names[:-1], counts)
            table: Place = (*here, names[-1])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                here = (*table, counts[table])
                lines.setdefault(table, number)
            else:
                here = table
            lines.setdefault(here, number)
            continue
        key = re.match(_KEY, line)
        if key:
            lines.setdefault((*here, *_names(key[1])), number)
    return lines


def _names(dotted: str) -> list[str]:
    return [_name(word) for word in re.findall(_WORD, dotted)]


def _name(word: str) -> str:
    if word.startswith('"') and "\\" in word:
        with contextlib.suppress(tomllib.TOMLDecodeError):
            return str(tomllib.loads(f"name = {word}")["name"])
    return word.strip("\"'")


def _inside(names: Iterable[str], counts: dict[Place, int]) -> Place:
    """The path of a header's parents: the last element of each list of tables."""
    path: Place = ()
    for name in names:
        path = (*path, name)
        if path in counts:
            path = (*path, counts[path])
    return path


def value_at(data: Any, path: Place) -> Any:
    """The value at a path, or None."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
