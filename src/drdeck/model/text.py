"""Text from outside made safe to show: nothing in it moves the cursor, hides, or reverses its neighbours."""

from __future__ import annotations

import unicodedata

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
"""Letters, marks and a symbol by category that are drawn as nothing."""
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x180B, 0x1810))
_WIDE_SPACE = "\u3000"
"""The space of CJK text: seen as such, and usual in names there."""


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


def clean(text: str, lines: bool = False) -> str:
    """`text` with control, bidi, zero-width and look-alike blank characters as "<U+202E>".

    A tab is a space. With `lines`, line ends stay (a site's words may have several lines); without,
    each becomes a space.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", " ")
    if not lines:
        text = text.replace("\n", " ")
    return "".join(f"<U+{ord(c):04X}>" if c != "\n" and _hides(c) else c for c in text)
