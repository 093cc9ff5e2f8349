"""Task Steps: numbered, with progress, the RTO clock, and what is asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.widget import Widget

from drdeck.console.format import Line, folded, wrap
from drdeck.console.state import State
from drdeck.console.widgets.question_bar import QuestionBar
from drdeck.console.widgets.row_list import RowList
from drdeck.console.widgets.status_bars import estimate_lines, operation_lines
from drdeck.console.widgets.task_step_lines import current_of, rto_line, step_lines
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.text import clean

from .screen import ConsoleScreen


class StepsScreen(ConsoleScreen):
    """The steps that the site really takes for one domain."""

    AUTO_FOCUS = "#steps"

    def content(self) -> Iterable[Widget]:
        yield Lines(((f" Task Steps of {clean(self.domain_name or '')}", "bold"),), (), id="title")
        yield QuestionBar(id="question")
        yield Lines(id="going")
        yield RowList(lambda row, width: row, lambda row: "", empty="reading ...", cursor=False, id="steps")

    def keys(self) -> list[tuple[str, str]]:
        asks = self.query_one(QuestionBar).asks is not None
        keys = [*(self.named("answer") if asks else ()), ("↑ ↓", "Scroll"), ("esc", "Back")]
        return [*keys, *self.named("more", "log", "help", "detach")]

    def take(self, state: State, now: datetime) -> None:
        name, width = self.domain_name or "", self.size.width
        self.take_question(state)
        domain = state.domain(name)
        if domain is None:
            return
        self.each_second(state, now)
        open_ones = state.open_operations(name)
        going = operation_lines(open_ones, width - 2, self.desk.remapped, domain.session)
        going += estimate_lines(domain, now, width - 2)
        old = wrap(clean(state.out_of_date), width - 4) if state.out_of_date else []
        warning: list[Line] = [((f" ! {part}", "bad"),) for part in old]
        self.query_one("#going", Lines).put([*warning, *(((" ", ""), *line) for line in going)])
        rows: RowList[Line] = self.query_one("#steps", RowList)
        empty = "no task is under way" if state.full(name) else "reading ..."
        room = rows.size.height or self.size.height - 4 - len(warning) - len(going)  # not laid out yet
        lines = step_lines(domain, width, room)
        rows.put(lines, empty)
        rows.follow(current_of(lines))

    def each_second(self, state: State, now: datetime) -> None:
        name = self.domain_name or ""
        domain, operation = state.domain(name), state.failover(name)
        if domain is None:
            return
        title = wrap(f"Task Steps of {clean(name)}", self.size.width - 2)
        lines: list[Line] = [((f" {part}", "bold"),) for part in title]
        clock: Line = ((" ", ""), *rto_line(operation, domain, now))
        lines += folded(clock, self.size.width) if self.narrow else [clock]
        self.query_one("#title", Lines).put(lines)
