"""Task Log: the open operations and the recent ones, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.widget import Widget

from drdeck.console.dialogs.fact_sheets import Facts, result_rows, row
from drdeck.console.format import Line, stamp, wrap_some
from drdeck.console.state import State, describe
from drdeck.console.widgets.list_rows import result_text, task_header, task_row
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.journal.operations import OperationView
from drdeck.controller.journal.projection import KEPT
from drdeck.model.text import clean
from drdeck.model.times import show_clock

from .screen import ConsoleScreen


def task_facts(operation: OperationView) -> list[Line]:
    """All that is known of one operation."""
    rows = row("Task", describe(operation)) + row("Domain", operation.domain)
    rows += row("By", operation.asked_by) + row("Requested", stamp(operation.asked_at))
    rows += row("State", "result unknown" if operation.unknown else str(operation.state))
    if operation.request.to is not None:
        rows += row("To", stamp(operation.request.to))
    if operation.request.vms:
        rows += row("VMs", ", ".join(operation.request.vms))
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


class LogScreen(ConsoleScreen):
    """The operations of this controller."""

    AUTO_FOCUS = "#tasks"

    def __init__(self, domain: str | None) -> None:
        super().__init__(domain)
        self._marks: object = None
        self._tasks: tuple[OperationView, ...] = ()
        self._error = ""

    def content(self) -> Iterable[Widget]:
        yield Lines(((" Task Log", "bold"),), (), id="title")
        yield Lines((), id="header")
        yield RowList(task_row, lambda task: task.id, empty="reading ...", id="tasks")
        yield Lines(id="task-detail")

    def keys(self) -> list[tuple[str, str]]:
        return [("enter", "Details"), ("esc", "Back"), *self.named("help", "detach")]

    def copied(self) -> tuple[str, str] | None:
        task = self.query_one("#tasks", RowList).row
        return ("the operation's number", task.id) if isinstance(task, OperationView) else None

    def take(self, state: State, now: datetime) -> None:
        self.query_one("#header", Lines).put([(("   ", ""), *task_header(self.size.width - BESIDE))])
        marks = (state.operations, state.attached)
        if marks != self._marks:
            self._marks = marks
            self.run_worker(self._read(), group="tasks", exclusive=True)
        newest = {operation.id: operation for operation in state.operations}
        rows: RowList[OperationView] = self.query_one("#tasks", RowList)
        older = " (older ones: drdeck tasks)" if len(self._tasks) >= KEPT else ""
        self.query_one("#title", Lines).put([((" Task Log", "bold"), (older, "dim")), ()])
        empty = clean(self._error) or "nothing was requested yet"
        rows.put([newest.get(task.id, task) for task in self._tasks], empty)
        self._draw_detail()

    def _draw_detail(self) -> None:
        """Draw in full what the row under the cursor has no room for."""
        task = self.query_one("#tasks", RowList).row
        if not isinstance(task, OperationView):
            self.query_one("#task-detail", Lines).put([])
            return
        text, style = result_text(task)
        waits = f"; waiting for {task.waits_for}" if task.waits_for and task.question is not None else ""
        parts = wrap_some(f"by {clean(task.asked_by)}: {text}{clean(waits)}", self.size.width - 4, 3)
        self.query_one("#task-detail", Lines).put([(), *(((f" {part}", style),) for part in parts)])

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        self._draw_detail()

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

    def _result(self, task: OperationView) -> list[Line]:
        if task.action != "cfo_complete" or not task.result:
            return []
        return [(), *result_rows(task, with_domain=False)]
