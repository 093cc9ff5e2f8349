"""Run PITR: choose an instant and the VMs, roll back, see how far it is, choose again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual import events
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.format import (
    Line,
    faded,
    local,
    local_stamp,
    marked,
    plain_of,
    stamp,
    width_of,
    wrap,
    wrap_some,
)
from drdeck.console.point_picker import pick
from drdeck.console.state import State
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.input_field import Field, begin_time
from drdeck.console.widgets.list_rows import (
    WITH_LOCAL,
    disturbed_lines,
    point_header,
    point_row,
    progress_header,
    progress_row,
)
from drdeck.console.widgets.question_bar import QuestionBar
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.console.widgets.timeline import HEIGHT, Timeline
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.domains import Domain, Health, Vm
from drdeck.model.pitr import Points, RestorePoint, abnormal_says, place_before, writing_of
from drdeck.model.text import clean
from drdeck.model.times import show

from .rollback_heading import below_heading, heading
from .screen import ConsoleScreen

REMINDER = "Only disks are rolled back: check VM settings (CPU, NICs, added disks) by hand"
REVERTS = "Disks and configuration go back; networks are mapped again, nothing else is"
IN_SHORT = {
    REMINDER: "Only disks go back: check VM settings by hand",
    REVERTS: "Disks and configuration go back; networks are mapped",
}
"""The same where lines are short."""
FIXED = 16
"""Lines of the screen beside the VMs, with three points, and without what comes and goes."""
LOW_FIXED = 15
"""The same in a low terminal, with two points, a warning and the estimate."""


class RunPitrScreen(ConsoleScreen):
    """The picker of a session."""

    AUTO_FOCUS = "#points"
    TIMELINE = True
    OWN_KEYS = (
        ("0-9 -", "Time", "type an instant: 10:42, -15m or ISO"),
        ("space", "Tick", "leave a VM out, or take it in again"),
        ("g", "Last good", "the last point before abnormal writing; again: before the one before"),
        ("z", "Zoom", "narrow the timeline around the cursor"),
    )
    BINDINGS = [
        Binding("space", "turn", "Tick", show=False),
        Binding("z", "zoom", "Zoom", show=False),
    ]

    def __init__(self, domain: str, instant: str = "") -> None:
        super().__init__(domain)
        self._instant = instant
        """an instant that was typed elsewhere: gone to once the points are read"""
        self._points: Points | None = None
        self._points_for: object = None
        self._error = ""
        self._time_read: Line = ()
        """what was made of the typed time, and how: the latter goes where lines are short"""
        self._left_out: set[str] = set()
        self._wrong = ""
        """why the typed time is not taken"""

    def content(self) -> Iterable[Widget]:
        yield Lines(((f" Run PITR of {clean(self.domain_name or '')}", "bold"),), id="title")
        yield QuestionBar(id="question")
        yield Timeline(id="timeline")
        yield Lines((), id="header")
        yield RowList(self._point_line, lambda p: p.time.isoformat(), empty="reading ...", id="points")
        yield Lines(id="disturbed")
        yield Horizontal(
            Lines(((" Time (UTC): ", "head"),), id="time-label", classes="field"),
            Field(id="time", placeholder="10:42, -15m or ISO"),
            Lines((), id="time-said"),
            classes="bar",
        )
        yield Lines(id="time-wrong")
        yield Lines((), id="vm-header")
        choose: RowList[Vm] = RowList(self._vm_line, lambda vm: vm.id, empty="reading ...", id="choose")
        choose.quiet = True
        yield choose
        yield Lines(((f" {REMINDER}", "warn"),), id="reminder")
        yield Horizontal(Lines((), id="chosen"), Push("Run PITR", id="run"), classes="bar")

    def keys(self) -> list[tuple[str, str]]:
        on = self.focused.id if self.focused is not None else None
        does = {"time": "Go there", "choose": "Tick", "points": "Run PITR", "run": "Run PITR"}
        keys = self.named("answer") if self.query_one(QuestionBar).asks is not None else []
        domain, read = self._domain, bool(self._error) or self._points is not None
        pointless = read and self._list.row is None
        possible = domain is None or (domain.session is not None and not pointless)
        if possible or on not in ("points", "run", None):
            keys.append(("enter", does.get(on or "points", "Press")))
        keys += [("0-9", "Time"), ("tab", "Next")]
        keys += [("space", "Tick")] if on == "choose" else []
        good = [] if self._last_good is None else [("g", "Last good")]
        zoom = [] if self.low else [("z", "Zoom")]  # of the timeline, for which there is no room then
        return [*keys, *good, ("esc", "Back"), *self.named("more", "help"), *zoom]

    def ready(self) -> None:
        super().ready()
        self.query_one("#time-label").styles.width = 13

    @property
    def _list(self) -> RowList[RestorePoint]:
        rows: RowList[RestorePoint] = self.query_one("#points", RowList)
        return rows

    @property
    def _domain(self) -> Domain | None:
        return self.state.domain(self.domain_name or "")

    def _session_vms(self, domain: Domain) -> tuple[Vm, ...]:
        """The VMs that may be rolled back: those of the session."""
        names = domain.session.vms if domain.session is not None else ()
        return tuple(vm for vm in domain.vms if not names or vm.name in names)

    def _point_line(self, point: RestorePoint, width: int) -> Line:
        domain = self._domain
        total = len(self._session_vms(domain)) if domain is not None else point.vms
        return point_row(point, width, self.now(), total, point.time == self._last_good)

    @property
    def _last_good(self) -> datetime | None:
        """The last point before the newest abnormal writing."""
        return None if self._points is None else writing_of(self._points).last_good

    def _vm_line(self, vm: Vm, width: int) -> Line:
        return progress_row(vm, width, vm.name not in self._left_out)

    def take(self, state: State, now: datetime) -> None:
        name, width = self.domain_name or "", self.size.width
        self.take_question(state)
        domain = state.domain(name)
        if domain is None:
            return
        marks = (
            domain.points, domain.newest_point, domain.session, domain.reset_at, domain.alarms, state.stale,
            state.attached,
        )  # fmt: skip
        if marks != self._points_for and not state.lost:
            self._points_for = marks
            self.run_worker(self._read(name), group="points", exclusive=True)
        in_session = self._session_vms(domain)
        what = "Run PITR" if domain.session is not None else "Points"
        title: Line = ((f" {what} of {clean(name)}   ", "bold"), *heading(state, domain, in_session, width))
        titles = [title]
        if self.narrow and width_of(title) > width:
            titles = [title[:1], ((" ", ""), *title[1:])]
        self.query_one("#title", Lines).put([*titles, *below_heading(state, domain, now, width)])
        self.query_one("#header", Lines).put(
            [(("   ", ""), *point_header(width - BESIDE, domain.configuration_goes_back))]
        )
        vms: RowList[Vm] = self.query_one("#choose", RowList)
        counted = () if "FAILED" in plain_of(title) else in_session  # how many fail is said once
        header: Line = (("   ", ""), *progress_header(width - BESIDE, counted))
        self.query_one("#vm-header", Lines).put([faded(header) if state.stale else header])
        vms.faint = self._list.faint = state.stale
        height = self.size.height
        room = height - FIXED - sum(widget.size.height for widget in self.query("CoachPanel, #time-wrong"))
        if self.low:
            room = height - LOW_FIXED - sum(panel.size.height for panel in self.query("CoachPanel"))
        vms.styles.height = max(1, min(len(in_session), max(3, height - 19), room))
        sick_first = sorted(in_session, key=lambda vm: vm.health is not Health.FAILED)
        vms.put(sick_first, "this domain has no VM" if state.full(name) else "reading ...")
        if self._points is not None:
            self._list.put(self._points.points, "no restore point can be picked")
            most = 1 if self.low else 2
            self.query_one("#disturbed", Lines).put(disturbed_lines(self._points, width - 4, most=most))
        elif self._error:
            self._list.put((), "no restore point is known")
            parts = wrap(f"The restore points could not be read: {clean(self._error)}", width - 4)
            lines = marked("!", parts, "bad")
            self.query_one(Timeline).put(lines[:HEIGHT])
        self.query_one(Timeline).set_class(self._points is None, "unread")
        reminder = REVERTS if domain.configuration_goes_back else REMINDER
        text = IN_SHORT[reminder] if self.narrow else reminder
        self.query_one("#reminder", Lines).put([((f" {text}", "warn"),)])
        self._offer(domain.session is not None)
        self._draw_choice(domain, now)
        if self._wrong:
            self._say_wrong(self._wrong)  # the lines may have another width

    def _offer(self, possible: bool) -> None:
        """Show the choice and the button only while there is a session in which it can be done."""
        run = self.query_one("#run", Push)
        if not possible and run.has_focus:
            self._list.focus()
        for widget in (self.query_one("#reminder"), run.parent):
            if isinstance(widget, Widget):
                widget.display = possible

    def _draw_choice(self, domain: Domain, now: datetime) -> None:
        point = self._list.row
        if self._points is not None:
            self.query_one(Timeline).take(domain, self._points, now, point.time if point else None)
        count = len(self._chosen_vms(domain))
        total = len(self._session_vms(domain))
        which = f"all VMs ({total})" if count == total else f"{count} of {total} VMs"
        beside = point is not None and self._narrow and point.time.astimezone().utcoffset()
        here = f"; local: {local(point.time)}" if point is not None and self._time_read and beside else ""
        if self.narrow:
            here = ""  # it stands beside the field
        text = f" to {stamp(point.time)}, {which}{here} " if point is not None else f" {self._pointless} "
        self.query_one("#run", Push).look_closed(point is None or domain.session is None)
        self._draw_said(point)
        self._draw_abnormal(point)
        self.query_one("#chosen", Lines).put([((text.rjust(max(0, self.size.width - 16)), "bold"),)])

    def _draw_said(self, point: RestorePoint | None) -> None:
        """Draw what was made of the typed time, else the local time where the list has no room for it."""
        line = self._time_read
        if self.narrow and line:
            line = ((" ", ""), *line[1:])
        if point is not None and self._narrow and not line and point.time.astimezone().utcoffset():
            here = local(point.time) if self.narrow else local_stamp(point.time)
            line = ((f" local: {here}", "dim"),)
        self.query_one("#time-said", Lines).put([line])

    def _draw_abnormal(self, point: RestorePoint | None) -> None:
        """Warn below the field of a point in abnormal writing, unless a mistyped time is explained there."""
        if self._wrong or self._points is None:
            return
        text = None if point is None else abnormal_says(self._points, point.time)
        parts = wrap_some(f"{text} (g)", self.size.width - 4, 3 if self.narrow else 2)
        lines = marked("!", parts, "bad") if text else []
        self.query_one("#time-wrong", Lines).put(lines)

    def _go_before_abnormal(self) -> None:
        """Put the cursor on the last point before the abnormal writing at or before it."""
        points, place = self._points, self._list.cursor
        if points is None:
            self.say(self._pointless)
            return
        before = place_before(points.points, place)
        if before is None:
            self.say("no abnormal writing is seen at or before this point, or no point is older than it")
            return
        self._list.select(before)
        self._time_read = ()
        self._list.focus()

    @property
    def _pointless(self) -> str:
        """The reason why no restore point is chosen."""
        if self._error and self._points is None:
            return "the restore points could not be read"
        return "no restore point is chosen" if self._points is not None else "the restore points are read now"

    @property
    def _narrow(self) -> bool:
        """True while the list shows no local times."""
        return self.size.width - BESIDE < WITH_LOCAL

    def _chosen_vms(self, domain: Domain) -> list[str]:
        return [vm.name for vm in self._session_vms(domain) if vm.name not in self._left_out]

    async def _read(self, name: str) -> None:
        try:
            self._points, self._error = await self.desk.client.points(name), ""
        except ControllerError as error:
            self._error = str(error)
        self.desk.redraw(self)
        if self._instant and self._points is not None:
            self.call_after_refresh(self.go_to, self._instant)
            self._instant = ""

    def go_to(self, instant: str) -> None:
        """Type an instant into the field, and go there."""
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = instant
        field.focus()
        if self._go_to(instant):
            self.query_one("#run", Push).focus()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        domain = self._domain
        if event.rows.id == "points" and domain is not None:
            if event.rows.has_focus:
                self._time_read = ()  # the typed time was left by hand
                self._say_wrong("")
            self._draw_choice(domain, self.now())

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        if event.rows.id == "points":
            self._run()
        else:
            self.action_turn()

    def action_zoom(self) -> None:
        """Narrow the timeline around the cursor, or show all of it again."""
        self.query_one(Timeline).turn_zoom()
        domain = self._domain
        if domain is not None:
            self._draw_choice(domain, self.now())

    def action_turn(self) -> None:
        """Space on a VM leaves it out, or takes it in again."""
        rows: RowList[Vm] = self.query_one("#choose", RowList)
        domain = self._domain
        if rows.has_focus and rows.row is not None and domain is not None:
            self._left_out ^= {rows.row.name}
            rows.refresh_line(rows.cursor)
            self._draw_choice(domain, self.now())

    def before_key(self, event: events.Key) -> bool:
        """A digit or a minus begins a time, wherever the focus is; g goes before the abnormal writing."""
        field = self.query_one(Input)
        if event.key == "g" and self.focused is not field:
            self._go_before_abnormal()
            return True
        begin_time(event, self, field)
        return False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self._list.focus()
        elif self._go_to(event.value):
            self.query_one("#run", Push).focus()
        else:
            event.input.action_select_all()  # the next time that is typed replaces it

    def on_input_changed(self, event: Input.Changed) -> None:
        self._time_read = ()
        self._say_wrong("")
        self._draw_said(self._list.row)

    def _go_to(self, text: str) -> bool:
        """Move the cursor to the newest point at or before the typed time, and say what was taken."""
        domain = self._domain
        if domain is None or self._points is None:
            self._say_wrong(self._pointless)
            return False
        try:
            picked = pick(text, domain, self._points, self.now())
        except ValueError as error:
            self._say_wrong(str(error))
            return False
        self._list.select(picked.place)
        self._time_read = (
            (" taken as UTC: " if picked.assumed else " ", "dim"),
            (stamp(picked.instant), "dim"),
        )
        self._draw_choice(domain, self.now())
        return True

    def _say_wrong(self, why: str) -> None:
        """In full, below the field: what is wrong with the typed time; empty takes it away."""
        self._wrong = why
        lines = marked("!", wrap(why, self.size.width - 4), "bad") if why else []
        self.query_one("#time-wrong", Lines).put(lines)

    def copied(self) -> tuple[str, str] | None:
        vms: RowList[Vm] = self.query_one("#choose", RowList)
        if vms.has_focus and vms.row is not None:
            return "the VM's name", vms.row.name
        point = self._list.row
        return super().copied() if point is None else ("the point's time (UTC)", show(point.time))

    def on_push_pressed(self, event: Push.Pressed) -> None:
        event.stop()
        self._run()

    def _run(self) -> None:
        domain, point = self._domain, self._list.row
        if domain is None or point is None:
            self.say(self._pointless)
            return
        names, total = self._chosen_vms(domain), len(self._session_vms(domain))
        if not names:
            self.say("no VM is ticked")
            return
        vms = () if len(names) == total else tuple(names)
        self.desk.action_runner.roll_back(domain.name, point.time, vms, total)
