"""A line of tabs."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from drdeck.console.format import Piece

from .text_lines import Lines


class TabLine(Lines):
    """Names in a row, the chosen one in brackets of a kind; the screen's left and right keys turn it."""

    DEFAULT_CSS = "TabLine { height: 1; }"

    class Turned(Message):
        def __init__(self, value: int) -> None:
            super().__init__()
            self.value = value

    def __init__(self, labels: Sequence[str], id: str | None = None) -> None:
        super().__init__(id=id)
        self._labels, self.value = list(labels), 0
        self._draw()

    def label(self, index: int, text: str) -> None:
        """Give a tab another text, such as a count beside its name."""
        if self._labels[index] != text:
            self._labels[index] = text
            self._draw()

    def turn(self, value: int) -> None:
        value %= len(self._labels)
        if value != self.value:
            self.value = value
            self._draw()
            self.post_message(self.Turned(value))

    def on_click(self, event: events.Click) -> None:
        cell = 0
        for text, _ in self._lines[0]:
            if cell <= event.x < cell + len(text) and text.strip(" []") in self._labels:
                self.turn(self._labels.index(text.strip(" []")))
            cell += len(text)

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        """Draw the names, closer together where they would be cut."""
        pieces: list[Piece] = []
        spare = self.size.width - 1 - sum(len(label) + 2 for label in self._labels)
        gap = " " * max(0, min(2, spare // max(1, len(self._labels) - 1))) if self.size.width else "  "
        for index, label in enumerate(self._labels):
            current = index == self.value
            pieces.append((f"[{label}]" if current else f" {label} ", "key" if current else "dim"))
            pieces.append((gap, ""))
        self.put([((" ", ""), *pieces)])
