"""Protected Domains: the first screen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from textual import events
from textual.binding import Binding
from textual.widget import Widget

from drdeck.config.settings import ViewSettings
from drdeck.console.attention import asking
from drdeck.console.finding import HINT, matches
from drdeck.console.format import Line, Piece, cut, hour, marked, width_of, wrap, wrap_some
from drdeck.console.key_bindings import action_keys, shown_key
from drdeck.console.state import NOT_SEEN, State
from drdeck.console.widgets.domain_columns import columns_for, domain_header, domain_row, ordered
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines, SideBySide, Stacked
from drdeck.model.actions.action_table import BY_NAME
from drdeck.model.domains import Domain, Mode
from drdeck.model.passwords import PROTECTED
from drdeck.model.text import clean

from .list_and_pane import ListAndPaneScreen

SETTLES_S = 0.2
"""Seconds without a further mark before the site is looked at for the marked ones."""
FRESH = "No settings yet: this is the training site, nothing here is real."


class DomainsScreen(ListAndPaneScreen):
    """All domains, one row each."""

    HELP = "list"
    AUTO_FOCUS = "#domains"
    BINDINGS = [
        Binding("slash", "filter", "Filter", show=False, id="filter"),
        Binding("s", "sort", "Sort", show=False, id="sort"),
        Binding("c", "columns", "Columns", show=False, id="columns"),
        Binding("left", "turn(-1)", "Tab before", show=False),
        Binding("right", "turn(1)", "Next tab", show=False),
        Binding("z", "zoom", "Zoom", show=False),
        Binding("space", "mark", "Mark", show=False),
        Binding("asterisk", "mark_all", "Mark all", show=False),
    ]
    OWN_KEYS = (
        ("space", "Mark", "the domain for a Failover Plan of the marked ones"),
        ("*", "Mark all", "that are listed and can be completed; once more: none"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._asking: frozenset[str] = frozenset()
        self._filter_row: SideBySide | None = None
        self._filter_came_back = False
        """the list is in sight again with its filter, and nothing else was pressed since"""
        self._minute = ""
        self._order: str = ORDERS[0]
        self._columns: tuple[str, ...] = ()
        self._marks: set[str] = set()
        self._marked_as: dict[str, object] = {}
        """what was looked at last for the marked ones, by which it is seen that it changed"""
        self._plan: dict[str, Piece] = {}
        """marked domain -> what a plan of the marked ones would do with it"""
        self._table: RowList[Domain] = RowList(self._row_line, lambda d: d.id, id="domains")

    def content(self) -> Iterable[Widget]:
        yield SideBySide(
            Stacked(
                Lines((), id="title"),
                Lines(id="troubles"),
                Lines(id="fresh"),
                Lines((), id="header"),
                self._table,
                id="list-side",
            ),
            self._side,
        )

    def keys(self) -> list[tuple[str, str]]:
        if self.filtering:
            return [("enter ↓", "To the list"), ("esc", "Show all")]
        actions = action_keys(self._table.row, self.now(), self.state.read_only, self.desk.remapped)
        listing = self.state.listing
        password = self.named("password") if listing is not None and listing.needs_password else []
        others = self.named("steps", "filter", "help", "detach", "log", "sort")
        return [("enter", "Open"), *password, *actions, *others]

    def action_zoom(self) -> None:
        if self.wide and self._pane is not None:
            self._pane.zoom()

    def _row_line(self, domain: Domain, width: int) -> Line:
        asks = domain.name in self._asking
        if not self._marks:
            return domain_row(domain, width, self.now(), asks, self._columns)
        from drdeck.console.widgets.plans.mark_lines import LOOKING, mark_row

        plan = self._plan.get(domain.name, LOOKING) if domain.name in self._marks else None
        return mark_row(domain, width, self.now(), asks, plan)

    @property
    def marked(self) -> tuple[str, ...]:
        """Domains that were marked and are still there, in the order of the site."""
        return tuple(d.name for d in self.state.domains if d.name in self._marks)

    def action_mark(self) -> None:
        """Mark the domain under the cursor, or take its mark away, and go on to the next."""
        name = self.target()
        if name is not None and self._table.has_focus:
            self._put_marks(self._marks ^ {name})
            self._table.action_move(1)

    def action_mark_all(self) -> None:
        """Mark all that are listed and can be completed; where all are marked, none."""
        names = {d.name for d in self._table.rows if d.mode is Mode.SYNCHRONISED}
        self._put_marks(set() if names <= self._marks else self._marks | names)

    def _put_marks(self, marks: set[str]) -> None:
        self._marks = marks
        self._table.redraw()
        self.desk.redraw(self)
        key = shown_key("plan", self.desk.remapped)
        self.say(f"{len(marks)} marked; {key} begins a Failover Plan of them" if marks else "None is marked")

    def _look_at_marked(self) -> None:
        """Have the site looked at for a plan of the marked ones, when they or their states have changed."""
        marked = {d.name: (d.mode, d.owner, d.holder) for d in self.state.domains if d.name in self._marks}
        if marked != self._marked_as:
            self._marked_as = dict[str, object](marked)
            self.run_worker(self._look(tuple(marked)), group="marked", exclusive=True)

    async def _look(self, marked: tuple[str, ...]) -> None:
        from drdeck.console.widgets.plans.check_lines import plan_cell
        from drdeck.controller.ipc.client import ControllerError
        from drdeck.model.plans.run_requests import RunRequest

        self._plan = {name: words for name, words in self._plan.items() if name in marked}
        if not marked:
            return
        await asyncio.sleep(SETTLES_S)
        try:
            check = await self.desk.client.plans.check(RunRequest(domains=marked))
            self._plan = {domain.name: plan_cell(check, domain) for domain in check.domains}
        except ControllerError as error:
            self._plan = {name: (str(error), "bad") for name in marked}
        self._table.redraw()

    def take(self, state: State, now: datetime) -> None:
        self._look_at_marked()
        width = self._table.size.width or self.size.width
        self._asking = frozenset(need.domain for need in asking(state))
        fresh = state.listing is not None and state.listing.clock is not None
        counts = f"   {counts_text(state, now)}" if fresh else ""
        order = f"   sorted by {self._order}" if self._order else ""
        here = f"   also here: {', '.join(state.also_here)}" if state.also_here else ""
        # cut are the counts, and who else is here; never by what the list is sorted
        title = cut(counts + here, width - len(" Protected Domains") - len(order)) + order
        self.query_one("#title", Lines).put([((" Protected Domains", "bold"), (title, "dim"))])
        self.query_one("#troubles", Lines).put(self._troubles(state, width))
        self.query_one("#fresh", Lines).put(self._fresh(state, width))
        self.query_one("#header", Lines).put([(("   ", ""), *self._header(width - BESIDE))])
        rows = self._table
        if rows.faint != state.stale or self._minute != hour(now):
            rows.faint, self._minute = state.stale, hour(now)
            if rows.faint:
                rows.redraw()
        domains = ordered((d for d in state.domains if matches(d, self._filter_text, now)), self._order, now)
        rows.put(domains, self._empty(state))
        self.draw_pane(state, now)

    def _empty(self, state: State) -> str:
        if not state.site_seen:
            return NOT_SEEN
        if state.domains:
            return f'no domain matches "{clean(self._filter_text)}"; escape shows all'
        return "the site has no Protected Domain"

    def _fresh(self, state: State, width: int) -> list[Line]:
        """Without settings and before the first act: where one is, and what can be done about it."""
        listing = state.listing
        if not self.desk.fresh or listing is None or listing.kind != "training" or listing.operations:
            return []
        keys = self.desk.remapped
        means = [("lessons", self.desk.lessons), ("add_site", self.desk.add_site)]
        offers: list[Line] = [
            ((f"   {shown_key(name, keys)}", "key"), (f" {BY_NAME[name].label}", ""))
            for name, call in means
            if call is not None
        ]
        offers.append((("   esc", "key"), (" Hide", "")))
        whole: Line = tuple(piece for offer in offers for piece in offer)
        intro = [((f" {part}", "accent"),) for part in wrap(FRESH, width - 2)]
        return [*intro, *([whole] if width_of(whole) <= width else offers)]

    def _troubles(self, state: State, width: int) -> list[Line]:
        """Faults of the view itself, in full sentences."""
        listing = state.listing
        sentences = [] if state.lost is None else [state.lost]
        if listing is not None:
            key = shown_key("password", self.desk.remapped)
            asking = self.desk.notifications.password_asked  # by a box, which says it
            if listing.needs_password and not asking:
                sentences.append(f"the site needs a password; {key} asks for it")
            if any(password.of == PROTECTED for password in listing.passwords) and not asking:
                sentences.append(f"the login at the protected site needs a password; {key} asks for it")
            if listing.needs_password and listing.seen_at is None:
                pass  # nothing is shown that could be out of date
            elif listing.stale_s is not None:
                sentences.append(replace(state, lost=None).out_of_date)
            elif listing.error:
                sentences.append(listing.error)
            if listing.journal_error:
                sentences.append(f"the journal cannot be written: {listing.journal_error}")
        return [
            line for text in sentences for line in marked("!", wrap_some(clean(text), width - 4, 3), "bad")
        ]

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        name = self.target()
        if name is not None and event.rows is self._table:
            self.desk.action_runner.open_domain(name)

    def key_enter(self) -> None:
        """With no row to open, enter asks for what keeps the rows away."""
        if self.target() is None:
            self.desk.notifications.ask_password(by_key=True)

    @property
    def filter_row(self) -> Widget:
        """The field with its label, which are made when something is filtered for the first time."""
        if self._filter_row is None:
            from drdeck.console.widgets.input_field import Field

            self._filter_row = SideBySide(id="filter-row")
            self.query_one("#list-side").mount(self._filter_row, before="#header")
            label = Lines(((" Filter", ""),), id="filter-label")
            self._filter_row.mount(label, Field(id="filter", placeholder=HINT))
        return self._filter_row

    @property
    def filter_seen(self) -> bool:
        return self._filter_row is not None and bool(self._filter_row.display)

    def action_sort(self) -> None:
        """The next order of the list; the cursor stays on its domain."""
        place = ORDERS.index(self._order) if self._order in ORDERS else -1
        self._order = ORDERS[(place + 1) % len(ORDERS)]
        self.desk.redraw(self)
        self.say(f"Sorted by {self._order}" if self._order else "In the order of the site")

    def action_columns(self) -> None:
        """Have the columns chosen, and the one that sorts."""
        self.desk.dialog_queue.start(self._choose_columns())

    async def _choose_columns(self) -> None:
        from drdeck.console.dialogs.choose_columns import ColumnsDialog  # not before there is a first screen

        room = self._table.size.width - BESIDE
        current = tuple(column.name for column in columns_for(room, self._columns))
        look = await self.desk.ask(ColumnsDialog(self._columns or current, self._order))
        if look is not None:
            self._show_as(look.columns, look.order)

    def _show_as(self, columns: tuple[str, ...], order: str) -> None:
        self._columns, self._order = columns, order
        self._table.redraw()
        self.desk.redraw(self)

    def show_view(self, view: ViewSettings) -> None:
        """Show the list as a view of the settings has it: filter, order and columns."""
        self.set_filter(view.filter)
        self._show_as(view.columns, view.sort)
        self._table.focus()

    def _header(self, width: int) -> Line:
        if not self._marks:
            return domain_header(width, self._columns)
        from drdeck.console.widgets.plans.mark_lines import mark_header

        return mark_header(width)

    def go_to(self, name: str) -> None:
        """Put the cursor on a domain; a filter that hides it is taken away."""
        if all(domain.name != name for domain in self._table.rows):
            self.set_filter("")
            self.desk.redraw(self)
        row = next((domain for domain in self._table.rows if domain.name == name), None)
        if row is not None:
            self._table.select_key(row.id)
            self._table.focus()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._filter_came_back = bool(self._filter_text)

    def before_key(self, event: events.Key) -> bool:
        self._filter_came_back = self._filter_came_back and event.key == "escape"
        return super().before_key(event)

    def action_back(self) -> None:
        """Escape takes the filter away, and the word about the first start when there is none.

        The first one behind those that led back here does not: a filter is a queue of work, and who leaves a
        domain presses it once too often.
        """
        self.desk.dialog_queue.give_up()
        if self._filter_came_back and self._filter_text and not self.filtering:
            self._filter_came_back = False
            self.say("The filter stays; esc once more shows all domains")
            return
        if not self.end_filter() and self.desk.fresh:
            self.desk.fresh = False
            self.desk.redraw(self)
        self._table.focus()


def counts_text(state: State, now: datetime) -> str:
    """The number of domains, and of those that need somebody."""
    asks = len(asking(state))
    alarms = sum(len(d.alarms) for d in state.domains)
    unprotected = sum(d.unprotected_s(now) is not None for d in state.domains)
    sick = sum(d.checked.failed > 0 for d in state.domains)
    alarm = "alarm" if alarms == 1 else "alarms"
    numbers = ((asks, "asks"), (sick, "unhealthy"), (alarms, alarm), (unprotected, "unprotected"))
    wanting = ", ".join(f"{count} {word}" for count, word in numbers if count)
    whole = f"{len(state.domains)} domain{'' if len(state.domains) == 1 else 's'}"
    return f"{whole}: {wanting}" if wanting else whole


ORDERS = ("", "name", "mode", "RPO")
"""Those that the key for sorting goes through; the first is the site's own. The columns' dialog has all."""
