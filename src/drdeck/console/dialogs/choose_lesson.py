"""The training lessons, to choose one and begin it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textual.widget import Widget

from drdeck.console.format import Line, left, wrap
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.row_list import RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.text import clean

from .dialog import Dialog

_WORD = 13
_TITLE = 34
_BESIDE = 8
"""Lines of the dialog beside the list, without what is said above it."""
_STATE = 9
"""Cells that the state of a lesson needs at least."""
_SAYS = (
    "Each is played on a site of its own, with a coach who says what to do and judges what was done, never"
    " how. This console makes room for it."
)


@dataclass(frozen=True)
class LessonRow:
    """A lesson in the list of lessons.

    `word` calls for the lesson; `state` says how far it is, and `enter` what choosing it does. `minutes`: how
    long it takes, about; 0: its file does not say.
    """

    word: str
    title: str
    state: str
    enter: str
    minutes: int = 0


Lessons = Callable[[], Sequence[LessonRow]]


def lesson_line(row: LessonRow, width: int) -> Line:
    length = f" ({row.minutes} min)" if row.minutes else ""
    rest = _WORD - len(row.word)
    return (
        (row.word, "key"),
        (left(length, rest), "dim"),
        (left(clean(row.title), min(_TITLE, max(20, width - _WORD - _STATE))), "bold"),
        (row.state, "dim"),
    )


class LessonsDialog(Dialog[str]):
    """Answers the word of the lesson that was chosen."""

    AUTO_FOCUS = "RowList"

    def __init__(self, rows: Sequence[LessonRow]) -> None:
        super().__init__("Training lessons")
        self._rows = tuple(rows)

    def body(self) -> Iterable[Widget]:
        yield Lines(*self._says(), id="says")
        yield RowList(lesson_line, lambda row: row.word, empty="there is no lesson", id="lessons")
        yield Lines((), id="enter")

    def _says(self) -> list[Line]:
        return [*(((text, ""),) for text in wrap(_SAYS, self.text_width)), ()]

    def resized(self) -> None:
        self.query_one("#says", Lines).put(self._says())

    def ready(self) -> None:
        rows: RowList[LessonRow] = self.query_one("#lessons", RowList)
        rows.styles.height = max(1, len(self._rows)) + 1
        rows.styles.max_height = max(3, self.app.size.height - _BESIDE)
        rows.put(self._rows)
        begun = (i for i, row in enumerate(self._rows) if not row.state.startswith("finished"))
        rows.select(next(begun, 0))

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("Begin", id="begin")

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        row = event.rows.row
        if isinstance(row, LessonRow):
            self.query_one("#enter", Lines).put([((row.enter, "accent"),)])

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        event.stop()
        self._begin()

    def pressed(self, push: Push) -> None:
        self._begin()

    def _begin(self) -> None:
        row = self.query_one("#lessons", RowList).row
        if isinstance(row, LessonRow):
            self.dismiss(row.word)
