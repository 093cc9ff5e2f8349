"""A domain in a pane: bars, what goes on, and four tabs."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from drdeck.console.attention import open_questions
from drdeck.console.format import Line, faded, marked, percent, plain_of, spread, wrap, wrap_some
from drdeck.console.key_bindings import open_actions, shown_key
from drdeck.console.ports import Console
from drdeck.console.state import State
from drdeck.console.widgets.domain_tabs import observed_lines, pitr_lines, setting_lines
from drdeck.console.widgets.list_rows import alarm_lines, disturbed_lines, vm_details, vm_header, vm_row
from drdeck.console.widgets.question_bar import QuestionBar
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.status_bars import bars, estimate_lines, low_bars, operation_lines
from drdeck.console.widgets.tab_line import TabLine
from drdeck.console.widgets.text_lines import KeyedLines, Lines
from drdeck.console.widgets.timeline import ZOOMS, opening_zoom, timeline
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.actions.action_rules import driven_says
from drdeck.model.actions.action_table import BY_NAME
from drdeck.model.domains import VM_STATUS_LABELS, Domain, SessionState, Vm
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.life.trial_words import trial_says
from drdeck.model.pitr import Points
from drdeck.model.text import clean, show_bytes
from drdeck.terminal_info import FULL_WIDTH

VMS, PITR, SETTINGS, ALARMS = range(4)
NAME_LINES = 5
"""Lines of a domain's name at most; its tabs stay in sight below it, also beside a lesson."""
OBSTACLE_LINES = 4
"""Lines of what stands in the way at most: the commands that lead out of it are the last of its words."""
LOW_LINES = 3
"""Lines that are told of what goes on in a low terminal."""
MOST_LINES = 6
"""Lines that are told of what goes on: the VMs below need room too."""
POINTS_EVERY_S = 10.0
"""Where a point is made each minute the list of them is long: it is not read with each of them."""


class DomainPane(Vertical):
    """Everything of one Protected Domain; a screen tells it the news by `take`."""

    DEFAULT_CSS = "DomainPane { height: 1fr; width: 1fr; }"

    class QuestionChanged(Message):
        """Something else, or nothing any more, is asked of the operator."""

    def __init__(self, vm: str = "", beside: bool = False) -> None:
        super().__init__()
        self._beside = beside
        """it stands beside a list, which says what is out of date"""
        self._vm = vm
        """the VM on which the cursor is put once it is seen"""
        self.domain_name = ""
        self._points: Points | None = None
        self._points_for: object = None
        self._points_at = 0.0
        self._out_of_reach: object = None
        """what could not be reached any more when the points were read; then they are read anew"""
        self._points_error = ""
        self._zoom: int | None = None

    def compose(self) -> ComposeResult:
        yield KeyedLines((), id="pane-title")
        yield Lines(id="out-of-date")
        yield QuestionBar(id="question")
        yield Lines(id="bars")
        yield Lines(id="going")
        yield Lines((), id="rule")
        yield TabLine(("Protected VMs", "PITR", "Settings", "Alarms"), id="tabs")
        yield Lines((), id="pane-header")
        yield RowList(self._vm_line, lambda vm: vm.id, empty="reading ...", id="vms")
        yield Lines(id="vm-detail")
        text: RowList[Line] = RowList(lambda row, width: row, lambda row: "", cursor=False, id="text")
        text.display = False
        yield text

    @property
    def desk(self) -> Console:
        return cast(Console, self.app)

    def on_resize(self) -> None:
        """Draw now that there is room, which is known last."""
        self.desk.redraw(self.screen)

    @property
    def _low(self) -> bool:
        """True where there is no room for all lines above the tabs."""
        return self.screen.has_class("low")

    @property
    def asks(self) -> bool:
        return self.query_one(QuestionBar).asks is not None

    def _vm_line(self, vm: Vm, width: int) -> Line:
        return vm_row(vm, width, self.desk.now())

    def take(self, name: str, state: State, now: datetime) -> None:
        """Show that domain as it is now."""
        width = self.size.width
        if width == 0 or not self.is_mounted:
            return  # not laid out yet
        if name != self.domain_name:
            self.domain_name, self._points, self._points_for, self._points_error = name, None, None, ""
            self._out_of_reach = None
            self._zoom = None
        domain = state.domain(name)
        before = self.asks
        self.query_one(QuestionBar).take(open_questions(state, name))
        if before != self.asks:
            self.post_message(self.QuestionChanged())
        if domain is None:
            text = "the site has no domain of this name any more" if state.is_gone(name) else "reading ..."
            lines: list[Line] = [((f" {clean(name)}", "bold"),), ((f" {text}", "dim"),)]
            self.query_one("#pane-title", Lines).put(lines)
            return
        self.query_one("#pane-title", Lines).put(self._title(domain, width))
        self.query_one("#out-of-date", Lines).put(self._out_of_date(state, width))
        self.query_one("#bars", Lines).put(self._bars(state, domain, now, width))
        self.query_one("#going", Lines).put(self._going(state, domain, now, width))
        self.query_one("#rule", Lines).put([] if self._low else [((" " + "─" * (width - 2), "dim"),)])
        self.query_one(TabLine).label(ALARMS, f"Alarms ({len(domain.alarms)})" if domain.alarms else "Alarms")
        self._take_tab(state, domain, now)

    def _title(self, domain: Domain, width: int) -> list[Line]:
        name = clean(domain.name)
        keys = self.desk.remapped
        actions = open_actions(domain, self.desk.now(), self.desk.state.read_only)
        named = [
            f"[{shown_key(action, keys)} {BY_NAME[action].label}]"
            for action in actions
            if shown_key(action, keys)
        ]
        behind = ", ".join(BY_NAME[action].label for action in actions if not shown_key(action, keys))
        more = shown_key("more", keys)
        text = "  ".join([*named, f"[{more} More: {behind}] " if behind else f"[{more} More] "])
        if len(text) > width - 20 or len(wrap(name, width - len(text) - 3)) > 1:
            text = "  ".join([*named, f"[{more} More] "])  # the name comes first, what is behind a key last
        buttons: Line = ((text, "key"),)
        lines = wrap_some(name, width - max(30, len(text) + 3), 2 if self._low else NAME_LINES)
        first = spread(((f" {lines[0]}", "bold"),), buttons, width)
        return [first, *(((f" {part}", "bold"),) for part in lines[1:])]

    def _out_of_date(self, state: State, width: int) -> list[Line]:
        """Lines of its own, where no list beside the pane has them."""
        if not state.out_of_date or self._beside:
            return []
        return marked("!", wrap_some(clean(state.out_of_date), width - 4, 2 if self._low else 3), "bad")

    def _bars(self, state: State, domain: Domain, now: datetime, width: int) -> list[Line]:
        """Dimmed, all of them, when they may not be so any more."""
        if not self._low:
            lines = bars(domain, now, width - 2)
        else:  # beside a question only the first
            lines = low_bars(domain, now, width - 2)[: 1 if self.asks else 3]
        if state.stale:
            lines = [tuple((text, "dim") for text, _ in line) for line in lines]
        return [((" ", ""), *line) for line in lines]

    def _going(self, state: State, domain: Domain, now: datetime, width: int) -> list[Line]:
        """Obstacles, the state of the session, and what is open here; the gravest first."""
        lines: list[Line] = []
        for text in (domain.broken, driven_says(domain)):
            if text:
                most = OBSTACLE_LINES + (width < FULL_WIDTH and not self._beside) * 2
                lines += marked("!", wrap_some(clean(text), width - 4, most), "bad")
        obstacles = len(lines)
        going_on = [f"Rehydrating again: {clean(domain.again)}"] if domain.again else []
        needs_you: list[str] = []
        if domain.trial is not None:
            trial = domain.trial
            grown = "" if trial.grown_bytes is None else f", {show_bytes(trial.grown_bytes)} written"
            waits = f": {clean(trial.waits_for)}" if trial.waits_for else ""
            vms = f"{len(trial.vms)} test VMs{grown}"
            left_over = trial.state is TrialState.LEFT_OVER
            remarks = needs_you if left_over else going_on
            remarks.append(f"TEST {clean(domain.name)} {trial_says(trial, now)}; {vms}{waits}")
        session = domain.session
        if session is not None and session.state is not SessionState.ACTIVE:
            done = "" if session.progress is None else f" {percent(session.progress)}"
            waits = f": {clean(session.waits_for)}" if session.waits_for else ""
            going_on.append(f"PITR session: {session.state.words}{done}{waits}")
        elif session is not None and session.vms:
            part = f"{len(session.vms)} of {domain.vms_total} VMs"
            needs_you.append(f"PITR session of {part}: no points of the others either")
        for style, remarks in (("warn", needs_you), ("accent", going_on)):
            lines += [((f" {part}", style),) for text in remarks for part in wrap_some(text, width - 2, 3)]
        if self._low:
            lines = lines[: max(LOW_LINES, obstacles)]
        open_ones = state.open_operations(domain.name)
        going = operation_lines(open_ones, width - 2, self.desk.remapped, domain.session)
        going += estimate_lines(domain, now, width - 2)
        lines += [((" ", ""), *line) for line in going]
        if not self._low:
            return lines[:MOST_LINES]
        most = 1 if self.asks else max(LOW_LINES, obstacles)
        if len(lines) > most:
            more = f"  more: {shown_key('steps', self.desk.remapped)} Task Steps, and the tab Alarms"
            lines = [*lines[: most - 1], ((more, "dim"),)]
        return lines

    def _take_tab(self, state: State, domain: Domain, now: datetime) -> None:
        tab, width = self.query_one(TabLine).value, self.size.width
        vms: RowList[Vm] = self.query_one("#vms", RowList)
        text: RowList[Line] = self.query_one("#text", RowList)
        vms.faint = state.stale
        if tab == VMS:
            header: Line = (("   ", ""), *vm_header(width - BESIDE, domain.vms))
            self.query_one("#pane-header", Lines).put([faded(header) if state.stale else header])
            empty = "this domain has no VM" if state.full(domain.name) else "reading ..."
            vms.put(domain.vms, empty)
            place = next((i for i, vm in enumerate(domain.vms) if self._vm == vm.name), None)
            if place is not None:
                self._vm = ""
                vms.select(place)
            self._draw_detail()
            return
        self.query_one("#vm-detail", Lines).put([])
        self.query_one("#pane-header", Lines).put([] if self._low else [()])
        lines: list[Line]
        if tab == PITR:
            lines = self._pitr_lines(domain, now, width)
        elif tab == SETTINGS:
            lines = setting_lines(domain, width - 4, with_sites=self._low)
        else:
            lines = alarm_lines(domain, width - 3) or [(("No alarm", "ok"),)]
        text.put([((" ", ""), *line) for line in lines])

    def _pitr_lines(self, domain: Domain, now: datetime, width: int) -> list[Line]:
        if not domain.pitr.enabled:
            return [((f"{clean(domain.name)} is not PITR-enabled", ""),)]
        if domain.observed_only:
            return observed_lines(domain, width - 4)
        marks = (
            domain.points, domain.newest_point, domain.excluded, domain.reset_at, domain.alarms,
            self.desk.state.attached,
        )  # fmt: skip
        out_of_reach = (domain.excluded, domain.reset_at)
        fresh = out_of_reach != self._out_of_reach or self.desk.monotonic() - self._points_at > POINTS_EVERY_S
        if marks != self._points_for and (fresh or self._points_error):
            self._points_for, self._points_at, self._out_of_reach = marks, self.desk.monotonic(), out_of_reach
            self.run_worker(self._read_points(domain.name), group="points", exclusive=True)
        lines: list[Line] = []
        if self._points_error:
            lines += [((part, "bad"),) for part in wrap(clean(self._points_error), width - 4)]
        elif self._points is None:
            lines.append((("reading the restore points ...", "dim"),))
        else:
            if self._zoom is None:
                self._zoom = opening_zoom(domain, self._points, now)
            lines += timeline(domain, self._points, now, width - 2, None, ZOOMS[self._zoom])
            lines += disturbed_lines(self._points, width - 6)
        return lines + pitr_lines(domain, width - 4)

    async def _read_points(self, name: str) -> None:
        try:
            self._points, self._points_error = await self.desk.client.points(name), ""
        except ControllerError as error:
            self._points, self._points_error = None, str(error)
        self.desk.redraw(self.screen)

    def _draw_detail(self) -> None:
        """Draw in full what the row under the cursor has no room for."""
        vm, width = self.query_one("#vms", RowList).row, self.size.width
        lines: list[Line] = []
        if isinstance(vm, Vm):
            text, style = vm_details(vm)
            row = plain_of(vm_row(vm, width - BESIDE, self.desk.now()))
            if clean(vm.name) not in row or text not in row:
                full = f"{clean(vm.name)}: {text or VM_STATUS_LABELS.get(vm.status, vm.status)}"
                first, *rest = wrap_some(full, width - 6, 2 if self._low else 4)
                lines = [((" VM  ", "dim"), (first, style or "bold"))]
                lines += [((f"     {part}", style or "bold"),) for part in rest]
        self.query_one("#vm-detail", Lines).put(lines)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if self.query_one(TabLine).value == VMS:
            self._draw_detail()

    def go_to(self, vm: str) -> None:
        """Put the cursor on a VM, on the tab of the VMs."""
        self._vm = vm
        tabs = self.query_one(TabLine)
        tabs.turn(VMS)
        self.desk.redraw(self.screen)

    def turn(self, by: int) -> None:
        """Go to another tab."""
        tabs = self.query_one(TabLine)
        tabs.turn(tabs.value + by)

    def zoom(self) -> None:
        """Another stretch of the timeline, where it is shown."""
        if self.query_one(TabLine).value == PITR:
            self._zoom = ((self._zoom or 0) + 1) % len(ZOOMS)
            self.desk.redraw(self.screen)

    def on_tab_line_turned(self, event: TabLine.Turned) -> None:
        vms, text = self.query_one("#vms", RowList), self.query_one("#text", RowList)
        vms.display = event.value == VMS
        text.display = event.value != VMS
        text.scroll_home(animate=False)
        if vms.has_focus or text.has_focus:
            (vms if vms.display else text).focus()
        self.desk.redraw(self.screen)

    def copied(self) -> tuple[str, str] | None:
        """The VM under the cursor, where VMs are shown."""
        vm = self.query_one("#vms", RowList).row
        if self.query_one(TabLine).value == VMS and isinstance(vm, Vm):
            return "the VM's name", vm.name
        return None
