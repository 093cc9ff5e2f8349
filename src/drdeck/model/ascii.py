"""Terminals whose locale is not UTF-8: what a character is written as there."""

from __future__ import annotations

LIKENESS = {
    **dict.fromkeys("─━╌┄═", "-"),
    **dict.fromkeys("│┃┆║▏▕▎▐▌▍▋▊▉", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝┏┓┗┛", "+"),
    **dict.fromkeys("█▇▆", "#"),
    "▅": "+", "▄": "=", "▃": "-", "▂": ".", "▁": "_", "░": ".", "▒": "/", "▓": "#",
    "●": "*", "○": "o", "•": "*", "◆": "@", "▲": "^", "▼": "v", "▾": "v", "▸": ">", "▶": ">", "‹": "<",
    "›": ">", "✓": "+", "✗": "x", "·": ".", "…": "~", "→": ">", "←": "<", "—": "-", "–": "-", "↑": "^",
    "↓": "v", "×": "x", "“": '"', "”": '"', "’": "'", "\u00a0": " ",
}  # fmt: skip
"""Characters of one cell that have an ASCII character like them."""


def spelled(text: str) -> str:
    """`text` in ASCII, of whatever width: what has no likeness is "<U+6F22>", so that names stay apart."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else LIKENESS.get(c, f"<U+{ord(c):04X}>") for c in text)
