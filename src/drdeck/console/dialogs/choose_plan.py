"""The choice of a Failover Plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from drdeck.console.format import Line
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.plans.check_lines import plan_lines, plan_row
from drdeck.console.widgets.row_list import RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.plans.plan_check import PlanSummary

from .dialog import CANCEL, Dialog

_MOST_LINES = 7


class PlansDialog(Dialog[str]):
    """Answers with the name of a plan; nothing begins by choosing one."""

    AUTO_FOCUS = "#plans"
    GUARD = False

    def __init__(self, plans: Sequence[PlanSummary]) -> None:
        super().__init__("Failover Plan")
        self._plans = tuple(plans)

    def body(self) -> Iterable[Widget]:
        yield RowList(plan_row, lambda s: s.plan.name, empty="there is no plan", id="plans")
        yield Lines(*[()] * _MOST_LINES, id="about")

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("Check", id="check")

    def keys(self) -> list[tuple[str, str]]:
        return [("↑ ↓", "Move"), ("enter", "Check it"), CANCEL]

    def ready(self) -> None:
        rows: RowList[PlanSummary] = self.query_one("#plans", RowList)
        rows.styles.height = max(1, min(8, len(self._plans), self.app.size.height - 13))
        rows.put(self._plans)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        summary = event.rows.row
        if isinstance(summary, PlanSummary):
            lines: list[Line] = [(), *plan_lines(summary, self.text_width)][:_MOST_LINES]
            self.query_one("#about", Lines).put([*lines, *[()] * (_MOST_LINES - len(lines))])

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        event.stop()
        self._choose()

    def pressed(self, push: Push) -> None:
        self._choose()

    def _choose(self) -> None:
        summary = self.query_one("#plans", RowList).row
        if isinstance(summary, PlanSummary):
            self.dismiss(summary.plan.name)
