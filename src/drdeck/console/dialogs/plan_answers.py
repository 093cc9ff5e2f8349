"""Answers within a run: one domain's question, for all that ask the same, and typed words for a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual.binding import Binding
from textual.widget import Widget

from drdeck.console.format import Line, wrap
from drdeck.console.widgets.controls import Push, Tick
from drdeck.console.widgets.input_field import Field
from drdeck.console.widgets.question_bar import choice_label, in_order, short_doubt
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.journal.operations import UNSEEN
from drdeck.model.text import clean, some

from .confirmation import ConfirmByName
from .dialog import CANCEL, NEXT, PRESS, Dialog, paragraph


class AnswerOfRun(NamedTuple):
    """An answer to a question of a run. `everywhere`: for every domain of the run that asks the same."""

    choice: str
    everywhere: bool


class AnswerDialog(Dialog[AnswerOfRun]):
    """The question of a domain of the run, with its choices; `alike`: others that ask the same."""

    BINDINGS = [Binding("a", "all", "Answer all alike", show=False)]

    def __init__(self, domain: str, text: str, choices: Sequence[str], alike: Sequence[str]) -> None:
        super().__init__(f"{domain} needs you")
        self._doubt = text if UNSEEN in text else ""
        """the question, where it is whether something was done"""
        self._text, self._alike = text, tuple(alike)
        self._choices = tuple(in_order(choices, self._doubt))

    def body(self) -> Iterable[Widget]:
        yield Lines(*self._question(), id="asked")
        if self._alike:
            others = some([clean(name) for name in self._alike], most=12)
            yield paragraph(f"The same question: {others}.")
            yield Tick(f"Answer all {len(self._alike) + 1} alike", id="all", hint="key a")

    def _question(self) -> list[Line]:
        text = clean(short_doubt(self._doubt) if self._doubt else self._text, lines=True)
        return [*(((part, "bold"),) for part in wrap(text, self.text_width)), ()]

    def resized(self) -> None:
        self.query_one("#asked", Lines).put(self._question())

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        for choice in self._choices:
            yield Push(choice_label(choice, self._doubt), data=choice)

    def keys(self) -> list[tuple[str, str]]:
        alike = [("a", "All alike")] if self._alike else []
        return [NEXT, ("← →", "Choice"), *alike, PRESS, CANCEL]

    def action_all(self) -> None:
        """Turn the tick from wherever the focus is."""
        for tick in self.query(Tick):
            tick.action_turn()

    def pressed(self, push: Push) -> None:
        tick = next(iter(self.query(Tick)), None)
        self.dismiss(AnswerOfRun(push.data, tick is not None and tick.value))


class ConfirmByWords(ConfirmByName):
    """Tier 3 for a run: words with a number in them must be typed, so that the number was read."""

    def body(self) -> Iterable[Widget]:
        yield from (paragraph(text) for text in self._says)
        yield from (paragraph(text, "warn") for text in self._warns)
        yield paragraph(f'Type "{clean(self._domain)}"', "name-wanted")
        yield Field(id="typed")


class ExitChoice(NamedTuple):
    """The choice of sessions of a run to be exited.

    `reset`: the sessions that were not rolled back, whose PITR data is reset; else those that were.
    """

    reset: bool


class ExitDialog(Dialog[ExitChoice]):
    """Exit of many sessions: two lists, each with a button of its own, never both by one key."""

    def __init__(self, back: Sequence[str], not_back: Sequence[str], instants: str) -> None:
        super().__init__("Exit PITR Sessions")
        self._back, self._not_back, self._instants = tuple(back), tuple(not_back), instants

    def body(self) -> Iterable[Widget]:
        yield Lines(((f"Rolled back ({len(self._back)})", "head"),))
        names = some([clean(name) for name in self._back], most=14) or "none"
        yield paragraph(f"{names}. {self._instants}" if self._back else names)
        yield Lines(((f"Not rolled back ({len(self._not_back)})", "head"),))
        names = some([clean(name) for name in self._not_back], most=14) or "none"
        if self._not_back:
            yield paragraph(
                f"{names}. All PITR data of these is reset: no instant of before can be reached again.",
                "warn",
            )
        else:
            yield paragraph(names)
        yield paragraph(
            "Deletions go by datastore, so this may take hours; protection resumes domain by domain."
        )

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push(f"Exit the {len(self._back)} rolled back", id="back", disabled=not self._back)
        yield Push(f"Reset {len(self._not_back)} ...", id="reset", disabled=not self._not_back)

    def pressed(self, push: Push) -> None:
        self.dismiss(ExitChoice(push.id == "reset"))
