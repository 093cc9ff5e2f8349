"""A domain on a screen of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.binding import Binding
from textual.widget import Widget

from drdeck.console.key_bindings import action_keys
from drdeck.console.state import State

from .domain_pane import DomainPane
from .screen import ConsoleScreen


class DomainScreen(ConsoleScreen):
    """One Protected Domain."""

    AUTO_FOCUS = "#vms"
    OWN_KEYS = (
        ("← →", "Tabs", "Protected VMs, PITR, Settings, Alarms"),
        ("z", "Zoom", "on the tab PITR: more or less of the timeline"),
    )
    BINDINGS = [
        Binding("left", "turn(-1)", "Tab before", show=False),
        Binding("right", "turn(1)", "Next tab", show=False),
        Binding("z", "zoom", "Zoom", show=False),
    ]

    def __init__(self, domain: str, says: str = "", vm: str = "") -> None:
        super().__init__(domain)
        self._says = says
        self._pane = DomainPane(vm=vm)

    def ready(self) -> None:
        """Say why one was led here."""
        super().ready()
        if self._says:
            self.say(self._says)

    def content(self) -> Iterable[Widget]:
        yield self._pane

    def keys(self) -> list[tuple[str, str]]:
        keys = self.named("answer") if self._pane.asks else []
        domain = self.state.domain(self.domain_name or "")
        keys += action_keys(domain, self.now(), self.state.read_only, self.desk.remapped)
        return [*keys, *self.named("steps"), ("← →", "Tabs"), ("esc", "Back"), *self.named("help", "detach")]

    def take(self, state: State, now: datetime) -> None:
        self._pane.take(self.domain_name or "", state, now)
        self.draw_keys()

    def go_to(self, vm: str) -> None:
        """Put the cursor on a VM."""
        self._pane.go_to(vm)

    def copied(self) -> tuple[str, str] | None:
        return self._pane.copied() or super().copied()

    def on_domain_pane_question_changed(self) -> None:
        self.draw_keys()

    def action_zoom(self) -> None:
        self._pane.zoom()

    def action_turn(self, by: int) -> None:
        self._pane.turn(by)
