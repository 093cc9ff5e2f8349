"""The check of a plan and the decision: type, Run PITR, networks mapped once, exceptions by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import msgspec
from textual import events
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget

from drdeck.console.format import Line, cut, wrap
from drdeck.console.widgets.controls import Choice, Control, Push, Tick
from drdeck.console.widgets.network_mapping import MappingHead, NetworkMapping, missing
from drdeck.console.widgets.plans.check_lines import (
    by_trouble,
    check_header,
    check_row,
    consequence_lines,
    direction_lines,
    looked_line,
    reason_of,
    sums_line,
)
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.plans.plan_check import DomainCheck, PlanCheck, Possible
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.text import clean, some

from .complete_failover import LABELS, RUN_PITR, TYPES
from .dialog import CANCEL, Dialog, LookResult


@dataclass(frozen=True)
class Decision:
    """The request as it was chosen, with the look that was shown with it."""

    request: RunRequest
    check: PlanCheck


class DecisionDialog(Dialog[Decision]):
    """Looks at the whole site anew after each change; answers once a look has shown that it is possible."""

    AUTO_FOCUS = "#checked"
    BINDINGS = [
        Binding("1", "type(0)", "Regular", show=False),
        Binding("2", "type(1)", "Planned Failover", show=False),
        Binding("3", "type(2)", "Force Failover", show=False),
        Binding("i", "pitr", "Run PITR", show=False),
        Binding("x", "running", "Leave running ones out", show=False),
        Binding("space", "leave_out", "Leave out", show=False),
        Binding("b", "begin", "Begin", show=False),
    ]

    def __init__(
        self, request: RunRequest, check: PlanCheck, look: Callable[[RunRequest], Awaitable[PlanCheck]]
    ) -> None:
        title = f": {check.plan.title}" if check.plan.title else ""
        super().__init__(f"Failover Plan {check.plan.name}{title}")
        self._base, self._ask = request, look
        self._check: PlanCheck | None = check
        self._left_out: set[str] = set()

    def body(self) -> Iterable[Widget]:
        check = self._check
        assert check is not None
        yield Lines((), id="direction")
        yield Choice(LABELS, TYPES.index(check.type), id="type")
        yield Tick(RUN_PITR, check.run_pitr, id="pitr", hint="key i")
        yield Tick("Leave out those whose protected VMs run", id="running", hint="key x")
        yield Lines((), id="sums")
        yield Lines((), id="check-header")
        yield RowList(self._row_line, lambda d: d.name, empty="looking ...", id="checked")
        yield Lines((), id="says")
        if check.networks.protected:
            yield (head := MappingHead("VM Network Mapping"))
            yield NetworkMapping(check.networks, id="mapping", head=head)

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("Begin Failover Plan", id="begin")

    def keys(self) -> list[tuple[str, str]]:
        on = self.focused.id if self.focused is not None else ""
        leave = [("space", "Leave out")] if on == "checked" else []
        return [*leave, ("1 2 3", "Type"), ("i", "PITR"), ("b", "Begin"), ("tab", "Next"), CANCEL]

    def ready(self) -> None:
        rows: RowList[DomainCheck] = self.query_one("#checked", RowList)
        least = 4 if self.has_class("low") else 5
        rows.styles.height = max(least, self.app.size.height - 32)  # what is said below needs 27 lines
        assert self._check is not None
        self._show(self._check)
        body = self.query_one("#body", VerticalScroll)
        self.call_after_refresh(body.scroll_home, animate=False)  # the focus has scrolled it

    def resized(self) -> None:
        if self._check is not None:
            self._show(self._check)

    def _row_line(self, domain: DomainCheck, width: int) -> Line:
        return check_row(domain, width, () if self._check is None else self._check.waves)

    @property
    def request(self) -> RunRequest:
        """The request as chosen now."""
        mapping = next(iter(self.query(NetworkMapping)), None)
        return msgspec.structs.replace(
            self._base,
            type=TYPES[self.query_one("#type", Choice).value],
            run_pitr=self.query_one("#pitr", Tick).value,
            except_running=self.query_one("#running", Tick).value,
            networks=dict(mapping.targets) if mapping is not None else {},
            without=(*self._base.without, *(literal(name) for name in sorted(self._left_out))),
        )

    # -- changes

    def before_key(self, event: events.Key) -> bool:
        """The keys of the networks work from the buttons too."""
        mapping = next(iter(self.query(NetworkMapping)), None)
        return mapping is not None and isinstance(self.focused, Push) and mapping.takes(event.key)

    def action_type(self, index: int) -> None:
        for choice in self.query("#type").results(Choice):
            choice.pick(index)

    def action_pitr(self) -> None:
        for tick in self.query("#pitr").results(Tick):
            tick.action_turn()

    def action_running(self) -> None:
        for tick in self.query("#running").results(Tick):
            if tick.display:
                tick.action_turn()

    def action_leave_out(self) -> None:
        """Leave the domain under the cursor out, or take it in again."""
        rows: RowList[DomainCheck] = self.query_one("#checked", RowList)
        domain = rows.row
        if rows.has_focus and domain is not None and domain.possible in (Possible.YES, Possible.WARNING):
            self._left_out ^= {domain.name}
            self._look()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        event.stop()
        if event.rows.id == "checked":
            self.query_one("#begin", Push).focus()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if event.rows.id == "checked" and self._check is not None:
            self._put_says(self._check)

    def _put_says(self, check: PlanCheck) -> None:
        """Everything to read, with the whole reason of the row under the cursor first."""
        width = self.text_width
        domain: DomainCheck | None = self.query_one("#checked", RowList).row
        reason = reason_of(domain) if domain is not None else ""
        lines: list[Line] = []
        if domain is not None and reason:
            lines = [((part, "accent"),) for part in wrap(f"{clean(domain.name)}: {reason}", width)]
        self.query_one("#says", Lines).put([*lines, *consequence_lines(check, width), looked_line(check)])

    def on_control_changed(self, event: Control.Changed) -> None:
        self._look()

    def on_network_mapping_changed(self, event: NetworkMapping.Changed) -> None:
        self._look()

    def on_network_mapping_settled(self) -> None:
        self.query_one("#begin", Push).focus()

    def action_begin(self) -> None:
        self.pressed(self.query_one("#begin", Push))

    # -- the look

    def _look(self) -> None:
        self.look_at(self.request, self._ask)

    def on_look_result(self, event: LookResult[RunRequest, PlanCheck]) -> None:
        if event.request != self.request:
            return
        self._check = event.result
        if event.result is None:
            lines: list[Line] = [((text, "bad"),) for text in wrap(clean(event.error), self.text_width)]
            self.query_one("#says", Lines).put([(), *lines])
        else:
            self._show(event.result)

    def _show(self, check: PlanCheck) -> None:
        width = self.text_width
        self.query_one("#running", Tick).display = (
            bool(check.running) or self.query_one("#running", Tick).value
        )
        self.query_one("#direction", Lines).put(direction_lines(check, width))
        self.query_one("#sums", Lines).put([sums_line(check)])
        self.query_one("#check-header", Lines).put([(("   ", ""), *check_header(width - BESIDE))])
        rows: RowList[DomainCheck] = self.query_one("#checked", RowList)
        rows.styles.width = width  # below its heads, be there a scroll bar or not
        rows.put(by_trouble(check))
        rows.redraw()
        self.query_one("#begin", Push).look_closed(bool(check.refusal) or not check.number)
        self._put_says(check)
        self.draw_keys()

    def pressed(self, push: Push) -> None:
        request, check = self.request, self._check
        unset = missing(check.networks, request.networks) if check is not None else []
        if unset:
            text = f"Choose a recovery network for {some([clean(name) for name in unset], 6)}"
            self.query_one("#says", Lines).put([(), ((cut(text, self.text_width), "bad"),)])
            self.say_where_low(text)
            self.query_one(NetworkMapping).focus()
        elif check is None or check.refusal or not check.number:
            self._look()
        else:
            self.dismiss(Decision(request, check))


def literal(name: str) -> str:
    """A pattern that matches this name and no other."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
