"""The recording of the flow: an SVG that moves, for pages, and an asciicast, for terminals.

Both are made of the same screens, each shown equally long, with a line below that says which keys led there.
"""

from __future__ import annotations

import json
from html import escape

from rich.color import ColorSystem

from tests.ui.screens.pictures import picture
from tests.ui.screens.shots import Shot

SHOWN_S = 3
"""each screen is shown so long"""
WIDTH, HEIGHT, CAPTION = 994, 636, 44
"""of a picture of 80x24, and of the line below it, in the units of Rich's SVG"""

_STYLE = """\
.frame {{ visibility: hidden; animation: shown {all}s step-end infinite; }}
@keyframes shown {{ 0% {{ visibility: visible; }} {share:.4f}% {{ visibility: hidden; }} }}
.caption {{ font: 20px 'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #c5c8c6; }}
.frame:first-of-type {{ visibility: visible; }}
@media (prefers-reduced-motion: reduce) {{ .frame {{ animation: none; }} }}"""


def animation(shots: list[tuple[Shot, str]]) -> str:
    """One SVG in which the pictures of the shots follow each other for ever, with their captions.

    Where motion is not wanted, or not known to the viewer, the first one stands.
    """
    every = SHOWN_S * len(shots)
    frames = [
        f'<g class="frame" style="animation-delay: {number * SHOWN_S}s">\n{_placed(shot)}'
        f'<text class="caption" x="20" y="{HEIGHT + 28}">{escape(caption)}</text>\n</g>'
        for number, (shot, caption) in enumerate(shots)
    ]
    return "\n".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT + CAPTION}" xmlns="http://www.w3.org/2000/svg">',
            f"<style>\n{_STYLE.format(all=every, share=100 / len(shots))}\n</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT + CAPTION}" rx="8" fill="#1b1d21"/>',
            *frames,
            "</svg>\n",
        ]
    )


def _placed(shot: Shot) -> str:
    """A picture at the top of the frame, in its own size."""
    return picture(shot).replace("<svg ", f'<svg width="{WIDTH}" height="{HEIGHT}" ', 1)


def asciicast(shots: list[tuple[Shot, str]]) -> str:
    """The same in asciicast's format, version 2 (docs.asciinema.org/manual/asciicast/v2): a header, and an
    event [seconds, "o", text] for each screen, all in JSON, a line each."""
    rows = len(shots[0][0].rows)
    header = {
        "version": 2,
        "width": 80,
        "height": rows + 1,
        "title": "drdeck",
        "env": {"TERM": "xterm-256color"},
    }
    events = [
        [number * SHOWN_S, "o", _written(shot, caption)] for number, (shot, caption) in enumerate(shots)
    ]
    events.append([len(shots) * SHOWN_S, "o", ""])
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *events))


def _written(shot: Shot, caption: str) -> str:
    """What a terminal is sent to show a screen from its first cell on, and its caption in the row below."""
    rows = (
        "".join(style.render(text, color_system=ColorSystem.TRUECOLOR) for text, style in row)
        for row in shot.rows
    )
    return "\x1b[H\x1b[2J" + "\r\n".join([*rows, f"\x1b[7m {caption:<79}\x1b[0m"])
