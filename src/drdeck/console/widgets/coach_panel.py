"""The coach's panel: where the lesson is, what to do now, and help on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drdeck.console.format import Line, cut, wrap
from drdeck.model.text import clean
from drdeck.terminal_info import FULL_WIDTH

from .text_lines import Lines

if TYPE_CHECKING:
    from drdeck.coach.coach import Coach

MOST_LINES = 6
MOST_AT_THE_END = 9
"""With the figures, what was lost, and the last word; nothing is left to be done above it."""
_STYLES = {"objective": "bold", "hint": "accent", "key": "key", "mistake": "bad", "done": "ok"}
_SIGNS = {"objective": " > ", "mistake": " ! ", "hint": " ? ", "key": " ? "}


def panel_lines(coach: Coach, width: int, folded: bool) -> list[Line]:
    """At most `MOST_LINES` lines, a few more at the end and where they are short; folded, only the first."""
    over = coach.objective is None
    keys = " ctrl+t Coach " if folded else " ctrl+t Fold " if over else " h Hint (counts)  ctrl+t Fold "
    end = f" {coach.standing} "
    room = width - len(keys) - len(end) - 6
    title = f" {clean(coach.title)} "
    title = cut(title if len(title) <= room else title.replace("Lesson ", "", 1), room)
    rule = "─" * max(0, width - 2 - len(title) - len(end) - len(keys) - 2)
    lines: list[Line] = [
        (("──", "dim"), (title, "head"), (rule, "dim"), (end, "bold"), ("──", "dim"), (keys, "dim"))
    ]
    if folded:
        return lines
    for style, text in coach.lines():
        for number, part in enumerate(wrap(clean(" ".join(text.split())), width - 4)):
            sign = _SIGNS.get(style, "   ") if number == 0 else "   "
            lines.append(((sign + part, _STYLES.get(style, "")),))
    return lines[: MOST_AT_THE_END if over or width < FULL_WIDTH else MOST_LINES]


class CoachPanel(Lines):
    """Below every screen while a lesson is played."""

    def take(self, coach: Coach, folded: bool) -> None:
        self.put(panel_lines(coach, self.size.width or self.app.size.width, folded))
