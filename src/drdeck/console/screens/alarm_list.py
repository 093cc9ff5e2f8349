"""All alarms: those of every domain and of the site itself, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from textual.widget import Widget

from drdeck.console.attention import alarms_of
from drdeck.console.format import Line, cut, left, marked, name, second, stamp, wrap_some
from drdeck.console.state import NOT_SEEN, State
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.text import clean

from .screen import ConsoleScreen

STYLES = {Severity.CRITICAL: "bad", Severity.WARNING: "warn", Severity.INFO: "dim"}
DETAIL_LINES = 5


class AlarmRow(NamedTuple):
    """An alarm and its domain; without one it is the site's."""

    alarm: Alarm
    domain: str

    @property
    def key(self) -> str:
        return "/".join((self.domain, self.alarm.kind, self.alarm.vm or "", self.alarm.time.isoformat()))


def rows_of(state: State, now: datetime) -> list[AlarmRow]:
    """The site's own warnings first, then the alarms of all domains."""
    warnings = () if state.listing is None else state.listing.warnings
    own = [
        Alarm(time=now, severity=Severity.WARNING, vm=None, kind=f"site {place}", text=text)
        for place, text in enumerate(warnings)
    ]
    return [AlarmRow(a, "") for a in own] + [AlarmRow(a, d.name) for a, d in alarms_of(state.domains)]


class AlarmsScreen(ConsoleScreen):
    """One row an alarm; below the list the one under the cursor in full."""

    AUTO_FOCUS = "#alarms"
    OWN_KEYS = (("enter", "Open", "the domain of the alarm"),)

    def content(self) -> Iterable[Widget]:
        yield Lines(((" All alarms", "bold"),), (), id="title")
        yield Lines((), id="header")
        rows: RowList[AlarmRow] = RowList(self._line, lambda row: row.key, empty="no alarm", id="alarms")
        yield rows
        yield Lines(id="alarm-detail")

    def keys(self) -> list[tuple[str, str]]:
        return [("enter", "Open domain"), ("esc", "Back"), *self.named("next_need", "help", "detach")]

    def _line(self, row: AlarmRow, width: int) -> Line:
        alarm = row.alarm
        time = second(alarm.time) if alarm.time.date() == self.now().date() else stamp(alarm.time)[5:14] + "h"
        start: Line = (
            (f"{time} ", ""),
            (f"{left(alarm.severity.upper(), 8)} ", STYLES[alarm.severity]),
            (f"{name(row.domain or 'the site', 18)} ", "bold"),
        )
        text = clean(alarm.sentence)
        return (*start, (cut(text, max(0, width - sum(len(piece) for piece, _ in start))), ""))

    def take(self, state: State, now: datetime) -> None:
        rows: RowList[AlarmRow] = self.query_one("#alarms", RowList)
        alarms = rows_of(state, now)
        title: Line = ((" All alarms", "bold"), (f"   {len(alarms)} in {len(state.domains)} domains", "dim"))
        self.query_one("#title", Lines).put([title, ()])
        head = f"   {'Time':9} {'Severity':8} {'Domain':18} Alarm"
        self.query_one("#header", Lines).put([((head[: self.size.width - BESIDE], "head"),)])
        rows.put(alarms, "no alarm" if state.site_seen else NOT_SEEN)
        self._draw_detail()

    def _draw_detail(self) -> None:
        row = self.query_one("#alarms", RowList).row
        if not isinstance(row, AlarmRow):
            self.query_one("#alarm-detail", Lines).put(())
            return
        parts = wrap_some(clean(row.alarm.sentence), self.size.width - 4, DETAIL_LINES)
        self.query_one("#alarm-detail", Lines).put([(), *marked("!", parts, STYLES[row.alarm.severity])])

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        self._draw_detail()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        row = event.rows.row
        if isinstance(row, AlarmRow) and row.domain:
            self.desk.action_runner.open_domain(row.domain)

    def target(self) -> str | None:
        row = self.query_one("#alarms", RowList).row
        return row.domain or None if isinstance(row, AlarmRow) else None

    def watched(self) -> str | None:
        return None

    def copied(self) -> tuple[str, str] | None:
        row = self.query_one("#alarms", RowList).row
        return ("the alarm", row.alarm.sentence) if isinstance(row, AlarmRow) else None
