"""Text from outside made safe to show: nothing in it moves the cursor, hides, or reverses its neighbours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from contextvars import ContextVar
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Protocol

in_ascii: ContextVar[bool] = ContextVar("in_ascii", default=False)
"""Whether `clean` spells what has no likeness in ASCII: before its width is measured, so that names stay
apart on a screen that is drawn in ASCII. A console sets it for itself."""

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
"""Letters, marks and a symbol by category that are drawn as nothing."""
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x180B, 0x1810))
_WIDE_SPACE = "\u3000"
"""The space of CJK text: seen as such, and usual in names there."""


@lru_cache(4096)
def _hides(char: str) -> bool:
    category = unicodedata.category(char)
    if category in _HIDDEN_CATEGORIES or char in _BLANK_LETTERS:
        return True
    if category == "Zs":
        return char not in (" ", _WIDE_SPACE)
    return any(ord(char) in selectors for selectors in _VARIATION_SELECTORS)


def brief(text: str, most: int = 60) -> str:
    """`text` cut to `most` characters, for a sentence that quotes what somebody wrote."""
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(value: object) -> str:
    """A value as it was written, for a sentence that says what is wrong with it."""
    return brief(repr(value))


def hides(text: str) -> bool:
    """True if something in it moves the cursor, is not seen, or changes how its neighbours are drawn."""
    return not (text.isascii() and text.isprintable()) and any(map(_hides, text))


MOST_MARKS = 5
"""Marks on one letter; no script piles up more, and a longer pile is drawn over other lines."""


def clean(text: str, lines: bool = False) -> str:
    """`text` with control, bidi, zero-width and look-alike blank characters as "<U+202E>".

    A tab is a space. With `lines`, line ends stay (a site's words may have several lines); without,
    each becomes a space. Where it is `in_ascii`, what has no likeness there is spelled likewise.
    """
    if text.isascii() and text.isprintable():
        return text
    cleaned = _cleaned if len(text) <= _KEPT else _cleaned.__wrapped__
    return cleaned(text, lines, in_ascii.get())


_KEPT = 400
"""Characters of a text that is remembered: screens draw the same names again and again."""


@lru_cache(4096)
def _cleaned(text: str, lines: bool, ascii_only: bool) -> str:
    text = text.replace("\r\n", "\n").replace("\t", " ")
    if not lines:
        text = text.replace("\n", " ")
    characters, marks = [], 0
    for char in text:
        marks = marks + 1 if _is_mark(char) else 0
        harmless = char == "\n" or not (_hides(char) or marks > MOST_MARKS)
        characters.append(char if harmless else f"<U+{ord(char):04X}>")
    cleaned = "".join(characters)
    return spelled(cleaned) if ascii_only else cleaned


def in_json(text: str) -> str:
    """JSON of the same meaning in which nothing hides: such characters stand there as \\u202e."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if _hides(char) else char for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


@lru_cache(4096)
def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) != 0 or unicodedata.category(char) in ("Mn", "Me")


def composed(name: str) -> str:
    """A name in the one form in which names are compared (NFC)."""
    return unicodedata.normalize("NFC", name)


def fits(name: str, pattern: str) -> bool:
    """Tell whether a name matches a shell pattern, in whichever form the letters of both are typed.

    What a vCenter shows may come from a system that decomposes letters, and a keyboard composes them.
    """
    return fnmatchcase(composed(name), composed(pattern))


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def spelled_as(name: str, names: Sequence[str]) -> str:
    """The one of `names` that reads like `name`, whose letters may be typed in another form; else `name`."""
    if name in names:
        return name
    form = composed(name)
    return next((other for other in names if composed(other) == form), name)


_NOT_IN_XML = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
"""Characters that no XML 1.0 document can hold, however they are written (its production `Char`)."""


def not_in_xml(text: str) -> str | None:
    """The first character of `text` that XML forbids; None where there is none."""
    match = _NOT_IN_XML.search(text)
    return match[0] if match is not None else None


def in_xml(text: str) -> tuple[str, int]:
    """`text` with the characters that XML forbids replaced, and how many were.

    A control character becomes the picture of it ("\u2401" for U+0001), so that two names stay apart.
    """
    return _NOT_IN_XML.subn(lambda match: _picture(match[0]), text)


def _picture(char: str) -> str:
    return chr(0x2400 + ord(char)) if char < " " else "\ufffd"


def some(texts: Sequence[str], most: int = 3, between: str = ", ") -> str:
    """The first few texts, and how many more: "a, b, c and 4 more"; one more is said in its place."""
    few = len(texts) <= most + 1
    first = between.join(texts[: most + few])
    return first if few else f"{first} and {len(texts) - most} more"


def names(things: Sequence[_Named]) -> str:
    """The first few names, and how many more."""
    return some([thing.name for thing in things])


_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")


def show_bytes(count: int | None) -> str:
    """Bytes for people, three figures: "0 B", "4.1 GB", "900 TB"; "-" when unknown."""
    if count is None:
        return "-"
    value, unit = float(max(0, count)), 0
    while round(value, 1) >= 1000 and unit < len(_BYTES) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 100 else 2 if value < 10 and _BYTES[unit] in ("TB", "PB") else 1
    return f"{value:.{digits}f} {_BYTES[unit]}"


LIKENESS = {
    **dict.fromkeys("─━╌┄", "-"),
    **dict.fromkeys("│┃┆║▏▕▎▐▌▍▋▊▉", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝┏┓┗┛", "+"),
    **dict.fromkeys("█▇▆", "#"),
    "═": "=", "╵": "'", "▅": "+", "▄": "=", "▃": "-", "▂": ".", "▁": "_", "░": ".", "▒": "/", "▓": "#",
    "●": "*", "○": "o", "•": "*", "◆": "@", "▲": "^", "▼": "v", "▾": "v", "▸": ">", "▶": ">", "‹": "<",
    "›": ">", "✓": "+", "✗": "x", "·": ".", "…": "~", "→": ">", "←": "<", "—": "-", "–": "-", "↑": "^",
    "★": "*", "↓": "v", "×": "x", "“": '"', "”": '"', "’": "'", "\u00a0": " ",
}  # fmt: skip
"""Characters of one cell that have an ASCII character like them."""


def spelled(text: str) -> str:
    """`text` in ASCII, of whatever width: what has no likeness is "<U+6F22>", so that names stay apart."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else LIKENESS.get(c, f"<U+{ord(c):04X}>") for c in text)
