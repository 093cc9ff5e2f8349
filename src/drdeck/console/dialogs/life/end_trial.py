"""End Test: what will be removed, a note, and what came of the test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.dialogs.dialog import Dialog, paragraph
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.input_field import Field
from drdeck.model.life.trial_rules import MAX_NOTE

_RESULTS = {"passed": "End: passed", "failed": "End: failed", "unsaid": "End: not said"}


class TrialVerdict(NamedTuple):
    """A tester's word on a test; `result` empty: none was given."""

    result: str
    note: str


class EndTest(Dialog[TrialVerdict]):
    """Three ways to end a test, by its result; Cancel has the focus."""

    def __init__(self, says: Sequence[str], warns: Sequence[str] = ()) -> None:
        super().__init__("End Test")
        self._says, self._warns = tuple(says), tuple(warns)

    def body(self) -> Iterable[Widget]:
        yield from (paragraph(text) for text in self._says)
        yield from (paragraph(text, "warn") for text in self._warns)
        yield paragraph(f"A note that is kept with the result ({MAX_NOTE} characters at most):")
        yield Field(id="note", placeholder="what was seen; shift+tab comes here")

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        for ident, label in _RESULTS.items():
            yield Push(label, id=ident)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#passed", Push).focus()
        self.listen_anew()

    def pressed(self, push: Push) -> None:
        result = push.id if push.id in ("passed", "failed") else ""
        self.dismiss(TrialVerdict(result or "", self.query_one(Input).value.strip()[:MAX_NOTE]))
