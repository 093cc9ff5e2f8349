"""A run of a Failover Plan: what needs a person first, then what goes on, then the rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from drdeck.console.format import Line
from drdeck.console.state import State
from drdeck.console.widgets.input_field import Field
from drdeck.console.widgets.plans.run_lines import (
    foot_lines,
    head_lines,
    list_line,
    next_in_need,
    ordered,
    run_header,
    run_row,
    state_text,
)
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.plans.run_views import RUN_ENDED, DomainInRun, Needs, RunState, RunView
from drdeck.model.text import clean

from .list_and_pane import ListAndPaneScreen

PITR_ALL = "Run PITR (all)"
LOW = 24
"""Rows of a terminal below which the line about the protected site gives its room to the list."""


class PlanRunScreen(ListAndPaneScreen):
    """One run. It is drawn from the listing; all that it asks for goes through the runner of plans."""

    HELP = "domain"
    AUTO_FOCUS = "#members"
    FILTER_STAYS = False
    OWN_KEYS = (
        ("a", "Answer", "answer what the domain under the cursor asks, or all that ask the same"),
        ("n N", "Next", "the next domain that needs a person, the one before"),
        ("z", "Pause Plan", "nothing new begins, what runs continues; once more: Resume Plan"),
        ("p", PITR_ALL, "roll all sessions of the run back to one instant"),
        ("m", "More", "leave out, begin anew, release the barrier, exit sessions, the domain's own menu"),
        ("/", "Filter", "by names and states"),
    )
    BINDINGS = [
        Binding("a", "answer", "Answer", show=False, id="answer"),
        Binding("n", "need(1)", "Next that needs a person", show=False, id="next_need"),
        Binding("N", "need(-1)", "The one before", show=False, id="previous_need"),
        Binding("z", "pause", "Pause Plan", show=False),
        Binding("p", "roll_back", PITR_ALL, show=False, id="pitr_run"),
        Binding("m", "more", "More", show=False, id="more"),
        Binding("slash", "filter", "Filter", show=False, id="filter"),
        Binding("left", "turn(-1)", "Tab before", show=False),
        Binding("right", "turn(1)", "Next tab", show=False),
    ]

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run_id = run
        self._table: RowList[DomainInRun] = RowList(
            self._row_line, lambda d: d.name, empty="reading ...", leads=True, id="members"
        )

    def content(self) -> Iterable[Widget]:
        yield Lines((), (), (), id="head")
        yield Lines((), id="rule")
        yield Horizontal(
            Vertical(
                Horizontal(
                    Lines((), id="order"), Field(id="filter", placeholder="name or state"), id="filter-row"
                ),
                Lines((), id="header"),
                self._table,
                id="list-side",
            ),
            self._side,
        )
        yield Lines((), (), id="foot")

    @property
    def run(self) -> RunView | None:
        """The run as it is now, if the controller still tells of it."""
        return self.state.run(self.run_id)

    @property
    def row(self) -> DomainInRun | None:
        """The domain under the cursor."""
        return self._table.row

    def keys(self) -> list[tuple[str, str]]:
        if self.filtering:
            return [("enter ↓", "To the list"), ("esc", "Show all")]
        run = self.run
        pause = "Resume Plan" if run is not None and self._stands(run) else "Pause Plan"
        keys = [("enter", "Open"), *self.named("answer")]
        if run is not None and run.needs:
            keys.append(("n", "Next"))
        if run is not None and run.state not in RUN_ENDED:
            keys.append(("z", pause))
        return [*keys, ("p", PITR_ALL), *self.named("more", "help"), ("esc", "Back")]

    def _stands(self, run: RunView) -> bool:
        """True if it waits for a word to go on: paused, or before a gate."""
        return run.state in (RunState.PAUSED, RunState.PAUSING) or any(w.state == "gate" for w in run.waves)

    def _row_line(self, domain: DomainInRun, width: int) -> Line:
        return run_row(domain, width, self.now())

    def take(self, state: State, now: datetime) -> None:
        run, width = self.run, self._table.size.width or self.size.width
        if run is None:
            self._table.put((), f'the controller tells of no run "{clean(self.run_id)}" any more')
            return
        across = self.size.width
        self.query_one("#head", Lines).put(head_lines(run, now, across))
        self.query_one("#rule", Lines).put([] if self.low else [((" " + "─" * (across - 2), "dim"),)])
        self.query_one("#order", Lines).put([list_line(run, self._order_width(width), self._filter_text)])
        self.query_one("#header", Lines).put([(("   ", ""), *run_header(width - BESIDE))])
        foot = foot_lines(run, now, across, low=self.size.height < LOW)
        self.query_one("#foot", Lines).put(foot)
        self._table.faint = state.stale
        self._table.put(
            [d for d in ordered(run.domains) if self._matches(d)],
            f'no domain matches "{clean(self._filter_text)}"; escape shows all',
        )
        self.draw_pane(state, now)

    def _order_width(self, width: int) -> int:
        field = self.field
        return width - 24 if field.display else width

    def each_second(self, state: State, now: datetime) -> None:
        """The clock since the decision, and how long each domain has been as it is."""
        run = self.run
        if run is not None and run.ended_at is None:
            self.query_one("#head", Lines).put(head_lines(run, now, self.size.width))
            self._table.put(self._table.rows)

    def _matches(self, domain: DomainInRun) -> bool:
        text = f"{domain.name} {state_text(domain)} {domain.needs} wave {domain.wave + 1}".casefold()
        return all(word in text for word in self._filter_text.casefold().split())

    # -- keys

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        name = self.target()
        if name is not None and event.rows is self._table:
            self.desk.action_runner.open_domain(name)

    def action_need(self, by: int) -> None:
        """Go to the next domain that needs a person, round and round."""
        rows = list(self._table.rows)
        domain = next_in_need(rows if by > 0 else rows[::-1], self.target())
        if domain is None:
            self.say("nothing needs you")
        else:
            self._table.select_key(domain.name)

    def action_answer(self) -> None:
        """Answer what the domain under the cursor asks; where it asks nothing, the first one that does."""
        row = self.row
        if row is None or row.needs is Needs.NOTHING:
            self.action_need(1)
            row = self.row
        if row is not None and row.needs is not Needs.NOTHING:
            self._table.lead()  # to whatever needs somebody next
            self.desk.plan_runner.answer(self.run_id, row.name)

    def action_pause(self) -> None:
        run = self.run
        if run is None or run.state in RUN_ENDED:
            self.say("the run is over")
        else:
            self.desk.plan_runner.pause(self.run_id, not self._stands(run))

    def action_roll_back(self) -> None:
        self.desk.plan_runner.choose_instant(self.run_id)

    def action_more(self) -> None:
        self.desk.plan_runner.more(self.run_id, self.target())

    def action_back(self) -> None:
        """Escape takes the filter away, and leaves the screen when there is none; the run goes on."""
        if not self.end_filter():
            super().action_back()
