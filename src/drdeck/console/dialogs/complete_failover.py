""" "Complete Continuous Failover for Protected Domain NAME": mapping, failover type, Run PITR, evidence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.widget import Widget

from drdeck.console.format import Line, marked, second, wrap
from drdeck.console.widgets.controls import Choice, Control, Push, Tick
from drdeck.console.widgets.network_mapping import MappingHead, NetworkMapping, missing
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.actions.confirming import Preview
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, ProtectedSite
from drdeck.model.text import clean, some

from .dialog import CANCEL, NEXT, PRESS, Dialog, LookResult

TYPES = (FailoverType.REGULAR, FailoverType.PLANNED, FailoverType.FORCE)
LABELS = ("Regular", "Planned Failover", "Force Failover")
LEFT_OUT_NAMED = 5
RUN_PITR = "Run PITR after recovering VMs"
BY_HAND = "What drdeck did not check was checked by hand"


def site_text(site: ProtectedSite) -> str:
    """The protected site's state in a sentence: what was seen, and when."""
    if site.state == "reachable":
        text = "answers"
        if site.running is not None and site.total is not None:
            text += f", {site.running} of {site.total} VMs run there"
        elif site.running is not None:
            text += f", {site.running} VMs run there"
    elif site.state == "lost":
        text = "does not answer"
    else:
        text = "unknown, it could not be looked at"
    if site.detail and (site.state != "reachable" or site.running is None):
        text += f" ({clean(site.detail)})"
    at = f" at {second(site.checked_at)}" if site.checked_at is not None else ""
    return f"Protected site{at}: {text}"


def possible_type(site: ProtectedSite) -> int:
    """The place of the type that what was seen of the protected site allows."""
    if site.state == "reachable":
        return TYPES.index(FailoverType.PLANNED if site.running else FailoverType.REGULAR)
    if site.state == "lost" or site.detail:
        return TYPES.index(FailoverType.FORCE)
    return TYPES.index(FailoverType.REGULAR)


class CompleteDialog(Dialog[Request]):
    """Answers with the request as chosen. The protected site is looked at anew after each change."""

    BINDINGS = [
        Binding("1", "type(0)", "Regular", show=False),
        Binding("2", "type(1)", "Planned Failover", show=False),
        Binding("3", "type(2)", "Force Failover", show=False),
        Binding("i", "pitr", "Run PITR", show=False),
        Binding("c", "checked", "Checked by hand", show=False),
    ]

    def __init__(
        self,
        domain: Domain,
        preview: Callable[[Request], Awaitable[Preview]],
        draft: Request | None = None,
    ) -> None:
        self._first = domain.mode is Mode.IMPORTED
        """the continuous failover is started by it, too: the vendor's "Failover" of an imported domain"""
        what = "Failover of" if self._first else "Complete Continuous Failover for"
        super().__init__(f"{what} Protected Domain {domain.name}")
        self.domain = domain
        self._ask = preview
        self._preview: Preview | None = None
        self._refused: Request | None = None
        """what was chosen when the controller said that it is not possible"""
        self._pressed = False
        self._look_shown: LookResult[Request, Preview] | None = None
        self.draft = draft or Request(action="cfo_complete", domain=domain.name, type=FailoverType.REGULAR)
        """the choices as they are now, also once it is closed; at first those of a form that was cancelled"""
        self._untouched = draft is None
        """nothing was chosen yet: the type may be changed to one that is possible"""

    def body(self) -> Iterable[Widget]:
        networks = self.domain.networks
        if networks.protected:
            yield (head := MappingHead("VM Network Mapping"))
            mapping = NetworkMapping(networks, id="mapping", head=head)
            offered = {a: b for a, b in self.draft.networks.items() if b in networks.recovery}
            mapping.targets |= {a: b for a, b in offered.items() if a in networks.protected}
            yield mapping
        yield Lines((), classes="gap")
        yield Lines((("Failover type", "head"), ("   keys 1, 2, 3", "dim")))
        yield Choice(LABELS, TYPES.index(self.draft.type or FailoverType.REGULAR), id="type")
        yield Lines((), classes="gap")
        if self.domain.pitr.enabled:
            yield Tick(RUN_PITR, self.draft.run_pitr, id="pitr", hint=self._why_pitr())
        else:
            yield Lines((("Run PITR: not available, PITR is off for this domain: no rollback later", "dim"),))
        by_hand = Tick(BY_HAND, id="by-hand", hint="key c; in the journal")
        by_hand.display = False
        yield by_hand  # before the evidence: long warnings would push it below the edge
        yield Lines((), classes="gap")
        yield Lines((("Protected site: being looked at ...", "dim"),), id="evidence")

    def _fit(self, size: Size) -> None:
        super()._fit(size)
        self._space()

    def _grown(self) -> None:
        super()._grown()
        self._space()

    def _space(self) -> None:
        """Keep blank lines where there is room; what was found must be seen, in a lesson above the panel."""
        body, gaps = self.query_one("#body"), self.query(".gap")
        coached = getattr(self.app, "coach_session", None) is not None
        most = body.styles.max_height
        rows = body.virtual_size.height + sum(not gap.display for gap in gaps)
        room = not coached and not self.has_class("low") and most is not None and rows <= most.value
        for gap in gaps:
            gap.display = room

    def _why_pitr(self) -> str:
        """The key of the tick; where data is sick, why it should be set."""
        since = self.domain.abnormal_since
        return "key i" if since is None else f"i; advised: abnormal since {second(since)}"

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("Failover" if self._first else "Complete Failover", id="complete")

    def keys(self) -> list[tuple[str, str]]:
        pitr = [("i", "Run PITR")] if self.domain.pitr.enabled else []
        enter = PRESS if isinstance(self.focused, Push) else ("enter", "Go on")
        return [("1 2 3", "Type"), *pitr, NEXT, enter, CANCEL]

    def ready(self) -> None:
        super().ready()
        self._look()

    @property
    def request(self) -> Request:
        """The request as chosen now."""
        mapping = next(iter(self.query(NetworkMapping)), None)
        tick = next(iter(self.query("#pitr").results(Tick)), None)
        return Request(
            action="cfo_complete",
            domain=self.domain.name,
            type=TYPES[self.query_one(Choice).value],
            run_pitr=tick is not None and tick.value,
            networks=dict(mapping.targets) if mapping is not None else {},
            start_first=self._first,
            checked_by_hand=self._by_hand,
        )

    @property
    def _by_hand(self) -> tuple[str, ...]:
        """All that the operator says was checked by hand: what the preview calls not checked."""
        ticked = any(tick.value for tick in self.query("#by-hand").results(Tick))
        if self._preview is None:
            return self.draft.checked_by_hand
        return self._preview.not_checked if ticked else ()

    def before_key(self, event: events.Key) -> bool:
        """The keys of the networks work from the buttons too; the arrows up and down lead to them."""
        mapping = next(iter(self.query(NetworkMapping)), None)
        if mapping is None or not isinstance(self.focused, Push):
            return False
        return mapping.takes(event.key)

    def action_type(self, index: int) -> None:
        self._untouched = False
        for choice in self.query(Choice):  # not there yet, when typed ahead on a busy machine
            choice.pick(index)

    def action_pitr(self) -> None:
        for tick in self.query("#pitr").results(Tick):
            tick.action_turn()

    def action_checked(self) -> None:
        for tick in self.query("#by-hand").results(Tick):
            if tick.display:
                tick.action_turn()

    def on_control_changed(self, event: Control.Changed) -> None:
        self._look()

    def _open_on_possible(self, preview: Preview) -> bool:
        """Once, before anything was chosen: a type that is possible, where Regular is not."""
        untouched, self._untouched = self._untouched, False
        if not untouched or not preview.refusal or preview.request.type is not FailoverType.REGULAR:
            return False
        place = possible_type(preview.protected)
        self.query_one(Choice).pick(place)
        return place != 0

    def on_network_mapping_changed(self, event: NetworkMapping.Changed) -> None:
        self._look()

    def on_network_mapping_settled(self) -> None:
        self.query_one(Choice).focus()

    def _look(self) -> None:
        self.draft = self.request
        self.look_at(self.draft, self._ask)

    def on_look_result(self, event: LookResult[Request, Preview]) -> None:
        if event.request != self.request:
            return
        if event.result is not None and self._open_on_possible(event.result):
            return
        self._preview, self._look_shown = event.result, event
        self._refused = event.request if event.result is not None and event.result.refusal else None
        self.query_one("#complete", Push).look_closed(self._refused is not None)
        self._draw_evidence(event)

    def resized(self) -> None:
        if self._look_shown is not None:
            self._draw_evidence(self._look_shown)

    def _draw_evidence(self, event: LookResult[Request, Preview]) -> None:
        """Draw what was found, what it warns of, and at the end why it is not possible; that is what is seen
        once the act was pressed in vain."""
        pressed, self._pressed = self._pressed, False
        width = self.text_width
        lines: list[Line] = []
        if event.result is None:
            lines += [((text, "bad"),) for text in wrap(event.error, width)]
        else:
            lines += [((text, "bold"),) for text in wrap(site_text(event.result.protected), width)]
            if event.result.left_out:
                out = some([clean(name) for name in event.result.left_out], LEFT_OUT_NAMED)
                lines += [((text, "warn"),) for text in wrap(f"Left out: {out}", width)]
            for danger in (*event.result.dangers, *event.result.against, *event.result.obstacles):
                lines += marked("!", wrap(clean(danger), width - 3), "warn")
            for warning in event.result.warns:
                lines += [((text, "warn"),) for text in wrap(f"Warning: {clean(warning)}", width)]
            by_hand = event.request.checked_by_hand
            for unchecked in event.result.not_checked:
                how = "Checked by hand" if unchecked in by_hand else "Not checked"
                lines += [((text, "dim"),) for text in wrap(f"{how}: {clean(unchecked)}", width)]
            self._offer_by_hand(event.result.not_checked, by_hand)
            if event.result.refusal:
                text = f"Not possible now: {clean(event.result.refusal)}"
                lines += [((part, "alert" if pressed else "bad"),) for part in wrap(text, width)]
        self.query_one("#evidence", Lines).put(lines)
        if pressed:
            self.call_after_refresh(self.query_one("#body").scroll_end, animate=False)

    def _offer_by_hand(self, unchecked: Sequence[str], by_hand: Sequence[str]) -> None:
        """The tick, where there is something to check; what has come since it was set was not checked."""
        tick = self.query_one("#by-hand", Tick)
        tick.display, tick.value = bool(unchecked), bool(unchecked) and set(unchecked) <= set(by_hand)
        tick.refresh()

    def pressed(self, push: Push) -> None:
        networks, request = self.domain.networks, self.request
        unset = missing(networks, request.networks)
        if unset:
            text = f"Choose a recovery network for {', '.join(map(clean, unset))}"
            self.query_one("#evidence", Lines).put([((text, "bad"),)])
            self.say_where_low(text)
            self.query_one(NetworkMapping).focus()
            return
        if request == self._refused:  # look again, and say once more why not
            self._pressed = True
            self._look()
            return
        self.dismiss(request)
