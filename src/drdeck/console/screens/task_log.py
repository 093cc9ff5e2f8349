"""Task Log: the open operations and the recent ones, newest first; found by words, and followed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.binding import Binding
from textual.widget import Widget

from drdeck.console.dialogs.fact_sheets import Facts, Row, result_rows, row
from drdeck.console.format import as_typed, stamp, wrap_some
from drdeck.console.state import State, describe
from drdeck.console.widgets.input_field import Field
from drdeck.console.widgets.list_rows import result_text, task_header, task_row
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.journal.operations import OperationView
from drdeck.controller.journal.projection import KEPT
from drdeck.model.text import clean
from drdeck.model.times import show_clock

from .filtered_screen import FilteredScreen


def task_facts(operation: OperationView) -> list[Row]:
    """All that is known of one operation."""
    rows = row("Task", describe(operation)) + row("Domain", operation.domain)
    rows += row("By", operation.asked_by) + row("Requested", stamp(operation.asked_at))
    rows += row("State", "result unknown" if operation.unknown else str(operation.state))
    if operation.request.to is not None:
        rows += row("To", stamp(operation.request.to))
    if operation.request.vms:
        rows += row("VMs", ", ".join(operation.request.vms))
    if operation.request.checked_by_hand:
        rows += row("Checked by hand", "; ".join(operation.request.checked_by_hand))
    if operation.waits_for:
        rows += row("Waits for", operation.waits_for)
    if operation.question is not None:
        rows += row("Question", operation.question.text, "warn")
    if operation.ended_at is not None:
        took = show_clock((operation.ended_at - operation.asked_at).total_seconds())
        rows += row("Ended", f"{stamp(operation.ended_at)}, after {took}")
    if operation.error:
        rows += row("Error", operation.error, "bad")
    rows += row("Number", operation.id)
    return rows


def matches(task: OperationView, words: str) -> bool:
    """True if each word is in what the log says of a task; "!word" must not be."""
    whole = f"{describe(task)} {task.domain} {task.asked_by} {result_text(task)[0]} {task.state} {task.id}"
    text = whole.casefold()
    return all((w.removeprefix("!") in text) is not w.startswith("!") for w in words.casefold().split())


class LogScreen(FilteredScreen):
    """The operations of this controller. While the cursor is on the newest it stays with the newest."""

    AUTO_FOCUS = "#tasks"
    BINDINGS = [Binding("slash", "filter", "Filter", show=False, id="filter")]
    OWN_KEYS = (
        ("/", "Filter", "tasks by words; !not"),
        ("home", "Follow", "the newest task, until the cursor is moved"),
    )

    def __init__(self, domain: str | None) -> None:
        super().__init__(domain)
        self._marks: object = None
        self._tasks: tuple[OperationView, ...] = ()
        self._error = ""
        self._table: RowList[OperationView] = RowList(
            task_row, lambda task: task.id, empty="reading ...", leads=True, id="tasks"
        )

    def content(self) -> Iterable[Widget]:
        yield Lines(((" Task Log", "bold"),), (), id="title")
        yield Lines((), id="header")
        field = Field(id="filter", placeholder="words; !not")
        field.display = False
        yield field
        yield self._table
        yield Lines(id="task-detail")

    def keys(self) -> list[tuple[str, str]]:
        if self.filtering:
            return [("enter ↓", "To the list"), ("esc", "Show all")]
        return [("enter", "Details"), ("esc", "Back"), *self.named("filter", "help", "detach")]

    def copied(self) -> tuple[str, str] | None:
        task = self._table.row
        return ("the operation's number", task.id) if isinstance(task, OperationView) else None

    def take(self, state: State, now: datetime) -> None:
        self.query_one("#header", Lines).put([(("   ", ""), *task_header(self.size.width - BESIDE))])
        marks = (state.operations, state.attached)
        if marks != self._marks:
            self._marks = marks
            self.run_worker(self._read(), group="tasks", exclusive=True)
        newest = {operation.id: operation for operation in state.operations}
        older = as_typed.get()(" (older ones: drdeck tasks)") if len(self._tasks) >= KEPT else ""
        tasks = [newest.get(task.id, task) for task in self._tasks]
        listed = [task for task in tasks if matches(task, self._filter_text)]
        of = f"   {len(listed)} of {len(tasks)}" if self._filter_text.strip() else ""
        self.query_one("#title", Lines).put([((" Task Log", "bold"), (f"{of}{older}", "dim")), ()])
        empty = "nothing was requested yet"
        if of:
            empty = f'no task matches "{clean(self._filter_text)}"; escape shows all'
        self._table.put(listed, clean(self._error) or empty)
        self._draw_detail()

    def _draw_detail(self) -> None:
        """Draw in full what the row under the cursor has no room for."""
        task = self._table.row
        if not isinstance(task, OperationView):
            self.query_one("#task-detail", Lines).put([])
            return
        text, style = result_text(task)
        waits = f"; waiting for {task.waits_for}" if task.waits_for and task.question is not None else ""
        parts = wrap_some(f"by {clean(task.asked_by)}: {text}{clean(waits)}", self.size.width - 4, 3)
        self.query_one("#task-detail", Lines).put([(), *(((f" {part}", style),) for part in parts)])

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if event.rows.cursor == 0:
            event.rows.lead()
        self._draw_detail()

    def action_back(self) -> None:
        """Escape takes the filter away, and leaves the screen when there is none."""
        if not self.end_filter():
            super().action_back()

    async def _read(self) -> None:
        try:
            self._tasks, self._error = await (await self.desk.first_news()).tasks(), ""
        except ControllerError as error:
            self._error = str(error)
        self.desk.redraw(self)

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        task = event.rows.row
        if isinstance(task, OperationView):
            self.desk.push_screen(Facts("Task", [*task_facts(task), *self._result(task)]))

    def _result(self, task: OperationView) -> list[Row]:
        if task.action != "cfo_complete" or not task.result:
            return []
        return [(), *result_rows(task, with_domain=False)]
