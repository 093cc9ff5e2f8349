"""The way back as a list: what is to be done, by whom, what was checked, and what is open now."""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.console.dialogs.fact_sheets import Help, Row, row
from drdeck.console.format import Line, wrap
from drdeck.model.returning.checklist import OpenWay, ReturnStep, by_openness
from drdeck.model.text import clean

_MARKS = {"done": ("[x]", "bold"), "open": ("[ ]", "bold"), "unknown": ("[?]", "dim")}


class ReturnList(Help):
    """The checklist of a domain's way back; where there is no room for all of it, the arrows go on."""

    def __init__(self, domain: str, steps: Sequence[ReturnStep], ways: Sequence[OpenWay]) -> None:
        self._steps = tuple(steps)
        rows: list[Row] = []
        for heading, group in by_openness(ways):
            rows.append(((heading, "head"),))
            rows += [line for way in group for line in row(way.label, way.reason or way.command)]
        super().__init__(f"Way Back: Protected Domain {clean(domain)}", lambda: rows)

    def laid_out(self) -> list[Line]:
        steps = [line for step in self._steps for line in _lines(step, self.text_width - 4)]
        return [*steps, *super().laid_out()]


def _lines(step: ReturnStep, width: int) -> list[Line]:
    mark, style = _MARKS[step.state]
    parts = wrap(clean(f"{step.number} {step.text}"), width)
    lines: list[Line] = [
        ((f"{mark if i == 0 else '   '} ", style), (part, "")) for i, part in enumerate(parts)
    ]
    return [*lines, (("      ", ""), (f"by {step.by}; checked by: {step.checked_by}", "dim"))]
