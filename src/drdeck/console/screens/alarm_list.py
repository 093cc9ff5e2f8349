"""All alarms: those of every domain and of the site itself, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from textual.binding import Binding
from textual.widget import Widget

from drdeck.console.attention import alarms_of, protected_answers
from drdeck.console.format import Line, cut, left, marked, name, second, stamp, wrap_some
from drdeck.console.state import NOT_SEEN, State, describe
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.text import clean

from .screen import ConsoleScreen

STYLES = {Severity.CRITICAL: "bad", Severity.WARNING: "warn", Severity.INFO: "dim"}
DETAIL_LINES = 5
SITE_KIND = "site "
"""How the kind of an alarm begins that is a warning of the site itself."""


class AlarmRow(NamedTuple):
    """An alarm and its domain; without one it is the site's."""

    alarm: Alarm
    domain: str
    also: tuple[str, ...] = ()
    """further VMs of the domain with the same trouble"""

    @property
    def sentence(self) -> str:
        """The trouble in words; of several VMs once, with all their names after it."""
        if not self.also or self.alarm.vm is None:
            return self.alarm.sentence
        return f"{self.short}: {', '.join((self.alarm.vm, *self.also))}"

    @property
    def short(self) -> str:
        """The same without the names of several VMs."""
        if not self.also:
            return self.alarm.sentence
        return f"{len(self.also) + 1} VMs: {_without_name(self.alarm)}"

    @property
    def untimed(self) -> bool:
        """True for what the site itself warns of, which does not tell since when."""
        return not self.domain and self.alarm.kind.startswith(SITE_KIND)

    @property
    def key(self) -> str:
        time = "" if self.untimed else self.alarm.time.isoformat()
        return "/".join((self.domain, self.alarm.kind, self.alarm.vm or "", time))


def _without_name(alarm: Alarm) -> str:
    """The text of an alarm as it would be for any VM."""
    text = alarm.text.replace(f'"{alarm.vm}"', "the VM").replace(alarm.vm or "", "the VM")
    return text.removeprefix("the VM: ")


def folded(rows: Iterable[AlarmRow]) -> list[AlarmRow]:
    """The same trouble of several VMs of a domain as one row, where the first of them stood."""
    alike: dict[object, list[AlarmRow]] = {}
    for row in rows:
        alarm = row.alarm
        same = (row.domain, alarm.severity, alarm.kind, _without_name(alarm)) if alarm.vm else row.key
        alike.setdefault(same, []).append(row)
    groups = alike.values()
    return [first._replace(also=tuple(str(r.alarm.vm) for r in more)) for first, *more in groups]


def rows_of(state: State, now: datetime) -> list[AlarmRow]:
    """Questions of operations and warnings of the site first, then the alarms of all domains."""
    asks = [
        AlarmRow(
            Alarm(
                time=o.question_at or now,
                severity=Severity.CRITICAL,
                vm=None,
                kind=f"question {o.id}",
                text=f"{describe(o)} needs you: {o.question.text}",
            ),
            o.domain,
        )
        for o in state.open_operations()
        if o.question is not None
    ]
    answers = [
        Alarm(
            time=since,
            severity=Severity.CRITICAL,
            vm=None,
            kind=f"protected_site_answers {run}",
            text=f"the protected site answers again, which it did not when {run} was decided;"
            " what was started continues",
        )
        for run, since in protected_answers(state).items()
    ]
    warnings = () if state.listing is None else state.listing.warnings
    own = [
        Alarm(time=now, severity=Severity.WARNING, vm=None, kind=f"{SITE_KIND}{place}", text=text)
        for place, text in enumerate(warnings)
    ]
    return (
        asks
        + [AlarmRow(a, "") for a in (*answers, *own)]
        + [AlarmRow(a, d.name) for a, d in alarms_of(state.domains)]
    )


class AlarmsScreen(ConsoleScreen):
    """One row an alarm; below the list the one under the cursor in full."""

    AUTO_FOCUS = "#alarms"
    BINDINGS = [Binding("space", "fold", "Every VM", show=False)]
    OWN_KEYS = (
        ("enter", "Open", "the domain of the alarm"),
        ("space", "Every VM", "a row for each; once more: one for all with the same trouble"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._each = False
        self._folds = False
        """there are VMs with the same trouble"""

    def content(self) -> Iterable[Widget]:
        yield Lines(((" All alarms", "bold"),), (), id="title")
        yield Lines((), id="header")
        rows: RowList[AlarmRow] = RowList(self._line, lambda row: row.key, empty="no alarm", id="alarms")
        yield rows
        yield Lines(id="alarm-detail")

    def keys(self) -> list[tuple[str, str]]:
        fold = [("space", "Fold" if self._each else "Every VM")] if self._folds else []
        return [("enter", "Open domain"), *fold, ("esc", "Back"), *self.named("next_need", "help", "detach")]

    @property
    def _name_cells(self) -> int:
        return 10 if self.narrow else 18

    def _line(self, row: AlarmRow, width: int) -> Line:
        alarm = row.alarm
        time = second(alarm.time) if alarm.time.date() == self.now().date() else stamp(alarm.time)[5:14] + "h"
        if row.untimed:
            time = "now".ljust(len(time))
        start: Line = (
            (f"{time} ", ""),
            (f"{left(alarm.severity.upper(), 8)} ", STYLES[alarm.severity]),
            (f"{name(row.domain or 'the site', self._name_cells)} ", "bold"),
        )
        text = clean(row.short)
        return (*start, (cut(text, max(0, width - sum(len(piece) for piece, _ in start))), ""))

    def take(self, state: State, now: datetime) -> None:
        rows: RowList[AlarmRow] = self.query_one("#alarms", RowList)
        alarms = rows_of(state, now)
        reasons = folded(alarms)
        count = f"   {len(alarms)} in {len(state.domains)} domain{'' if len(state.domains) == 1 else 's'}"
        if len(reasons) < len(alarms):
            count += f", for {len(reasons)} reasons"
        title: Line = ((" All alarms", "bold"), (count, "dim"))
        folds, self._folds = self._folds, len(reasons) < len(alarms)
        self.query_one("#title", Lines).put([title, ()])
        head = f"   {'Time':9} {'Severity':8} {'Domain':{self._name_cells}} Alarm"
        self.query_one("#header", Lines).put([((head[: self.size.width - BESIDE], "head"),)])
        rows.put(alarms if self._each else reasons, "no alarm" if state.site_seen else NOT_SEEN)
        self._draw_detail()
        if folds != self._folds:
            self.draw_keys()

    def action_fold(self) -> None:
        """A row for every VM, or one for all that have the same trouble."""
        self._each = not self._each
        self.desk.redraw(self)
        self.draw_keys()

    def _draw_detail(self) -> None:
        row = self.query_one("#alarms", RowList).row
        if not isinstance(row, AlarmRow):
            self.query_one("#alarm-detail", Lines).put(())
            return
        parts = wrap_some(clean(row.sentence), self.size.width - 4, DETAIL_LINES - self.low)
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
        return ("the alarm", row.sentence) if isinstance(row, AlarmRow) else None
