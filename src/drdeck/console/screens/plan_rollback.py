"""Run PITR (all): one instant for the sessions of a run, with its spread, and who cannot reach it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.format import folded, marked, stamp, wrap
from drdeck.console.state import State
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.input_field import Field, begin_time
from drdeck.console.widgets.plans.instant_lines import (
    by_reach,
    instant_header,
    instant_row,
    instants_line,
    legend,
    member_header,
    member_row,
    spread_lines,
)
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.plans.common_instant import (
    BEFORE_ABNORMAL,
    GOOD,
    CommonInstant,
    DomainAtInstant,
    RunPoints,
)
from drdeck.model.plans.run_requests import RunPitrRequest
from drdeck.model.text import clean, some
from drdeck.model.times import parse_instant

from .screen import ConsoleScreen


class PlanRollbackScreen(ConsoleScreen):
    """The instants that are offered, newest first; a typed one is asked of the controller."""

    AUTO_FOCUS = "#instants"
    OWN_KEYS = (
        ("0-9 -", "Time", "type an instant: 10:42, -15m or ISO"),
        ("g", "Last good", "the last instant with every check good, else that before abnormal writing"),
    )

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run_id = run
        self._points: RunPoints | None = None
        self._typed: CommonInstant | None = None
        self._error = ""

    def content(self) -> Iterable[Widget]:
        yield Lines((), id="title")
        yield Lines((), (), (), id="timeline")
        yield Lines((), id="legend")
        yield Lines((), id="header")
        yield RowList(instant_row, lambda i: i.to.isoformat(), empty="reading the points ...", id="instants")
        yield Horizontal(
            Lines(((" Time (UTC): ", "head"),), id="time-label", classes="field"),
            Field(id="time", placeholder="10:42, -15m or ISO"),
            Lines((), id="time-read"),
            classes="bar",
        )
        yield Lines(id="time-wrong")
        yield Lines((), (), id="spread")
        yield Lines((), id="member-header")
        members: RowList[DomainAtInstant] = RowList(member_row, lambda d: d.name, id="members")
        members.quiet = True
        yield members
        yield Horizontal(Lines((), id="chosen"), Push("Run PITR (all)", id="run"), classes="bar")

    def keys(self) -> list[tuple[str, str]]:
        on = self.focused.id if self.focused is not None else None
        does = {"time": "Go there", "members": "Run PITR"}.get(on or "instants", "Run PITR")
        last = self._good()
        good = [] if last is None else [("g", "Last good" if last.kind == GOOD else "Before abnormal")]
        return [
            ("enter", does),
            ("0-9", "Time"),
            *good,
            ("tab", "Next"),
            ("esc", "Back"),
            *self.named("help"),
        ]

    def ready(self) -> None:
        super().ready()
        self.query_one("#time-label").styles.width = 13
        self.run_worker(self._read(), group="points", exclusive=True)

    async def _read(self) -> None:
        try:
            self._points, self._error = await self.desk.client.plans.points(self.run_id), ""
        except ControllerError as error:
            self._error, self.failed_at = str(error), self.state.attached
        self.desk.redraw(self)

    @property
    def _list(self) -> RowList[CommonInstant]:
        rows: RowList[CommonInstant] = self.query_one("#instants", RowList)
        return rows

    @property
    def instant(self) -> CommonInstant | None:
        """The instant that is chosen: the typed one, else the one under the cursor."""
        return self._typed or self._list.row

    def _good(self) -> CommonInstant | None:
        """The last instant at which no check failed in any domain; where none was tried, the last before
        abnormal writing."""
        points = self._points
        return None if points is None else points.last(GOOD) or points.last(BEFORE_ABNORMAL)

    def take(self, state: State, now: datetime) -> None:
        if self.reads_again(state):
            self.run_worker(self._read(), group="points", exclusive=True)
        run = state.run(self.run_id)
        plan = clean(run.plan) if run is not None else ""
        self.query_one("#title", Lines).put(
            [((" Run PITR (all)", "bold"), (f"   Failover Plan {plan}, {clean(self.run_id)}", "dim"))]
        )
        width = self.size.width
        self.query_one("#header", Lines).put([(("   ", ""), *instant_header(width - BESIDE))])
        self.query_one("#member-header", Lines).put([(("   ", ""), *member_header(width - BESIDE))])
        if self._points is not None:
            begun = bool(self._list.rows)
            self._list.put(self._points.instants, "no instant can be picked")
            if not begun and self._points.instants:
                most = max(len(instant.reaching) for instant in self._points.instants)
                places = [n for n, i in enumerate(self._points.instants) if len(i.reaching) == most]
                self._list.select(places[0])  # the newest that as many as can reach
        elif self._error:
            self._list.put((), f"the points could not be read: {clean(self._error)}")
        self._draw_choice()

    def _draw_choice(self) -> None:
        width, instant = self.size.width, self.instant
        offered = self._points.instants if self._points is not None else ()
        good = self._good()
        at = None if good is None else good.to
        self.query_one("#timeline", Lines).put(instants_line(offered, instant, at, width))
        self.query_one("#legend", Lines).put([((f" {legend(good)}", "dim"),)])
        members: RowList[DomainAtInstant] = self.query_one("#members", RowList)
        if instant is None:
            members.put((), "")
            self.query_one("#spread", Lines).put([(), ()])
            self.query_one("#chosen", Lines).put([()])
            return
        members.put(by_reach(instant))
        spread = spread_lines(instant)
        if self.narrow:
            spread = [part for line in spread for part in folded(line, width)]
        self.query_one("#spread", Lines).put(spread)
        without = self._points.without if self._points is not None else {}
        have = "has" if len(without) == 1 else "have"
        apart = f"; {len(without)} {have} no session" if without and not self.narrow else ""
        text = f" to {stamp(instant.to)}, {len(instant.reaching)} domains{apart} "
        self.query_one("#run", Push).look_closed(not instant.reaching)
        self.query_one("#chosen", Lines).put([((text.rjust(max(0, width - 21)), "bold"),)])
        self.draw_keys()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if event.rows.id == "instants":
            if event.rows.has_focus:
                self._typed = None
                self._say_wrong("")
            self._draw_choice()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        event.stop()
        self._run()

    def action_good(self) -> None:
        """Go to the last instant at which every domain was good."""
        good = self._good()
        if good is None:
            self.say("no check has passed in all domains yet, and none wrote abnormally")
        else:
            self._ask_for(good.to)

    def before_key(self, event: events.Key) -> bool:
        """A digit or a minus begins a time, wherever the focus is; g is not the list's own here."""
        field = self.query_one(Input)
        if event.key == "g" and self.focused is not field:
            self.action_good()
            return True
        begin_time(event, self, field)
        return False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self._list.focus()
            return
        try:
            instant, assumed = parse_instant(event.value, self.now())
        except ValueError as error:
            self._say_wrong(clean(str(error)))
            event.input.action_select_all()  # the next time that is typed replaces it
            return
        word = "taken as UTC: " if assumed else ""
        word = "" if self.narrow else word
        self.query_one("#time-read", Lines).put([((f" {word}{stamp(instant)}", "dim"),)])
        self._ask_for(instant)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._say_wrong("")
        self.query_one("#time-read", Lines).put([()])

    def _ask_for(self, to: datetime) -> None:
        self.run_worker(self._asking(to), group="instant", exclusive=True)

    async def _asking(self, to: datetime) -> None:
        try:
            answer = await self.desk.client.plans.instant(RunPitrRequest(run=self.run_id, to=to))
        except ControllerError as error:
            self._say_wrong(str(error))
            return
        self._typed = answer.instant
        self.query_one("#run", Push).focus()
        self._list.select_key(answer.instant.to.isoformat())  # where it is offered, too
        self._draw_choice()

    def _say_wrong(self, why: str) -> None:
        lines = marked("!", wrap(clean(why), self.size.width - 4), "bad") if why else []
        self.query_one("#time-wrong", Lines).put(lines)

    def on_push_pressed(self, event: Push.Pressed) -> None:
        event.stop()
        self._run()

    def _run(self) -> None:
        """Ask for it, with the domains that can reach it by name; the others stay as they are."""
        instant = self.instant
        if instant is None or not instant.reaching:
            self.say("no domain can reach this instant")
            return
        names = tuple(d.name for d in instant.reaching) if instant.cannot else ()
        if instant.cannot:
            self.say(f"{some([clean(d.name) for d in instant.cannot])} stay as they are")
        self.desk.plan_runner.roll_back(RunPitrRequest(run=self.run_id, to=instant.to, domains=names))
