"""The questions of a domain one at a time, with their choices as buttons."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message

from drdeck.console.attention import OpenQuestion
from drdeck.console.format import left, wrap, wrap_some
from drdeck.controller.journal.operations import UNSEEN
from drdeck.model.text import clean

from .controls import Push
from .text_lines import Lines, in_rows

MOST_LINES = 6
CHOICES = {
    "retry": "Retry",
    "skip": "Skip",
    "wait": "Wait",
    "abort": "Abort",
    "confirm": "Confirm",
    "power-off": "Power off",
    # vCenter's labels for "moved or copied" (community.vmware, vmware_guest_powerstate) in its client's words
    # (Broadcom KB 320246)
    "button.uuid.cancel": "Cancel",
    "button.uuid.movedTheVM": "I moved it",
    "button.uuid.copiedTheVM": "I copied it",
}


_ANSWERS = re.compile(r"answer (confirm) \((.+?)\) or (retry) \((.+?)\)")
"""What the answers mean where it is asked whether something was done, in the words of the question."""


def choice_label(choice: str, doubt: str = "") -> str:
    """Words on the button of a choice. `doubt`: the question, where it is whether something was done; what
    happened is what is answered then."""
    meanings = _ANSWERS.search(doubt)
    words = meanings.groups() if meanings is not None else ()
    if choice in words:
        meaning = clean(words[words.index(choice) + 1])
        return meaning[0].upper() + meaning[1:]
    return CHOICES.get(choice, clean(choice))


def in_order(choices: Sequence[str], doubt: str = "") -> Sequence[str]:
    """Choices as their buttons stand: of a doubt the likelier one first, which does nothing once more."""
    return sorted(choices, key=lambda choice: choice != "confirm") if doubt else choices


def short_doubt(text: str) -> str:
    """The question whether something was done, for those who have its answers as buttons below it."""
    return f"{text.partition(UNSEEN)[0]} Look in vCenter, then:"


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
        """A choice was pressed; `question` is as it was when it was shown."""

        def __init__(self, question: OpenQuestion, choice: str) -> None:
            super().__init__()
            self.question = question
            self.choice = choice

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._questions: tuple[OpenQuestion, ...] = ()
        self._question: OpenQuestion | None = None
        self._place = ""

    def compose(self) -> ComposeResult:
        yield Lines(id="question-text")
        yield Horizontal(id="question-choices")

    def on_resize(self) -> None:
        """Wrap the text anew: while nothing was asked its width was not known."""
        if self._question is not None:
            self._draw_text(self._question)
            self._place_choices()

    def _place_choices(self) -> None:
        """Two in a row, where one row has no room for all of them."""
        row = self.query_one("#question-choices", Horizontal)
        if row.children:
            in_rows(row, (self.size.width or self.app.size.width) - 2)

    @property
    def asks(self) -> OpenQuestion | None:
        return self._question

    @property
    def has_focus_within(self) -> bool:
        return any(push.has_focus for push in self.query(Push))

    def take(self, questions: Sequence[OpenQuestion]) -> None:
        """Show the question that was shown, while it is asked; else the first one."""
        self._questions = tuple(questions)
        before = self._question
        still = next((q for q in questions if before is not None and _same(q, before)), None)
        self._show(still or next(iter(questions), None))

    def show_next(self) -> bool:
        """Show what else is asked, its choices focused; False, and the first one, where nothing is left."""
        at = next((i for i, q in enumerate(self._questions) if q is self._question), -1) + 1
        more = at < len(self._questions)
        self._show(self._questions[at] if more else next(iter(self._questions), None))
        self.call_after_refresh(self.focus_choices)
        return more

    def _show(self, question: OpenQuestion | None) -> None:
        """Draw a question; the buttons of the same one stay, and the focus on them."""
        before, self._question = self._question, question
        place, self._place = self._place, _place(question, self._questions)
        same = question is before or (question is not None and before is not None and _same(question, before))
        if same and place == self._place:
            return
        if question is not None:
            self._draw_text(question)
        if same:
            return
        had_focus = self.has_focus_within
        self.set_class(question is not None, "asks")
        row = self.query_one("#question-choices", Horizontal)
        row.remove_children()
        if question is not None:
            choices = in_order(question.choices, question.doubt)
            row.mount(*(Push(choice_label(choice, question.doubt), data=choice) for choice in choices))
            self.call_after_refresh(self._place_choices)
        elif had_focus:
            self.screen.focus_next()

    def _draw_text(self, question: OpenQuestion) -> None:
        text = f"{question.who} needs you{self._place}: {clean(question.text, lines=True)}"
        if question.doubt:
            text = short_doubt(clean(question.doubt)) + self._place
        if not question.choices:
            text += "\nNo operation of the domain is open: answer it in vCenter."
        width = max(20, (self.size.width or self.app.size.width) - 4)
        lines = wrap(text, width)
        if len(lines) > MOST_LINES:
            lines = [*wrap_some(text, width, MOST_LINES - 1), "All of it stands in the Task Log."]
        self.query_one("#question-text", Lines).put(
            [
                ((left(f"{' ? ' if i == 0 else '   '}{line}", width + 4), "alert"),)
                for i, line in enumerate(lines)
            ]
        )

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
        if self._question is not None:
            self.post_message(self.ChoiceMade(self._question, event.push.data))


def _place(question: OpenQuestion | None, questions: Sequence[OpenQuestion]) -> str:
    """Number of a question among several of a domain, in brackets; empty for the only one."""
    if question is None or len(questions) < 2:
        return ""
    return f" ({questions.index(question) + 1} of {len(questions)})"


def _same(question: OpenQuestion, before: OpenQuestion) -> bool:
    """True if both are the same occasion; an operation's other news do not make another question."""
    of_operation = question.operation.question if question.operation and question.vm is None else None
    former = before.operation.question if before.operation and before.vm is None else None
    return of_operation == former and question[2:] == before[2:] and question.domain == before.domain
