"""Notices made of facts: the result of a failover, a failover in progress, the keys of a screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget

from drdeck.console.format import UNKNOWN, Line, arrows, as_typed, left, stamp, wrap
from drdeck.console.state import describe
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.model.domains import Domain
from drdeck.model.text import clean
from drdeck.model.times import clock_in, instant_in, show_clock

from .dialog import NEXT, PRESS, Dialog

_LABEL = 30


class Fact(NamedTuple):
    """A label and its value, which is wrapped beside it."""

    label: str
    value: str
    style: str = "bold"


Row = Fact | Line
"""A fact, or a line as it is."""


def row(label: str, value: str, style: str = "bold") -> list[Row]:
    return [Fact(label, value, style)]


def laid_out(rows: Sequence[Row], width: int) -> list[Line]:
    """Rows in `width` cells: the values in a column, near their labels where there is little room."""
    longest = max((cell_len(fact.label) for fact in rows if isinstance(fact, Fact)), default=0)
    labels = _LABEL if width > 2 * _LABEL else min(_LABEL, longest + 2)
    lines: list[Line] = []
    for fact in rows:
        if not isinstance(fact, Fact):
            lines.append(fact)
            continue
        for place, part in enumerate(wrap(clean(fact.value), width - labels)):
            lines.append(((left(fact.label if place == 0 else "", labels), "dim"), (part, fact.style)))
    return lines


class Facts(Dialog[bool]):
    """Rows of facts and one or two buttons; the first has the focus."""

    def __init__(self, title: str, rows: Sequence[Row], buttons: Sequence[str] = ("Dismiss",)) -> None:
        super().__init__(title)
        self._rows, self._labels = tuple(rows), tuple(buttons)

    def body(self) -> Iterable[Widget]:
        yield Lines(*self.laid_out(), id="facts")

    def laid_out(self) -> list[Line]:
        """All of it in the width of the box."""
        return laid_out(self._rows, self.text_width)

    def resized(self) -> None:
        self.query_one("#facts", Lines).put(self.laid_out())

    def buttons(self) -> Iterable[Push]:
        for index, label in enumerate(self._labels):
            yield Push(label, id="cancel" if index == 0 else f"other-{index}")

    def keys(self) -> list[tuple[str, str]]:
        if len(self._labels) > 1:
            return [NEXT, PRESS, ("esc", self._labels[0])]
        return [("enter", self._labels[0])]

    def pressed(self, push: Push) -> None:
        self.dismiss(True)


class Help(Facts):
    """The keys of a screen; where there is no room for all of them, the arrows go on."""

    GUARD = False
    BINDINGS = [
        Binding("up,k", "line(-1)", "Up", show=False),
        Binding("down,j", "line(1)", "Down", show=False),
    ]

    def __init__(self, title: str, rows: Callable[[], Sequence[Row]]) -> None:
        super().__init__(title, rows())
        self._make = rows

    def resized(self) -> None:
        self._rows = tuple(self._make())
        super().resized()

    def keys(self) -> list[tuple[str, str]]:
        return [("↑ ↓", "Scroll"), *super().keys()]

    def draw_keys(self) -> None:
        """Say as well that there is more below: also after another size, or when the end is reached."""
        super().draw_keys()
        body = self.query_one("#body", VerticalScroll)
        more = (("   ", ""), (f"{arrows('↓')} more", "key")) if body.scroll_y < body.max_scroll_y else ()
        self.query_one("#heading", Lines).put([((self.heading, "head"), *more)])

    def action_line(self, by: int) -> None:
        self.query_one("#body", VerticalScroll).scroll_relative(y=by, animate=False)
        self.call_after_refresh(self.draw_keys)

    def action_page(self, by: int) -> None:
        super().action_page(by)
        self.call_after_refresh(self.draw_keys)


def result_rows(operation: OperationView, with_domain: bool = True) -> list[Row]:
    """The vendor's rows first, then RTO, the point chosen, and the unprotected time."""
    result = dict(operation.result)
    state = {OperationState.DONE: "Completed", OperationState.FAILED: "Failed"}.get(
        operation.state, str(operation.state).capitalize()
    )
    failing, healthy = result.pop("vms_failing", "0"), result.pop("vms_healthy", "0")
    rows: list[Row] = []
    if failing not in ("", "0"):
        rows += row("Health", f"{failing} VMs of {operation.domain} FAIL their check", "bad")
    elif healthy != "0":
        rows += row("Health", f"{healthy} VMs pass their check", "ok")
    if with_domain:
        rows += row("Protected Domain", operation.domain)
    rows += row(
        "VMs Recovery Status",
        result.pop("recovery_status", state),
        "bad" if failing not in ("", "0") else "bold",
    )
    recovered, total = result.pop("vms_recovered", UNKNOWN), result.pop("vms_total", UNKNOWN)
    rows += row("Total VMs Recovered", f"{recovered} / {total}")
    for key in [k for k in result if k.startswith("runbook:")]:
        rows += row(f"Runbook group {clean(key.partition(':')[2])}", result.pop(key))
    rows += [(), *row("RTO", clock_in(result.pop("rto_s", "")) or UNKNOWN)]
    rows += row("Rolled back to", instant_in(result.pop("rolled_back_to", ""), stamp) or UNKNOWN)
    given_up, reset = result.pop("data_given_up_s", ""), result.pop("reset_up_to", "")
    if given_up:
        rows += row("Data given up", clock_in(given_up))
    if reset:
        rows += row("PITR data reset", f"all points up to {instant_in(reset, stamp)} are gone", "bad")
    rows += row("Unprotected time", clock_in(result.pop("unprotected_s", "")) or UNKNOWN)
    kind, outcome = result.pop("type", ""), result.pop("outcome", "")
    if kind or outcome:
        rows += row("Outcome", ", ".join(filter(None, (f"{kind} failover" if kind else "", outcome))))
    for key, value in result.items():
        rows += row(clean(key).replace("_", " ").capitalize(), value)
    rows += row("Requested", f"by {operation.asked_by} at {stamp(operation.asked_at)}")
    if operation.error:
        rows += row("Error", operation.error, "bad")
    rows += row("Report", as_typed.get()(f"drdeck report {operation.id}"))
    return rows


def result_dialog(operation: OperationView) -> Facts:
    return Facts("Continuous Rehydration Task Result", result_rows(operation))


def progress_dialog(
    operation: OperationView, domain: Domain | None, now: datetime, others: Sequence[OperationView] = ()
) -> Facts:
    """ "A failover is in progress": what was asked, by whom, where it stands, what it waits for. `others`:
    more of them, each in a line."""
    rows = row("Protected Domain", operation.domain)
    rows += row("Requested", describe(operation))
    rows += row("By", operation.asked_by)
    since = show_clock((now - operation.asked_at).total_seconds())
    rows += row("At", f"{stamp(operation.asked_at)}, {since} ago")
    if domain is not None and domain.step is not None:
        rows += row("Where it stands", f"step {domain.step.number} of {domain.step.of}: {domain.step.label}")
    rows += row("Waits for", operation.waits_for or "nothing, it is at work")
    if operation.question is not None:
        rows += row("Question", operation.question.text, "warn")
    for other in others:
        rows += row("And", f"{clean(other.domain)}: {describe(other)}")
    title = f"{len(others) + 1} failovers are in progress" if others else "A failover is in progress"
    return Facts(title, rows, ("Dismiss", "Open"))
