""" "Test Failover of Protected Domain NAME": its restore point, isolated networks, and VMs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from textual import events
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.dialogs.dialog import CANCEL, Dialog, LookResult
from drdeck.console.format import Line, age, marked, name, wrap
from drdeck.console.point_picker import pick
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.input_field import Field, begin_time
from drdeck.console.widgets.list_rows import point_header, point_row
from drdeck.console.widgets.network_mapping import MappingHead, NetworkMapping, missing
from drdeck.console.widgets.row_list import BESIDE, RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.actions.confirming import Preview
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Networks, Vm
from drdeck.model.life.trial_rules import trial_networks
from drdeck.model.pitr import Points, RestorePoint
from drdeck.model.text import clean
from drdeck.model.times import show_seconds

NEWEST = "the newest point of each VM"
_POINTS, _VMS = 5, 3
"""rows of the two lists"""


class BeginTest(Dialog[Request]):
    """Answers with the test as chosen; what speaks against it is looked up after each change."""

    AUTO_FOCUS = "#points"
    BINDINGS = [Binding("space", "turn", "Tick", show=False)]

    class Read(Message):
        """The restore points, or the sentence with which they cannot be read."""

        def __init__(self, points: Points | None, error: str = "") -> None:
            super().__init__()
            self.points, self.error = points, error

    def __init__(
        self,
        domain: Domain,
        now: datetime,
        preview: Callable[[Request], Awaitable[Preview]],
        points: Callable[[str], Awaitable[Points]],
        draft: Request | None = None,
    ) -> None:
        super().__init__(f"Test Failover of Protected Domain {domain.name}")
        self.domain, self._now = domain, now
        self._ask_preview, self._ask_points = preview, points
        self._points = Points(points=())
        self._left_out = {vm.name for vm in domain.vms if draft and draft.vms and vm.name not in draft.vms}
        self._refused: Request | None = None
        """the choices that the controller said are not possible"""
        self._pressed = False
        self._drafted_instant = draft.to if draft is not None else None
        self.draft = draft or Request(action="test_start", domain=domain.name)
        """the choices as they are now, also once it is closed"""
        offer = domain.trial_offer
        self._networks = Networks(
            protected=domain.networks.protected,
            recovery=offer.networks if offer is not None else (),
            mapping=trial_networks(domain, self.draft.networks),
        )

    def body(self) -> Iterable[Widget]:
        yield Lines(id="evidence")
        yield Lines(self._head(), id="points-head")
        rows = RowList[RestorePoint | str](self._point_line, _key_of, id="points")
        rows.styles.height = 1
        yield rows
        label = Lines(((" Time (UTC):", "head"),), id="time-label")
        label.styles.width = 13
        bar = Horizontal(label, Field(id="time", placeholder="10:42, -15m or ISO"))
        bar.styles.height = 1
        yield bar
        yield Lines(id="time-wrong")
        if self._networks.protected:
            yield (head := MappingHead("Isolated networks", "Isolated Network", before=((),)))
            yield NetworkMapping(self._networks, id="mapping", head=head)
        yield Lines((), (("VMs of the test", "head"), ("   space leaves one out", "dim")))
        vms = RowList[Vm](self._vm_line, lambda vm: vm.id, empty="it has no VM", id="vms")
        vms.quiet = True
        vms.styles.height = max(1, min(_VMS, len(self.domain.vms)))
        yield vms

    def _head(self) -> Line:
        width = self.text_width - BESIDE
        return (("   ", ""), *point_header(width, self.domain.configuration_goes_back))

    def resized(self) -> None:
        self.query_one("#points-head", Lines).put([self._head()])

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("Test Failover", id="begin")

    def keys(self) -> list[tuple[str, str]]:
        on = self.focused.id if self.focused is not None else None
        if on == "time":
            return [("enter", "Go there"), ("tab", "Next"), CANCEL]
        own = {"vms": [("space", "Tick")], "mapping": [("← →", "Choose"), ("=", "Same for all")]}
        enter = ("enter", "Press" if isinstance(self.focused, Push) else "Go on")
        return [("0-9", "Time"), *own.get(on or "", ()), enter, ("tab", "Next"), CANCEL]

    def ready(self) -> None:
        super().ready()
        self._rows.put([NEWEST])
        self._vms.put(self.domain.vms)
        self.run_worker(self._reading(), group="points", exclusive=True)
        self._look()

    @property
    def _rows(self) -> RowList[RestorePoint | str]:
        rows: RowList[RestorePoint | str] = self.query_one("#points", RowList)
        return rows

    @property
    def _vms(self) -> RowList[Vm]:
        rows: RowList[Vm] = self.query_one("#vms", RowList)
        return rows

    @property
    def request(self) -> Request:
        """The test as chosen now."""
        mapping = next(iter(self.query(NetworkMapping)), None)
        point = self._rows.row
        ticked = tuple(vm.name for vm in self.domain.vms if vm.name not in self._left_out)
        return Request(
            action="test_start",
            domain=self.domain.name,
            to=point.time if isinstance(point, RestorePoint) else None,
            vms=ticked if self._left_out else (),
            networks=dict(mapping.targets) if mapping is not None else {},
        )

    def _point_line(self, point: RestorePoint | str, width: int) -> Line:
        if isinstance(point, str):
            return ((point, "bold"),)
        return point_row(point, width, self._now, len(self.domain.vms))

    def _vm_line(self, vm: Vm, width: int) -> Line:
        ticked = vm.name not in self._left_out
        old = "" if vm.newest_point is None else age((self._now - vm.newest_point).total_seconds())
        newest = f"newest point {old} old" if old else "no restore point"
        point = self._rows.row
        if old and isinstance(point, RestorePoint):
            newest = f"as of {show_seconds(point.time)}"
        return (
            (f"[{'x' if ticked else ' '}] ", "bold" if ticked else ""),
            (name(vm.name, max(14, min(34, width - 30))), "bold"),
            (f"  {newest}", "" if old else "warn"),
        )

    async def _reading(self) -> None:
        try:
            self.post_message(self.Read(await self._ask_points(self.domain.name)))
        except ControllerError as error:
            self.post_message(self.Read(None, str(error)))

    def on_begin_test_read(self, event: Read) -> None:
        if event.points is None:
            self._say_wrong(f"The restore points could not be read: {clean(event.error)}")
            return
        self._points = event.points
        self._rows.styles.height = min(3 if self.has_class("low") else _POINTS, len(event.points.points) + 1)
        self._rows.put([NEWEST, *event.points.points])
        if self._drafted_instant is not None:
            self._rows.select_key(self._drafted_instant.isoformat())

    def before_key(self, event: events.Key) -> bool:
        """A digit or a minus begins a time, wherever the focus is; keys of the networks work from buttons."""
        field = self.query_one(Input)
        if begin_time(event, self, field):
            return False
        mapping = next(iter(self.query(NetworkMapping)), None)
        return mapping is not None and isinstance(self.focused, Push) and mapping.takes(event.key)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self._rows.focus()
            return
        try:
            picked = pick(event.value, self.domain, self._points, self._now)
        except ValueError as error:
            self._say_wrong(str(error))
            event.input.action_select_all()  # the next time that is typed replaces it
            return
        self._say_wrong("")
        self._rows.select(picked.place + 1)
        self._rows.focus()

    def on_input_changed(self) -> None:
        self._say_wrong("")

    def _say_wrong(self, why: str) -> None:
        lines = marked("!", wrap(why, self.text_width - 2), "bad") if why else []
        self.query_one("#time-wrong", Lines).put(lines)

    def action_turn(self) -> None:
        """Space on a VM leaves it out, or takes it in again."""
        vm = self._vms.row
        if self._vms.has_focus and vm is not None:
            self._left_out ^= {vm.name}
            self._vms.refresh_line(self._vms.cursor)
            self._look()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if event.rows.id == "points":
            self._vms.redraw()
            self._look()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        after_points = next(iter(self.query(NetworkMapping)), self._vms)
        self.set_focus(after_points if event.rows.id == "points" else self.query_one("#begin", Push))

    def on_network_mapping_changed(self) -> None:
        self._look()

    def on_network_mapping_settled(self) -> None:
        self._vms.focus()

    def _look(self) -> None:
        self.draft = self.request
        self.look_at(self.draft, self._ask_preview)

    def on_look_result(self, event: LookResult[Request, Preview]) -> None:
        if event.request != self.request:
            return
        preview = event.result
        self._refused = event.request if preview is not None and preview.refusal else None
        self.query_one("#begin", Push).look_closed(self._refused is not None)
        pressed, self._pressed = self._pressed, False
        lines: list[Line] = []
        if preview is None:
            lines += [((text, "bad"),) for text in wrap(event.error, self.text_width)]
        elif preview.refusal:
            text = f"Not possible now: {clean(preview.refusal)}"
            lines += [((part, "alert" if pressed else "bad"),) for part in wrap(text, self.text_width)]
        else:
            for warning in (*preview.dangers, *preview.warns):
                lines += marked("!", wrap(clean(warning), self.text_width - 2), "warn")
        self.query_one("#evidence", Lines).put([*lines, ()] if lines else [])
        if pressed:
            self.query_one("#body", VerticalScroll).scroll_home(animate=False)

    def pressed(self, push: Push) -> None:
        request = self.request
        unset = missing(self._networks, request.networks)
        if len(self._left_out) == len(self.domain.vms):
            self.say("no VM is ticked")
            self._vms.focus()
        elif unset:
            self.say(f"Choose an isolated network for {', '.join(map(clean, unset))}")
            self.query_one(NetworkMapping).focus()
        elif request == self._refused:  # look again, and say once more why not
            self._pressed = True
            self._look()
        else:
            self.dismiss(request)


def _key_of(point: RestorePoint | str) -> str:
    return point if isinstance(point, str) else point.time.isoformat()
