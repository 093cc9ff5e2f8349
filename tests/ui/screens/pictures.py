"""Screens as text that can be compared, and as pictures whose bytes are the same each time."""

from __future__ import annotations

import re
from html import escape, unescape

from rich.cells import cell_len
from rich.style import Style

from tests.ui.screens.shots import Shot

_ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


def attributes(style: Style) -> str:
    """What stands out without a colour."""
    return " ".join(name for name in _ATTRIBUTES if getattr(style, name))


def runs(row: tuple[tuple[str, Style], ...]) -> list[tuple[int, int, str]]:
    """(first cell, last cell, attributes) of the stretches that stand out."""
    stretches: list[tuple[int, int, str]] = []
    at = 0
    for text, style in row:
        end = at + cell_len(text)
        names = attributes(style)
        if end > at and names:
            if stretches and stretches[-1][1] == at - 1 and stretches[-1][2] == names:
                stretches[-1] = (stretches[-1][0], end - 1, names)
            else:
                stretches.append((at, end - 1, names))
        at = end
    return stretches


def snapshot(shot: Shot) -> str:
    """The rows of a screen, and below them what stands out in which row and cells."""
    lines = [f"{line.rstrip()}" for line in shot.lines]
    lines.append("-- row, cells, style")
    for number, row in enumerate(shot.rows):
        lines += [f"{number:2} {first}-{last} {said}" for first, last, said in runs(row)]
    return "\n".join(lines) + "\n"


CELL = 12.2
"""Width of a cell in the pictures that Rich makes."""
_UNIQUE = re.compile(r"terminal-\d+")
_FONT_FACE = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)
_TEXT = re.compile(
    r'<text class="(?P<class>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="[\d.]+"'
    r' clip-path="(?P<clip>[^"]+)">(?P<text>[^<]*)</text>'
)


def picture(shot: Shot) -> str:
    """The SVG, the same bytes for the same screen.

    The number that Rich makes of the content is replaced by the screen's name, no font is fetched
    from anywhere, and spaces at the ends of a run are left out: some viewers drop them and shift it.
    """
    svg = _UNIQUE.sub(f"terminal-{shot.name}", shot.svg)
    svg = _FONT_FACE.sub("\n", svg)
    svg = svg.replace("Fira Code, monospace", "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")
    svg = _TEXT.sub(_trimmed, svg)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def _trimmed(match: re.Match[str]) -> str:
    """A run of text as its words; what has two spaces between it is placed on its own."""
    text, start = match["text"].replace("&#160;", " "), float(match["x"])
    parts: list[str] = []
    at = 0
    for part in re.split(r"( {2,})", unescape(text).strip("\n")):
        words = part.strip(" ")
        if words:
            x = start + CELL * (at + cell_len(part) - cell_len(part.lstrip(" ")))
            parts.append(
                f'<text class="{match["class"]}" x="{x:g}" y="{match["y"]}"'
                f' textLength="{CELL * cell_len(words):g}" clip-path="{match["clip"]}">'
                f"{escape(words).replace(' ', '&#160;')}</text>"
            )
        at += cell_len(part)
    return "\n".join(parts)
