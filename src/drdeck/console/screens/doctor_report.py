"""Doctor: what is right and wrong with this terminal and with the site, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from textual.widget import Widget

from drdeck import terminal_info
from drdeck.console.format import Line, name, wrap
from drdeck.console.key_bindings import shown_key
from drdeck.console.state import State
from drdeck.console.widgets.row_list import RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.alarms import Finding
from drdeck.model.text import clean

from .screen import ConsoleScreen

_SIGNS = {"ok": ("✓", "ok"), "warn": ("!", "warn"), "fail": ("✗", "bad")}
_ORDER = {"fail": 0, "warn": 1, "ok": 2}
"""What is wrong comes first."""
_LABEL = 25


def finding_lines(finding: Finding, width: int) -> list[Line]:
    """One finding with its word, wrapped beside its subject; the remedy below it."""
    sign, style = _SIGNS.get(finding.level, ("?", "warn"))
    room = max(20, width - _LABEL - 1)
    texts = [(part, "bold" if style != "ok" else "") for part in wrap(clean(finding.text), room)]
    if finding.remedy:
        texts += [(part, "accent") for part in wrap(f"→ {clean(finding.remedy)}", room)]
    first, *rest = texts
    head: Line = (
        (f" {sign} {clean(finding.level):5}", style),
        (name(clean(finding.subject), 16) + " ", "dim"),
    )
    return [(*head, first), *(((" " * _LABEL, ""), piece) for piece in rest)]


class DoctorScreen(ConsoleScreen):
    """Reads the site's findings once, when it is opened."""

    AUTO_FOCUS = "#findings"

    def __init__(self, domain: str | None) -> None:
        super().__init__(domain)
        self._site: tuple[Finding, ...] | None = None
        self._passthrough: str | None = None

    def content(self) -> Iterable[Widget]:
        yield Lines(((" Doctor", "bold"),), (), id="title")
        yield RowList(
            lambda row, width: row, lambda row: "", empty="reading ...", cursor=False, id="findings"
        )

    def keys(self) -> list[tuple[str, str]]:
        copy = (shown_key("copy", self.desk.remapped), "Copy all")
        return [("↑ ↓", "Scroll"), ("esc", "Back"), copy, *self.named("help", "detach")]

    def ready(self) -> None:
        self.run_worker(self._read(), group="findings", exclusive=True)

    async def _read(self) -> None:
        self._passthrough = await asyncio.to_thread(terminal_info.tmux_passthrough, self.desk.environ)
        try:
            self._site = await (await self.desk.first_news()).findings()
        except ControllerError as error:
            remedy = "the line at the top says how long ago it was seen" if self.state.stale else ""
            self._site = (Finding.fail("site", str(error), remedy),)
            self.failed_at = self.state.attached
        self.desk.redraw(self)

    def _findings(self) -> list[Finding]:
        desk = self.desk
        size = (desk.size.width, desk.size.height)
        colours = desk.console.color_system
        here = terminal_info.findings(size, desk.options, desk.environ, colours, self._passthrough)
        return sorted([*here, *(self._site or ())], key=lambda finding: _ORDER.get(finding.level, 1))

    def take(self, state: State, now: datetime) -> None:
        if self.reads_again(state):
            self._site = None
            self.ready()
        width = self.size.width - 1
        lines = [line for finding in self._findings() for line in finding_lines(finding, width)]
        if self._site is None:
            lines.append((("   looking at the site ...", "dim"),))
        rows: RowList[Line] = self.query_one("#findings", RowList)
        rows.put(lines)

    def copied(self) -> tuple[str, str] | None:
        lines = [
            f"{f.level:<4}  {f.subject}: {f.text}{f' -> {f.remedy}' if f.remedy else ''}"
            for f in self._findings()
        ]
        return "all findings", "\n".join(lines)
