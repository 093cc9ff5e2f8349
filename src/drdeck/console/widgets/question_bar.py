"""The question of an operation, with its choices as buttons."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message

from drdeck.console.format import wrap, wrap_some
from drdeck.console.state import describe
from drdeck.controller.journal.operations import OperationView
from drdeck.model.text import clean

from .controls import Push
from .text_lines import Lines

MOST_LINES = 6
CHOICES = {"retry": "Retry", "skip": "Skip", "wait": "Wait", "abort": "Abort", "confirm": "Confirm"}


class QuestionBar(Vertical):
    """Hidden while nothing is asked. Left and right move between the choices while one has the focus."""

    BINDINGS = [
        Binding("left", "step(-1)", "Choice before", show=False),
        Binding("right", "step(1)", "Next choice", show=False),
    ]
    DEFAULT_CSS = """
    QuestionBar { height: auto; display: none; }
    QuestionBar.asks { display: block; }
    QuestionBar Horizontal { height: 1; padding: 0 0 0 2; }
    """

    class ChoiceMade(Message):
        """A choice was pressed; `operation` is as it was when it was shown."""

        def __init__(self, operation: OperationView, choice: str) -> None:
            super().__init__()
            self.operation = operation
            self.choice = choice

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: OperationView | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="question-text")
        yield Horizontal(id="question-choices")

    @property
    def asks(self) -> OperationView | None:
        return self._shown

    def take(self, operation: OperationView | None) -> None:
        """Show what is asked; the same question is not drawn twice."""
        question = operation.question if operation is not None else None
        before = self._shown.question if self._shown is not None else None
        self._shown = operation if question is not None else None
        if question == before:
            return
        had_focus = any(push.has_focus for push in self.query(Push))
        self.set_class(question is not None, "asks")
        row = self.query_one("#question-choices", Horizontal)
        row.remove_children()
        if question is None or operation is None:
            if had_focus:
                self.screen.focus_next()
            return
        text = f"{describe(operation)} of {clean(operation.domain)} asks: {clean(question.text, lines=True)}"
        width = max(20, (self.size.width or self.app.size.width) - 4)
        lines = wrap(text, width)
        if len(lines) > MOST_LINES:
            lines = [*wrap_some(text, width, MOST_LINES - 1), "All of it stands in the Task Log."]
        self.query_one("#question-text", Lines).put(
            [((f"{' ? ' if i == 0 else '   '}{line} ", "alert"),) for i, line in enumerate(lines)]
        )
        row.mount(*(Push(CHOICES.get(choice, clean(choice)), data=choice) for choice in question.choices))

    def focus_choices(self) -> None:
        """Go to the first choice, if anything is asked."""
        push = next(iter(self.query(Push)), None)
        if push is not None:
            push.focus()

    def action_step(self, by: int) -> None:
        """Go to the choice beside the one with the focus; the last one has none behind it."""
        pushes = list(self.query(Push))
        here = next((i for i, push in enumerate(pushes) if push.has_focus), 0)
        if pushes:
            pushes[max(0, min(here + by, len(pushes) - 1))].focus()

    def on_push_pressed(self, event: Push.Pressed) -> None:
        event.stop()
        if self._shown is not None:
            self.post_message(self.ChoiceMade(self._shown, event.push.data))
